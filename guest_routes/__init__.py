"""guest-routes: host routes from OpenStack's metadata into the kernel, and one default route.

    metadata --bytes--> network_data --NetworkData--+
    settings ---------------------------------------+--> resolve --> elect --> plan --Plan--> apply --> kernel
    kernel.snapshot() ----KernelState---------------+                                           |
                                            verify <---------- second snapshot -----------------+

network_data, resolve, elect, plan, verify and render are pure; sync.py composes one pass and is the one way in.
"""

__version__ = "0.1.0"
