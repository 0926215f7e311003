"""What a sender is told whose request cannot be taken."""

import json
from collections.abc import Mapping, Sequence

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from sori_ingest.domain.outcomes import Violation
from sori_ingest.hooks import sns
from sori_ingest.hooks.gate import Away, Busy
from sori_ingest.hooks.signatures import Refused


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


def refusal_of(error: BaseException) -> Refusal:
    """Say what a sender is told of what went wrong."""
    match error:
        case Refusal():
            return error
        case Refused(reason=sns.CERTIFICATE_UNAVAILABLE as reason):  # After a 401 Amazon would not come again.
            again = {"Retry-After": str(Away.retry_seconds)}
            return Refusal(503, reason, "who sent it cannot be proven now: come again", headers=again)
        case Refused(reason=reason):
            headers = {"WWW-Authenticate": 'Basic realm="sori"'}
            return Refusal(401, reason, "the sender is not proven", headers=headers)
        case Busy():
            again = {"Retry-After": str(error.retry_seconds)}
            return Refusal(429, "busy", "too much is in work: come again", headers=again)
        case Away():
            again = {"Retry-After": str(error.retry_seconds)}
            return Refusal(503, "unavailable", "it cannot be kept now: come again", headers=again)
        case HTTPException(status_code=status):
            reason = {404: "not_found", 405: "method"}.get(status, "refused")
            return Refusal(status, reason, str(error.detail), headers=error.headers)
        case ClientDisconnect():
            return Refusal(400, "disconnected", "the sender went away")
    return Refusal(500, "internal", "internal error")
