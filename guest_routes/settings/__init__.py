"""The settings, from files and flags to one model.settings.Settings.

Imports output, model, trusted and errors; load.py reads files, the rest is pure.
"""
