"""The alert receiver, over HTTP."""

import datetime as dt
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from sori_local import receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    journal = tmp_path / "alerts.jsonl"
    server = receiver.server(0, SECRET, receiver.Journal(journal))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/alerts", journal
    server.shutdown()
    thread.join()
    server.server_close()


def send(url: str, body: str, *, webhook_id: str = "a-1", signed: str = "") -> int:
    now = dt.datetime.now(dt.UTC)
    signature = Webhook(SECRET).sign(webhook_id, now, signed or body)
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    return httpx.post(url, content=body.encode(), headers=headers, timeout=5).status_code


def test_signed_alert_is_kept_once_however_often_it_comes(running: tuple[str, Path]) -> None:
    url, journal = running

    codes = [send(url, '{"reason": "늦음"}') for _ in range(3)]

    assert [204, 204, 204] == codes
    assert [{"reason": "늦음"}] == [json.loads(line)["payload"] for line in journal.read_text().splitlines()]


def test_alert_with_another_body_than_signed_is_refused(running: tuple[str, Path]) -> None:
    url, journal = running

    code = send(url, '{"reason": "forged"}', signed='{"reason": "late"}')

    assert 401 == code
    assert 0 == receiver.count(journal)


def test_request_without_a_body_is_refused(running: tuple[str, Path]) -> None:
    assert 411 == httpx.post(running[0], timeout=5).status_code
