"""Memory that was freed serves again."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
from detector.engine.memory import keep_freed_memory

if sys.argv[1] == "keep":
    keep_freed_memory()

def pages():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def step():
    blocks = [bytearray(20_000_000) for _ in range(4)]

step()
before = pages()
for _ in range(5):
    step()
print(pages() - before)
"""


def pages_fetched(how: str) -> int:
    return int(subprocess.check_output([sys.executable, "-c", PROGRAM, how], text=True))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library manages its memory itself")
def test_the_kernel_is_asked_for_the_same_pages_once_only():
    # 80 MB are 19,531 pages, asked for five times.
    assert pages_fetched("leave") > 3 * pages_fetched("keep")
