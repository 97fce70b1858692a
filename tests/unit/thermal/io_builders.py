"""Small files of every format, written by other programs or byte by byte from the format's description."""

import gzip
import struct
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile

RNG = np.random.default_rng(0)
GREY_8 = RNG.integers(0, 256, (24, 32), dtype=np.uint8)
GREY_16 = RNG.integers(0, 65536, (24, 32), dtype=np.uint16)


def save(path: Path, array: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), array)
    return path


def indexed_png(indices: np.ndarray, table: np.ndarray) -> bytes:
    """Indices [H, W] uint8 into a colour table [n, 3] uint8 RGB: colour type 3 of W3C PNG."""
    rows = b"".join(b"\0" + row.tobytes() for row in indices)
    header = struct.pack(">IIBBBBB", indices.shape[1], indices.shape[0], 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", table.tobytes()), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    packed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def exif_orientation(number: int) -> bytes:
    """A little-endian TIFF structure with Orientation alone."""
    return b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 274, 3, 1, number, 0, 0)


def exif_block(
    *,
    date: str | None = None,
    original: str | None = None,
    fraction: str | None = None,
    zone: str | None = None,
) -> bytes:
    """A little-endian TIFF structure with DateTime, and with DateTimeOriginal and its parts as EXIF."""
    outer = {} if date is None else {306: date}
    inner = {36867: original, 36881: zone, 37521: fraction}
    held = {tag: text for tag, text in inner.items() if text is not None}
    start = 8 + len(_directory(outer, at=8, pointer=0))
    return (
        b"II*\0" + struct.pack("<I", 8) + _directory(outer, at=8, pointer=start) + _directory(held, at=start)
    )


def _directory(texts: dict[int, str], *, at: int, pointer: int | None = None) -> bytes:
    count = len(texts) + (pointer is not None)
    place = at + 2 + 12 * count + 4
    entries, values = b"", b""
    for tag, text in texts.items():
        value = text.encode() + b"\0"
        stored = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", place + len(values))
        entries += struct.pack("<HHI", tag, 2, len(value)) + stored
        values += b"" if len(value) <= 4 else value
    if pointer is not None:
        entries += struct.pack("<HHII", 34665, 4, 1, pointer)
    return struct.pack("<H", count) + entries + bytes(4) + values


def with_segments(jpeg: bytes, payloads: Sequence[bytes], *, marker: int = 0xE1) -> bytes:
    """The JPEG with segments, APP1 by default, right behind its start."""
    kind = bytes((0xFF, marker))
    segments = b"".join(kind + struct.pack(">H", len(payload) + 2) + payload for payload in payloads)
    return jpeg[:2] + segments + jpeg[2:]


CAMERA: dict[int, float] = {
    0x20: 0.95,  # emissivity
    0x24: 2.0,  # distance, m
    0x28: 293.15,  # reflected temperature, K
    0x2C: 291.15,  # atmosphere
    0x30: 290.15,  # window
    0x34: 0.9,  # window's transmission
    0x3C: 0.5,  # humidity
    0x58: 21106.77,  # R1
    0x5C: 1501.0,  # B
    0x60: 1.0,  # F
    0x70: 0.006569,
    0x74: 0.01262,
    0x78: -0.002276,
    0x7C: -0.00667,
    0x80: 1.9,
    0x30C: 0.012545258,  # R2
}
PLANCK_O = -7340


def fff(
    counts: np.ndarray,
    *,
    pixels: bytes | None = None,
    camera: dict[int, float] | None = None,
    order: str = ">",
    taken: tuple[int, int, int] = (0, 0, 0),
) -> bytes:
    """An FFF file of a raw-data and a camera record, all in one byte order.

    pixels: packed, instead of the plain counts. taken: seconds since 1970, milliseconds, minutes west.
    """
    height, width = counts.shape
    inner = "<" if pixels else order
    pixels = counts.astype(f"{inner}u2").tobytes() if pixels is None else pixels
    raw = struct.pack(f"{inner}HHH", 2, width, height).ljust(32, b"\0") + pixels
    info = bytearray(0x400)
    struct.pack_into(f"{inner}H", info, 0, 2)
    for offset, value in (CAMERA if camera is None else camera).items():
        struct.pack_into(f"{inner}f", info, offset, value)
    struct.pack_into(f"{inner}i", info, 0x308, PLANCK_O)
    struct.pack_into("16s", info, 0xD4, b"Model X")
    struct.pack_into(f"{inner}IIh", info, 0x384, *taken)
    entries = 4  # two of them empty, as cameras leave some
    starts = (64 + 32 * entries, 64 + 32 * entries + len(raw))
    header = b"FFF\0".ljust(20, b"\0") + struct.pack(f"{order}III", 100, 64, entries)
    directory = b"".join(
        struct.pack(f"{order}HHIIII", kind, 2, 100, 1, start, len(record)).ljust(32, b"\0")
        for kind, start, record in zip((1, 0x20), starts, (raw, info), strict=True)
    )
    return header.ljust(64, b"\0") + directory.ljust(32 * entries, b"\0") + raw + bytes(info)


def jpeg_ls(counts: np.ndarray) -> bytes:
    """Packed by CharLS. Skips where the package is missing."""
    return bytes(pytest.importorskip("jpeg_ls", reason="needs the package pyjpegls").encode(counts))


def flir_segments(
    counts: np.ndarray, *, png: bool, camera: dict[int, float] | None = None, cut: int = 60_000
) -> list[bytes]:
    """APP1 payloads of a FLIR JPEG: an FFF file of a raw-data and a camera record, cut into pieces."""
    packed = cv2.imencode(".png", counts.byteswap())[1] if png else counts.astype("<u2")
    whole = fff(counts, pixels=packed.tobytes(), camera=camera)
    pieces = [whole[at : at + cut] for at in range(0, len(whole), cut)]
    return [b"FLIR\0\x01" + bytes((number, len(pieces) - 1)) + piece for number, piece in enumerate(pieces)]


def flir_jpeg(
    counts: np.ndarray, *, png: bool = True, camera: dict[int, float] | None = None, cut: int = 60_000
) -> bytes:
    """A radiometric JPEG whose visible picture is in colour."""
    visible = cv2.imencode(".jpg", cv2.applyColorMap(GREY_8, cv2.COLORMAP_INFERNO))[1].tobytes()
    return with_segments(visible, flir_segments(counts, png=png, camera=camera, cut=cut))


DJI_SETTINGS = b"\xff\xd2\xd1\xffiirp".ljust(256, b"\0")


def dji_jpeg(
    counts: np.ndarray,
    *,
    shown: np.ndarray | None = None,
    marker: int = 0xE3,
    settings: bytes = DJI_SETTINGS,
    maker: str | None = "DJI",
    cut: int = 65_532,
) -> bytes:
    """A radiometric JPEG: EXIF, counts cut into segments of one kind, settings in APP4, the picture shown."""
    shown = np.zeros(counts.shape, np.uint8) if shown is None else shown
    data = cv2.imencode(".jpg", shown)[1].tobytes()
    if settings:
        data = with_segments(data, [settings], marker=0xE4)
    raw = counts.astype("<u2").tobytes()
    data = with_segments(data, [raw[at : at + cut] for at in range(0, len(raw), cut)], marker=marker)
    if maker is not None:
        data = with_segments(
            data, [b"Exif\0\0" + b"II*\0" + struct.pack("<I", 8) + _directory({271: maker}, at=8)]
        )
    return data


def cptv_bytes(
    frames: Sequence[np.ndarray],
    *,
    times_ms: Sequence[int] | None = None,
    background: bool = False,
    size: tuple[int, int] | None = None,
    started_us: int = 1_600_000_000_000_000,
) -> bytes:
    """A version 2 recording, after SPECv2.md of go-cptv: frames as 16-bit steps along the rows, to and fro.

    background: the first frame is marked as one. size: (width, height) to claim instead of the true one.
    """
    height, width = frames[0].shape
    claimed = size or (width, height)
    fields = [
        (b"T", struct.pack("<Q", started_us)),
        (b"X", struct.pack("<I", claimed[0])),
        (b"Y", struct.pack("<I", claimed[1])),
        (b"C", b"\x01"),
        (b"D", b"roof"),
        (b"E", b"lepton3.5"),
        (b"Z", b"\x09"),
    ]
    body = b"CPTV\x02" + _section(b"H", fields)
    before = np.zeros((height, width), np.int64)
    for number, frame in enumerate(frames):
        change = frame.astype(np.int64) - before
        change[1::2] = change[1::2, ::-1]
        line = change.ravel()
        steps = np.diff(line)
        assert np.abs(steps).max(initial=0) < 2**15
        packed = struct.pack("<i", line[0]) + steps.astype(">i2").tobytes()
        frame_fields = [
            (b"t", struct.pack("<I", times_ms[number] if times_ms else 111 * number)),
            (b"c", struct.pack("<I", 0)),
            (b"w", b"\x10"),
            (b"f", struct.pack("<I", len(packed))),
            (b"g", bytes([background and number == 0])),
        ]
        body += _section(b"F", frame_fields) + packed
        before = frame.astype(np.int64)
    return gzip.compress(body, mtime=0)


def _section(kind: bytes, fields: list[tuple[bytes, bytes]]) -> bytes:
    coded = b"".join(bytes([len(data)]) + code + data for code, data in fields)
    return kind + bytes([len(fields)]) + coded


def video(path: Path, frames: Sequence[np.ndarray], *, fourcc: str = "FFV1") -> Path:
    """A film of 9 frames a second; frames [H, W] uint8 or uint16, or [H, W, 3] uint8 in colour."""
    height, width = frames[0].shape[:2]
    depth = cv2.CV_16U if frames[0].dtype == np.uint16 else cv2.CV_8U
    settings = [cv2.VIDEOWRITER_PROP_IS_COLOR, int(frames[0].ndim == 3), cv2.VIDEOWRITER_PROP_DEPTH, depth]
    code = cv2.VideoWriter.fourcc(*fourcc)
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, 9.0, (width, height), settings)
    if not writer.isOpened():
        pytest.skip(f"this OpenCV cannot write {fourcc} video")
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


def ascii_pgm(counts: np.ndarray, largest: int) -> bytes:
    """P2, a row a line, with a comment in its header."""
    rows = "\n".join(" ".join(map(str, row)) for row in counts.tolist())
    return f"P2\n# by hand\n{counts.shape[1]} {counts.shape[0]}\n{largest}\n{rows}\n".encode()


def _write_npz(path: Path, counts: np.ndarray) -> None:
    np.savez_compressed(path, frames=counts)


def _tiff(**options: Any) -> Callable[[Path, np.ndarray], object]:
    return partial(tifffile.imwrite, photometric="minisblack", **options)


# Files of one 16-bit picture each: name -> what writes them.
WRITERS_16: dict[str, Callable[[Path, np.ndarray], object]] = {
    "frame.png": save,
    "lzw.tif": save,
    "plain.tif": _tiff(),
    "deflated.tif": _tiff(compression="zlib", predictor=True),
    "big_endian.tif": _tiff(byteorder=">"),
    "big.tif": _tiff(bigtiff=True),
    "tiled.tiff": _tiff(tile=(16, 16)),
    "frame.pgm": save,
    "array.npy": np.save,
    "array.npz": _write_npz,
    "camera.raw": lambda path, counts: path.write_bytes(counts.astype("<u2").tobytes()),
    "recording.cptv": lambda path, counts: path.write_bytes(cptv_bytes([counts])),
    "flir_png.jpg": lambda path, counts: path.write_bytes(flir_jpeg(counts, png=True)),
    "flir_raw.jpg": lambda path, counts: path.write_bytes(flir_jpeg(counts, png=False)),
    "dji.jpg": lambda path, counts: path.write_bytes(dji_jpeg(counts)),
    "frame.fff": lambda path, counts: path.write_bytes(fff(counts)),
    "little.fff": lambda path, counts: path.write_bytes(fff(counts, order="<")),
    "packed.csq": lambda path, counts: path.write_bytes(fff(counts, pixels=jpeg_ls(counts))),
    "ascii.pgm": lambda path, counts: path.write_bytes(ascii_pgm(counts, 65535)),
    "film.mkv": lambda path, counts: video(path, [counts]),
    "film.avi": lambda path, counts: video(path, [counts]),
}
# The same of 8-bit pictures.
WRITERS_8: dict[str, Callable[[Path, np.ndarray], object]] = {
    "frame.jpg": save,
    "frame.png": save,
    "frame.bmp": save,
    "frame.pgm": save,
    "ascii.pgm": lambda path, counts: path.write_bytes(ascii_pgm(counts, 255)),
    "lzw.tif": save,
    "array.npy": np.save,
    "film.mkv": lambda path, counts: video(path, [counts]),
    "film.avi": lambda path, counts: video(path, [counts], fourcc="MJPG"),
    "film.mp4": lambda path, counts: video(path, [counts], fourcc="mp4v"),
}


def write_file(path: Path, counts: np.ndarray) -> Path:
    """One picture in the format that goes by the path's name above. Skips where a package is missing."""
    if path.suffix == ".cptv":
        pytest.importorskip("cptv")
    (WRITERS_16 if counts.dtype == np.uint16 else WRITERS_8)[path.name](path, counts)
    return path


def write_film(path: Path, film: np.ndarray) -> Path:
    """Frames [N, H, W] uint16 as one recording: TIFF, NumPy, raw or CPTV by the path's suffix."""
    if path.suffix == ".cptv":
        pytest.importorskip("cptv")
        path.write_bytes(cptv_bytes(list(film)))
    elif path.suffix == ".tif":
        tifffile.imwrite(path, film, photometric="minisblack")
    elif path.suffix == ".raw":
        path.write_bytes(film.astype("<u2").tobytes())
    elif path.suffix == ".npz":
        _write_npz(path, film)
    else:
        np.save(path, film)
    return path
