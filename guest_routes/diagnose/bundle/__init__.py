"""What `report` collects, and what of it others may see."""
