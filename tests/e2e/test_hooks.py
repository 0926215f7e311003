"""Webhooks, mail and tracking calls into the running platform, by the clients that its users have."""

import asyncio
import hmac
import json
import smtplib
import time
from collections.abc import Iterator
from email.message import EmailMessage

import httpx
import pytest
from segment.analytics import Client  # type: ignore[import-untyped]

import platform_under_test as platform
from sori_local import ports

SOURCES = """
sources:
  - {name: slack-cs, adapter: slack, secrets: {file: secret}}
  - {name: kiosk, adapter: shop, secrets: {file: secret}}
  - {name: app, adapter: segment, secrets: {file: secret}}
  - {name: help-mail, adapter: email, options: {addresses: [help@example.kr]}}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[platform.RunningPlatform]:
    """The platform with four sources, on a data folder that Postgres, under its own user, can get to."""
    folder = tmp_path_factory.mktemp("hooks")
    for each in (folder, *list(folder.parents)[:-2]):
        each.chmod(0o755)
    (folder / "secret").write_text("secret")
    (folder / "sources.yaml").write_text(SOURCES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SORI_INGEST_SOURCES_PATH", str(folder / "sources.yaml"))
        patch.setenv("SORI_INGEST_SOURCES_POLL_SECONDS", "0.1")
        with platform.up(folder / "data") as up:
            yield up


def url(running: platform.RunningPlatform) -> str:
    return f"http://127.0.0.1:{running.base_port + ports.HOOKS}"


def post_to_slack(running: platform.RunningPlatform, text: str) -> httpx.Response:
    event = {"type": "message", "channel": "C1", "user": "U1", "text": text, "ts": f"{time.time():.6f}"}
    body = json.dumps({"type": "event_callback", "event_id": "Ev1", "team_id": "T1", "event": event}).encode()
    now = str(int(time.time()))
    signature = hmac.new(b"secret", f"v0:{now}:".encode() + body, "sha256").hexdigest()
    headers = {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": f"v0={signature}"}
    return httpx.post(f"{url(running)}/hooks/slack-cs", content=body, headers=headers, timeout=30)


def send_mail(running: platform.RunningPlatform) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "kim@customer.kr", "help@example.kr", "환불 문의"
    mail["Message-ID"] = "<e2e@customer.kr>"
    mail.set_content("환불은 언제 되나요?")
    with smtplib.SMTP("127.0.0.1", running.base_port + ports.MAIL, timeout=30) as smtp:
        assert {} == smtp.send_message(mail)


def track(running: platform.RunningPlatform, count: int, *, gzip: bool) -> list[object]:
    """Send by Segment's own library, as it is; gives what failed."""
    failed: list[object] = []
    client = Client(
        "secret", host=url(running), gzip=gzip, on_error=lambda error, items: failed.append(error), upload_interval=0.05
    )
    client.identify("user-1", {"email": "kim@customer.kr"})
    client.alias("anonymous-1", "user-1")
    client.page("user-1", "Home", "상품")
    client.screen("user-1", "Cart")
    client.group("user-1", "group-1")
    for number in range(count):
        client.track("user-1", "Order Completed", {"order_id": f"o-{number}", "total": 12_000})
    client.flush()
    client.join()
    return failed


async def arrived(running: platform.RunningPlatform) -> int:
    return (await running.tally()).touchpoint_count


async def test_what_comes_in_by_every_way_reaches_the_feed(running: platform.RunningPlatform) -> None:
    before = await arrived(running)
    hook = await asyncio.to_thread(post_to_slack, running, "배송이 또 늦었어요")
    await asyncio.to_thread(send_mail, running)
    packed = await asyncio.to_thread(track, running, 120, gzip=True)
    plain = await asyncio.to_thread(track, running, 10, gzip=False)

    assert 200 == hook.status_code, hook.text
    assert [] == packed == plain
    await running.reached(before + 1 + 1 + 130)


async def test_segments_library_comes_again_while_the_broker_is_away(running: platform.RunningPlatform) -> None:
    before = await arrived(running)
    tracking = asyncio.create_task(asyncio.to_thread(track, running, 40, gzip=True))

    await running.kill("nats")

    assert [] == await asyncio.wait_for(tracking, 120)
    await running.reached(before + 40)


def test_what_is_in_quarantine_is_listed_mended_and_replayed(running: platform.RunningPlatform) -> None:
    data, sources = running.data, running.data.parent / "sources.yaml"
    answer = httpx.post(
        f"{url(running)}/hooks/kiosk/secret", json={"id": "k-1", "text": "좋아요", "rating": 9}, timeout=30
    )
    [quarantine_id] = answer.json()["quarantined"]
    listed = json.loads(platform.sori("quarantine", "list", "--source", "kiosk", "--json", data=data).stdout)
    shown = platform.sori("quarantine", "show", quarantine_id, data=data).stdout
    unmended = platform.sori("quarantine", "replay", quarantine_id, data=data, check=False)
    sources.write_text(SOURCES.replace("{name: kiosk, ", '{name: kiosk, options: {rating_scale: "0-10"}, '))

    until = time.monotonic() + 20
    while platform.sori("quarantine", "replay", "--source", "kiosk", data=data, check=False).returncode:
        assert time.monotonic() < until

    assert (400, quarantine_id) == (answer.status_code, listed["quarantine_id"])
    assert "좋아요" in shown
    assert 1 == unmended.returncode
    assert "nothing is in quarantine" in platform.sori("quarantine", "list", data=data).stdout
    assert 1 == platform.sori("quarantine", "discard", quarantine_id, data=data, check=False).returncode
