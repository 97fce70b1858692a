"""What holds for every test."""

import os

# Before torch is there: the tests run side by side, and threads of each would only compete for the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
