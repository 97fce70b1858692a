"""From a data set on disk to padded batches."""

import os

# albumentations asks a server for its newest version when it is imported; no command of ours needs a network.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
