"""What `settings` shows: values as they are written in YAML, each with its origin.

Imports model and output.
"""
