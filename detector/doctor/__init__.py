"""Checks of a data set before a training. What they find is plain values; `report` shows it."""
