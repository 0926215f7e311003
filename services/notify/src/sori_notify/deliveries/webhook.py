"""A webhook signed as Standard Webhooks has it."""

import asyncio
import contextlib
import datetime as dt

import httpx
import structlog
from standardwebhooks import Webhook

from sori_notify.deliveries.message import Outgoing
from sori_notify.domain import Alert

log = structlog.get_logger()

_REST_SECONDS = 1.0  # after which a connection that is not used is closed; servers wait for two or more
_READ_SECONDS = 1.0  # longest that the rest of an answer is waited for
_MOST_READ = 16_384  # bytes of an answer


class SignedWebhook:
    """Posts messages to one receiver."""

    def __init__(self, url: str, secret: str, *, name: str, timeout_seconds: float) -> None:
        self.name = name
        self._url = url
        self._signer = Webhook(secret)
        # A connection that has rested for long may have been closed by the other end just as it is used again.
        self._client = httpx.AsyncClient(
            timeout=timeout_seconds, trust_env=False, limits=httpx.Limits(keepalive_expiry=_REST_SECONDS)
        )

    async def send(self, alert: Alert, *, now: dt.datetime) -> bool:
        """Say whether the receiver took the alert; whatever goes wrong on the way is a no."""
        problem = await self._post(str(alert.alert_id), alert.body, now)
        if problem:
            log.warning("alert.refused", alert_id=str(alert.alert_id), attempt=alert.attempts, problem=problem)
        return not problem

    async def deliver(self, message: Outgoing, *, now: dt.datetime) -> str:
        """Send a message; gives why the receiver did not take it, as a code, or nothing."""
        return await self._post(message.message_id, message.body, now)

    async def _post(self, message_id: str, body: str, now: dt.datetime) -> str:
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(message_id, now, body),
        }
        try:
            async with self._client.stream("POST", self._url, content=body.encode(), headers=headers) as answer:
                await _pass_over(answer)
                return "" if answer.is_success else str(answer.status_code)  # What it says beyond that is nobody's.
        except httpx.HTTPError as error:
            return type(error).__name__

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


async def _pass_over(answer: httpx.Response) -> None:
    """Read a short answer to its end: only then its connection is used again; the status stands either way."""
    length = 0
    with contextlib.suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(_READ_SECONDS):
            async for part in answer.aiter_raw():
                length += len(part)
                if length > _MOST_READ:
                    break
