"""Values to text and JSON: the only place where words are made.

Pure: imports routing and model; values go in, lines and plain JSON values come out.
"""
