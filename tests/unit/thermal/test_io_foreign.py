import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from detector.errors import UserError
from detector.inference.sources import recordings
from detector.thermal.io import open_recording, read

CASES = Path(os.environ.get("THERMAL_DATA", "../shared/data")).parent / "cases"


EXPECTED = {
    "dji_H20T_R.JPG": [((512, 640), 5590086547)],
    "dji_M3T_R.JPG": [((512, 640), 6370636992)],
    "flirpy_frame_000000.fff": [((512, 640), 883630591)],
    "SampleSEQ.seq": [((480, 640), 5489810740), ((480, 640), 5481905291)],
}
"""(size, sum of counts) of each frame, from ExifTool -b -ThermalData and -RawThermalImage."""


@pytest.mark.parametrize(("name", "maker"), [("a.irg", "InfiRay"), ("a.IS2", "Fluke"), ("a.ravi", "Optris")])
def test_a_file_of_another_maker_is_named_whatever_is_inside(tmp_path: Path, name: str, maker: str) -> None:
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("Images/Main/IR.data", bytes(100))
    with pytest.raises(UserError, match=rf"{name}: a file of {maker}.* save its temperatures as CSV or TIFF"):
        open_recording(tmp_path / name)


def test_such_files_in_a_folder_are_told_and_tables_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.is2").write_bytes(b"PK\3\4")
    (tmp_path / "labels.csv").write_text("file,label\na.png,cat\n")
    np.save(tmp_path / "b.npy", np.zeros((8, 9), np.uint16))
    told: list[UserError] = []
    (opened,) = recordings([tmp_path], failed=told.append)
    assert len(list(opened.recording)) == 1
    assert [str(error).split(": ")[0] for error in told] == [str(tmp_path / "a.is2")]


def test_where_git_lfs_keeps_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(UserError, match=r"a\.png: holds no picture .* git lfs pull"):
        read(tmp_path / "a.png")


@pytest.mark.skipif(not CASES.is_dir(), reason="needs the failing cases beside the data (THERMAL_DATA)")
def test_real_files_of_dji_and_flir() -> None:
    sums = {}
    for path in sorted((*CASES.glob("real_dji_rjpeg/*.JPG"), *CASES.glob("real_flir_seq/*.[fs]*"))):
        frames = list(open_recording(path))
        sums[path.name] = [(frame.size, int(frame.counts.sum(dtype=np.int64))) for frame in frames]
        assert all((frame.calibration is not None) == ("dji" not in path.name) for frame in frames)
    assert sums == EXPECTED
