"""The container files under their real judges, since no engine runs here: `docker-compose config` and hadolint.

Each judge is shown a planted fault, so that its silence about our files means something.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from api.settings import SettingsInvalid, load_settings

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
COMPOSE_FILE = ROOT / "docker-compose.yml"


def compose(
    file: Path, *arguments: str, more: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / "docker-compose"), "-f", str(file), *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": str(file.parent), **(more or {})}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)


def hadolint(text: str) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / "hadolint"), "--no-color", "--config", str(ROOT / ".hadolint.yaml"), "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("profile", "services"),
    [
        ((), {"tallystick"}),
        (("--profile", "grown"), {"tallystick", "api", "worker", "postgres"}),
        (("--profile", "https"), {"tallystick", "hosted", "proxy"}),
    ],
)
def test_compose_file_is_accepted_and_starts(profile: tuple[str, ...], services: set[str]) -> None:
    accepted = compose(COMPOSE_FILE, *profile, "config", "-q")
    assert (accepted.returncode, accepted.stdout, accepted.stderr) == (0, "", "")
    assert set(compose(COMPOSE_FILE, *profile, "config", "--services").stdout.split()) == services


ALL = ("--profile", "grown", "--profile", "https")
PLACES = {"/data": "TALLYSTICK_DATA_DIR", "/keys": "TALLYSTICK_KEYS_DIR", "/guard": "TALLYSTICK_GUARD_DIR"}


def test_data_keys_and_guard_lie_in_a_volume_each() -> None:
    """A backup of one must not bring the others back: docs/keys.md."""
    told = json.loads(compose(COMPOSE_FILE, *ALL, "config", "--format", "json").stdout)
    for name in ("tallystick", "hosted", "api", "worker"):
        mounted = {one["target"]: one["source"] for one in told["services"][name]["volumes"]}
        assert mounted.keys() == PLACES.keys(), name
        assert len(set(mounted.values())) == len(PLACES)
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert [place for place, name in PLACES.items() if f"{name}={place} " not in dockerfile] == []


def test_no_password_lies_inside_an_address() -> None:
    told = json.loads(compose(COMPOSE_FILE, "--profile", "grown", "config", "--format", "json").stdout)
    for name in ("api", "worker"):
        environment = told["services"][name]["environment"]
        assert environment["TALLYSTICK_DATABASE_URL"] == "postgresql://tallystick@postgres/tallystick"
        assert "TALLYSTICK_DATABASE_PASSWORD" in environment


def test_hosted_is_reached_by_its_proxy_alone_and_believes_it_alone() -> None:
    told = json.loads(compose(COMPOSE_FILE, "--profile", "https", "config", "--format", "json").stdout)
    hosted, proxy = told["services"]["hosted"], told["services"]["proxy"]
    assert "ports" not in hosted
    assert hosted["networks"].keys() == proxy["networks"].keys() == {"front"}
    assert hosted["environment"]["TALLYSTICK_PROXY"] == proxy["networks"]["front"]["ipv4_address"]
    assert ip_address(proxy["networks"]["front"]["ipv4_address"]) in ip_network(
        told["networks"]["front"]["ipam"]["config"][0]["subnet"]
    )
    assert {one["published"] for one in proxy["ports"]} == {"80", "443"}
    secrets = {one["source"] for one in proxy["volumes"]} & {one["source"] for one in hosted["volumes"]}
    assert secrets == set(), "the proxy sees nothing of the record"


@pytest.mark.parametrize(("name", "fit"), [("tally.example.org", True), ("tally.lan", True), ("", False)])
def test_hosted_without_a_name_does_not_start(name: str, fit: bool) -> None:
    asked = ("--profile", "https", "config", "--format", "json")
    told = json.loads(compose(COMPOSE_FILE, *asked, more={"TALLYSTICK_NAME": name}).stdout)
    address = told["services"]["hosted"]["environment"]["TALLYSTICK_ADDRESS"]
    if fit:
        assert load_settings(address=address).public_address == f"https://{name}"
    else:
        with pytest.raises(SettingsInvalid, match=r"TALLYSTICK_ADDRESS: .*expected https://name"):
            load_settings(address=address)


FAULTS = (
    # what to replace, with what, what the answer names
    ("    ports:", "    prots:", "prots"),
    ('["data:/data"', '["date:/data"', "undefined volume date"),
    ("postgres: {condition: service_healthy}", "database: {condition: service_healthy}", "database"),
    ("condition: service_healthy", "condition: service_fine", "service_healthy"),
    ("networks: [front]", "networks: [back]", "undefined network back"),
    ("hosted: {condition", "host: {condition", 'undefined service "host"'),
    ("read_only: true", "read_only: perhaps", "read_only"),
    ("services:\n", "services:\n  x: {\n", "yaml"),
)


@pytest.mark.parametrize(("right", "wrong", "named"), FAULTS)
def test_planted_compose_fault_is_reported(tmp_path: Path, right: str, wrong: str, named: str) -> None:
    text = COMPOSE_FILE.read_text()
    assert right in text
    planted = tmp_path / "docker-compose.yml"
    planted.write_text(text.replace(right, wrong, 1))
    answer = compose(planted, *ALL, "config", "-q")
    assert answer.returncode != 0
    assert named in answer.stderr


def test_dockerfile_is_accepted() -> None:
    answer = hadolint((ROOT / "Dockerfile").read_text())
    assert (answer.returncode, answer.stdout) == (0, "")


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ("FROM python:3.13-slim AS build", "FROM python AS build", "DL3006"),
        ("FROM python:3.13-slim AS build", "FROM python:latest AS build", "DL3007"),
        ("WORKDIR /src", "WORKDIR src", "DL3000"),
        ("RUN useradd", "RUN sudo useradd", "DL3004"),
        ("USER 10001", "USER root", "DL3002"),
        ("COPY requirements-build.lock requirements.lock ./", "ADD requirements.lock ./", "DL3020"),
    ],
)
def test_planted_dockerfile_fault_is_reported(right: str, wrong: str, rule: str) -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert right in text
    answer = hadolint(text.replace(right, wrong, 1))
    assert answer.returncode != 0
    assert rule in answer.stdout


def test_image_copies_every_package_and_the_ignore_file_lets_it_through() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for name in ("ledger", "playbooks", "verifiers", "casework", "api", "web"):
        assert f"COPY {name} {name}\n" in dockerfile
        assert f"!{name}" in ignored
