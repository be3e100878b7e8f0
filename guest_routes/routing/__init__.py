"""What the routes should be and what has to change for it: decide() composes it.

Pure: imports model only; values go in, values come out.
"""
