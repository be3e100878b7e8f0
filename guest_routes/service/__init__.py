"""`guest-routes watch`: when a pass runs, who changed which route, and the child processes that fetch and read.

Imports a pass (sync) and whatever is below; only the command line imports it.
"""
