"""How tests of adapters read the payload files."""

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from sori_ingest import channels
from sori_ingest.channels.payload import Payload, Reading, Source
from sori_ingest.settings.options import wrong

PAYLOADS = Path(__file__).parents[3] / "contract" / "payloads"
RECEIVED = dt.datetime(2026, 11, 22, 3, 4, 5, tzinfo=dt.UTC)


@pytest.fixture
def read() -> Callable[..., Reading]:
    """Read a payload file of an adapter, such as `read("line", "ok_text.json")`."""

    def read_file(
        adapter: str,
        name: str,
        *,
        received: dt.datetime = RECEIVED,
        options: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        content_type: str = "",
        org_unit: str = "",
        mapping: Mapping[str, str] | None = None,
    ) -> Reading:
        payload = Payload(
            body=(PAYLOADS / adapter / name).read_bytes() if body is None else body,
            content_type=content_type,
            headers=headers or {},
            query=query or {},
            received_time=received,
        )
        there = channels.ADAPTERS[adapter].OPTIONS
        assert not any(wrong(option, value, adapter, there) for option, value in (options or {}).items())
        source = Source(name=f"test-{adapter}", org_unit=org_unit, options=options or {}, mapping=mapping or {})
        return channels.read(channels.ADAPTERS[adapter], payload, source)

    return read_file
