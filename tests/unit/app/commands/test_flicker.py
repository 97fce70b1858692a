from pathlib import Path

import hydra
import numpy as np
import pytest

from detector.app.commands.flicker import measure, run, table
from detector.app.configs import CONFIGS
from detector.errors import UserError
from detector.structures import Frame
from detector.thermal.agc import FixedRange
from tests.built import built
from tests.unit.data.builders import save_frame
from tests.unit.thermal.agc_builders import frame_of, scene

RAMP = np.arange(0, 1001, 10)


def with_hot(count: int) -> Frame:
    """The ramp 0, 10, ..., 1000 whose last pixel is something hotter."""
    return frame_of(np.append(RAMP[:-1], count))


def test_hand_computed() -> None:
    # The range is 0 to the hottest pixel: 1000, then 1250. What was x becomes 0.8 x, so the median pixel of
    # the hundred that kept their counts, 495, goes from 0.495 to 0.396. The spans: 0.9 and 0.72.
    flicker = measure(
        built("thermal/percentile", low=0, high=100), [with_hot(1000), with_hot(1250), with_hot(1250)]
    )
    span = 0.72
    assert flicker.span == pytest.approx(span, abs=1e-4)
    assert flicker.worst == pytest.approx(0.099 / span, abs=1e-3)
    assert flicker.mean == pytest.approx(0.099 / span / 2, abs=1e-3)
    # Of all 101 pixels the median change is that of 490, as the hottest pixel stays at 1.
    assert flicker.drift == pytest.approx(0.098 / span, abs=1e-3)
    assert flicker.levels == 101
    assert flicker.clipped == pytest.approx(2 / 101)


def test_one_range_for_all_frames_flickers_not_at_all_but_drifts_with_the_camera() -> None:
    frames = [frame_of(RAMP), frame_of(np.append(RAMP[:40], np.full(61, 2000)))]
    for agc in (FixedRange(0, 1000), built("thermal/sequence", low=0, high=100)):
        assert measure(agc, frames).mean == 0
        assert measure(agc, frames).drift > 0
    for agc in (
        built("thermal/percentile"),
        built("thermal/plateau"),
        built("thermal/clahe", rows=1, columns=1),
    ):
        assert measure(agc, frames).mean > 0


def test_pairs_without_a_common_count_are_left_out() -> None:
    frames = [with_hot(1000), frame_of(RAMP + 5), with_hot(1000), with_hot(1250)]
    assert measure(built("thermal/percentile", low=0, high=100), frames).mean == pytest.approx(
        measure(built("thermal/percentile", low=0, high=100), frames[2:]).mean, rel=0.15
    )
    with pytest.raises(UserError, match="no two successive frames that share counts"):
        measure(built("thermal/percentile"), frames[:2])
    with pytest.raises(UserError, match="nothing in it but one count"):
        measure(built("thermal/percentile"), [frame_of([7, 7])] * 2)


def test_the_table_has_a_line_for_each_gain() -> None:
    frames = [with_hot(1000), with_hot(1250)]
    lines = table({"fixed": measure(FixedRange(0, 1000), frames)}).splitlines()
    assert lines[2] == "| fixed | 0.00 | 0.0 | 0.0 | 0.90 | 101 | 2.0 |"
    assert len({line.count("|") for line in lines}) == 1


def test_the_command_reads_a_folder_and_measures_every_gain(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = scene().counts
    second = np.where(np.arange(32) < 28, first, first + 2000).astype(np.uint16)
    for number, counts in enumerate((first, second, first)):
        save_frame(tmp_path / f"{number}.png", counts)
    with hydra.initialize_config_dir(CONFIGS, version_base="1.3"):
        config = hydra.compose("flicker", overrides=[f"source={tmp_path}"])
    run(config)
    rows = [[cell.strip() for cell in line.split("|")] for line in capsys.readouterr().out.splitlines()[2:]]
    flicker = {row[1]: float(row[2]) for row in rows}
    assert set(flicker) == set(config.gains)
    assert flicker.pop("sequence") == 0
    assert min(flicker.values()) > 0
