"""What is kept under /run and /var/lib, and which instance, machine, boot and process this is.

Imports model only; no other package writes there.
"""
