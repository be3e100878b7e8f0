"""What the kernel is asked about a plan (RTM_GETROUTE), and what its answers say (R8).

Pure: the answers are given. May import model and the rest of routing; nothing of routing imports it.
"""
