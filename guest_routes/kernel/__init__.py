"""The kernel's routing tables: the engine's protocol, its two engines, what applies a plan, and the notifications.

Imports model only; netlink is spoken nowhere else.
"""
