"""One module a command, named as it is typed, each with `run(context)`, which returns the exit code.

Imports whatever is below the command line; a command imports what it needs when it runs.
"""
