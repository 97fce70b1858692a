"""What several processes cannot train on is found before they start."""

from dataclasses import replace

import pytest

from detector.app.training import preparing
from detector.errors import UserError
from tests.unit.data.builders import split_on_disk


def test_whole_frames_of_several_sizes_are_refused_to_several_processes(tmp_path):
    training = split_on_disk(tmp_path, 3)
    preparing.check_one_size(training, 2)
    first, *others = training.records
    mixed = replace(training, records=(replace(first, width=64, height=48), *others))
    with pytest.raises(UserError, match=r"several sizes here \(32x24 and 64x48\), by 2 processes: .*=1, or"):
        preparing.check_one_size(mixed, 2)
