"""The network managers beside us: who has which NIC, what cloud-init wrote for them, and files for them.

Imports routing, state and model; decides nothing about routes itself.
"""
