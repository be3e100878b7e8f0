"""The settings, from files and flags to one model.settings.Settings.

Imports output and model; load.py reads files, the rest is pure.
"""
