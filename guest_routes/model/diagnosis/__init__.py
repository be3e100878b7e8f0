"""What `status`, `doctor` and the service's record of itself show, as values.

Imports model.
"""
