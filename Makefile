# One command for each verb. On a fresh machine with Python 3.11 or newer and a C++ compiler,
# `make demo` and `make test` do all the set-up by themselves: a virtual environment in .venv,
# the build of the extension modules, and the run. What is up to date is not done again.

PYTHON ?= python3
CXX    ?= c++

VENV := .venv
BIN  := $(VENV)/bin
# The interpreter that runs everything below; absolute, so that recipes may change directory.
PY   := $(CURDIR)/$(BIN)/python

INSTALLED := $(VENV)/.installed
BUILT     := $(VENV)/.built
NATIVE    := $(shell find src/blockstm/_native src/blockstm/include -name '*.pyx' -o -name '*.pxd' \
                -o -name '*.h' -o -name '*.hpp' -o -name '*.cpp')

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow test-pythons sanitize sanitize-thread sanitize-address sanitize-undefined \
        fuzz lint bench docs wheel clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(BUILT)  ## virtual environment, dependencies, extension modules

# The build requirements are those of pyproject.toml, which is the one place that names them.
# The editable install compiles with the environment's own Cython: no second, isolated build.
$(INSTALLED): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python .ci/requires.py > $(VENV)/build-requires.txt
	$(BIN)/python -m pip install --quiet -r $(VENV)/build-requires.txt
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable '.[dev]'
	touch $@

$(BUILT): $(INSTALLED) setup.py $(NATIVE)
	$(PY) setup.py --quiet build_ext --inplace
	touch $@

demo: $(BUILT)  ## 10,000 payments on all cores, compared with sequential
	$(PY) examples/demo.py

test: $(BUILT)  ## the test suite, without what takes minutes
	$(PY) .ci/pytest_totals.py -m 'not slow'

test-slow: $(BUILT)  ## what takes minutes: every fixture block, long searches
	$(PY) .ci/pytest_totals.py -m slow --timeout 3600

test-pythons: $(INSTALLED)  ## the fast tests on an installed wheel, on Python 3.12 and 3.13
	.ci/pythons 3.12 3.13

# Instrumented builds lie under build/ and leave the working tree alone.
sanitize: sanitize-thread sanitize-address sanitize-undefined  ## the stress tests on TSAN, ASAN and UBSAN builds

sanitize-thread: $(BUILT)
	.ci/sanitize thread

sanitize-address: $(BUILT)
	.ci/sanitize address

sanitize-undefined: $(BUILT)
	.ci/sanitize undefined

# The execution specifications pin other versions of what we use, so they live apart.
EELS := .venv-eels

$(EELS)/.installed:
	$(PYTHON) -m venv $(EELS)
	$(EELS)/bin/python -m pip install --quiet 'ethereum-execution>=2.20'
	touch $@

SEED    ?= 1
SECONDS ?= 600

fuzz: $(BUILT) $(EELS)/.installed  ## generated blocks against py-evm and the specifications: SEED=1 SECONDS=600
	$(PY) -m tests.fuzz --seed $(SEED) --seconds $(SECONDS) --eels $(EELS)/bin/python

lint: $(BUILT)  ## ruff, mypy, and the tests that read the source: style, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --diff .
	$(BIN)/mypy
	$(PY) -m pytest -q tests/test_style.py tests/test_layers.py

bench: $(BUILT)  ## every workload against its baseline; writes bench/README.md and the plots
	mkdir -p build
	$(PY) -m pytest bench --benchmark-enable --benchmark-disable-gc --benchmark-warmup off \
	    --benchmark-json build/bench.json --benchmark-columns median,iqr,rounds --benchmark-sort name -q -p no:cacheprovider
	$(PY) bench/report.py build/bench.json

docs: $(INSTALLED)  ## the pages as HTML, in build/docs
	$(PY) docs/build.py build/docs

wheel: $(INSTALLED)  ## a wheel in dist/, checked in an environment of its own
	.ci/wheel

clean:  ## everything that was built; the virtual environment stays
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .benchmarks .hypothesis $(BUILT)
	find src \( -name '*.so' -o -name '*.egg-info' \) -prune -exec rm -rf {} +
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
