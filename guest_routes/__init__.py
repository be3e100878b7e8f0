"""guest-routes: host routes from OpenStack's metadata into the kernel, and one default route.

    evidence.find --Document--> evidence.gather --Evidence--> routing.decide --Decision--> kernel.apply --Outcome--+
                                                                                                                  |
                                           output <--Report-- sync <-- planning.verify <-- second snapshot -------+

model, routing and output are pure. sync.py composes one pass; docs/architecture.md has the rest.
"""

__version__ = "0.1.0"
