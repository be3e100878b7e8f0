"""guest_routes/neutron/."""
