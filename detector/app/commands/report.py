"""Write the page of a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from detector.app.build import build_bins, frame_rate, headline_of, load_split, run_config
from detector.data.annotations import Annotations
from detector.errors import UserError
from detector.evaluation.results_file import read_predictions
from detector.evaluation.split import EvaluatedSplit, evaluate
from detector.evaluation.uncertainty.headline import Headline
from detector.report.kit.page import write
from detector.report.run.history import read_history
from detector.report.run.page import run_page
from detector.report.run.record import RunRecord

RUNS = Path("runs")


def run(config: DictConfig) -> None:
    """The command: config as in configs/report.yaml."""
    folder = newest_run() if config.run is None else Path(str(config.run))
    record = read_run(
        folder,
        root=None if config.data.root is None else str(config.data.root),
        split=None if config.data.split is None else str(config.data.split),
        fps=frame_rate(config.fps, "fps"),
    )
    for problem in record.problems:
        print(f"note: {problem}")
    output = Path(str(config.output)) if config.output is not None else folder / "report.html"
    try:
        write(run_page(record), output)
    except OSError as error:
        raise UserError(f"output={output}: cannot be written: {error.strerror}") from None
    print(f"page: {output}")


def newest_run() -> Path:
    """The folder under runs/ with the newest predictions. Raises UserError where there is none."""
    folders = [file.parent for file in RUNS.rglob("config.yaml")]
    found = [folder for folder in folders if (folder / "predictions.json").is_file()]
    if not found:
        raise UserError("no finished run under runs/: train first, or give run=PATH")
    return max(found, key=lambda folder: (folder / "predictions.json").stat().st_mtime)


def read_run(
    folder: Path, *, root: str | None = None, split: str | None = None, fps: float | None = None
) -> RunRecord:
    """All that the folder of a run tells; what cannot be read becomes a problem of the record.

    root: where the data lie now, if not where the run found them. split: the one judged, if not the run's
    own; it is read from evaluation/SPLIT, where the evaluate command writes it. fps: of the camera, if not
    what the run was judged with.
    Raises UserError where the folder has no config.yaml, or that or metrics.json is damaged.
    """
    config = run_config(folder)
    own = str(config["data"]["split"])
    chosen = split or own
    place = folder if chosen == own else folder / "evaluation" / chosen
    if chosen != own and not place.is_dir():
        raise UserError(
            f"{place}: no such folder; judge the split first: thermal-detector evaluate data.split={chosen}"
        )
    if root is not None:
        config["data"]["root"] = root
    splits, problems = _splits(config, chosen)
    evaluated, problem = _evaluated(config, place, splits.get(chosen))
    problems += [problem] if problem else []
    numbers = _json(place / "metrics.json")
    headline = _headline(numbers.pop("headline", None), place / "metrics.json")
    if evaluated is not None:
        headline = headline_of(
            evaluated,
            headline.thresholds if headline else None,
            chosen_here=headline.chosen_here if headline else True,
            fps=fps or (headline.frames_per_second if headline else None),
        )
    return RunRecord(
        name=folder.resolve().name,
        split=chosen,
        config=config,
        numbers=evaluated.metrics.to_dict() if evaluated else numbers,
        headline=headline,
        evaluated=evaluated,
        splits=splits,
        history=read_history(folder / "tensorboard"),
        environment=_json(folder / "environment.json"),
        problems=tuple(problems),
    )


def _splits(config: dict[str, Any], judged: str) -> tuple[dict[str, Annotations], list[str]]:
    """Those of the run that can be read, by name, and why others cannot."""
    splits: dict[str, Annotations] = {}
    problems: list[str] = []
    for name in dict.fromkeys((str(config["data"]["train"]), str(config["data"]["val"]), judged)):
        annotations, problem = _split(config, name)
        if annotations is None:
            problems.append(problem)
        else:
            splits[name] = annotations
    return splits, problems


def _split(config: dict[str, Any], name: str) -> tuple[Annotations | None, str]:
    try:
        return load_split(config["data"], name), ""
    except UserError as error:
        reason = " ".join(str(error.__cause__ or error).split())
        return None, f"The {name} split cannot be read: {reason}. Give data.root=PATH if it has moved."


def _evaluated(
    config: dict[str, Any], place: Path, annotations: Annotations | None
) -> tuple[EvaluatedSplit | None, str | None]:
    """The predictions beside the truth, or why there are none."""
    file = place / "predictions.json"
    if annotations is None:
        return None, None
    if not file.is_file():
        return None, f"{file} is missing."
    try:
        predictions = read_predictions(file, annotations)
    except UserError as error:
        return None, f"The predictions do not fit the data: {error}."
    return evaluate(annotations, predictions, bins=build_bins(config)), None


def _headline(plain: Any, file: Path) -> Headline | None:
    """As evaluation wrote it; None where an older version did."""
    if plain is None:
        return None
    try:
        return Headline.read(plain)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{file}: headline is not what evaluation writes: {error!r}") from error


def _json(file: Path) -> dict[str, Any]:
    """What a file holds; empty where there is none."""
    if not file.is_file():
        return {}
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{file}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"{file}: does not hold an object")
    return content
