"""News reach another program, and nobody waits for it."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from detector.errors import UserError
from detector.live import notify
from detector.live.notify import Notifier


@contextmanager
def listening(*, status=200):
    """A web server, and what it was sent."""
    taken = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            taken.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook?key=secret", taken
    finally:
        server.shutdown()
        server.server_close()


def test_a_web_hook_is_sent_all_in_order_before_the_end():
    said = []
    with listening() as (address, taken), Notifier(address, tell=said.append) as send:
        for number in range(5):
            send({"alarm": "guest", "number": number})
    assert taken == [("/hook?key=secret", {"alarm": "guest", "number": number}) for number in range(5)]
    assert said == []


def test_what_fails_is_told_without_the_key():
    said = []
    with listening(status=500) as (address, _), Notifier(address, tell=said.append) as send:
        send({})
    (line,) = said
    assert line.startswith("http://127.0.0.1:")
    assert "could not be told: HTTP Error 500" in line
    assert "secret" not in line


def test_nobody_waits_for_a_hook_that_hangs(monkeypatch):
    said, hanging = [], threading.Event()
    monkeypatch.setattr(notify, "WAIT", 0.05)
    send = Notifier("http://nowhere.invalid/", tell=said.append)
    monkeypatch.setattr(send, "_send", lambda _: hanging.wait(10))
    with send:
        for number in range(notify.MOST + 5):
            send({"number": number})
    hanging.set()
    assert said
    assert set(said) == {"http://nowhere.invalid/: too slow; some news were dropped"}


def test_a_broker_is_sent_the_topic_the_login_and_the_news(monkeypatch):
    publish = pytest.importorskip("paho.mqtt.publish", reason="the extra mqtt is not installed")
    calls = []
    monkeypatch.setattr(
        publish, "single", lambda topic, payload, **rest: calls.append((topic, payload, rest))
    )
    with Notifier("mqtt://me:pw@broker:1884/garden/north", tell=pytest.fail) as send:
        send({"alarm": "fox"})
    login = {"username": "me", "password": "pw"}
    rest = {"qos": 1, "hostname": "broker", "port": 1884, "auth": login}
    assert calls == [("garden/north", b'{"alarm": "fox"}', rest)]


@pytest.mark.parametrize("address", ["ftp://host/x", "mqtt://host", "broker/topic", "mqtt:///topic"])
def test_other_addresses_are_refused(address):
    with pytest.raises(UserError, match=r"notify=.*: must be http\(s\)://... or mqtt://HOST:PORT/TOPIC"):
        Notifier(address, tell=print)
