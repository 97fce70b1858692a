"""Where a written data set and its pictures go."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath

from detector.data.annotations import Annotations
from detector.errors import UserError
from detector.thermal.io.colour import REFUSE

log = logging.getLogger(__name__)


Place = Callable[[Path, Path], None]
"""place(picture, target): make the picture's file appear at target, byte for byte."""


def require_fresh(output: Path) -> None:
    """UserError where `output` holds something already: for commands that take long before they write."""
    output = output.resolve()
    if output.exists() and (not output.is_dir() or any(output.iterdir()) or output == Path.cwd()):
        raise UserError(f"output {output}: must be a new folder or an empty one, and not the one you are in")


@contextmanager
def fresh_folder(output: Path) -> Iterator[Path]:
    """A folder to write to, which becomes `output` when the block ends and is gone when it fails.

    Raises UserError where `output` holds something already or cannot be written to.
    """
    require_fresh(output)
    output = output.resolve()
    missing = [folder for folder in output.parents if not folder.exists()]
    done = False
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        # Beside the output and so on its disk: moving there is one step.
        workshop = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
        try:
            whole = workshop / "new"  # mkdtemp's own folder is closed to other users
            whole.mkdir()
            yield whole
            if output.exists():
                output.rmdir()  # Windows does not rename over it
            whole.rename(output)
            done = True
        finally:
            shutil.rmtree(workshop, ignore_errors=True)
    except OSError as error:
        raise UserError(f"output {output}: cannot be written: {error}") from error
    finally:
        if not done:
            for folder in missing:
                with suppress(OSError):
                    folder.rmdir()


def link(picture: Path, target: Path) -> None:
    """A symbolic link that names the picture's absolute place, so that the output may be moved.

    Raises UserError where the system does not let the user make links, as Windows does by default.
    """
    try:
        target.symlink_to(picture.absolute())
    except OSError as error:
        raise UserError(f"{picture}: cannot be linked ({error.strerror}); use pictures=copy") from error


def copy(picture: Path, target: Path) -> None:
    """A file of its own with the same bytes."""
    shutil.copyfile(picture, target)


PLACES: Mapping[str, Place] = {"link": link, "copy": copy}


def chosen_place(name: object) -> Place:
    """UserError for a name that PLACES does not have."""
    if name not in PLACES:
        raise UserError(f"pictures={name}: must be {' or '.join(PLACES)}")
    return PLACES[str(name)]


def placed_splits(
    splits: Mapping[str, Annotations], folder: Path, *, place: Place
) -> Iterator[tuple[str, Annotations, list[str]]]:
    """Each split, after its pictures were placed in folder/SPLIT, with their names there.

    Sub folders are kept. Raises UserError as `place` does.
    """
    for split, truth in splits.items():
        pictures = [record.path for record in truth.records]
        names = names_from_common_folder(pictures)
        place_all(pictures, [folder / split / name for name in names], place=place)
        yield split, truth, [name.as_posix() for name in names]
    tell_colours(splits)


def place_all(pictures: Sequence[Path], targets: Sequence[Path], *, place: Place) -> None:
    """`place` each of the pictures, with the folders it needs; one that comes twice is placed once."""
    for folder in {target.parent for target in targets}:
        folder.mkdir(parents=True, exist_ok=True)
    for target, picture in dict(zip(targets, pictures, strict=True)).items():
        place(picture, target)


def tell_colours(splits: Mapping[str, Annotations]) -> None:
    """Warn where pictures that are kept as they are need a setting, which no format has a place for."""
    ways = {record.colour for split in splits.values() for record in split.records} - {REFUSE}
    if ways:
        log.warning(
            "the pictures stay in colour: give data.colour=%s with this set too", " or ".join(sorted(ways))
        )


def names_from_common_folder(pictures: Sequence[Path]) -> list[PurePath]:
    """Each picture's path from the innermost folder that holds all of them: different for different files."""
    top = common_folder(pictures)
    return [Path(os.path.abspath(picture)).relative_to(top) for picture in pictures]


def common_folder(pictures: Sequence[Path]) -> Path:
    """The innermost folder that holds all of them."""
    return Path(os.path.commonpath([Path(os.path.abspath(picture)).parent for picture in pictures]))


def require_own_stems(pictures: Sequence[Path], stems: Sequence[str], *, suffix: str) -> None:
    """UserError where two pictures would share a label file, being one or different in their suffix only."""
    owner: dict[str, Path] = {}
    for picture, stem in zip(pictures, stems, strict=True):
        if stem in owner:
            raise UserError(
                f"{owner[stem]} and {picture} would share the label file {stem}{suffix}: rename one"
            )
        owner[stem] = picture


def warn_of_losses(what: str, splits: Mapping[str, Annotations]) -> None:
    """Count, in one warning, what of the truth a format has no place for."""
    records = [record for truth in splits.values() for record in truth.records]
    regions = sum(int(record.ignored.sum()) for record in records)
    recordings = len({record.sequence for record in records} - {None})
    if regions or recordings:
        log.warning(
            "%s have no place for %d ignored regions and the names of %d recordings: left out",
            what,
            regions,
            recordings,
        )
