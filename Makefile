# Everything that a newcomer, a maintainer or CI runs. `make airflow`, `make demo` and `make test` need only Python 3.11-3.13
# (with venv), make and git: whatever else they need goes into .venv the first time.

# Any interpreter from 3.11 to 3.13, e.g. `make test PYTHON=python3.12`; it is looked at only when .venv is made.
PYTHON ?= python3
# Test processes. Four for two processors, because they often wait: for an Airflow, for statements, for each other's turn;
# not more, because each may run an embedded AWS, a PostgreSQL and an Airflow of its own.
JOBS ?= 4
# Files stay together, and in their order: see tests/conftest.py.
SIDE_BY_SIDE := -n $(JOBS) --dist loadfile --no-loadscope-reorder

BIN := .venv/bin
CONSTRAINTS := constraints/airflow-3.3.txt
TEMPLATES := dist/templates
DEFINITIONS := dist/definitions
# Reads definitions independently of us and of moto. From npm, needed by `make check` only.
VALIDATOR := asl-validator@4.0.0
VALIDATOR_HOME := .venv/$(VALIDATOR)
# The other Airflow versions of MWAA's images, then the newest one; and the tests that run on each of them. The one that is
# left out has no Airflow in it, and takes longest.
MATRIX := 2.11 3.0 3.2 3.3.2
MATRIX_TESTS := tests/unit/operators tests/unit/sensors tests/unit/triggers tests/unit/hooks tests/unit/lineage tests/unit/links tests/unit/dag tests/unit/test_serialization.py --ignore=tests/unit/operators/test_clearing.py
# And these, which run both engines' DAGs on each, from what MWAA is given, over the embedded AWS of .venv.
MATRIX_RUNS := tests/e2e/test_mwaa_package.py
# The shapes of DAGs, for the Airflows named here; on 3.3, `make check` runs them on real processes.
MATRIX_SHAPES := tests/e2e/test_shapes_by_version.py
SHAPES_ON ?= 2.11 3.0 3.2

# The environment is made from the interpreter above and from nothing that uv might fetch on its own.
export UV_PYTHON_DOWNLOADS := never
# Containers often tell Python to keep no bytecode. Here hundreds of processes start, and each would compile all that it
# imports anew: three seconds more for each Airflow, and for each embedded AWS.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup constraints airflow demo test exhaustive chaos moto test-matrix lint format types imports templates validate check local-up local-down clean

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
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet -c $(CONSTRAINTS) -e '.[local,init,dev]'
	@touch $@

# One file serves Python 3.11 to 3.13; where they need different versions, the lines carry markers.
constraints: $(BIN)/uv  ## resolve the newest versions that fit constraints/*.in and pin them
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	  --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
	  --extra local --extra init --extra dev -c constraints/airflow-3.3.in -o $(CONSTRAINTS) pyproject.toml

	set -e; for version in $(MATRIX); do \
	  $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	    --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
	    -c constraints/airflow-$$version.in -o constraints/airflow-$$version.txt pyproject.toml constraints/matrix.in; \
	done

airflow: .venv/installed  ## Airflow's own pages over the embedded AWS, with the demo's job and one that fails
	$(BIN)/elt-redshift airflow

demo: .venv/installed  ## the walkthrough, end to end, on the embedded AWS
	$(BIN)/elt-redshift demo

test: .venv/installed  ## every behaviour: unit, on the embedded AWS, and with real Airflow processes
	$(BIN)/pytest $(SIDE_BY_SIDE) -m "not stock and not exhaustive"

exhaustive: .venv/installed  ## the tests that take long: many cases, Airflow's late acts, and that each patch of moto is needed
	$(BIN)/pytest $(SIDE_BY_SIDE) -m exhaustive

chaos: .venv/installed  ## 20,000 simulated schedules of faults, and 500 that the embedded AWS plays as well
	ELT_REDSHIFT_SCRIPTS=500 $(BIN)/pytest tests/local/runs/test_scripts.py
	$(BIN)/python -m elt_redshift.testing --schedules 20000 --processes 2

moto: .venv/installed  ## before an upgrade of moto: what it still gets wrong as it ships
	$(BIN)/pytest $(SIDE_BY_SIDE) -m stock tests/local

test-matrix: .venv/installed  ## the tests of the Airflow side, on every other Airflow that is supported
	$(MAKE) --no-print-directory --jobs $(JOBS) --output-sync=target $(MATRIX:%=test-airflow-%)

.venv-%/installed: $(BIN)/uv pyproject.toml constraints/airflow-%.txt
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-$*
	VIRTUAL_ENV=.venv-$* $(BIN)/uv pip install --quiet -c constraints/airflow-$*.txt -r constraints/matrix.in -e .
	@touch $@

.PRECIOUS: .venv-%/installed
test-airflow-%: .venv-%/installed .venv/installed
	.venv-$*/bin/python -m pytest -p no:cacheprovider $(MATRIX_TESTS)
	ELT_REDSHIFT_AIRFLOW=$(CURDIR)/.venv-$*/bin/python $(BIN)/pytest -p no:cacheprovider $(MATRIX_RUNS) \
	  $(if $(filter $*,$(SHAPES_ON)),$(MATRIX_SHAPES))

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

$(VALIDATOR_HOME)/node_modules/.bin/asl-validator: | .venv/installed
	@command -v node >/dev/null && command -v npm >/dev/null \
	  || { echo "make validate needs node and npm; on Debian: apt-get install nodejs npm" >&2; exit 1; }
	npm install --silent --no-audit --no-fund --no-save --no-package-lock --prefix $(VALIDATOR_HOME) $(VALIDATOR)

validate: .venv/installed $(VALIDATOR_HOME)/node_modules/.bin/asl-validator  ## an independent validator reads every definition of the tests (needs node, npm)
	@rm -rf $(DEFINITIONS)
	$(BIN)/python -m tests.definitions $(DEFINITIONS)
	@cd $(DEFINITIONS) && $(abspath $(VALIDATOR_HOME))/node_modules/.bin/asl-validator \
	  $$(printf -- '--json-path %s ' *.json) >validated.txt
	@echo "$$(wc -l <$(DEFINITIONS)/validated.txt) definitions are valid"

# What needs nothing of each other runs side by side. Then all tests at once: a process that collects them, and that has an
# embedded AWS and an Airflow, runs the quick ones and the others. What takes longest, beside tests that show the
# same in short, is left to `make exhaustive`, and to `make test-matrix` for each Airflow.
check: .venv/installed  ## everything that must hold before a change is merged
	$(MAKE) --no-print-directory --jobs $(JOBS) --output-sync=target SHAPES_ON=2.11 \
	  lint types imports templates validate $(MATRIX:%=test-airflow-%)
	$(BIN)/pytest $(SIDE_BY_SIDE) -m "not stock and not nightly"

local-up: .venv/installed  ## start the embedded AWS
	$(BIN)/elt-redshift local up

local-down: .venv/installed  ## stop it
	$(BIN)/elt-redshift local down

clean:  ## stop the embedded AWS; remove .venv, caches and everything generated
	@[ ! -x $(BIN)/elt-redshift ] || $(BIN)/elt-redshift local down
	rm -rf .venv .venv-* dist .elt-redshift airflow_home .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
