from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import tifffile

from detector.errors import UserError
from detector.thermal.io import open_recording, read
from tests.unit.thermal.io_builders import GREY_8, GREY_16, save

PAGES = np.stack([GREY_16, GREY_16 // 2, GREY_16 // 3])


def write(path: Path, pixels: np.ndarray, **options: object) -> Path:
    tifffile.imwrite(path, pixels, **{"photometric": "minisblack", **options})
    return path


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"byteorder": ">"},
        {"bigtiff": True},
        {"compression": "zlib", "predictor": True},
        {"compression": "lzma"},
        {"rowsperstrip": 5},
        {"tile": (16, 16)},
    ],
    ids=str,
)
def test_every_page_is_a_frame_of_the_recording(tmp_path: Path, options: dict[str, object]) -> None:
    path = write(tmp_path / "night.tif", PAGES, **options)
    recording = open_recording(path)
    assert len(recording) == 3
    for _ in range(2):  # it can be gone through again
        frames = list(recording)
        np.testing.assert_array_equal([frame.counts for frame in frames], PAGES)
    assert {frame.counts.dtype for frame in frames} == {np.dtype(np.uint16)}
    assert {frame.sequence for frame in frames} == {"night"}
    assert frames[1].source == f"{path} frame 1"


def test_previews_are_no_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(GREY_8[::4, ::4], subfiletype=1)
        file.write(GREY_16)
        file.write(GREY_16[::2, ::2], subfiletype=1)
        file.write(GREY_8 > 100, subfiletype=4)
    np.testing.assert_array_equal(read(path).counts, GREY_16)


def test_several_pages_are_not_taken_for_one_picture(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.tif: holds several frames"):
        read(write(tmp_path / "a.tif", PAGES))


@pytest.mark.parametrize(("largest", "bits"), [(16383, 14), (15000, 16), (4095, 16)])
def test_the_depth_is_declared_by_max_sample_value(tmp_path: Path, largest: int, bits: int) -> None:
    """15000 is this picture's own largest count, from which no depth follows; 4095 is a false claim."""
    counts = (GREY_16 >> 3).clip(max=15000)
    path = write(tmp_path / "a.tif", counts, extratags=[(281, "H", 1, largest, True)])
    assert read(path).bit_depth == bits


def test_time_of_each_page(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(GREY_16, datetime="2021:02:03 04:05:06")
        file.write(GREY_16, datetime="2021:02:03 04:05:07")
        file.write(GREY_16)
    times = [frame.time for frame in open_recording(path)]
    assert times == [datetime(2021, 2, 3, 4, 5, 6), datetime(2021, 2, 3, 4, 5, 7), None]


@pytest.mark.parametrize("counts", [GREY_8, GREY_16], ids=["8", "16"])
def test_where_white_is_zero_larger_is_brighter_all_the_same(tmp_path: Path, counts: np.ndarray) -> None:
    stored = np.iinfo(counts.dtype).max - counts
    path = write(tmp_path / "a.tif", stored, photometric="miniswhite")
    np.testing.assert_array_equal(read(path).counts, counts)
    save(path, stored)  # LZW, which OpenCV decodes
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages.first.tags["PhotometricInterpretation"].overwrite(0)
    np.testing.assert_array_equal(read(path).counts, counts)


def test_temperatures_are_never_turned_over(tmp_path: Path) -> None:
    kelvin = (280 + GREY_8 / 32).astype(np.float32)
    frame = read(write(tmp_path / "a.tif", kelvin, photometric="miniswhite"))
    assert frame.calibration is not None
    np.testing.assert_allclose(frame.calibration.to_kelvin(frame.counts), kelvin, atol=0.006)


def test_a_broken_exif_part_costs_the_time_only(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", GREY_16, extratags=[(34665, "I", 1, 10**6, True)])
    frame = read(path)
    np.testing.assert_array_equal(frame.counts, GREY_16)
    assert frame.time is None


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_three_equal_channels_are_one_and_others_are_colour(tmp_path: Path, planar: str) -> None:
    axis = -1 if planar == "contig" else 0
    grey = np.stack([GREY_16] * 3, axis)
    path = write(tmp_path / "a.tif", grey, photometric="rgb", planarconfig=planar)
    np.testing.assert_array_equal(read(path).counts, GREY_16)
    grey[(1, 1, 1)] ^= 1 << 15
    with pytest.raises(UserError, match=r"a\.tif: .*data\.colour="):
        read(write(path, grey, photometric="rgb", planarconfig=planar))


def test_signed_counts_that_fit_are_read_and_others_are_not(tmp_path: Path) -> None:
    counts = (GREY_16 >> 1).astype(np.int16)
    frame = read(write(tmp_path / "a.tif", counts))
    assert frame.counts.dtype == np.uint16
    np.testing.assert_array_equal(frame.counts, counts)
    with pytest.raises(UserError, match=r"a\.tif: counts from -1 to"):
        read(write(tmp_path / "a.tif", np.where(counts == counts.max(), -1, counts).astype(np.int16)))


def test_what_is_no_frame_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    palette = np.zeros((3, 256), np.uint16)
    cases: list[tuple[np.ndarray, dict[str, object], str]] = [
        (GREY_8, {"photometric": "palette", "colormap": palette}, "colour table is missing, empty"),
        (GREY_8 / np.float32(255), {}, "floats from 0 to 1 look like a picture scaled"),
        (GREY_8.astype(np.complex64), {}, "pixels are complex64"),
        (GREY_8 > 100, {}, "1-bit samples"),
        (GREY_16[:8, :8], {"subfiletype": 1}, "holds no picture"),
        (GREY_16.astype(np.uint32) * 2, {}, "counts from .*; uint16 holds"),
    ]
    for pixels, options, message in cases:
        with pytest.raises(UserError, match=rf"a\.tif: .*{message}|a\.tif: {message}"):
            read(write(path, pixels, **options))


def test_a_missing_strip_is_no_black_stripe(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", GREY_16, rowsperstrip=6)
    with tifffile.TiffFile(path, mode="r+b") as file:
        tag = file.pages.first.tags["StripByteCounts"]
        tag.overwrite([*tag.value[:-1], 0])
    with pytest.raises(UserError, match=r"a\.tif: the TIFF file is cut short"):
        read(path)


def test_an_absurd_size_is_refused_before_anything_is_allocated(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", GREY_16)
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages.first.tags["ImageWidth"].overwrite(60000)
        file.pages.first.tags["ImageLength"].overwrite(60000)
    with pytest.raises(UserError, match=r"a\.tif: claims 60000x60000 pixels"):
        read(path)
