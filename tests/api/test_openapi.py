"""The OpenAPI document is sound and complete, and requests made from it meet no surprise (schemathesis,
seeded, small)."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok

from api.app import create_app
from api.settings import Settings
from tests.api.house import House, Team

EXAMPLES_PER_OPERATION = 4


@pytest.mark.asyncio(loop_scope="module")
async def test_the_document_is_sound(at: House, ours: Team) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        app = create_app(Settings(data_dir=Path("unused")))
        document: dict[str, Any] = app.openapi()
    assert document["openapi"] == "3.1.0"
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(operations) >= 70
    ids = [operation["operationId"] for _, _, operation in operations]
    assert len(ids) == len(set(ids))
    for path, method, operation in operations:
        assert operation.get("summary") and operation.get("description"), (path, method)
        if path.startswith("/api/v1"):
            device = path.startswith("/api/v1/devices/here/") or path == "/api/v1/devices/acts"
            if path.endswith(("{token}", "/hooks/{hook}")):
                assert "security" not in operation, path
            else:
                assert operation["security"] == [{"device" if device else "key": []}], path
            for status in ("401", "403", "404", "422", "503"):
                content = operation["responses"][status]["content"]
                assert list(content) == ["application/problem+json"], (path, method, status)
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        if schema.get("type") == "object" and name not in ("Alive", "Ready", "Body_answer_link"):
            assert schema.get("additionalProperties") is False, name
    served = await at.client.get("/api/v1/openapi.json")
    assert served.json()["paths"].keys() == document["paths"].keys()


@pytest.mark.asyncio(loop_scope="module")
async def test_requests_made_from_the_document(at: House, ours: Team) -> None:
    """Every operation, a few valid and invalid requests each: no 5xx, no undeclared status or shape."""
    document = (await at.client.get("/api/v1/openapi.json")).json()
    schema = schemathesis.openapi.from_dict(document)
    tried = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        cases: list[Any] = []

        @settings(
            max_examples=EXAMPLES_PER_OPERATION,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def collect(case: Any) -> None:
            cases.append(case)  # noqa: B023 - called in this very round

        collect()
        for case in cases[:EXAMPLES_PER_OPERATION]:
            answer = await _send(at.client, case, ours.keys["owner"])
            assert answer.status_code < 500, (case.method, case.path, answer.text)
            declared = operation.definition.raw["responses"]
            assert str(answer.status_code) in declared, (
                case.method,
                case.path,
                answer.status_code,
                answer.text,
            )
            kind = answer.headers.get("content-type", "").partition(";")[0]
            if answer.status_code >= 400:
                assert kind == "application/problem+json"
                assert answer.json()["status"] == answer.status_code
            tried += 1
    assert tried >= 150


async def _send(client: httpx.AsyncClient, case: Any, key: str) -> httpx.Response:
    sent = case.as_transport_kwargs(base_url="http://localhost")
    headers = {name: str(value) for name, value in dict(sent.get("headers") or {}).items()}
    headers["Authorization"] = f"Bearer {key}"
    return await client.request(
        sent["method"],
        sent["url"],
        params=sent.get("params"),
        headers=headers,
        json=sent.get("json"),
        content=sent.get("data") if isinstance(sent.get("data"), bytes | str) else None,
        data=sent.get("data") if isinstance(sent.get("data"), dict) else None,
    )
