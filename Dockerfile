# Linted here (hadolint, `make check`), not built here: see docs/running.md.
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements-build.lock requirements.lock ./
RUN python -m venv /opt/tallystick \
    && /opt/tallystick/bin/python -m pip install --no-cache-dir --require-hashes -r requirements-build.lock \
    && /opt/tallystick/bin/python -m pip install --no-cache-dir --require-hashes --no-build-isolation -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY contracts/artifacts contracts/artifacts
COPY ledger ledger
COPY playbooks playbooks
COPY verifiers verifiers
COPY casework casework
COPY web web
COPY api api
# The build backend came with the lock, so this step needs no network and takes nothing unhashed.
RUN /opt/tallystick/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation --no-index .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home tallystick \
    && install --directory --owner=tallystick --mode=0700 /data /keys /guard
COPY --from=build /opt/tallystick /opt/tallystick
ENV PATH=/opt/tallystick/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    TALLYSTICK_DATA_DIR=/data \
    TALLYSTICK_KEYS_DIR=/keys \
    TALLYSTICK_GUARD_DIR=/guard \
    TALLYSTICK_HOST=0.0.0.0 \
    TALLYSTICK_PORT=8765
USER 10001
WORKDIR /data
VOLUME ["/data", "/keys", "/guard"]
EXPOSE 8765
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8765/readyz', timeout=2)"]
# The server refuses a database of another version; a new release brings its own steps along.
CMD ["sh", "-c", "tallystick db upgrade && exec tallystick run"]
