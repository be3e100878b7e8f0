"""The command line: its grammar, terminal output, and one module a command.

Imports whatever a command needs; only the entry points import it.
"""
