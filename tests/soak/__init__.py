"""`make soak`: the service among random faults on the real kernel, in namespaces; see run.py."""
