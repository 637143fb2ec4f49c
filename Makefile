# Two commands do all: `make run` and `make test`. Everything else is for those who change the code.
.DEFAULT_GOAL := help
.PHONY: help setup run check format test prove bench lock clean

PY := .venv/bin/python
STAMP := .venv/.setup-done

help: ## say what each command does
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## make .venv from the lock (with uv when it is there); instant when nothing changed
	@:

$(STAMP): requirements-dev.lock requirements-build.lock pyproject.toml tools/setup.sh
	@sh tools/setup.sh
	@touch $(STAMP)

run: setup ## serve the demo venue on loopback, from nothing
	@.venv/bin/tallystick run --demo

check: setup ## format, lint, types, imports, compose file, Dockerfile
	@$(PY) tools/check.py

format: setup ## rewrite the code in the house format
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

test: setup ## the whole suite, small and seeded (at most 10 minutes on 2 cores)
	@$(PY) -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

prove: setup ## the long suites; writes proofs/RESULTS.md (SEED=n repeats a run)
	@$(PY) tools/prove.py $(SEED)

bench: setup ## ratios measured in one run; writes bench/RESULTS.md (ONLY=name for one module)
	@$(PY) -m bench.run $(ONLY)

lock: ## renew both lock files (needs uv)
	@sh tools/lock.sh

clean: ## remove the environment and every cache
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .grimp_cache build dist
