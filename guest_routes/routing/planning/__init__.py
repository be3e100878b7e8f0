"""What has to be written for what was decided, whether it came true, and how it is undone.

Pure: may import model and the rest of routing; nothing of routing but decide.py imports it.
"""
