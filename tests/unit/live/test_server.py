"""The page is served to whom it is for, and says what was found."""

from __future__ import annotations

import base64
import http.client
import json

import cv2
import numpy as np
import pytest

from detector.errors import UserError
from detector.inference.prediction import Prediction
from detector.live.newest import Counts
from detector.live.server import Server, is_loopback, serving
from detector.live.view import View
from detector.structures import Detections, Frame
from detector.thermal.radiometry import Linear


def view_of(*, shown: bool = True) -> View:
    """A frame of 8 x 6 with a dog of 27 degrees."""
    view = View(name="cam", classes=("cat", "dog"), thresholds={"cat": 0.25, "dog": 0.5}, floor=0.05)
    counts = np.full((6, 8), 28015, np.uint16)
    counts[2:4, 3:6] = 30015
    frame = Frame(counts, 16, "f", calibration=Linear(gain=0.01, offset=0.0))
    found = Detections(
        np.array([[3.0, 2, 6, 4]], np.float32), np.array([0.75], np.float32), np.array([1]), np.array([7])
    )
    image = np.zeros((6, 8), np.float32)
    image[2:4, 3:6] = 1
    if shown:
        view.show(Prediction(frame, image, found, ("cat", "dog")), arrived=0.0, counts=Counts(5, 2, 1))
    return view


def ask(port: int, path: str, *, host: str | None = None) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path, headers={"Host": host} if host else {})
    return connection.getresponse()


def test_the_frame_and_what_is_in_it():
    with serving(view_of(), host="127.0.0.1", port=0) as address:
        port = int(address.split(":")[2].strip("/"))
        answer = ask(port, "/next?after=0")
        assert float(answer.headers["Frame-Age"]) > 0
        found = json.load(answer)
        about = json.load(ask(port, "/about"))
        assert ask(port, "/next?after=-1").status == 400
        assert ask(port, "/../server.py").status == 404
    assert found["objects"] == [
        {"box": [3, 2, 6, 4], "class": 1, "score": 0.75, "track": 7, "celsius": [27.0, 27.0]}
    ]
    assert (found["size"], found["received"], found["dropped"], found["reconnected"]) == ([8, 6], 5, 2, 1)
    data = base64.b64decode(found["picture"].partition(",")[2])
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture[2:4, 3:6].min() == 255
    assert picture.sum() == 6 * 255
    assert [(of["name"], of["threshold"]) for of in about["classes"]] == [("cat", 0.25), ("dog", 0.5)]


def test_on_loopback_the_host_must_be_ours():
    with serving(view_of(), host="127.0.0.1", port=0) as address:
        port = int(address.split(":")[2].strip("/"))
        assert ask(port, "/", host=f"localhost:{port}").status == 200
        assert ask(port, "/", host=f"evil.example:{port}").status == 404
        assert ask(port, "/about", host="evil.example").status == 404


def test_elsewhere_the_token_must_be_right():
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "cam.local")] == [
        *(True, True, True),
        *(False, False),
    ]
    with serving(view_of(), host="0.0.0.0", port=0) as address:
        port, token = int(address.split(":")[2].split("/")[0]), address.split("/")[3]
        assert len(token) >= 32
        assert ask(port, f"/{token}/about").status == 200
        for path in ("/", "/about", f"/{token}", f"/{token[:-1]}/about", f"/{token}x/about", "/%C3%A9/about"):
            assert ask(port, path).status == 404, path


def test_no_page_is_told_of_a_frame_twice():
    view = view_of()
    assert view.after(0, wait=0.0).number == 1
    assert view.after(1, wait=0.0) is None
    assert view_of(shown=False).after(0, wait=0.0) is None


def test_too_many_clients_are_turned_away(monkeypatch):
    monkeypatch.setattr("detector.live.server.MOST_CLIENTS", 0)
    with Server(view_of(), host="127.0.0.1", port=0, token=None) as server:
        closed = []
        monkeypatch.setattr(server, "shutdown_request", closed.append)
        server.process_request("request", None)
    assert closed == ["request"]


def test_a_port_that_is_taken_is_told():
    with (
        serving(view_of(), host="127.0.0.1", port=0) as address,
        pytest.raises(UserError, match="cannot be served"),
        serving(view_of(), host="127.0.0.1", port=int(address.split(":")[2].strip("/"))),
    ):
        pass
