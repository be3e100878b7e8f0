"""The words of `status`, `explain`, `doctor` and `rehearse`, as text and JSON.

Imports routing, model, json_codec and the rest of output. Pure.
"""
