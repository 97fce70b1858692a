"""News for another program: JSON by HTTP, or to an MQTT broker."""

from __future__ import annotations

import json
import queue
import re
import urllib.request
from collections.abc import Callable, Mapping
from threading import Thread
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from detector.errors import UserError
from detector.live.source import Tell, redacted

WAIT = 10.0
"""Seconds for one delivery, and at the end for those that are left."""
MOST = 100
"""News that wait; what comes while so many do is dropped, and the log says so."""
HTTP = re.compile(r"https?://", re.IGNORECASE)

Send = Callable[[bytes], None]


class Notifier:
    """Sends news in a thread of its own: nobody who has news waits for the network. To be entered.

    address: http(s)://..., which is sent a POST, or mqtt://[USER:PASSWORD@]HOST[:PORT]/TOPIC. tell: for the
    log, of what could not be delivered. Raises UserError for another address, and where paho-mqtt is missing.
    """

    def __init__(self, address: str, *, tell: Tell) -> None:
        self.address, self._tell = redacted(address), tell
        self._send = _by_http(address) if HTTP.match(address) else _by_mqtt(address)
        self._waiting: queue.Queue[bytes | None] = queue.Queue(MOST)
        # A daemon: a broker that does not answer must not keep the program from ending.
        self._thread = Thread(target=self._deliver, name="notify", daemon=True)

    def __call__(self, news: Mapping[str, Any]) -> None:
        """Plain values, to be sent as JSON."""
        try:
            self._waiting.put_nowait(json.dumps(news).encode())
        except queue.Full:
            self._tell(f"{self.address}: too slow; some news were dropped")

    def __enter__(self) -> Notifier:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._waiting.put(None, timeout=WAIT)
        except queue.Full:
            return
        self._thread.join(WAIT)

    def _deliver(self) -> None:
        while (news := self._waiting.get()) is not None:
            self._try(news)

    def _try(self, news: bytes) -> None:
        try:
            self._send(news)
        except Exception as error:  # whatever a network or a broker may do
            self._tell(f"{self.address}: could not be told: {error}")


def _by_http(address: str) -> Send:
    def send(news: bytes) -> None:
        request = urllib.request.Request(address, news, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=WAIT):
            pass

    return send


def _by_mqtt(address: str) -> Send:
    parts = urlsplit(address)
    topic = parts.path.strip("/")
    if parts.scheme != "mqtt" or not parts.hostname or not topic:
        raise UserError(f"notify={redacted(address)}: must be http(s)://... or mqtt://HOST:PORT/TOPIC")
    try:
        from paho.mqtt import publish
    except ImportError as error:
        raise UserError("notify=mqtt://... needs a package: pip install 'thermal-detector[mqtt]'") from error
    login: Any = {"username": parts.username, "password": parts.password} if parts.username else None

    def send(news: bytes) -> None:
        publish.single(topic, news, qos=1, hostname=parts.hostname or "", port=parts.port or 1883, auth=login)

    return send
