"""guest_routes/managers/parsed/."""
