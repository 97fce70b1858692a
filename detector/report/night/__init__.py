"""The page of a night, and that of all nights."""
