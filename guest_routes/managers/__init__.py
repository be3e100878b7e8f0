"""The network managers beside us: who has which NIC, what cloud-init wrote for them, and files for them and it.

Imports routing, state, trusted, errors and model, and how output escapes; decides nothing about routes itself.
"""
