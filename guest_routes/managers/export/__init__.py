"""`export`: files for each network manager, one module a form. Pure.

Imports routing and model, and how output escapes and writes a route's metrics.
"""
