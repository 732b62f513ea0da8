# Needs Python 3.11 or newer, make and a package index. `make` lists the targets.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?=
ARGS   ?=
STAMP  := $(VENV)/.setup-done

.PHONY: proof proof-diagnoses proof-clean proof-plans proof-rates fuzz help setup accept compose composed test check bench truth lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## make .venv with everything in it; quick when it is up to date
	@:

accept: $(STAMP) ## the baseline acceptance, 50 sessions, 5 units a second, 60 s; ARGS="..." goes to pytest
	$(BIN)/pytest -m baseline scenarios/baseline $(ARGS)

compose: $(STAMP) ## baseline, mixed and broken containers against Compose; makes a Docker engine where there is none
	$(BIN)/python ci/provision_docker.py run -- $(MAKE) composed ARGS='$(ARGS)'

composed:
	$(BIN)/pytest -m "baseline or mixed" scenarios --wdtts-stack compose $(ARGS)
	$(BIN)/pytest -m containers scenarios --wdtts-stack compose

test: $(STAMP) ## the project's own tests; ARGS="..." goes to pytest
	$(BIN)/pytest tests $(ARGS)

check: $(STAMP) ## format, lint, types, and the manifest of the corpora
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python corpora/make_manifest.py --check

proof: $(STAMP) ## every defect of the reference gateway is found, by its own rows: docs/proof/matrix.md
	$(BIN)/python -m proof.matrix $(ARGS)

proof-rates: $(STAMP) ## the lowest rate at which each defect is found, at full size: docs/proof/rates.md
	$(BIN)/python -m proof.rates $(ARGS)

proof-clean: $(STAMP) ## healthy runs on a busy machine, and how many were blamed: docs/proof/false_alarms.md
	$(BIN)/python -m proof.clean $(ARGS)

proof-plans: $(STAMP) ## random fault plans against healthy gateways: every red row is a false alarm
	$(BIN)/python -m proof.plans $(ARGS)

proof-diagnoses: $(STAMP) ## every cause is diagnosed as itself, and how often not: docs/proof/diagnoses.md
	$(BIN)/python -m proof.diagnoses $(ARGS)

fuzz: $(STAMP) ## the fuzzers for longer than the tests have time for; ARGS="..." goes to pytest
	WDTTS_FUZZ_EXAMPLES=$(or $(EXAMPLES),5000) $(BIN)/pytest tests/fuzz --timeout 0 $(ARGS)

bench: $(STAMP) ## what generator and gateway cost; WHAT=peers, crowd, parts, stack or startup measures another thing
	$(BIN)/python -m benchmarks.$(or $(WHAT),cost) $(ARGS)

truth: $(STAMP) ## our clock beside a capture of the packets, 500 sessions; needs root and tcpdump
	$(BIN)/python -m benchmarks.truth $(ARGS)

# Rests on the bare .venv, not on setup: setup fails just when the pins no longer fit pyproject.toml.
lock: $(BIN)/python ## resolve ci/constraints.txt again; ARGS="--upgrade" for newer releases
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --all-extras \
		$(ARGS) pyproject.toml -o ci/constraints.txt

clean: ## remove .venv, caches and reports
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist wdtts-report allure-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@for python in $(or $(PYTHON),python3.11 python3 python); do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "$$python -m venv $(VENV)"; \
			"$$python" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }; \
			exit 0; \
		fi; \
	done; \
	echo "Python 3.11 or newer is needed: none of $(or $(PYTHON),python3.11 python3 python) is." \
		"Install one, or name it: make PYTHON=/path/to/python3.11 setup" >&2; exit 1

$(STAMP): pyproject.toml ci/constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c ci/constraints.txt -e '.[dev]'
	@touch $@
