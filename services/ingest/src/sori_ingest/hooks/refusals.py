"""What a sender is told whose request cannot be taken."""

import json
from collections.abc import Mapping, Sequence

from starlette.responses import Response

from sori_ingest.domain.outcomes import Violation


class Refusal(Exception):
    """A request is refused; the reason is a snake_case constant that programs may go by."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        fields: Sequence[Violation] = (),
        quarantined: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.message = message
        self.fields = fields
        self.quarantined = quarantined
        self.headers = headers

    def response(self) -> Response:
        """Write the answer; `code` and `message` are where the clients of Segment look."""
        body = {
            "success": False,
            "code": self.reason,
            "message": self.message,
            "fields": [{"field": each.field, "description": each.description} for each in self.fields],
            "quarantined": list(self.quarantined),
        }
        return Response(
            json.dumps(body, ensure_ascii=False), self.status, headers=self.headers, media_type="application/json"
        )
