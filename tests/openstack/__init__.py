"""The whole chain with OpenStack's own code: Neutron, Nova's document, our pass, the kernel. `make test-openstack`."""
