"""Neutron's subnets, looked at before an instance has them: read, and checked for host routes that would go wrong.

It imports model, json_codec and errors, and the terminal's commands use it; no pass does.
"""
