PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test check bench weights clean

demo: .venv/installed  ## the whole loop on made-up patients; prints where the report is
	$(BIN)/omentum demo --out demo

test: check  ## check, then all tests
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: .venv/ready  ## format, lint, types and the import rule, in a minute
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo

bench: .venv/ready  ## every benchmark, small
	for question in benchmarks/*_*.py; do $(BIN)/python $$question --quick || exit 1; done

weights: .venv/installed  ## how the starter's weights were made: about 40 minutes on 2 cores
	rm -rf scratch/weights
	$(BIN)/omentum phantoms scratch/weights/cohort --number 120 --first-seed 1000
	$(BIN)/omentum init scratch/weights/project --held-out 0.1
	$(BIN)/omentum -C scratch/weights/project add scratch/weights/cohort --label labels.nii.gz \
		--label-organs abdomenatlas-1.0
	$(BIN)/omentum -C scratch/weights/project tune --mode full --config configs/starter.toml
	$(BIN)/omentum -C scratch/weights/project tune --mode full --config configs/starter-finer.toml
	$(BIN)/omentum -C scratch/weights/project tune --config configs/starter-heads.toml
	@echo "the weights are scratch/weights/project/networks/starter-r3/weights.safetensors"

clean:
	rm -rf .venv demo scratch

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) --editable .
	touch $@

.venv/ready: .venv/installed
	$(PIP) --editable '.[dev]'
	touch $@
