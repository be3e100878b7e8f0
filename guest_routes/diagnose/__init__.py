"""Commands that only look: `doctor`, `explain`, `status`, `rehearse`, each for one value of model/, and `report`.

May import a pass (sync), the managers beside us, and whatever is below; words are made in output/.
"""
