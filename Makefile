# Everything is installed in .venv. What is up to date is skipped, so a second run needs no network.

PYTHON ?= python3
WORKERS ?= 3 # on two cores: tests of servers and browsers wait too
PYTEST_ARGS ?= -n $(WORKERS) --dist loadscope --no-loadscope-reorder --max-worker-restart=4
TRUST_ARGS ?= -q -n 2 --dist loadscope --no-loadscope-reorder --max-worker-restart=4
RESILIENCE_ARGS ?= -q -n 2 --dist loadscope --no-loadscope-reorder --max-worker-restart=4 -o faulthandler_timeout=7200
BENCH_ARGS ?=
BENCH_ENDPOINTS_ARGS ?=
BENCH_ATTACK_ARGS ?=

export PIP_DISABLE_PIP_VERSION_CHECK = 1

VENV := .venv
BIN := $(VENV)/bin
IN_VENV := $(BIN)/python -m
PIP_INSTALL := $(IN_VENV) pip install --quiet --require-hashes
COMPILE := $(IN_VENV) uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --custom-compile-command 'make requirements'

NODE_MODULES := devtools/clients/node_modules

# True in a shell when .venv holds a Python that starts and finds its own packages.
WORKS := $(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null

.DEFAULT_GOAL := help
.PHONY: help run demo screenshots test test-all trust resilience check fix lint types layers audit bench requirements clean venv browser clients

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.installed ## Install if needed, and serve on http://127.0.0.1:2212
	@exec $(IN_VENV) flask --app wsgi serve

demo: $(VENV)/.installed ## Serve sample organizations with simulated providers: no account needed
	@exec $(IN_VENV) devtools.demo

test: browser clients $(VENV)/.installed-dev ## Run the tests but the thorough ones (PYTEST_ARGS='tests/web -k bulk' runs some)
	@$(IN_VENV) pytest $(PYTEST_ARGS)

test-all: browser clients $(VENV)/.installed-dev ## Run all tests, those of services and the API on both databases
	@$(IN_VENV) pytest --thorough $(PYTEST_ARGS)

trust: browser $(VENV)/.installed-dev ## Test each security promise against a real server, and print the table
	@$(IN_VENV) pytest -p tests.support.trust -m asvs --thorough $(TRUST_ARGS) tests/security tests/resilience

resilience: browser $(VENV)/.installed-dev ## Inject each fault many times (kills, outages, full disks), and print the results
	@$(IN_VENV) pytest --full --thorough -m resilience $(RESILIENCE_ARGS)
	@$(IN_VENV) bench.under_attack $(BENCH_ATTACK_ARGS)

lint: $(VENV)/.installed-dev ## Check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev ## Check types
	@$(IN_VENV) mypy

layers: $(VENV)/.installed-dev ## Check the import contracts
	@$(BIN)/lint-imports

audit: $(VENV)/.installed-dev ## Check the pinned packages for known vulnerabilities (skipped without a network)
	@if found=$$($(BIN)/pip-audit --disable-pip --require-hashes --progress-spinner off \
			--requirement requirements-dev.txt 2>&1); then \
		echo "$$found" | head -n 1; \
		skipped=$$(echo "$$found" | grep -c 'could not be audited') || true; \
		[ "$$skipped" = 0 ] || echo "$$skipped packages could not be checked: the package index does not know them."; \
	elif echo "$$found" | grep -q 'ConnectionError\|ConnectTimeout\|ReadTimeout'; then \
		echo "Skipped the check for known vulnerabilities: the package index cannot be reached."; \
	else \
		echo "$$found"; exit 1; \
	fi

check: lint types layers audit ## Run all checks except the tests

fix: $(VENV)/.installed-dev ## Fix what ruff can fix, and format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.installed-bench ## Run benchmarks
	@$(IN_VENV) bench.voice_provider $(BENCH_ARGS)
	@$(IN_VENV) bench.endpoints $(BENCH_ENDPOINTS_ARGS)
	@$(IN_VENV) bench.under_attack $(BENCH_ATTACK_ARGS)
	@$(IN_VENV) bench.sign_in_timing

screenshots: browser $(VENV)/.installed-dev ## Regenerate screenshots
	@$(IN_VENV) devtools.screenshots

requirements: $(VENV)/.installed-dev ## Re-pin requirements (BUMP=--upgrade for newer versions)
	@$(COMPILE) $(BUMP) pyproject.toml --output-file requirements.txt
	@$(COMPILE) $(BUMP) pyproject.toml --extra dev --constraints requirements.txt \
		--output-file requirements-dev.txt
	@$(COMPILE) $(BUMP) pyproject.toml --extra bench --constraints requirements.txt \
		--output-file requirements-bench.txt

clean: ## Remove .venv and caches; the data in instance/ stays
	@rm -rf $(VENV) $(NODE_MODULES) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv:
	@if [ -e $(VENV)/.made ]; then \
		if ! $(WORKS); then \
			echo "The .venv does not work: it was moved, or its Python was changed or removed."; \
			echo "Remove it and try again:  rm -rf .venv"; \
			exit 1; \
		fi; \
	elif ! $(WORKS); then \
		if ! command -v $(PYTHON) >/dev/null 2>&1; then \
			echo "Patchbay needs Python 3.11 or newer, and '$(PYTHON)' was not found."; \
			echo "Install it, or use another:  make PYTHON=python3.12 run"; \
			exit 1; \
		elif ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
			echo "Patchbay needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) -V 2>&1)."; \
			echo "Use a newer one:  make PYTHON=python3.12 run"; \
			exit 1; \
		elif ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
			echo "'$(PYTHON)' has no venv module. On Debian or Ubuntu:  apt-get install python3-venv"; \
			exit 1; \
		fi; \
		echo "Creating .venv with $$($(PYTHON) -V)"; \
		$(PYTHON) -m venv --clear $(VENV) || exit 1; \
		touch $(VENV)/.made; \
	else \
		touch $(VENV)/.made; \
	fi
ifneq ($(origin PYTHON),file)
	@requested=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	has=$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	if [ "$$requested" != "$$has" ]; then \
		echo "You requested Python $$requested, but .venv was created by Python $$has."; \
		echo "Remove it to switch:  rm -rf .venv"; \
		exit 1; \
	fi
endif

$(VENV)/.installed: requirements.txt | venv
	@echo "Installing requirements.txt"
	@$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt | $(VENV)/.installed
	@echo "Installing requirements-dev.txt"
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

clients: ## Install the OpenAPI linters and the TypeScript client's generator, if npm is there
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(NODE_MODULES)/.installed; fi

$(NODE_MODULES)/.installed: devtools/clients/package-lock.json
	@echo "Installing devtools/clients/package-lock.json"
	@if npm ci --silent --prefix devtools/clients; then touch $@; else \
		echo "Skipped: npm could not install the packages. The tests that need them are skipped too."; \
	fi

$(VENV)/.installed-bench: requirements-bench.txt | $(VENV)/.installed-dev
	@echo "Installing requirements-bench.txt"
	@$(PIP_INSTALL) -r requirements-bench.txt
	@touch $@

browser: | venv
	@$(IN_VENV) devtools.chromium
