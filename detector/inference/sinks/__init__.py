"""Where predictions end up: each sink is a file or a folder of files."""
