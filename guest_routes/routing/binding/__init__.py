"""What a pass needs only where a document contradicts the machine, a NIC has further gateways, `gateways` is set, or a
default entry names another NIC than its network's.

Pure: may import model and the rest of routing. bind.py, gateways.py and resolve.py import it when they need it.
"""
