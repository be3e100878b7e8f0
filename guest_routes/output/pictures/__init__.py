"""A routing table as a picture, and as a difference: what `--graph` and `--diff` print. Pure.

Imports model, routing and output's texts.
"""
