"""Every small situation: up to three routes in a table, and two networks in a document.

scope       the tables and the documents
laws        what must hold for each, on tests/support/model_kernel.py
known       faults that stand, each with its reason
run         the command: python -m tests.exhaustive.run --share 1/4
"""
