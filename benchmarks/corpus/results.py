"""Predictions, a study's runs and a tuning's storage."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir

from benchmarks.corpus.harm import BENT, BOMB, DEVICE, HARMS, Case, Kind, Words, bent, device, harmed, spoilt
from detector.app.commands.tune import _description, procedure_of
from detector.app.configs import CONFIGS
from detector.tuning import optuna_search
from detector.tuning.optuna_storage import Storage

JOURNAL, SQLITE = "study.log", "study.db"
TUNE = [
    *("tune=bce_focal", "tune.strategy=optuna", "tune.trials=2", "tune.confirm=false", "tune.prepare=[]"),
    "tune.hit_uav=nowhere",
]


def predictions(case: Case, rng: random.Random, harm: str) -> Words:
    file = case.folder / "found.json"
    known = (case.base / "run" / "predictions.json").read_bytes()
    entry = {"image_id": 1, "category_id": 1, "bbox": [1.0, 2.0, 3.0, 4.0], "score": 0.5}
    forms = (json.loads(known) or [entry], [entry] * 5, {"frames": [entry]}, {"annotations": [entry]})
    file.write_text(json.dumps(rng.choice(forms)))
    harmed(file, harm, rng, case)
    data = ["data=coco", f"data.root={case.base / 'set'}", "data.split=test"]
    return ["evaluate", f"predictions={file}", *data, "output=out", *rng.choice(([], ["boxes=xyxy"]))]


def studies(case: Case, rng: random.Random, harm: str) -> Words:
    """Every run of it is finished, so that nothing is trained."""
    folder = case.folder / "out"
    arms = yaml.safe_load((Path(CONFIGS) / "study" / "regularisation.yaml").read_text())["arms"]
    for arm, overrides in arms.items():
        run = folder / arm / "seed0"
        run.mkdir(parents=True)
        for name in ("metrics.json", "environment.json"):
            shutil.copy(case.base / "run" / name, run / name)
        (run / "overrides.json").write_text(json.dumps([*overrides, "seed=0"], indent=1) + "\n")
    (folder / "prepared.json").write_text("[]")
    run = folder / rng.choice(list(arms)) / "seed0"
    names = ("metrics.json", "metrics.json", "environment.json", "overrides.json")
    harmed(rng.choice([folder / "prepared.json", *(run / name for name in names)]), harm, rng, case)
    own = ["study.base=[]", "study.prepare=[]", "study.seeds=[0]", "study.metrics=[AP,AP50]"]
    return ["study", "study=regularisation", *own, "output=out", "jobs=1"]


def write_storages(base: Path) -> None:
    """A tuning whose trials have all ended, in a journal and in a database."""
    with initialize_config_dir(CONFIGS, version_base="1.3"):
        tune = compose("tune", overrides=[*TUNE, f"output={base}"]).tune
    sampling = procedure_of(tune)
    assert isinstance(sampling, optuna_search.Sampling)
    for place in (str(base / JOURNAL), f"sqlite:///{base / SQLITE}"):
        storage = Storage(place, tune.name, _description(tune), owner="somebody")
        optuna_search.search(
            sampling, storage, jobs=1, score=_score, record=lambda _: None, pause=lambda _: None
        )


def _score(trial: Any, fold: int) -> float:
    return 0.1 * trial.number + 0.01 * fold


def storages(case: Case, rng: random.Random, harm: str) -> Words:
    """optuna's, which several machines share."""
    name = rng.choice((JOURNAL, SQLITE))
    file = case.copy(name)
    if harm == DEVICE:
        device(file, rng)
    elif harm == BENT:
        file.write_bytes(bent(rng, file.read_bytes()))
    elif harm == BOMB:
        file.write_bytes(
            rng.choice((b"[" * 10**5 + b"\n", b"{}\n" * 10**6, b" " * 10**7, b'{"op_code": 4}\n'))
        )
    elif name == JOURNAL:
        lines = file.read_text().splitlines()
        at = rng.randrange(len(lines))
        lines[at] = json.dumps(spoilt(rng, json.loads(lines[at]), case.values(harm)))
        file.write_text("\n".join(lines) + "\n")
    else:
        _change_row(file, rng, case.values(harm))
    place = str(file) if name == JOURNAL else f"sqlite:///{file}"
    return ["tune", *TUNE, f"tune.storage={place}", "output=out", "jobs=1"]


def _change_row(file: Path, rng: random.Random, values: list[Any]) -> None:
    with sqlite3.connect(file) as base:
        tables = [name for (name,) in base.execute("select name from sqlite_master where type='table'")]
        filled = [name for name in tables if base.execute(f"select count(*) from {name}").fetchone()[0]]
        table = rng.choice(filled)
        column = rng.choice([row[1] for row in base.execute(f"pragma table_info({table})")])
        value = rng.choice(values)
        plain = value if isinstance(value, str) else json.dumps(value)
        try:
            base.execute(f"update {table} set {column}=?", (plain.encode("utf-8", "replace").decode(),))
        except sqlite3.IntegrityError:
            base.execute(f"delete from {table}")
    base.close()


KINDS = {
    "predictions": Kind(HARMS, predictions),
    "study's runs": Kind(HARMS, studies),
    "tuning's storage": Kind(HARMS, storages),
}
