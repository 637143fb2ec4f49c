#!/bin/sh
# `make lock`: the lock files from pyproject.toml. Hashes and names only, no address of any index.
set -eu
cd "$(dirname "$0")/.."
options="--universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate --quiet"
# shellcheck disable=SC2086
uv pip compile $options pyproject.toml --group build --output-file requirements.lock "$@"
# The second lock keeps every version of the first.
# shellcheck disable=SC2086
uv pip compile $options pyproject.toml --group dev --constraint requirements.lock --output-file requirements-dev.lock "$@"
# What builds, alone: it is there before anything is built (tools/setup.sh).
# shellcheck disable=SC2086
uv pip compile $options --group build --constraint requirements.lock --output-file requirements-build.lock "$@"
# What reads the contract, in an environment of its own (tools/contract_checks.py).
# shellcheck disable=SC2086
uv pip compile $options contracts/requirements.in --output-file contracts/requirements.lock "$@"
