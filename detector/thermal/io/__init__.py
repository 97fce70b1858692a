"""Read thermal pictures and recordings without losing a count.

`read` gives the frame in one picture file, `open_recording` the frames of any file or of a folder of
pictures, decoded one at a time. docs/thermal-formats.md says what each format brings along.
"""

from detector.thermal.io.opening import How, open_recording, read
from detector.thermal.io.recording import Recording

__all__ = ["How", "Recording", "open_recording", "read"]
