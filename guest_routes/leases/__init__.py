"""What DHCP servers sent to clients on this machine: one reader a client, and the choice between leases.

Imports model, trusted, clocks and json_codec; find.py reads files, networkd_socket.py asks networkd; the rest is pure.
"""
