# Each target sets up all it needs: a virtual environment in .venv-NAME, with the package built and installed in it.
# PYTHON chooses the interpreter, CC the compiler; BENCH=--quick and the like goes to the benchmarks.

PYTHON ?= python3
SOURCES := $(shell find src/fastprop -name '*.py' -o -name '*.p[xy][xdi]' -o -name '*.h' -o -name '*.npz') \
	pyproject.toml setup.py MANIFEST.in

.PHONY: demo test test-slow test-all test-oracles test-builds test-arm lint bench clean

demo: .venv-demo/installed
	@.venv-demo/bin/fastprop demo

test: .venv-test/installed
	.venv-test/bin/python -m pytest -q

test-slow: .venv-test/installed
	.venv-test/bin/python -m pytest -q -m slow

test-all: .venv-test/installed
	.venv-test/bin/python -m pytest -q -m ""

test-oracles: .venv-oracles/installed
	-.venv-oracles/bin/python tools/fetch_data.py
	.venv-oracles/bin/python -m pytest -q -m "" tests/oracles

test-builds:
	tools/builds.sh

test-arm:
	tools/builds.sh arm-O3

lint: .venv-lint/installed
	.venv-lint/bin/ruff check .
	.venv-lint/bin/ruff format --check .
	.venv-lint/bin/mypy
	PATH="$(CURDIR)/.venv-lint/bin:$$PATH" cython-lint src/fastprop/_native

bench: .venv-bench/installed
	.venv-bench/bin/python benchmarks --json benchmarks/results.json --images docs/images $(BENCH)

clean:
	rm -rf .venv-demo .venv-test .venv-oracles .venv-lint .venv-bench build dist src/*.egg-info
	find src \( -name '*.so' -o -name '*.c' \) -delete

.venv-demo/installed: EXTRA = csv
.venv-test/installed: EXTRA = test
.venv-oracles/installed: EXTRA = oracles
.venv-lint/installed: EXTRA = lint
.venv-bench/installed: EXTRA = plot
.venv-bench/installed: ALSO = --requirement benchmarks/requirements.txt
.venv-bench/installed: benchmarks/requirements.txt

.venv-%/installed: $(SOURCES)
	@echo "setting up .venv-$*: building and installing fastprop, about a minute"
	@test -x .venv-$*/bin/pip || $(PYTHON) -m venv .venv-$* || { rm -rf .venv-$*; exit 1; }
	@.venv-$*/bin/python -m pip install --quiet --disable-pip-version-check ".[$(EXTRA)]" $(ALSO)
	@touch $@
