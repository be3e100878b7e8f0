"""What is kept under /run and /var/lib, and which instance, machine and boot this is; which processes others are.

Imports model, trusted, clocks, json_codec and errors, and how output words and writes. What `correct` keeps there
is written by managers.
"""
