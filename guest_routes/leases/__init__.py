"""What DHCP servers sent to clients on this machine: one reader a client, and the choice between leases.

Imports model, trusted and errors; find.py reads files, the rest is pure.
"""
