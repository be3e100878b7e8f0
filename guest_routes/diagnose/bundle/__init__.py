"""What `report` collects, and what of it others may see.

Imports model only; nothing here is used for a decision.
"""
