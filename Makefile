# make run    measure keyword spotting on the simulated NUCLEO-L4R5ZI
# make test   what CI runs first: ruff, mypy, pytest
# make help   the rest

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
UV_VERSION := 0.13.8

BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.installed-run
SIGN_STAMP := $(VENV)/.installed-sign
SITE_STAMP := $(VENV)/.installed-site
DEV_STAMP := $(VENV)/.installed-dev
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install run site test lint types unit bench fuzz fuzzlines faults doctor dist lock schema rules validate clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(SIGN_STAMP) ## tinybench in .venv, with what it needs to run and to verify signatures

run: $(RUN_STAMP) ## Measure keyword spotting on the simulated board; ARGS=... adds options
	$(BIN)/tinybench run kws --runner tflm-sim $(ARGS)

site: $(SITE_STAMP) ## Build the leaderboard in build/site; ARGS=... adds options
	$(BIN)/tinybench site build $(ARGS)

test: lint types unit ## What CI runs first

lint: $(DEV_STAMP) ## Style and formatting rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV_STAMP) ## Types, strict
	$(BIN)/mypy

unit: $(DEV_STAMP) ## All tests that need no hardware; ARGS=... adds pytest options
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile $(ARGS)

bench: $(DEV_STAMP) ## Benchmarks of tinybench itself: speed of the simulator, start-up, a whole run
	$(BIN)/python -m pytest tests/benchmarks --benchmark-only $(ARGS)

fuzz: $(DEV_STAMP) ## Mutated models must end in an error or a right result; ARGS="COUNT SEED"
	$(BIN)/python tests/model_fuzz.py $(or $(ARGS),2000)

fuzzlines: $(DEV_STAMP) ## Mutated serial lines must be read as what they are; ARGS="COUNT SEED LOG..."
	$(BIN)/python tests/serial_fuzz.py $(or $(ARGS),100000)

faults: $(DEV_STAMP) ## Runs on a board with faults on its line; ARGS="COUNT SEED KIND..."
	$(BIN)/python tests/board_faults.py $(or $(ARGS),20)

doctor: $(RUN_STAMP) ## Check this machine
	$(BIN)/tinybench doctor

dist: $(DEV_STAMP) ## Wheel and source distribution in dist/
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist .

schema: $(RUN_STAMP) ## Export the JSON Schema of results
	@mkdir -p build
	$(BIN)/python -c 'import sys; from tinybench.results.schema import json_schema_bytes; \
	  sys.stdout.buffer.write(json_schema_bytes())' > build/schema.json
	mv build/schema.json site/docs/schema/tinybench.result-2.json

rules: $(RUN_STAMP) ## Write the pages of the rules for submissions
	$(BIN)/python -c 'from pathlib import Path; from tinybench.submissions import rulebook; \
	  rulebook.write(Path("site/docs/rules"))'

validate: $(RUN_STAMP) ## Judge the simulator and renew its page; MODELS=folder of the official .tflite files
	@test -n "$(MODELS)" || { echo "error: say where the models are: make validate MODELS=folder" >&2; exit 1; }
	$(BIN)/tinybench sim validate --models "$(MODELS)" --output build/validation --page site/docs/methodology.md
	cp build/validation/intervals.toml runners/validation/intervals.toml
	cp build/validation/validation.csv runners/validation/cases.csv

lock: $(VENV)/.created ## Pin all dependencies anew, with hashes, for Python 3.11 and newer
	$(PIP) install uv==$(UV_VERSION)
	for set in run sign site dev; do \
	  case $$set in \
	    run) extra= ;; \
	    sign) extra="--extra sign --constraint requirements/run.txt" ;; \
	    site) extra="--extra site --constraint requirements/sign.txt" ;; \
	    dev) extra="--extra dev --constraint requirements/site.txt" ;; \
	  esac; \
	  $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-annotate --custom-compile-command "make lock" $$extra \
	    --output-file requirements/$$set.txt pyproject.toml requirements/build.in || exit 1; \
	done

clean: ## Remove what was built and installed here
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks

$(VENV)/.created:
	@command -v $(PYTHON) > /dev/null || { echo "error: $(PYTHON) not found: install Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: tinybench needs Python 3.11 or newer, but $(PYTHON) is $$($(PYTHON) --version 2>&1)" >&2; \
	  echo "hint: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(RUN_STAMP): $(VENV)/.created requirements/run.txt pyproject.toml
	$(PIP) install --require-hashes --requirement requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(SIGN_STAMP): $(RUN_STAMP) requirements/sign.txt
	$(PIP) install --require-hashes --requirement requirements/sign.txt
	@touch $@

$(SITE_STAMP): $(RUN_STAMP) requirements/site.txt
	$(PIP) install --require-hashes --requirement requirements/site.txt
	@touch $@

$(DEV_STAMP): $(RUN_STAMP) requirements/dev.txt
	$(PIP) install --require-hashes --requirement requirements/dev.txt
	@touch $@
