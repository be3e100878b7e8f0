"""Everything that is known, with its provenance: gather() makes one model.evidence.Evidence of it.

Imports leases, kernel, state, settings, routing, model, trusted, json_codec and errors, and how output words why there
is no document; a local document brings in no way to fetch one.
"""
