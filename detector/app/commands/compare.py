"""Judge several detectors on the same images, and tell a difference from luck."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from detector.app.build import Settings, build_bins, chosen_data, load_split, run_config
from detector.data.annotations import Annotations
from detector.data.readers.assemble import shown
from detector.errors import UserError
from detector.evaluation.class_tables import write_rows
from detector.evaluation.predictions import Entries
from detector.evaluation.results_file import read_predictions
from detector.evaluation.uncertainty.paired import Comparison, compare
from detector.evaluation.uncertainty.resampling import draw
from detector.evaluation.worst import CLASSES, MOST
from detector.report.detectors import detectors_page
from detector.report.kit.page import write

LEAST_RESAMPLES = 100
"""Fewer leave the ends of a 95 % interval to one or two resamples."""


def run(config: DictConfig) -> None:
    """The command: config as in configs/compare.yaml."""
    if config.resamples < LEAST_RESAMPLES:
        raise UserError(f"resamples={config.resamples}: must be at least {LEAST_RESAMPLES}")
    if config.seed < 0:
        raise UserError(f"seed={config.seed}: must be at least 0")
    if not OmegaConf.is_list(config.runs) or len(config.runs) < 2:
        raise UserError(f"runs={config.runs}: must name at least two runs or files, runs=[A,B]")
    places = [Path(str(entry)) for entry in config.runs]
    data = _data(places, config.data)
    annotations = load_split(data, data["split"])
    draws = draw(annotations.records, count=config.resamples, unit=str(config.unit), seed=config.seed)
    files = {name: _predictions(place, data["split"], annotations) for name, place in _names(places).items()}
    entries = {name: _read(file, annotations) for name, file in files.items()}
    print(f"{data['split']} split, {len(annotations.records)} frames:")
    for name, file in files.items():
        seen = len(set(entries[name].image_ids.tolist()))
        print(f"  {name}: {file}, {len(entries[name])} detections in {seen} frames")
    comparison = compare(annotations, entries, draws=draws, bins=build_bins(config))
    print(comparison.table())
    print(f"{config.resamples} resamples: {draws.reason}")
    if draws.caution:
        print(f"caution: {draws.caution}.")
    _write(Path(str(config.output)), comparison, files, split=data["split"])


def _read(file: Path, annotations: Annotations) -> Entries:
    """What is beside metrics.json was written here, and nothing of it is in doubt."""
    own = (file.parent / "metrics.json").is_file()
    return read_predictions(file, annotations, boxes="xywh" if own else None)


def _data(places: Sequence[Path], asked: DictConfig) -> Settings:
    """The data that were asked for, else those of the first run, with root and split replaced."""
    if asked.source is not None:
        return asked
    run = next((place for place in places if place.is_dir()), None)
    if run is None:
        raise UserError("runs names files only, so data must be given: data=... data.root=... data.split=...")
    return chosen_data(_config(run)["data"], asked)


def _config(run: Path) -> dict[str, Any]:
    """What a run was configured with."""
    if not (run / "config.yaml").is_file():
        raise UserError(f"{run}: is not the folder of a run, it has no config.yaml")
    return run_config(run)


def _names(places: Sequence[Path]) -> dict[str, Path]:
    """A name for each, as short as tells them apart."""
    resolved = [place.resolve() for place in places]
    if len(set(resolved)) < len(resolved):
        twice = next(place for place in places if resolved.count(place.resolve()) > 1)
        raise UserError(f"runs: names {twice} twice")
    depth = 1
    while len({place.parts[-depth:] for place in resolved}) < len(resolved):
        depth += 1
    return {"/".join(full.parts[-depth:]): place for full, place in zip(resolved, places, strict=True)}


def _predictions(place: Path, split: str, annotations: Annotations) -> Path:
    """The file of predictions for a split: itself, or that of a run, made on the same split and classes."""
    if not place.is_dir():
        return place
    own = str(_config(place)["data"]["split"])
    folder = place if own == split else place / "evaluation" / split
    file = folder / "predictions.json"
    if not file.is_file():
        raise UserError(
            f"{file}: no such file; the run was judged on {own}. Judge it on {split} first: "
            f"thermal-detector evaluate checkpoint={place / 'checkpoints' / 'best.pt'} data.split={split}"
        )
    _check_same_truth(folder / "metrics.json", annotations)
    return file


def _check_same_truth(file: Path, annotations: Annotations) -> None:
    """UserError where a run's metrics tell of other classes, frames or objects."""
    if not file.is_file():
        return
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        truths = {name: own["truths"] for name, own in found["per_class"].items()}
        images = found["images"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{file}: is not what evaluation writes: {error!r}") from error
    if tuple(truths) != annotations.classes:
        raise UserError(
            f"{file}: judged on the classes {shown(truths, MOST)}; "
            f"the split has {shown(annotations.classes, MOST)}"
        )
    if images != len(annotations.records):
        raise UserError(f"{file}: judged on {images} frames; the split has {len(annotations.records)}")
    here = dict(zip(annotations.classes, annotations.object_counts().tolist(), strict=True))
    if truths != here:
        raise UserError(f"{file}: judged on other objects, {_listed(truths)}; the split has {_listed(here)}")


def _listed(truths: Mapping[str, int]) -> str:
    return shown((f"{count} {name}" for name, count in truths.items()), MOST)


def _write(folder: Path, comparison: Comparison, files: Mapping[str, Path], *, split: str) -> None:
    plain = {
        "split": split,
        "predictions": {name: str(file) for name, file in files.items()},
        **comparison.to_dict(),
    }
    page = folder / "compare.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "compare.json").write_text(json.dumps(plain, indent=2) + "\n")
        write(detectors_page(comparison, split=split), page)
        if comparison.left_out:
            write_rows(folder / CLASSES, comparison.class_rows())
    except OSError as error:
        raise UserError(f"output={folder}: cannot be written: {error.strerror}") from None
    print(f"page: {page}; the same as JSON: {folder / 'compare.json'}")
