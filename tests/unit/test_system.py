"""Processes: what they do, and whose signals they obey."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from detector import system

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
HERE = Path(__file__).resolve().parents[2]
WAIT = "import time; print('ready', flush=True); time.sleep(60)"


def started(code: str) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=HERE)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("ready")
    return process


def until(pid: int, *states: str) -> bool:
    end = time.monotonic() + 20
    while system.state(pid) not in states and time.monotonic() < end:
        time.sleep(0.01)
    return system.state(pid) in states


def helper_of_a_killed(code: str) -> int:
    """The helper that a program with this code starts and names on its line; the program is killed then."""
    program = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=HERE)
    assert program.stdout is not None
    helper = int(program.stdout.readline().split()[1])
    program.kill()
    program.wait()
    return helper


def test_a_stopped_process_is_told_from_one_that_waits_and_one_that_is_gone():
    process = started(WAIT)
    assert until(process.pid, "waiting")
    process.send_signal(signal.SIGSTOP)
    assert until(process.pid, "stopped")
    process.kill()
    process.wait()
    assert system.state(process.pid) == "gone"


def test_a_helper_ends_by_its_parent_s_signal_only():
    helper = started(f"from detector import system; system.obey_parent_alone(); {WAIT}")
    stranger = [sys.executable, "-c", f"import os; os.kill({helper.pid}, 15); os.kill({helper.pid}, 2)"]
    subprocess.run(stranger, check=True)
    time.sleep(0.1)
    assert helper.poll() is None
    os.kill(helper.pid, signal.SIGTERM)
    assert helper.wait(20) == 0


def test_a_helper_dies_with_the_one_that_started_it():
    inner = f"from detector import system; system.die_with_parent(); {WAIT}"
    outer = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {inner!r}], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print("ready", child.pid, flush=True)
time.sleep(60)
"""
    assert until(helper_of_a_killed(outer), "gone", "dead")


def test_a_helper_whose_parent_went_before_it_asked_ends_by_itself():
    """Its line comes from before; it asks when its parent, killed at that, is gone."""
    code = """
import multiprocessing, os, signal, sys, time
from detector import system

def helper():
    parent = os.getppid()
    print("ready", os.getpid(), flush=True)
    while os.getppid() == parent:
        time.sleep(0.01)
    system.die_with_parent()
    time.sleep(60)

process = multiprocessing.get_context("fork").Process(target=helper)
process.start()
time.sleep(60)
"""
    assert until(helper_of_a_killed(code), "gone", "dead")
