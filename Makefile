# Two commands do all: `make run` and `make test`. Everything else is for those who change the code.
.DEFAULT_GOAL := help
.PHONY: help setup run check format test prove bench chain contracts mutants lock clean

PY := .venv/bin/python
STAMP := .venv/.setup-done
CHAIN := contracts/node_modules/.chain-done
SLITHER := contracts/.venv/.slither-done

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

chain: $(CHAIN) ## bring the Solidity compiler, the fuzzer and the test chain of contracts/ (needs npm)
	@:

$(CHAIN): contracts/package-lock.json
	@cd contracts && npm ci --ignore-scripts --no-audit --no-fund
	@touch $(CHAIN)

$(SLITHER): contracts/requirements.lock $(STAMP)
	@$(PY) -m venv --clear contracts/.venv
	@contracts/.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r contracts/requirements.lock
	@touch $(SLITHER)

contracts: setup chain $(SLITHER) ## compile the contract anew and compare, fuzz it, read it with slither
	@$(PY) -m tools.contract_checks

mutants: setup chain ## break the contract in every listed way; writes contracts/MUTANTS.md
	@$(PY) -m tools.mutants

lock: ## renew the lock files (needs uv)
	@sh tools/lock.sh

clean: ## remove the environment and every cache
	@rm -rf .venv contracts/.venv contracts/node_modules contracts/out contracts/cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .grimp_cache build dist
