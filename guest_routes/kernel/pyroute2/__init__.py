"""The engine by pyroute2, which says the same by another program's code.

Imports the kernel package's protocol, model, errors and pyroute2.
"""
