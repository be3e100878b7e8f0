"""Everything that is known, with its provenance: gather() makes one model.evidence.Evidence of it.

Imports leases, kernel, state, settings and routing; a local document brings in no way to fetch one.
"""
