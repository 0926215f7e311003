"""Identifiers are found in a payload in whatever way it is written."""

import base64
import io
import json
import quopri
import urllib.parse
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sori_ingest.channels import traces

WORDS = "김 고객 (member-00077) kim@example.kr 010-1234-5678"
SOUGHT = {"member-00077", "kim@example.kr", "+821012345678"}


def _workbook() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/sharedStrings.xml", f"<sst><si><t>{WORDS}</t></si></sst>")
    return packed.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        WORDS.encode(),
        WORDS.encode("cp949"),
        WORDS.encode("utf-16"),
        json.dumps({"text": WORDS}).encode(),
        json.dumps({"text": WORDS}, ensure_ascii=True).replace("@", "\\u0040").replace("-", "\\u002d").encode(),
        urllib.parse.urlencode({"Body": WORDS}).encode(),
        b"Subject: x\r\n\r\n" + quopri.encodestring(WORDS.encode()),
        b"Subject: x\r\n\r\n" + base64.encodebytes(WORDS.encode()),
        json.dumps({"Message": json.dumps({"content": base64.b64encode(WORDS.encode()).decode()})}).encode(),
        b"<p>" + WORDS.replace("@", "&#64;").encode() + b"</p>",
        _workbook(),
    ],
)
def test_identifiers_are_found_in_any_writing(body: bytes) -> None:
    assert set() == SOUGHT - traces.candidates(body, "")


@pytest.mark.parametrize(
    "written", ["01012345678", "+82 10-1234-5678", "(010) 1234 5678", "010.1234.5678", "3번 010-1234-5678 02-555-0199"]
)
def test_phone_numbers_are_found_as_people_write_them(written: str) -> None:
    assert "+821012345678" in traces.candidates(written.encode(), "")


def test_accounts_are_found_under_their_vendors_name() -> None:
    body = json.dumps({"events": [{"source": {"userId": "U4af4980629"}}]}).encode()

    assert "line:U4af4980629" in traces.candidates(body, "line")


@given(st.binary(max_size=400))
def test_no_bytes_are_too_much(body: bytes) -> None:
    assert isinstance(traces.candidates(body, "x"), set)
