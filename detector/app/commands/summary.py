"""List who came in recordings, and write a page of each night."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig

from detector.app.bar import bar, tell
from detector.app.opening import changed_postprocess, open_detector
from detector.app.parts import build
from detector.app.reading import Failures, checked_shape, chosen_colour, chosen_scale
from detector.app.settings import plain, typed
from detector.app.visiting import Watch, fingerprint, rules
from detector.data.writers.output import require_fresh
from detector.engine.settings import InferenceSettings
from detector.errors import UserError
from detector.events.journal import Journal
from detector.inference.sources import find, recordings
from detector.inference.stages import thresholds
from detector.report.kit.page import write
from detector.report.night.page import by_night, file_name, night_page, season_page, told
from detector.thermal import io
from detector.thermal.io.temperatures import checked_unit

SEASON = "index.html"
FOUND_BY = ("tracker", "events", "postprocess", "calibration", "colour", "unit", "scale")
"""The settings on which it depends what is found."""


def run(config: DictConfig) -> None:
    """The command: config as in configs/summary.yaml.

    What cannot be read is named on stderr when it is met, the rest is done, and the last line says so.
    """
    if config.get("tracker") is None:
        raise UserError("tracker: visits are of objects that are followed; choose one, tracker=bytetrack")
    paths = find(plain(config.source))
    watch = _watch(config)
    output = Path(str(config.output))
    if not Journal.begun(output):
        require_fresh(output)
    settings = {name: plain(config[name]) for name in FOUND_BY}
    journal = Journal(output, settings=fingerprint(watch, settings))
    failures = Failures(alone=len(paths) == 1 and paths[0].is_file(), tell=tell)
    how = io.How(
        checked_shape(plain(config.raw_shape)),
        chosen_colour(config.colour, own=watch.detector.colour),
        checked_unit(config.unit, where="unit"),
    )
    before = len(journal.visits)
    journal.begin()
    for opened in recordings(paths, **how._asdict(), failed=failures.add):
        watch.read(opened, journal, failures, progress=bar)
    _tell(journal, new=len(journal.visits) - before)
    failures.raise_for_any()


def _watch(config: DictConfig) -> Watch:
    keep = config.tracker.get("keep", 0.0)
    if config.events.gap < keep:
        raise UserError(f"events.gap={config.events.gap}: must be at least tracker.keep={keep}")
    engine = typed(InferenceSettings, config.engine, where="engine")
    detector = open_detector(str(config.checkpoint), device=engine.device, scale=chosen_scale(config.scale))
    postprocess = changed_postprocess(detector, plain(config.postprocess))
    return Watch(
        detector=detector,
        pipeline=detector.pipeline(engine, postprocess=postprocess),
        tracker=build("tracker", plain(config.tracker)),
        least=thresholds(detector.classes, stored=detector.thresholds, confidence=config.confidence),
        rules=rules(plain(config.events), classes=detector.classes),
        calibration=None if config.calibration is None else build("calibration", plain(config.calibration)),
    )


def _tell(journal: Journal, *, new: int) -> None:
    """The table and the pages; prints what there is."""
    journal.table()
    nights = by_night(journal.visits)
    for night, visits in nights.items():
        write(night_page(night, visits, journal.folder), journal.folder / file_name(night))
    watched = journal.recordings
    seconds = sum(float(entry["seconds"]) for entry in watched)
    season = season_page(nights, recordings=len(watched), seconds=seconds)
    write(season, journal.folder / SEASON)
    print(f"{season.lead} {new} of them new: {journal.folder}")
    for line in told(nights):
        print(line)
