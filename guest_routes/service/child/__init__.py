"""The child processes that fetch and read what others wrote, and what they may not do.

Imports settings, kernel, evidence, state, model, json_codec and errors, and how output words it; the service or systemd
starts them.
"""
