"""The kernel's routing tables: the protocol of an engine, two engines, the application of a plan, and notifications.

Imports model and errors; no other package reads or writes routes.
"""
