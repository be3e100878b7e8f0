"""What is kept under /run and /var/lib, and which instance, machine, boot and process this is.

Imports model, trusted and errors, and how output writes JSON. What `correct` keeps there is written by managers.
"""
