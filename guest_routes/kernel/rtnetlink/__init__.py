"""The engine that speaks rtnetlink by itself: messages, the socket, and what their attributes mean.

Imports the kernel package's protocol, model and errors.
"""
