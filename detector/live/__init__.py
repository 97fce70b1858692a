"""A camera that goes on: sources without an end, the newest frame of each, and a page that shows it."""
