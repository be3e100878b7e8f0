"""What `report` collects, and what of it others may see.

Imports model, and of leases where they are kept; nothing here is used for a decision.
"""
