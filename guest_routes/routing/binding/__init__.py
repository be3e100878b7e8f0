"""What bind() needs only where a document contradicts the machine, or a NIC has more subnets than the document.

Pure: may import model and the rest of routing; nothing of routing but bind.py and gateways.py imports it.
"""
