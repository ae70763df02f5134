# One command for each verb, on any make. On a fresh machine with Python 3.11 or newer and a C++20
# compiler they do all the set-up by themselves: a virtual environment in .venv, the packages that
# the verb needs, the extension modules (on every core). What is up to date is not done again.
#
# PYTHON=python3.12 and CXX=clang++ before the first one choose others than the usual.

BIN = .venv/bin
PY  = $(BIN)/python

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

setup:  ## virtual environment, all development packages, extension modules
	@.ci/setup dev

demo:  ## real blocks of Ethereum and one of a gigagas, on one worker and on two, checked
	@.ci/setup pyevm
	@$(PY) examples/demo.py

# Two processes, each with whole files: most tests use one core. More would only race for the caches.
# What looks at clocks or at who got which core runs after that, with nothing beside it.
test: setup  ## the test suite, without what takes minutes
	$(PY) .ci/pytest_totals.py -m 'not slow and not alone' --numprocesses 2 --dist loadfile \
	    --then -m 'alone and not slow'

test-slow: setup  ## what takes minutes: every fixture block, long searches
	$(PY) .ci/pytest_totals.py -m slow --timeout 3600 --hypothesis-profile search

test-pythons: setup  ## the fast tests on an installed wheel, on Python 3.12 and 3.13, and newer and free-threaded ones
	.ci/pythons 3.12 3.13 --if-found 3.14 3.15 3.13t 3.14t

test-peers: setup  ## other packages' own tests on the drop-ins, fetched by pip
	$(PY) .ci/peers

# Instrumented builds lie under build/ and leave the working tree alone.
sanitize: sanitize-thread sanitize-address sanitize-undefined  ## the stress tests on TSAN, ASAN and UBSAN builds

sanitize-thread: setup
	.ci/sanitize thread

sanitize-address: setup
	.ci/sanitize address

sanitize-undefined: setup
	.ci/sanitize undefined

# The execution specifications pin other versions of what we use, so they live apart.
.venv-eels/.installed:
	$(PY) -m venv .venv-eels
	.venv-eels/bin/python -m pip install --quiet 'ethereum-execution>=2.20'
	touch $@

fuzz: setup .venv-eels/.installed  ## generated blocks against py-evm and the specifications: SEED=1 SECONDS=600
	$(PY) -m tests.fuzz --seed "$${SEED:-1}" --seconds "$${SECONDS:-600}" --eels .venv-eels/bin/python

mutation: setup  ## small changes of the EVM's and the blocks' rules that tests must notice: SEED=1 SECONDS=600
	@for kind in native python; do \
	    $(PY) -m tests.mutation $$kind --seed "$${SEED:-1}" --seconds "$${SECONDS:-600}" || failed=1; \
	done; test -z "$$failed"

lint: setup  ## ruff, mypy, and the tests that read the source: style, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --diff .
	$(BIN)/mypy
	$(PY) -m pytest -q tests/test_style.py tests/test_layers.py

bench: setup  ## every workload against its baseline, part by part; writes bench/README.md and the plots: PARTS="evm hints"
	$(PY) bench/run.py $$PARTS

docs: setup  ## the pages as HTML, in build/docs
	$(PY) docs/build.py build/docs

wheel: setup  ## source distribution and wheel in dist/, checked in an environment of their own
	.ci/wheel

clean:  ## everything that was built; the virtual environment stays
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .benchmarks .hypothesis .venv/.built
	find src \( -name '*.so' -o -name '*.egg-info' \) -prune -exec rm -rf {} +
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

.PHONY: help setup demo test test-slow test-pythons test-peers sanitize sanitize-thread sanitize-address \
        sanitize-undefined fuzz mutation lint bench docs wheel clean
