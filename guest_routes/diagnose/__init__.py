"""Commands that only look: `doctor`, `explain`, `status` and `rehearse`, each making one value of model/; `report`, files.

May import a pass (sync), the managers beside us, and whatever is below; words are made in output/.
"""
