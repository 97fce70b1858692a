"""What every command shares: one line for the user, a trace for us, no litter."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import hydra
import pytest
from omegaconf import DictConfig

from detector.app import commands
from detector.app.cli import main
from detector.errors import Interrupted, NonFiniteError, UserError

Run = Callable[[DictConfig], None]
Call = Callable[..., tuple[int, str, DictConfig | None]]


@pytest.fixture
def call(tmp_path, monkeypatch, capsys) -> Call:
    """Runs `thermal-detector train` in an empty folder: (status, stderr, the config that train was given)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")  # the command sets it; put back afterwards

    def calling(*overrides: str, run: Run = lambda _: None):
        given: list[DictConfig] = []

        def noting(config: DictConfig) -> None:
            given.append(config)
            run(config)

        monkeypatch.setattr(commands, "load", {"train": noting}.__getitem__)
        monkeypatch.setattr("sys.argv", ["thermal-detector", "train", *overrides])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        return status, capsys.readouterr().err, given[0] if given else None

    return calling


def raising(error: BaseException) -> Run:
    def run(_: DictConfig) -> None:
        raise error

    return run


def test_overrides_reach_the_function(call):
    status, err, config = call("engine.epochs=3", "model=small", "data.root=2024")
    assert (status, err) == (0, "")
    assert config.engine.epochs == 3
    assert config.model.widths == [48, 96, 160]
    assert config.data.root == "2024"


@pytest.mark.parametrize("error", [UserError("what\n  to do"), NonFiniteError("what\nto do")])
def test_what_the_user_can_put_right_is_one_line(call, error):
    assert call(run=raising(error))[:2] == (1, "error: what to do\n")


@pytest.mark.parametrize(
    ("error", "line"),
    [(Interrupted("stopped after step 7"), "stopped after step 7"), (KeyboardInterrupt(), "stopped")],
)
def test_a_stopped_command_ends_with_130(call, error, line):
    assert call(run=raising(error))[:2] == (130, line + "\n")


def test_a_place_that_cannot_be_written_is_one_line(call):
    error = PermissionError(13, "Permission denied", "/readonly/run")
    assert call(run=raising(error))[:2] == (1, "error: /readonly/run: Permission denied\n")


@pytest.mark.parametrize("error", [ValueError("a bug"), OSError("a bug"), KeyError("a bug")])
def test_a_bug_keeps_its_trace(call, error):
    with pytest.raises(type(error), match="a bug"):
        call(run=raising(error))


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("engine.epoch=3", "unknown setting engine.epoch; did you mean engine.epochs?"),
        ("modle=small", "unknown setting modle; did you mean model?"),
        (
            "criterion.mining.ration=2",
            "unknown setting criterion.mining.ration; did you mean criterion.mining.ratio?",
        ),
        ("zzzzzz=1", "unknown setting zzzzzz"),
        ("+engine.epoch=3", "unknown setting engine.epoch; did you mean engine.epochs?"),
        ("+sed=3", "unknown setting sed; did you mean seed?"),
        (
            "model=huge",
            "In 'train': Could not find 'model/huge' Available options in 'model': medium nano pico small",
        ),
        ("data=hit_uav", "data.root must be given: add data.root=... to the command"),
        ("engine.log_every=ten", "engine.log_every=ten: must be a whole number, as its default "),
        ("engine.log_every=2.5", "engine.log_every=2.5: must be a whole number, as its default "),
        ("--epochs=3", "unrecognized arguments: --epochs=3; a setting is KEY=VALUE"),
        ("~sed", "unknown setting sed; did you mean seed?"),
        (
            "engine.log_every=${optimizer.lr}",
            "engine.log_every=0.004: must be a whole number, as its default ",
        ),
        ("seed=${nothing}", "Interpolation key 'nothing' not found"),
        ("engine.log_every=null", "engine.log_every=None: must be a whole number, as its default "),
        ("engine.log_every=true", "engine.log_every=True: must be a whole number, as its default "),
        ("++engine.log_every=ten", "engine.log_every=ten: must be a whole number, as its default "),
        ("engine.clip_norm=big", "engine.clip_norm=big: must be a number, as its default 10.0"),
        ("engine.compile=1", "engine.compile=1: must be true or false, as its default False"),
        ("engine=3", "engine=3: Config group override must be a string"),
        ("engine.device=[cpu]", "engine.device=['cpu']: must be a word, as its default auto"),
        ("augment.size=128", "augment.size=128: must be a list, each entry a whole number, as its default"),
        ("augment.size=[128,wide]", "augment.size=[128, 'wide']: must be a list, each entry a whole number"),
        ("engine.log_every=", "engine.log_every=: must be a whole number, as its default "),
        ("engine.epochs", "engine.epochs: must be KEY=VALUE"),
        ("data.val={split}.json", "data.val={split}.json: must be KEY=VALUE; a value with special"),
    ],
)
def test_an_override_that_cannot_be_is_one_line_and_leaves_nothing(call, tmp_path, override, line):
    status, err, config = call(override)
    assert (status, config) == (1, None)
    assert err.startswith(f"error: {line}")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "override",
    [
        "engine.clip_norm=3",
        "engine.patience=4",
        "engine.processes=2",
        "+optimizer.momentum=0.9",  # the constructor's own to judge
        "++engine.epochs=3",
        "~seed",
        "criterion.mining.max_kept=100",
        "data.source.images=elsewhere",
        "augment.size.0=64",
        "engine.epochs=${engine.evaluate_every}",
        "data.root=${hydra:run.dir}",
        "+augment.objects.mine={name: pole, share: [0.1, 0.2], p: 0.5}",
    ],
)
def test_overrides_that_can_be_pass(call, override):
    assert call(override)[:2] == (0, "")


def test_types_are_those_of_the_chosen_groups(call):
    assert call("optimizer=momentum", "optimizer.momentum=0.5")[0] == 0
    status, err, _ = call("optimizer=momentum", "optimizer.momentum=much")
    assert (status, err) == (1, "error: optimizer.momentum=much: must be a number, as its default 0.9\n")


def test_the_run_s_folder_stays_only_if_something_is_in_it(call, tmp_path):
    def write(_: DictConfig) -> None:
        (tmp_path / "runs" / "a" / "note.txt").write_text("kept")

    call("hydra.run.dir=runs/a", run=write)
    assert (tmp_path / "runs" / "a" / "note.txt").is_file()
    call("hydra.run.dir=runs/b")
    call("hydra.run.dir=runs/c", run=raising(UserError("no")))
    with pytest.raises(ValueError, match="bug"):
        call("hydra.run.dir=runs/d", run=raising(ValueError("bug")))
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["a"]


def test_it_never_takes_away_the_folder_it_runs_in_nor_what_is_outside(call, tmp_path, monkeypatch):
    work, other = tmp_path / "work", tmp_path / "other"
    work.mkdir()
    other.mkdir()
    monkeypatch.chdir(work)
    call("hydra.run.dir=.")
    assert Path.cwd() == work
    assert work.is_dir()
    call(f"hydra.run.dir={other / 'run'}")
    assert other.is_dir()
    assert not (other / "run").exists()


def test_a_folder_that_cannot_be_made_is_one_line(call, tmp_path):
    (tmp_path / "file").write_text("")
    status, err, _ = call("hydra.run.dir=file/run")
    assert status == 1
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_the_folder_of_config_dir_counts_too(call, tmp_path):
    own = tmp_path / "conf" / "model" / "mine.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("defaults: [nano, _self_]\nstem: 20\n")
    status, err, config = call("--config-dir", "conf", "model=mine", "model.neck_widths=[24,24,24]")
    assert (status, err) == (0, "")
    assert (config.model.stem, config.model.neck_widths) == (20, [24, 24, 24])
    err = call("--config-dir", "conf", "model=mine", "model.neck_width=24")[1]
    assert err == "error: unknown setting model.neck_width; did you mean model.neck_widths?\n"


def test_a_multirun_runs_every_value_and_checks_them_all(call):
    configs: list[DictConfig] = []
    sweep = ["hydra.sweep.dir=runs"]
    assert call("-m", "seed=1,2", "model=nano,medium", *sweep, run=configs.append)[:2] == (0, "")
    assert [(config.seed, config.model.stem) for config in configs] == [(1, 16), (1, 32), (2, 16), (2, 32)]
    status, err, config = call("-m", "seed=1,two", *sweep)
    assert (status, config) == (1, None)
    assert err == "error: seed=two: must be a whole number, as its default 0\n"


def test_the_configuration_is_shown_and_nothing_run(monkeypatch, capsys):
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    monkeypatch.setattr(commands, "load", lambda name: pytest.fail(f"{name} was loaded"))
    monkeypatch.setattr("sys.argv", ["thermal-detector", "convert", "--cfg", "job", "data=voc", "seed=3"])
    with pytest.raises(SystemExit, match="1"):
        main()
    assert capsys.readouterr().err.startswith("error: unknown setting seed")
    monkeypatch.setattr(
        "sys.argv", ["thermal-detector", "convert", "--cfg", "job", "data=voc", "format=yolo"]
    )
    main()
    shown = capsys.readouterr().out
    assert "format: yolo" in shown
    assert "output: ???" in shown


def test_a_mistake_is_told_after_one_composition_and_before_the_command_is_loaded(call, monkeypatch):
    composed: list[str] = []
    compose = hydra.compose
    monkeypatch.setattr(
        hydra, "compose", lambda name, overrides: composed.append(name) or compose(name, overrides)
    )
    monkeypatch.setattr(hydra, "main", lambda **_: pytest.fail("Hydra was started"))
    for mistake in ("engine.epoch=3", "engine.log_every=ten", "data=hit_uav", "model=huge"):
        composed.clear()
        assert call(mistake)[0] == 1
        assert composed == ["train"], mistake


SLOW = ("torch", "torchvision", "albumentations", "cv2", "scipy", "sklearn", "matplotlib", "pandas", "numpy")
LOADED = """
import sys
from detector.app.cli import main
sys.argv = ["thermal-detector", *sys.argv[1:]]
try:
    main()
except SystemExit:
    pass
print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""


@pytest.mark.parametrize("words", ["--help", "train --help", "trian", "train engine.epoch=3", "--complete x"])
def test_answers_load_nothing_slow(words, tmp_path):
    """Under 0.7 CPU seconds on the machine this was written on; torch alone takes two."""
    ended = subprocess.run(
        [sys.executable, "-c", LOADED, *words.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(ended.stderr.splitlines()[-1].split())
    assert "detector" in loaded
    assert not loaded & {*SLOW, *(() if "=" in words else ("hydra", "omegaconf"))}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["trian", "seed=1"], "unknown command trian; did you mean train?"),
        (["evl"], "unknown command evl; did you mean eval?"),
        (["zzz"], "unknown command zzz; thermal-detector --help lists them"),
        (["--completion", "fish"], "--completion fish: must be bash or zsh"),
    ],
)
def test_a_command_that_does_not_exist_is_one_line(words, line, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["thermal-detector", *words])
    with pytest.raises(SystemExit, match="1"):
        main()
    assert capsys.readouterr().err == f"error: {line}\n"


def test_every_command_is_a_module_with_a_configuration_and_a_script():
    root = Path(__file__).resolve().parents[3]
    assert set(commands.COMMANDS) == {file.stem for file in (root / "configs").glob("[!_]*.yaml")}
    modules = Path(commands.__file__).parent
    assert set(commands.COMMANDS) == {file.stem for file in modules.glob("[!_]*.py")}
    scripts = {file.stem: file.read_text() for file in (root / "scripts").glob("*.py")}
    assert set(commands.COMMANDS) == set(scripts) - {"check_environment"}
    texts = {text.replace(name, "NAME") for name, text in scripts.items() if name != "check_environment"}
    assert len(texts) == 1, "no script differs from another"


def test_a_script_takes_the_settings_alone(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["scripts/train.py", "--help"])
    main("train")
    assert capsys.readouterr().out.startswith("thermal-detector train: ")


def test_what_must_be_given_cannot_be_none(call):
    assert call("data=hit_uav", "data.root=null")[1] == "error: data.root must be given: null is none\n"
