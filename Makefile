# `make demo` and `make test` work on a fresh clone: they make .venv if it is missing.
PYTHON ?= python3
BIN := .venv/bin
DATA ?= data
# Two processes; the tests of a file stay together, as they share what takes long to make.
PARALLEL ?= --numprocesses 2 --dist loadfile

.PHONY: demo test test-all lint docs bench versions browser clean
# A photo painted by a trained network, in seconds, and then by optimization in the style of a picture.
demo: .venv/package
	@mkdir -p out
	$(BIN)/jaxnst stylize jaxnst/assets/photos/cat.jpg --style starry_night -o out/one_pass.png --overwrite
	$(BIN)/jaxnst stylize jaxnst/assets/photos/cat.jpg \
	  --style jaxnst/assets/styles/swirling_night.jpg -o out/demo.png --preset fast --overwrite

# Most of their time goes into compiling, which is quicker without optimization; test-all has it.
test: .venv/installed
	XLA_FLAGS=--xla_backend_optimization_level=0 $(BIN)/pytest $(PARALLEL) -m "not slow and not network"

test-all: .venv/installed
	$(BIN)/pytest $(PARALLEL) -m "not network"

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# The site, in site/; a link that leads nowhere is an error.
docs: .venv/installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

# The figures of the documentation: `make bench DATA=DIR`, with a folder of photos and paintings. They are kept
# when all are measured: a file that has changed would mark the commit of those that follow as dirty.
bench: .venv/installed
	$(BIN)/pip install --quiet --constraint constraints.txt -e '.[bench]'
	for script in benchmarks/[a-z]*.py; do \
	  $(BIN)/python $$script --data $(DATA) --out out/figures/$$(basename $$script .py).json || exit 1; done
	mkdir -p benchmarks/figures
	cp out/figures/*.json benchmarks/figures
	$(BIN)/python tools/make_benchmarks_page.py

# The table of docs/versions.md: the quick tests with each Python and the newest packages, and the oldest.
versions: .venv/installed
	$(BIN)/pip install --quiet --constraint constraints.txt uv
	$(BIN)/python tools/test_versions.py

# The page that paints in the visitor's own browser, in browser/dist. It needs Node.
browser: .venv/installed
	$(BIN)/jaxnst export slim --for-browser -o browser/public/models
	cd browser && npm ci --no-fund --no-audit && npm run build

.venv/package: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing jaxnst and what it needs into .venv: some minutes, once"
	$(BIN)/pip install --quiet --constraint constraints.txt -e .
	touch $@

.venv/installed: .venv/package
	@echo "Installing what the tests need, too"
	$(BIN)/pip install --quiet --constraint constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf .venv out site build dist browser/dist browser/node_modules browser/public/models *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
