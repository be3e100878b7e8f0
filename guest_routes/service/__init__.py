"""`guest-routes watch`: when to look, who changed what, and the child processes that fetch and read.

Imports a pass (sync) and whatever is below; nothing imports it but the command line.
"""
