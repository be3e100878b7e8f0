"""Values to text and JSON: the only place where words are made.

Pure: imports routing, model and json_codec; values go in, lines and plain JSON values come out.
"""
