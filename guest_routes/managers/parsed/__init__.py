"""Routes as cloud-init writes them into each manager's files, read line by line and moved: values and text. Pure.

Imports model; nothing of the other managers' modules.
"""
