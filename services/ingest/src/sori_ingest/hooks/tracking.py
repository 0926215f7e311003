"""The tracking API that Segment's libraries speak."""

from collections.abc import Mapping
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from sori_ingest.channels import reading
from sori_ingest.channels.payload import Payload, Unreadable
from sori_ingest.hooks import signatures
from sori_ingest.hooks.reception import Reception, answer
from sori_ingest.hooks.signatures import Proof
from sori_ingest.hooks.webhooks import source_of_secret

_SINGLE = ("identify", "track", "page", "screen", "group", "alias")
# Last part of the path -> the call; libraries in browsers and apps spell its first letter only.
CALLS: Mapping[str, str] = {
    **{call: call for call in (*_SINGLE, "batch", "import")},
    **{call[0]: call for call in (*_SINGLE, "batch")},
}


class Tracking:
    """POST /v1/{call}, with the write key of a source as user of Basic authentication or in the body."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    async def post(self, request: Request) -> Response:
        """Take one call, or a batch of them."""
        sent = await self._reception.read(request)
        config = source_of_secret(self._reception, "segment", _keys(sent))
        call = CALLS[request.url.path.rpartition("/")[2]]
        if call in _SINGLE:  # The body of a single call need not say what it is.
            sent = replace(sent, query={**sent.query, "type": call})
        taken = await self._reception.take(config, sent, Proof(signed=False))
        answered = answer(taken, more={"success": True})
        answered.status_code = 200  # Older libraries take nothing else for success, and would send all of it again.
        return answered


def _keys(sent: Payload) -> list[str]:
    """Give what may be the write key: a browser's library can set no header and names it in the body."""
    if "authorization" in sent.headers:
        return signatures.credentials(sent.headers)
    try:
        return [reading.optional_text(reading.json_object(sent), "writeKey")]
    except Unreadable:
        return []
