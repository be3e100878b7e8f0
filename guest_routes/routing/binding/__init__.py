"""What a pass needs only where a document contradicts the machine, a NIC has further gateways, or `gateways` is set.

Pure: may import model and the rest of routing. bind.py, gateways.py and resolve.py import it when they need it.
"""
