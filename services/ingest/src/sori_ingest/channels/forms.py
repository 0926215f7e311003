"""Bodies that are URL-encoded forms, also where they are not encoded with care."""

from sori_ingest.channels import reading
from sori_ingest.channels.payload import Payload

_OTHERS = frozenset({reading.Media.JSON, reading.Media.JSONL, reading.Media.XLSX, reading.Media.MULTIPART})


def is_form(payload: Payload) -> bool:
    """Say whether a source that sends forms and JSON sent a form: what has fields and is no JSON."""
    media = reading.media(payload)
    return media is reading.Media.FORM or (media not in _OTHERS and b"=" in payload.body)
