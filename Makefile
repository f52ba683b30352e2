# The commands that people use; `make` lists them.
PYTHON ?= python3
BIN = .venv/bin

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## make .venv with everything that tests and linters need
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q -c constraints.txt -e '.[test]'

test: ## run the tests, but for the slow ones
	$(BIN)/python -m pytest -q

test-one: ## run some tests: make test-one T=tests/wire
	$(BIN)/python -m pytest -q $(T)

check: ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fix: ## mend format and what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: ## write everything anew that is written from code
	$(BIN)/python -m codex_mcp schema > docs/schema/codex-interface.json
	$(BIN)/python -m codex_mcp schema --typescript > docs/schema/codex-interface.d.ts
	$(BIN)/python -m codex_mcp schema --reference > docs/interface-reference.md
	$(BIN)/python -m codex_mcp.surfaces.mcp.tools.schema
	$(BIN)/python -m tests.requirements
	$(BIN)/python -m tests.guide

docs: ## build the site into site/
	$(BIN)/pip install -q -c constraints.txt -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

lock: ## renew constraints.txt with the newest versions
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install -q -e '.[test,docs]'
	.venv-lock/bin/pip freeze --exclude-editable > constraints.txt
	rm -rf .venv-lock

.PHONY: help setup test test-one check fix generate docs lock
