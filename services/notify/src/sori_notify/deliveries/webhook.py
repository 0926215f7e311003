"""A webhook signed as Standard Webhooks has it."""

import datetime as dt

import httpx
import structlog
from standardwebhooks import Webhook

from sori_notify.deliveries.message import Outgoing
from sori_notify.domain import Alert

log = structlog.get_logger()


class SignedWebhook:
    """Posts messages to one receiver."""

    def __init__(self, url: str, secret: str, *, name: str, timeout_seconds: float) -> None:
        self.name = name
        self._url = url
        self._signer = Webhook(secret)
        self._client = httpx.AsyncClient(timeout=timeout_seconds, trust_env=False)

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
                return "" if answer.is_success else str(answer.status_code)  # What it says beyond that is not read.
        except httpx.HTTPError as error:
            return type(error).__name__

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
