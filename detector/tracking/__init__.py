"""Which detections of successive frames are one object: trackers, with nothing but NumPy."""
