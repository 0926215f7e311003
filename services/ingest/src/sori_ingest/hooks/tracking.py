"""The tracking API that Segment's libraries speak."""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from sori_ingest.hooks.reception import Reception, answer
from sori_ingest.hooks.signatures import Proof
from sori_ingest.hooks.webhooks import source_of_secret

_SINGLE = ("identify", "track", "page", "screen", "group", "alias")
CALLS = (*_SINGLE, "batch", "import")


class Tracking:
    """POST /v1/{call}, with the write key of a source as user of Basic authentication."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    async def post(self, request: Request) -> Response:
        """Take one call, or a batch of them."""
        sent = await self._reception.read(request)
        config = source_of_secret(self._reception, "segment", sent)
        call = request.url.path.rpartition("/")[2]
        if call in _SINGLE:  # The body of a single call need not say what it is.
            sent = replace(sent, query={**sent.query, "type": call})
        taken = await self._reception.take(config, sent, Proof(signed=False))
        return answer(taken, more={"success": True})
