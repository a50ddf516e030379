PYTHON ?= python3
BIN := .venv/bin
PAGE := src/omentum/app/page
PAGE_SOURCES := $(shell find web/src web/public web/*.html web/*.json web/*.ts -type f 2>/dev/null)
IF_NPM := if command -v npm >/dev/null; then
NO_NPM := npm was not found: the review page is neither built nor tested; install Node.js 20.19 or later
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo page review-demo test test-page check bench weights clean

demo: .venv/installed  ## the whole loop on synthetic patients; prints where the report is
	$(BIN)/omentum demo --out demo

page: $(PAGE)/index.html  ## builds the review page where its sources are newer; needs Node.js 20.19 or later

review-demo: .venv/ready  ## the review page with synthetic patients; builds the page where Node.js is there
	@$(IF_NPM) $(MAKE) page; else echo "$(NO_NPM)"; fi
	$(BIN)/omentum review serve --demo

test: check test-page  ## check, then all tests
	$(BIN)/python -m pytest -n 2 --dist worksteal

test-page: .venv/ready  ## builds the review page and tests its parts in Node.js, where that is there
	@$(IF_NPM) if $(MAKE) web/node_modules/.package-lock.json; then \
		$(MAKE) page && cd web && npm run --silent test; \
		else echo "npm could not load what web/package-lock.json lists: the review page is neither built nor tested"; fi; \
		else echo "$(NO_NPM)"; fi

check: .venv/ready  ## format, lint, types and the import rule, in a minute
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo

bench: .venv/ready  ## every benchmark, small
	for question in benchmarks/*_*.py; do $(BIN)/python $$question --quick || exit 1; done

MAPS ?= label_maps
ANATOMY := --anatomy totalsegmentator=$(MAPS)/s0327.nii.gz --anatomy totalsegmentator=$(MAPS)/s0328.nii.gz \
	--anatomy abdomenatlas-1.0=$(MAPS)/amos_0013.nii.gz
STARTER := $(BIN)/omentum -C scratch/weights/starter tune
SECOND := OMENTUM_HOME=scratch/weights/home $(BIN)/omentum

weights: .venv/installed  ## how both starters' weights were made: about 3 hours on 2 cores; see docs/starter.md for MAPS
	ls $(MAPS)/s0327.nii.gz $(MAPS)/s0328.nii.gz $(MAPS)/amos_0013.nii.gz
	rm -rf scratch/weights
	$(BIN)/omentum phantoms scratch/weights/cohort --number 120 --first-seed 1000
	$(BIN)/omentum init scratch/weights/starter --network starter --held-out 0
	$(BIN)/omentum -C scratch/weights/starter add scratch/weights/cohort --label labels.nii.gz \
		--label-ids omentum --label-organs abdomenatlas-1.0
	$(STARTER) --mode full --config training/configs/starter.toml
	$(STARTER) --mode full --config training/configs/starter-finer.toml
	$(STARTER) --config training/configs/starter-heads.toml
	$(STARTER) --mode full --config training/configs/starter-anatomy.toml $(ANATOMY)
	$(STARTER) --mode full --config training/configs/starter-longer.toml $(ANATOMY)
	$(SECOND) models add scratch/weights/starter/networks/starter-r4/weights.safetensors --as starter-base
	$(SECOND) init scratch/weights/second --network starter-base --held-out 0
	$(SECOND) -C scratch/weights/second tune --mode full --config training/configs/starter-second.toml $(ANATOMY)
	@echo "scratch/weights/starter/networks/starter-r5 and scratch/weights/second/networks/starter-base-r1"

clean:
	rm -rf .venv demo scratch web/node_modules $(PAGE)

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) --editable .
	touch $@

.venv/ready: .venv/installed
	$(PIP) --editable '.[dev]'
	touch $@

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && npm ci
	touch $@

$(PAGE)/index.html: web/node_modules/.package-lock.json $(PAGE_SOURCES)
	cd web && npm run build
	touch $@
