#!/bin/sh
# `make setup`: the environment .venv, exactly as locked, then the project itself from its own folder.
# Needs Python >= 3.11 and nothing else of ours; uses uv when it is there.
set -eu
cd "$(dirname "$0")/.."
lock=requirements-dev.lock

find_python() {
    for name in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
        [ -n "$name" ] || continue
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11) or print(sys.executable))' 2>/dev/null; then
            return 0
        fi
    done
    echo "setup: expected Python >= 3.11, got none (set PYTHON=/path/to/python3)" >&2
    return 1
}

if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$(find_python)
    echo "setup: making .venv with $python"
    if command -v uv >/dev/null 2>&1; then
        uv venv --quiet --clear --python "$python" .venv
    else
        "$python" -m venv --clear .venv || {
            echo "setup: the venv module failed; on Debian and Ubuntu install python3-venv" >&2
            exit 1
        }
    fi
fi

echo "setup: installing $(grep -c == "$lock") locked packages; without uv this takes about a minute"
# What builds comes first, from a lock of its own: a package that is source only is built with it and nothing unhashed.
# The project's own step needs no network: its build backend came with the lock (docs/adr/0002).
if command -v uv >/dev/null 2>&1; then
    VIRTUAL_ENV="$PWD/.venv"
    export VIRTUAL_ENV
    uv pip install --quiet --require-hashes -r requirements-build.lock
    uv pip sync --quiet --require-hashes --no-build-isolation "$lock"
    uv pip install --quiet --offline --no-deps --no-build-isolation --no-index --editable .
else
    .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip --upgrade >/dev/null
    pip="$PWD/.venv/bin/python -m pip install --quiet --disable-pip-version-check"
    $pip --require-hashes -r requirements-build.lock
    $pip --require-hashes --no-build-isolation -r "$lock"
    $pip --no-deps --no-build-isolation --no-index --editable .
fi
