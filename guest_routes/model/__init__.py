"""The values that all parts share: frozen, typed, complete.

Pure: no I/O, no clock, no decisions, and no import but errors and itself.
"""
