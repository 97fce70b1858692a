"""Signals that ask training to stop."""

import contextlib
import os
import signal
from types import SimpleNamespace

import pytest
import torch

from detector import distributed
from detector.engine.interrupt import Interrupt
from detector.errors import Interrupted

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _handlers_as_they_were():
    """A failing test must not leave the test run deaf to signals."""
    before = {number: signal.getsignal(number) for number in Interrupt.SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", Interrupt.SIGNALS)
def test_a_signal_only_raises_a_flag(number):
    with Interrupt() as interrupt:
        assert not interrupt.anywhere(CPU)
        os.kill(os.getpid(), number)
        assert interrupt.raised
        assert interrupt.anywhere(CPU)


def test_a_second_signal_is_the_first_one_told_by_another():
    with Interrupt() as interrupt:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), number)
        assert interrupt.raised


def test_a_later_signal_acts_as_usual(monkeypatch):
    monkeypatch.setattr("detector.engine.interrupt.SAME", -1.0)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # not so where tests run in the background
    with Interrupt() as interrupt:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupt.raised
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_where_nothing_is_to_be_saved_a_signal_stops_at_once():
    with Interrupt() as interrupt:
        with interrupt.at_once("stopped here"):
            pass
        with pytest.raises(Interrupted, match="stopped here"), interrupt.at_once("stopped here"):
            os.kill(os.getpid(), signal.SIGTERM)
        assert interrupt.raised
        assert signal.getsignal(signal.SIGTERM) == interrupt._note
        with pytest.raises(Interrupted), interrupt.at_once("told before"):
            raise AssertionError


def test_nobody_takes_a_stop_for_damage():
    with (
        Interrupt() as interrupt,
        pytest.raises(Interrupted),
        interrupt.at_once("stopped"),
        contextlib.suppress(Exception),
    ):
        os.kill(os.getpid(), signal.SIGTERM)


def test_alone_a_stop_is_seen_at_the_next_step():
    with Interrupt() as interrupt:
        assert not interrupt.due(CPU, 1, every=20)
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupt.due(CPU, 2, every=20)


@pytest.mark.parametrize(
    ("pace", "asked"), [(0.25, [1, 5, 9, 13, 17, 21]), (2.0**-9, [1, 21]), (8.0, [*range(1, 25)])]
)
def test_several_processes_ask_each_other_once_a_second_and_at_least_every_so_many_steps(
    monkeypatch, pace, asked
):
    now, told = [0.0], []
    monkeypatch.setattr("detector.engine.interrupt.time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(distributed, "world_size", lambda: 2)
    monkeypatch.setattr(distributed, "world_sum", lambda value: told.append(step) or 2 * value)
    interrupt = Interrupt()
    for step in range(1, 25):
        now[0] += pace
        assert not interrupt.due(CPU, step, every=20)
    assert told == asked


def test_handlers_are_put_back():
    def mine(number: int, frame: object) -> None: ...

    signal.signal(signal.SIGTERM, mine)
    with Interrupt():
        assert signal.getsignal(signal.SIGTERM) is not mine
    assert signal.getsignal(signal.SIGTERM) is mine

    with pytest.raises(RuntimeError, match="inside"), Interrupt():
        raise RuntimeError("inside")
    assert signal.getsignal(signal.SIGTERM) is mine
