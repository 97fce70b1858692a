"""Pages that a person reads: `kit` is what they are made of, the rest a room or a module for each."""
