# Everything runs inside VENV; an environment that is complete is used as it is.
VENV ?= .venv
ARGS ?=
PYTHON ?= python3
DATA ?= data/synthetic
# The run that was trained last.
CHECKPOINT ?= $(shell ls -t runs/*/checkpoints/best.pt 2>/dev/null | head -n 1)

python = $(VENV)/bin/python
detector = $(VENV)/bin/thermal-detector

.PHONY: setup data train eval report test lint tensorboard bench docs clean

setup:
	@test -x $(python) || $(PYTHON) -m venv $(VENV)
	@$(python) scripts/check_environment.py || $(python) -m pip install --editable '.[dev]'

data: setup
	@$(detector) synth root=$(DATA)

# A first look, half as long as such a set gets else.
train: data
	@$(detector) train data.root=$(DATA) engine.epochs=16 $(ARGS)

eval: setup
	@test -n "$(CHECKPOINT)" || { echo "error: no run with a checkpoint under runs/: make train first" >&2; exit 1; }
	@$(detector) evaluate checkpoint=$(CHECKPOINT) $(ARGS)

report: setup
	@$(detector) report $(ARGS)

test: setup
	@$(python) -m pytest -n auto --dist worksteal $(ARGS)

lint: setup
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@$(python) -m mypy

tensorboard: setup
	@$(python) -m tensorboard.main --logdir runs $(ARGS)

bench: setup
	@$(python) benchmarks/training_step.py $(ARGS)

docs: setup
	@rm -rf site
	@$(python) -m docs.site.build

# Not runs/: what was trained is not made again in a minute.
clean:
	rm -rf site data/synthetic .pytest_cache .mypy_cache .ruff_cache .hypothesis
