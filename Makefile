# Two commands do all of their own set-up: `make demo` runs the main job, `make test` passes the tests.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed

help:  ## Show what each target does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

$(STAMP): requirements/lock.txt requirements/layer.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "comal needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version). Run: make PYTHON=python3.12 …"; exit 1; }
	@echo "Installing what requirements/lock.txt pins into .venv (about a minute, once) …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements/lock.txt
	@$(BIN)/python -m compileall -q -j 0 .venv/lib  # on every core, where pip would use one
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m infra.layer
	@touch $@

setup: $(STAMP)  ## Install everything into .venv and build the Lambda layer
	@echo "Ready. Next: make demo, or: source .venv/bin/activate && comal --help"

demo: $(STAMP)  ## Run the whole loop on this machine, with the simulated taco chain
	@$(BIN)/comal demo

test: $(STAMP)  ## Run the tests (all but the slow ones)
	@$(BIN)/pytest -q -n 2 --dist loadfile -m "not slow"

test-all: $(STAMP)  ## Run the tests, slow ones too
	@$(BIN)/pytest -q -n 2 --dist loadfile

check: $(STAMP)  ## Lint, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)  ## Print each hot path against its peer and its limit
	@for file in benchmarks/[a-z]*.py; do $(BIN)/python -m benchmarks.$$(basename $$file .py) || exit 1; done

experiments:  ## Install MLflow's server, for the component of that name, into its own environment below .comal/mlflow
	@echo "Installing requirements/experiments.txt into .comal/mlflow (a minute, once) …"
	@$(PYTHON) -m venv .comal/mlflow
	@.comal/mlflow/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/experiments.txt

bench-peers:  ## Install what `make bench` compares with, each into its own environment below .comal/peers
	@for list in requirements/peers-*.txt; do \
	  peer=.comal/peers/$$(basename $$list .txt | sed s/peers-//); echo "Installing $$list into $$peer …"; \
	  $(PYTHON) -m venv $$peer && $$peer/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $$list || exit 1; \
	done

PIN := uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --no-annotate
lock:  ## Pin what pyproject.toml and requirements/*.in ask for (needs uv on the PATH)
	$(PIN) --universal --python-version 3.11 --all-extras pyproject.toml -o requirements/lock.txt
	$(PIN) --universal --python-version 3.11 -c requirements/lock.txt requirements/layer.in -o requirements/layer.txt
	for image in training training-gpu training-experiments; do $(PIN) --python-version 3.12 --python-platform x86_64-manylinux_2_28 \
	  -c requirements/lock.txt requirements/$$image.in -o requirements/$$image.txt || exit 1; done
	$(PIN) --universal --python-version 3.11 requirements/experiments.in -o requirements/experiments.txt
	for peer in requirements/peers-*.in; do $(PIN) --universal --python-version 3.11 $$peer -o $${peer%.in}.txt || exit 1; done

clean:  ## Remove the virtual environment and every cache; the local cloud's data stays
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -not -path './.comal/*' -prune -exec rm -rf {} +

.PHONY: help setup demo test test-all check experiments bench bench-peers lock clean
