"""Ways to harm a file, of whatever kind it is."""

from __future__ import annotations

import copy
import json
import os
import random
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

CODE, OUTSIDE, BOMB, DEVICE, BENT, VALUES = HARMS = ("code", "outside", "bomb", "device", "bent", "values")
"""It names a program; it names a place outside; it claims or becomes much more than it is; a pipe, a device,
a socket or a folder lies in its place; its bytes are changed, cut or put in; its values cannot be."""

Words = list[str]
"""Of a command."""


class Case:
    """A place for one file: `folder` is the command's, `outside` nobody's. canary: what must not appear."""

    def __init__(self, folder: Path, base: Path) -> None:
        self.folder, self.base = folder, base
        self.outside = folder.parent / "outside"
        self.canary = self.outside / "canary"
        self.outside.mkdir(parents=True)
        folder.mkdir()
        shutil.copy(next((base / "set" / "val").glob("*.png")), self.outside / "secret.png")
        (self.outside / "coco.json").write_text("{}")

    def copy(self, name: str) -> Path:
        """A file or folder of the base, to be harmed."""
        source, target = self.base / name, self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target))

    def values(self, harm: str) -> list[Any]:
        """What somebody may write where a number or a name belongs."""
        touch = f"touch {self.canary}"
        secret = self.outside / "secret.png"
        known: dict[str, list[Any]] = {
            CODE: [
                {"_target_": "os.system", "_args_": [touch]},
                {"name": "os:system", "command": touch},
                {"name": "pathlib:Path.write_text"},
                "os:system",
                "os.system",
                "${oc.env:HOME}",
                "${oc.create:{_target_:os.system}}",
                f"!!python/object/apply:os.system ['{touch}']",
                f"__import__('os').system('{touch}')",
                f"$({touch})",
                f"; {touch}",
                "<script>alert(1)</script>",
                "=cmd|' /C calc'!A0",
            ],
            OUTSIDE: [
                *("../outside/secret.png", str(secret), "..\\outside\\secret.png", f"file://{secret}"),
                *("../../outside/secret.png", "../../../outside/secret.png", f"{self.outside}/coco.json"),
                *("../" * 30 + str(secret)[1:], "/etc/passwd", "/dev/zero", "/proc/self/mem", "~/x", "."),
            ],
        }
        return known.get(harm) or [
            *("", "a\0b", "\ud800", "A" * 10**6, "1e999", "nan", "0x10", "\n", "\u0661"),
            *(10**30, 10**400, -1, 0, 1e308, float("nan"), float("inf"), 2**63, 2**31, True, None),
            *([], {}, [[]], [0] * 10**5, nested(500)),
        ]


class Kind(NamedTuple):
    """A kind of file. make(case, rng, harm): writes such a file and gives the command that is fed with it."""

    harms: tuple[str, ...]
    make: Callable[[Case, random.Random, str], Words]


class Payload:
    """Runs a shell command when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.canary}",)


def harmed(file: Path, harm: str, rng: random.Random, case: Case) -> None:
    """Harm a text file, or JSON, in its place."""
    if harm == DEVICE:
        device(file, rng)
    elif harm == BENT:
        file.write_bytes(bent(rng, file.read_bytes()))
    elif harm == BOMB:
        file.write_bytes(rng.choice(BOMBS[file.suffix]))
    elif file.suffix == ".json":
        document = json.loads(file.read_text())
        file.write_text(json.dumps(spoilt(rng, document, case.values(harm))))
    else:
        file.write_text(
            reworded(rng, file.read_text(), case.values(harm)), encoding="utf-8", errors="surrogatepass"
        )


def device(file: Path, rng: random.Random) -> None:
    """Something in the file's place whose reading never ends, or that is no file at all."""
    file.unlink(missing_ok=True)
    match rng.randrange(4):
        case 0:
            os.mkfifo(file)
        case 1:
            file.symlink_to("/dev/zero")
        case 2:
            file.mkdir()
        case 3:
            here = os.getcwd()
            os.chdir(file.parent)  # a socket's name has a hundred letters at most
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(file.name)
            os.chdir(here)


def spoilt(rng: random.Random, document: Any, values: list[Any]) -> Any:
    """The document with one to three of its values, or keys, replaced."""
    document = copy.deepcopy(document)
    for _ in range(rng.randint(1, 3)):
        holders = [node for node in nodes(document) if node]
        if not holders:
            break
        holder = rng.choice(holders)
        key = rng.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
        if isinstance(holder, dict) and rng.random() < 0.1:
            holder[rng.choice(["_target_", "name", "../x", ""])] = holder.pop(key)
        else:
            holder[key] = rng.choice(values)
    return document


def reworded(rng: random.Random, text: str, values: list[Any]) -> str:
    """The text with one to three of its words replaced."""
    for _ in range(rng.randint(1, 3)):
        words = list(re.finditer(r"[^\s<>=\",/:]+", text))
        if words:
            word = rng.choice(words)
            text = text[: word.start()] + str(rng.choice(values)) + text[word.end() :]
    return text


def nodes(value: Any) -> list[Any]:
    """Every list and dictionary in it that is not too deep."""
    found: list[Any] = []
    ahead = [value]
    while ahead:
        node = ahead.pop()
        if isinstance(node, dict | list) and len(found) < 2000:
            found.append(node)
            ahead += list(node.values() if isinstance(node, dict) else node)
    return found


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def bent(rng: random.Random, data: bytes, *, first: int = 10**9) -> bytes:
    """Bytes changed, cut, doubled or put in. first: of the bytes, where it happens."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(min(first, len(changed))) if changed else 0
        if changed:
            changed[at] = rng.choice((0, 255, changed[at] ^ 1 << rng.randrange(8)))
    match rng.randrange(5):
        case 0:
            return bytes(changed[: rng.randrange(len(changed) + 1)])
        case 1:
            at = rng.randrange(min(64, len(changed)) or 1)
            return bytes(changed[:at] + rng.randbytes(4) + changed[at:])
        case _:
            return bytes(changed)


def _entities() -> bytes:
    tower = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 20 if n else "x" * 99}">' for n in range(9))
    return f"<!DOCTYPE x [{tower}]><annotation><filename>&a8;</filename></annotation>".encode()


BOMBS: dict[str, list[bytes]] = {
    ".json": [
        b"[" * 10**5 + b"]" * 10**5,
        b'{"a":' * 10**5 + b"1" + b"}" * 10**5,
        b"[" + b"[]," * 10**6 + b"[]]",
        b'{"images": ' + b"1" * 10**6 + b"}",
    ],
    ".xml": [_entities(), b"<a>" * 10**5, b"<annotations>" + b"<image/>" * 10**5 + b"</annotations>"],
    ".yaml": [
        b"a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]",
        b"? " * 2000,
        b"names: " + b"[" * 10**4,
    ],
    ".txt": [b"0 " * 10**6, b"0 0.5 0.5 0.1 0.1\n" * 10**6, b"x" * 10**7],
    ".csv": [b"," * 10**6, b'"' + b"x" * 10**7, b"a,1,2,3,4,b\n" * 3 * 10**5],
}
"""By suffix: a few bytes, or some million, that may become very much more."""
