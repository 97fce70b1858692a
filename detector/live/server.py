"""The page over HTTP, to be read only: nothing that a request says changes anything here.

On loopback a page of a stranger could still reach us under a name of its own that it lets point to 127.0.0.1,
so the Host header must be ours. On any other address a random token is part of every path.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from threading import BoundedSemaphore, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from detector.errors import UserError
from detector.live.view import View

FILES = {
    "": ("page.html", "text/html; charset=utf-8"),
    "view.js": ("view.js", "text/javascript; charset=utf-8"),
    "view.css": ("view.css", "text/css; charset=utf-8"),
}
HERE = Path(__file__).parent / "page"
MOST_CLIENTS = 32
"""Connections at once; more are closed."""
WAIT = 10.0
"""Seconds until a request for the next frame is answered that there is none."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def serving(view: View, *, host: str, port: int) -> Iterator[str]:
    """The address of the page, which is served inside. port: 0 takes any that is free.

    Raises UserError where the address cannot be used.
    """
    token = None if is_loopback(host) else secrets.token_urlsafe(24)
    try:
        server = Server(view, host=host, port=port, token=token)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no such port"
        raise UserError(f"host={host} port={port}: cannot be served at: {reason}; choose another") from error
    thread = Thread(target=server.serve_forever, name="server", daemon=True)
    thread.start()
    try:
        yield server.address
    finally:
        server.shutdown()
        server.server_close()


class Server(ThreadingHTTPServer):
    """token: the first part of every path; None: there is none, and the Host header must name `host`."""

    daemon_threads = True
    block_on_close = False  # a request waits for the next frame

    def __init__(self, view: View, *, host: str, port: int, token: str | None) -> None:
        self.view, self.token = view, token
        self._free = BoundedSemaphore(MOST_CLIENTS)
        super().__init__((host, port), Handler)
        self.hosts = {f"{name}:{self.server_port}" for name in ("127.0.0.1", "localhost", host)}
        self.address = f"http://{host}:{self.server_port}/" + (f"{token}/" if token else "")

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        """A client that is gone is no event."""


class Handler(BaseHTTPRequestHandler):
    """GET of the page's files, of `about` and of `next?after=NUMBER`."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "thermal-detector", ""
    timeout = 30  # of a client that neither asks nor reads

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        name = self._allowed(asked.path)
        if name in FILES:
            file, kind = FILES[name]
            self._answer((HERE / file).read_bytes(), kind)
        elif name == "about":
            self._answer(json.dumps(self.server.view.about).encode(), "application/json")
        elif name == "next":
            self._next(parse_qs(asked.query).get("after", ["0"])[0])
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _allowed(self, path: str) -> str | None:
        """What is asked for, without the token; None for those who may not."""
        if self.server.token is None:
            return path[1:] if self.headers.get("Host") in self.server.hosts else None
        given, slash, name = path[1:].partition("/")
        right = hmac.compare_digest(given.encode(errors="replace"), self.server.token.encode())
        return name if right and slash else None

    def _next(self, after: str) -> None:
        if not (after.isascii() and after.isdigit() and len(after) < 16):
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        shown = self.server.view.after(int(after), wait=WAIT)
        if shown is None:
            self.send_response(HTTPStatus.NO_CONTENT)
            self.end_headers()
            return
        body = shown.body()
        self._answer(body, "application/json", age=time.monotonic() - shown.arrived)

    def _answer(self, body: bytes, kind: str, *, age: float | None = None) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if age is not None:
            self.send_header("Frame-Age", f"{age:.4f}")
        self.end_headers()
        self.wfile.write(body)

    def end_headers(self) -> None:
        for name, value in (
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", POLICY),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ):
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the path holds the token."""
