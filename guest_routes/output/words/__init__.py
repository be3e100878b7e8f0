"""Sentences: what a value of a decision, its evidence or its outcome says, in one line.

Imports model, routing's bounds, and of output how routes and rules are written, escaped and counted. Pure.
"""
