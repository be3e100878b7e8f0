"""The child processes that fetch and read what others wrote, and what they may not do.

Imports evidence, settings, state and errors; the service starts them.
"""
