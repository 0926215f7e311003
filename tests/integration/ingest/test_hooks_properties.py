"""No bytes whatever bring the HTTP edge down: random ones, and those that schemathesis makes of its description."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import harness
from engines import Engines
from sori_ingest.channels import ADAPTERS
from sori_local import engines as embedded

SECRET = "secret"
OUTCOMES = {200, 202, 400, 401, 404, 405, 408, 413, 415, 429}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Ingest with a source for each adapter, all of which take the secret in the path."""
    folder: Path = tmp_path_factory.mktemp("hooks")
    (folder / "secret").write_text(SECRET)
    sources = [
        {"name": name, "adapter": name, "secrets": [{"file": "secret"}], "options": {"signature": "shared"}}
        for name in ADAPTERS
    ]
    (folder / "sources.yaml").write_text(json.dumps({"sources": sources}))
    port = embedded.free_port()
    env = {"SORI_INGEST_HTTP_PORT": str(port), "SORI_INGEST_SOURCES_PATH": str(folder / "sources.yaml")}
    async with harness.serving("ingest", engines, env=env):
        yield f"http://127.0.0.1:{port}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=20,
)


async def test_every_input_ends_as_accepted_ignored_quarantined_or_refused(address: str) -> None:
    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @hypothesis_given(
        source=st.sampled_from(sorted(ADAPTERS)),
        body=st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()),
        media=st.sampled_from(
            [
                "",
                "application/json",
                "application/x-www-form-urlencoded",
                "message/rfc822",
                "text/csv",
                "\xff",
                "a/b;c=d",
            ]
        ),
        packing=st.sampled_from(["", "identity", "gzip"]),
        query=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30),
    )
    def send(source: str, body: bytes, media: str, packing: str, query: str) -> None:
        headers = [(b"Content-Type", media.encode("latin-1")), (b"Content-Encoding", packing.encode())]
        url = httpx.URL(f"{address}/hooks/{source}/{SECRET}", query=query.replace("#", "").encode())
        answer = client.post(url, content=body, headers=headers)

        assert answer.status_code in OUTCOMES, answer.text
        if answer.headers["content-type"] == "application/json" and "accepted" in answer.json():
            told = answer.json()
            parts = len(told["accepted"]) + told["duplicates"] + len(told["ignored"]) + len(told["quarantined"])
            assert parts or not told["quarantined"]

    with httpx.Client(timeout=30) as client:
        await asyncio.to_thread(send)


async def test_a_payload_of_which_nothing_came_is_not_passed_over_in_silence(address: str) -> None:
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        for source in sorted(ADAPTERS):
            for body in (b"{}", b"[]", b"\xff\xfe\x00", b"null", b"0", b'""', b"a=b", b"\r\n\r\n"):
                answer = await client.post(f"/hooks/{source}/{SECRET}", content=body)

                told = answer.json() if answer.headers["content-type"] == "application/json" else {}
                what = (source, body, answer.status_code, told)
                assert answer.status_code in {200, 202, 400}, what
                if answer.status_code == 202:
                    assert told["quarantined"], what


async def test_the_description_is_what_the_edge_does(address: str) -> None:
    await asyncio.to_thread(_conforms, address)


def _conforms(address: str) -> None:
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")

    for operation in schema.get_all_operations():
        found = operation.ok()

        @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
        @hypothesis_given(case=found.as_strategy())
        def conforms(case: schemathesis.Case) -> None:
            case.call_and_validate(
                checks=[
                    schemathesis.checks.not_a_server_error,
                    status_code_conformance,
                    content_type_conformance,
                    response_schema_conformance,
                ],
            )

        conforms()
