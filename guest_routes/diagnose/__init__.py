"""Commands that only look: `doctor`, `explain`, `status`, `rehearse` and `report`, each making one value of model/.

May import a pass (sync), the managers beside us, and whatever is below; words are made in output/.
"""
