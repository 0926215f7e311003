"""Alerts on their way out: a webhook signed as Standard Webhooks has it."""

import datetime as dt

import httpx
import structlog
from standardwebhooks import Webhook

from sori_notify.domain import Alert

log = structlog.get_logger()


class SignedWebhook:
    """Posts alerts to one receiver."""

    def __init__(self, url: str, secret: str, *, name: str, timeout_seconds: float) -> None:
        self.name = name
        self._url = url
        self._signer = Webhook(secret)
        self._client = httpx.AsyncClient(timeout=timeout_seconds, trust_env=False)

    async def send(self, alert: Alert, *, now: dt.datetime) -> bool:
        """Say whether the receiver took the alert; whatever goes wrong on the way is a no."""
        alert_id = str(alert.alert_id)
        headers = {
            "content-type": "application/json",
            "webhook-id": alert_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(alert_id, now, alert.body),
        }
        try:
            async with self._client.stream("POST", self._url, content=alert.body.encode(), headers=headers) as answer:
                taken = answer.is_success  # What the receiver says beyond that is not read.
                problem = str(answer.status_code)
        except httpx.HTTPError as error:
            taken, problem = False, type(error).__name__
        if not taken:
            log.warning("alert.refused", alert_id=alert_id, attempt=alert.attempts, problem=problem)
        return taken

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
