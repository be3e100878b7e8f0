"""The command line: its grammar, terminal output, and one module a command.

Imports whatever a command needs; nothing imports it but the entry points and cloud-init's module.
"""
