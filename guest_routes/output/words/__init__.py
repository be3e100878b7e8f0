"""Sentences: what a value of a decision, its evidence or its outcome says, in one line.

Imports model and the texts of routes; no layout, and nothing that does I/O.
"""
