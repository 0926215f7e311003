"""Messages on real engines, to real HTTP and SMTP servers."""

import asyncio
import datetime as dt
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from integration.notify import receivers
from integration.notify.receivers import Hook, Mailbox

import harness
from engines import Engines
from sori.notify.v1 import alert_events_pb2, delivery_pb2
from sori.notify.v1 import notify_service_pb2_grpc as pb_grpc
from sori_kit.clock import SystemClock
from sori_notify import store
from sori_notify.deliveries import Outbound, SignedWebhook
from sori_notify.deliveries.message import Outgoing
from sori_notify.domain.delivery import Delivery, Origin, Role
from sori_notify.domain.words import Severity
from sori_notify.settings import targets
from sori_notify.settings.targets import Directory
from sori_notify.usecases.deliver import Pace, send_to, targets_waiting

ALERT_SENT = "sori.notify.alert.sent.v1"
TARGETS = """\
targets:
  - {name: hook, role: cx.act, webhook: {url: "%(url)s", secret: {env: HOOK_SECRET}}}
  - {name: mail, apprise: {env: MAIL_URL}, digest_above: 3}
  - name: night
    webhook: {url: "%(url)s", secret: {env: HOOK_SECRET}}
    quiet: {start: "%(start)s", end: "%(end)s", zone: UTC}
"""


@pytest.fixture
def hook() -> Iterator[Hook]:
    with receivers.hook() as made:
        yield made


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with receivers.mailbox() as made:
        yield made


def directory(hook: Hook, mailbox: Mailbox | None = None) -> Directory:
    now = dt.datetime.now(dt.UTC)
    quiet = {"start": f"{now - dt.timedelta(hours=1):%H:%M}", "end": f"{now + dt.timedelta(hours=1):%H:%M}"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOK_SECRET", receivers.SECRET)
        port = mailbox.port if mailbox else 9
        patch.setenv("MAIL_URL", f"mailto://127.0.0.1:{port}?from=sori@example.com&to=cx@example.com&mode=insecure")
        return targets.parse("targets.yaml", TARGETS % {"url": hook.url, **quiet}, Path())


@asynccontextmanager
async def serving(engines: Engines, folder: Path, *, sweep: str = "60") -> AsyncIterator[harness.Harness]:
    (folder / "sla.yaml").write_text("policies:\n  - {name: rest, first_response: 24h}\n")
    env = {"SORI_NOTIFY_POLICY_PATH": str(folder / "sla.yaml"), "SORI_NOTIFY_SWEEP_SECONDS": sweep}
    async with harness.serving("notify", engines, env=env) as running:
        yield running


def a_delivery(target: str = "hook", **fields: Any) -> Delivery:
    usual: dict[str, Any] = {
        "delivery_id": uuid.uuid4(),
        "target": target,
        "origin": Origin.RULE,
        "reason": "rule.spike",
        "values": {"org_unit": "gangnam"},
        "created_time": dt.datetime.now(dt.UTC),
    }
    return Delivery(**usual | fields)


async def put(notify: harness.Harness, *given: Delivery) -> None:
    async with notify.db.transaction() as tx:
        await store.deliveries.add_deliveries(tx, given)


def pace(**fields: Any) -> Pace:
    usual: dict[str, Any] = {
        "at_once": 8,
        "lease": dt.timedelta(seconds=30),
        "first_retry": dt.timedelta(milliseconds=1),
        "attempts": 12,
        "draw": lambda: 0.0,
    }
    return Pace(**usual | fields)


async def send(notify: harness.Harness, known: Directory, **fields: Any) -> None:
    """Send whatever can be sent now."""
    outbound = Outbound(timeout_seconds=5)
    for name in await targets_waiting(notify.db, now=dt.datetime.now(dt.UTC)):
        while await send_to(notify.db, outbound, known, name, SystemClock(), pace(**fields)):
            await asyncio.sleep(0)
    await outbound.close()


async def listed(notify: harness.Harness, **fields: Any) -> list[delivery_pb2.Delivery]:
    request = delivery_pb2.ListDeliveriesRequest(**fields)
    stub = pb_grpc.NotifyServiceStub(notify.channel)
    return list((await stub.ListDeliveries(request, metadata=notify.metadata())).deliveries)


async def test_a_worker_that_dies_while_it_sends_leaves_the_message_to_another_under_the_same_key(
    engines: Engines, hook: Hook, tmp_path: Path
) -> None:
    async with serving(engines, tmp_path) as notify:
        known, made = directory(hook), a_delivery()
        await put(notify, made)
        hook.hang.set()
        lease = dt.timedelta(milliseconds=200)
        dying = asyncio.create_task(send(notify, known, lease=lease))

        async def reached() -> bool:
            return bool(hook.ids)

        await harness.until(reached)
        dying.cancel()
        with suppress(asyncio.CancelledError):
            await dying
        hook.hang.clear()

        async def sent() -> bool:
            await send(notify, known, lease=lease)
            return bool(hook.got)

        await harness.until(sent)

        assert [str(made.delivery_id)] * 2 == hook.ids
        assert [delivery_pb2.DELIVERY_STATE_SENT] == [each.state for each in await listed(notify)]


async def test_mail_comes_with_its_key_and_many_at_once_come_as_one_with_a_count(
    engines: Engines, hook: Hook, mailbox: Mailbox, tmp_path: Path
) -> None:
    async with serving(engines, tmp_path) as notify:
        one = a_delivery("mail", reason="rule.single")
        await put(notify, one)
        await send(notify, directory(hook, mailbox))
        await put(notify, *[a_delivery("mail", severity=Severity.HIGH) for _ in range(400)])
        await send(notify, directory(hook, mailbox))

        states = [each.state for each in await listed(notify, page_size=500)]
        first, second = mailbox.mails
        assert str(one.delivery_id) == first["X-Sori-Message-Id"]
        assert "400건" in second["Subject"]
        assert 400 == states.count(delivery_pb2.DELIVERY_STATE_DIGESTED)
        assert 2 == states.count(delivery_pb2.DELIVERY_STATE_SENT)


async def test_a_receiver_that_fails_is_left_in_peace_and_what_failed_can_be_sent_again(
    engines: Engines, hook: Hook, tmp_path: Path
) -> None:
    async with serving(engines, tmp_path) as notify:
        known = directory(hook)
        hook.broken.set()
        await put(notify, *[a_delivery() for _ in range(20)])
        for _ in range(30):
            await send(notify, known, attempts=1)
        tried = len(hook.ids)
        failed = await listed(notify, state=delivery_pb2.DELIVERY_STATE_FAILED)
        hook.broken.clear()
        async with notify.db.transaction() as tx:
            await tx.execute("update target_health set open_until = now() - interval '1 second'")
        stub = pb_grpc.NotifyServiceStub(notify.channel)
        again = await stub.RedeliverFailed(delivery_pb2.RedeliverFailedRequest(), metadata=notify.metadata())
        await send(notify, known)

        assert tried <= 8  # What was under way when the fifth failed, and nothing after.
        assert tried == len(failed) == again.redelivered_count
        assert {"503"} == {each.problem for each in failed}
        assert 20 == len(hook.got)
        assert {delivery_pb2.DELIVERY_STATE_SENT} == {each.state for each in await listed(notify)}


async def test_of_attempts_that_are_noted_together_each_is_noted_as_it_went(
    engines: Engines, hook: Hook, tmp_path: Path
) -> None:
    async with serving(engines, tmp_path) as notify:
        hook.answers = [200, 503, 200, 200, 429, 200, 200, 500]  # eight at once; those that failed try again
        made = [a_delivery(case_id=uuid.uuid4()) for _ in range(20)]
        await put(notify, *made)
        for _ in range(9):
            await send(notify, directory(hook))

        states = {each.delivery_id: each for each in await listed(notify, page_size=500)}
        stored = await notify.runtime.bus.read(ALERT_SENT, after=0, most=100)
        told = [alert_events_pb2.AlertSent.FromString(each.data) for each in stored]
        assert {delivery_pb2.DELIVERY_STATE_SENT} == {each.state for each in states.values()}
        assert Counter({1: 17, 2: 3}) == Counter(each.attempt_count for each in states.values())
        assert sorted(str(each.delivery_id) for each in made) == sorted(each.alert_id for each in told)
        assert {each.alert_id: each.attempt_count for each in told} == {
            key: each.attempt_count for key, each in states.items()
        }
        assert Counter(each.alert_id for each in told for _ in range(each.attempt_count)) == Counter(hook.ids)


@pytest.mark.parametrize(("answer", "connections"), [(b"ok", 1), (b"", 1), (b"x" * 100_000, 10)])
async def test_a_connection_is_used_again_once_a_short_answer_was_read(answer: bytes, connections: int) -> None:
    opened: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(answer) + answer)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    webhook = SignedWebhook(url, receivers.SECRET, name="w", timeout_seconds=5)
    message = Outgoing(message_id="m", title="", text="", body="{}")
    problems = {await webhook.deliver(message, now=dt.datetime.now(dt.UTC)) for _ in range(10)}
    await webhook.close()
    server.close()

    assert {""} == problems
    assert connections == len(opened)


async def test_an_answer_that_never_ends_is_an_answer() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
        await reader.read()  # Until the other end has had enough.
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    webhook = SignedWebhook(url, receivers.SECRET, name="w", timeout_seconds=30)
    async with asyncio.timeout(10):
        problem = await webhook.deliver(
            Outgoing(message_id="m", title="", text="", body="{}"), now=dt.datetime.now(dt.UTC)
        )
    await webhook.close()
    server.close()

    assert problem == ""


async def test_what_is_not_critical_waits_until_quiet_hours_are_over(
    engines: Engines, hook: Hook, tmp_path: Path
) -> None:
    async with serving(engines, tmp_path) as notify:
        await put(notify, a_delivery("night"), a_delivery("night", severity=Severity.CRITICAL, reason="rule.fire"))
        await send(notify, directory(hook))

        (waiting,) = await listed(notify, state=delivery_pb2.DELIVERY_STATE_PENDING)
        assert ["rule.fire"] == hook.reasons()
        assert "quiet_hours" == waiting.problem


async def test_words_leave_the_table_once_they_were_sent(engines: Engines, hook: Hook, tmp_path: Path) -> None:
    async with serving(engines, tmp_path) as notify:
        await put(notify, a_delivery(values={"words": "배송이 늦어요"}))
        await send(notify, directory(hook))

        async with notify.db.transaction() as tx:
            (kept,) = (await tx.execute('select "values" from delivery')).scalars()
        assert "배송이 늦어요" in json.dumps(list(hook.got.values()), ensure_ascii=False)
        assert "words" not in kept


async def test_a_message_to_a_customer_whose_target_may_not_know_the_customer_any_more_fails_until_it_may_again(
    engines: Engines, hook: Hook, tmp_path: Path
) -> None:
    made, alert = a_delivery(origin=Origin.AUTOMATION, values={"customer_id": "anna"}), a_delivery()
    may = directory(hook)
    target = may.targets["hook"]
    may_not = replace(may, targets={"hook": replace(target, role=Role.EMPLOYEE)})
    async with serving(engines, tmp_path) as notify:
        await put(notify, made, alert)
        await send(notify, may_not)
        before = set(hook.got)
        (failed,) = await listed(notify, state=delivery_pb2.DELIVERY_STATE_FAILED)
        await pb_grpc.NotifyServiceStub(notify.channel).RedeliverFailed(
            delivery_pb2.RedeliverFailedRequest(target="hook"), metadata=notify.metadata()
        )
        await send(notify, may)

    assert ({str(alert.delivery_id)}, "customer_hidden") == (before, failed.problem)
    assert "anna" == hook.got[str(made.delivery_id)]["customer_id"]


async def test_a_receiver_that_never_answers_keeps_no_other_waiting(
    engines: Engines, hook: Hook, tmp_path: Path
) -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # Until the other end has had enough.
        writer.close()

    silent = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    (tmp_path / "targets.yaml").write_text(
        "targets:\n"
        f'  - {{name: silent, webhook: {{url: "http://127.0.0.1:{port}", secret: {{env: HOOK_SECRET}}}}}}\n'
        f'  - {{name: hook, webhook: {{url: "{hook.url}", secret: {{env: HOOK_SECRET}}}}}}\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOK_SECRET", receivers.SECRET)
        async with serving(engines, tmp_path, sweep="0.05") as notify:
            await put(notify, a_delivery("silent"))

            async def under_way() -> bool:
                return await notify.count("delivery where target = 'silent' and attempts = 1") == 1

            await harness.until(under_way)
            await put(notify, a_delivery("hook"))

            async def taken() -> bool:
                return len(hook.got) == 1

            await harness.until(taken, 8)  # The other is waited for until ten seconds are over.
    silent.close()
