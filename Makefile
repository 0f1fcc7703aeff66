# Everything that a newcomer, a maintainer or CI runs. `make demo` and `make test` need only Python 3.11-3.13 (with venv), make
# and git: whatever else they need goes into .venv the first time.

# Any interpreter from 3.11 to 3.13, e.g. `make test PYTHON=python3.12`; it is looked at only when .venv is made.
PYTHON ?= python3
# Test processes. Two, because each may run its own PostgreSQL and embedded AWS; a larger machine can take more.
JOBS ?= 2

BIN := .venv/bin
CONSTRAINTS := constraints/airflow-3.3.txt
TEMPLATES := dist/templates

# The environment is made from the interpreter above and from nothing that uv might fetch on its own.
export UV_PYTHON_DOWNLOADS := never

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup constraints demo test lint format types imports templates check local-up local-down clean

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/installed  ## make .venv with everything in it (the other targets do this by themselves)

# --clear: an interrupted attempt leaves a half-made .venv behind.
$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "elt_redshift needs Python 3.11, 3.12 or 3.13; name one: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(CONSTRAINTS) uv

.venv/installed: $(BIN)/uv pyproject.toml $(CONSTRAINTS)
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet -c $(CONSTRAINTS) -e '.[local,dev]'
	@touch $@

# One file serves Python 3.11 to 3.13; where they need different versions, the lines carry markers.
constraints: $(BIN)/uv  ## resolve the newest versions that fit constraints/airflow-3.3.in and pin them
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
	  --extra local --extra dev -c constraints/airflow-3.3.in -o $(CONSTRAINTS) pyproject.toml

demo: .venv/installed  ## the walkthrough, end to end, on the embedded AWS
	$(BIN)/elt-redshift demo

test: .venv/installed  ## every test: unit, on the embedded AWS, and with real Airflow processes
	$(BIN)/pytest -n $(JOBS) --dist loadfile

lint: .venv/installed  ## ruff: mistakes and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/installed  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: .venv/installed  ## mypy, strict for the core
	$(BIN)/mypy

imports: .venv/installed  ## the layers import inwards only
	$(BIN)/lint-imports

templates: .venv/installed  ## render and lint the CloudFormation template of every job under sql/
	@mkdir -p $(TEMPLATES)
	@set -e; for job in sql/*/job.yaml; do \
	  name=$$(basename $$(dirname $$job)); \
	  echo "$$job -> $(TEMPLATES)/$$name.yaml"; \
	  $(BIN)/elt-redshift template $$job > $(TEMPLATES)/$$name.yaml; \
	  $(BIN)/cfn-lint $(TEMPLATES)/$$name.yaml; \
	done

check: lint types imports templates test  ## everything that must hold before a change is merged

local-up: .venv/installed  ## start the embedded AWS
	$(BIN)/elt-redshift local up

local-down: .venv/installed  ## stop it
	$(BIN)/elt-redshift local down

clean:  ## stop the embedded AWS; remove .venv, caches and everything generated
	@[ ! -x $(BIN)/elt-redshift ] || $(BIN)/elt-redshift local down
	rm -rf .venv dist .elt-redshift airflow_home .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
