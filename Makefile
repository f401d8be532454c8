# Two commands matter: `make demo` and `make test`. The others are for daily work.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OUTPUT ?= reglab-output
# Replicates of every run of the demo; with 10 the report decides the article's claims.
SEEDS ?= 1

.PHONY: demo test test-fast test-services faults serve lint format docs install clean bench screenshots

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "reglab needs Python 3.11 or newer; try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

demo: $(STAMP)
	@$(BIN)/reglab reproduce --own-server --output $(OUTPUT) --seeds $(SEEDS)

serve: $(STAMP)
	@$(BIN)/python -m reglab.api.serve

test: $(STAMP)
	$(BIN)/python -m pytest

test-fast: $(STAMP)
	$(BIN)/python -m pytest -m 'not slow'

# Real Redis and Postgres on free ports, for the tests that need them; add ARGS="-k name" and so on.
test-services: $(STAMP)
	$(BIN)/python -m tests.servers $(BIN)/python -m pytest -m services $(ARGS)

# Hundreds of short runs while workers, broker and database break; add ARGS="--mode embedded".
faults: $(STAMP)
	$(BIN)/python -m tests.faults $(ARGS)

# Step times of reglab, NumPy, PyTorch and JAX, the article, the service; tables to the README.
BENCH_STAMP := $(VENV)/.installed-bench
bench: $(BENCH_STAMP)
	$(BIN)/python -m benchmarks $(PARTS)

$(BENCH_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,bench]'
	@touch $(BENCH_STAMP)

docs: $(STAMP)
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -q -b html docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

# mypy and import-linter do not see the mapped names of an editable install; links show the tree.
.PHONY: .typed
.typed:
	@mkdir -p .typed/reglab
	@for room in core api worker client; do ln -sfn ../../$$room .typed/reglab/$$room; done
	@ln -sfn ../../client/_root/__init__.py .typed/reglab/__init__.py

# The pictures of the pages in the README; needs Chromium.
screenshots: $(STAMP)
	$(BIN)/python docs/screenshots/take.py

lint: $(STAMP) .typed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd .typed && ../$(BIN)/mypy --config-file ../pyproject.toml -p reglab.core -p reglab.client
	PYTHONPATH=.typed $(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) docs/_build build *.egg-info .typed $(OUTPUT)
