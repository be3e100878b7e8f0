"""A second reading of docs/rules.md, held against what a pass leaves in the kernel.

situation   made-up machines, tables, documents and settings, by seed
oracle      what must be there afterwards, from the rules' text alone; imports nothing of the product
machine     a situation on the real kernel, or on tests/support/model_kernel.py
judge       what the kernel has against what the oracle says
run         the command: python -m tests.differential.run --situations 2000 --seed 1
"""
