# Each target sets up all it needs: a virtual environment under .venv-NAME, the package built and installed in it.
# PYTHON chooses the interpreter, CC the compiler.

PYTHON ?= python3
NATIVE := $(shell find src/fastprop/_native -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.h')
PACKAGE := $(shell find src/fastprop -name '*.py' -o -name '*.pyi' -o -name '*.npz') pyproject.toml setup.py MANIFEST.in
PIP = bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test test-all test-oracles lint bench clean

demo: .venv-demo/installed
	.venv-demo/bin/fastprop demo

test: .venv-test/installed
	.venv-test/bin/python -m pytest

test-all: .venv-test/installed
	.venv-test/bin/python -m pytest -m ""

test-oracles: .venv-oracles/installed
	.venv-oracles/bin/python -m pytest tests/oracles -m ""

lint: .venv-lint/installed
	.venv-lint/bin/ruff check .
	.venv-lint/bin/ruff format --check .
	.venv-lint/bin/mypy
	.venv-lint/bin/cython-lint src/fastprop/_native

bench: .venv-bench/installed
	.venv-bench/bin/python benchmarks/step.py

clean:
	rm -rf .venv-* build dist src/*.egg-info
	find src -name '*.so' -delete -o -name '*.c' -delete

.venv-demo/installed: EXTRA = csv
.venv-test/installed: EXTRA = test
.venv-oracles/installed: EXTRA = oracles
.venv-bench/installed: EXTRA = test

.venv-%/installed: $(NATIVE) $(PACKAGE)
	@echo "building and installing fastprop in .venv-$* ..."
	@test -x .venv-$*/bin/python || $(PYTHON) -m venv .venv-$*
	@.venv-$*/$(PIP) --force-reinstall --no-deps .
	@.venv-$*/$(PIP) "fastprop-nn[$(EXTRA)] @ file://$(CURDIR)"
	@touch $@
