"""Messages to customers on real engines."""

import datetime as dt
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from integration.notify import receivers

import builders
import harness
from engines import Engines
from sori.ingest.v1 import touchpoint_pb2
from sori.journey.v1 import identity_pb2, journey_service_pb2, journey_service_pb2_grpc, rights_pb2
from sori.notify.v1 import notify_service_pb2_grpc as pb_grpc
from sori.notify.v1 import outreach_pb2 as pb
from sori_kit import rpc
from sori_kit.errors import Unavailable
from sori_notify.model import Journey
from sori_notify.settings import automation as files
from sori_notify.settings import chains
from sori_notify.usecases import automation
from sori_notify.usecases.automation import NoConsents

AUTOMATIONS = """\
automations:
  - name: cart
    enabled: true
    if: touchpoint.kind == "cart"
    after: 1h
    unless: [purchase]
    purpose: marketing
    target: gateway
"""
ACKNOWLEDGEMENT = """\
automations:
  - name: first-answer
    enabled: true
    if: touchpoint.kind == "inquiry"
    purpose: service
    target: gateway
    hand_over: people
"""
CHAINS = """\
chains:
  - name: people
    steps: [{notify: {target: gateway}}]
"""
ANNA, BORA, CHOI, DANA = (f"00000000-0000-4000-8000-{number:012}" for number in (1, 2, 3, 4))


class Consents(journey_service_pb2_grpc.JourneyServiceServicer):
    """Answers as journey does: Choi took it back, Dana was erased."""

    def __init__(self) -> None:
        self.away = False

    async def GetConsents(
        self, request: journey_service_pb2.GetConsentsRequest, context: rpc.Context
    ) -> journey_service_pb2.GetConsentsResponse:
        if self.away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")
        customer = request.customer.customer_id
        if customer == DANA:
            await context.abort(grpc.StatusCode.NOT_FOUND, "nobody")
        said = [
            rights_pb2.Consent(purpose=purpose, in_force=customer in (ANNA, BORA))
            for purpose in ("marketing", "service")
        ]
        return journey_service_pb2.GetConsentsResponse(consents=said)


@asynccontextmanager
async def asking(folder: Path, consents: Consents) -> AsyncIterator[Journey]:
    """Run what answers for journey, and give what asks it."""
    server = grpc.aio.server()
    journey_service_pb2_grpc.add_JourneyServiceServicer_to_server(consents, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    (folder / "token").write_text("token")
    channel = rpc.channel(f"127.0.0.1:{port}", retry=False)
    try:
        yield Journey(channel, folder / "token")
    finally:
        await channel.close()
        await server.stop(None)


@asynccontextmanager
async def serving(engines: Engines, folder: Path, automations: str, **more: str) -> AsyncIterator[harness.Harness]:
    (folder / "sla.yaml").write_text("policies:\n  - {name: rest, first_response: 24h}\n")
    (folder / "automation.yaml").write_text(automations)
    env = {"SORI_NOTIFY_POLICY_PATH": str(folder / "sla.yaml"), "SORI_NOTIFY_SWEEP_SECONDS": "60", **more}
    async with harness.serving("notify", engines, env=env) as running:
        yield running


async def listed(notify: harness.Harness, **request: object) -> list[pb.Outreach]:
    stub = pb_grpc.NotifyServiceStub(notify.channel)
    found: list[pb.Outreach] = []
    token = ""
    while True:
        page = await stub.ListOutreach(
            pb.ListOutreachRequest(page_size=2, page_token=token, **request),  # type: ignore[arg-type]
            metadata=notify.metadata("cx.read"),
        )
        found += page.outreach
        token = page.next_page_token
        if not token:
            return found


async def test_a_cart_that_is_left_is_followed_up_once_with_consent_and_each_decision_is_kept(
    engines: Engines, tmp_path: Path
) -> None:
    now = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=30)
    async with serving(engines, tmp_path, AUTOMATIONS) as notify, asking(tmp_path, Consents()) as journey:
        for customer in (ANNA, ANNA, BORA, CHOI, DANA):
            await notify.publish(builders.stitched(customer_id=customer, kind="cart", occurred_time=now))
        await notify.publish(builders.stitched(customer_id=BORA, kind="purchase", occurred_time=now))

        async def triggered() -> bool:
            return await notify.count("inbox where durable = 'notify-follow'") == 6

        await harness.until(triggered)
        waiting = await listed(notify, state=pb.OUTREACH_STATE_WAITING)
        read = files.parse("automation.yaml", AUTOMATIONS)
        await automation.decide(notify.db, read, journey, {}, now=now + dt.timedelta(hours=1))
        await automation.decide(notify.db, read, journey, {}, now=now + dt.timedelta(hours=2))

        decided = sorted((each.customer_id, each.reason) for each in await listed(notify, automation="cart"))
        assert 5 == len(waiting)
        assert [
            (ANNA, ""),
            (ANNA, "too_often"),
            (BORA, "not_needed_any_more"),
            (CHOI, "no_consent"),
            (DANA, "no_consent"),
        ] == decided
        assert [""] == [each.reason for each in await listed(notify, customer_id=ANNA, state=pb.OUTREACH_STATE_SENT)]
        assert 1 == await notify.count("delivery where origin = 'automation'")


async def test_nothing_is_decided_while_nobody_can_say_what_was_agreed_to(engines: Engines, tmp_path: Path) -> None:
    now, consents = dt.datetime.now(dt.UTC) - dt.timedelta(hours=2), Consents()
    consents.away = True
    async with serving(engines, tmp_path, AUTOMATIONS) as notify, asking(tmp_path, consents) as journey:
        await notify.publish(builders.stitched(customer_id=ANNA, kind="cart", occurred_time=now))

        async def triggered() -> bool:
            return await notify.count("outreach") == 1

        await harness.until(triggered)
        read = files.parse("automation.yaml", AUTOMATIONS)
        with pytest.raises(Unavailable):
            await automation.decide(notify.db, read, journey, {}, now=now + dt.timedelta(hours=1))

        assert 1 == await notify.count("outreach where state = 'waiting'")


async def test_journey_itself_says_who_agreed(engines: Engines, tmp_path: Path) -> None:
    agreed, denied = rights_pb2.CONSENT_STATE_GRANTED, rights_pb2.CONSENT_STATE_DENIED
    said = {"agreed": [agreed], "took back": [agreed, denied], "silent": []}
    async with harness.serving("journey", engines) as journey:
        await journey.publish(*(builders.classified(identifiers=[("member_id", each)]) for each in said))

        async def stitched() -> bool:
            return await journey.count("timeline") == len(said)

        await harness.until(stitched)
        stub = journey_service_pb2_grpc.JourneyServiceStub(journey.channel)
        who: dict[str, uuid.UUID] = {}
        for name, words in said.items():
            member = touchpoint_pb2.Identifier(type=touchpoint_pb2.IDENTIFIER_TYPE_MEMBER_ID, value=name)
            request = journey_service_pb2.FindCustomerRequest(identifier=member)
            who[name] = uuid.UUID((await stub.FindCustomer(request, metadata=journey.metadata())).customer.customer_id)
            for state in words:
                consent = rights_pb2.Consent(purpose="marketing", state=state, source=rights_pb2.CONSENT_SOURCE_APP)
                customer = identity_pb2.CustomerReference(customer_id=str(who[name]))
                await stub.RecordConsent(
                    journey_service_pb2.RecordConsentRequest(customer=customer, consent=consent),
                    metadata=journey.metadata(),
                )
        (tmp_path / "token").write_text(journey.issuer.token(["admin"], subject="notify"))
        asked = Journey(journey.channel, tmp_path / "token")

        assert {who["agreed"]} == await asked.agreed([*who.values(), uuid.uuid4()], "marketing")
        assert set() == await asked.agreed(who.values(), "service")


async def test_the_service_says_when_a_target_of_its_messages_may_not_know_the_customer_any_more(
    engines: Engines, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ""
    (tmp_path / "secret").write_text(receivers.SECRET)
    target = 'targets:\n  - {name: gateway, role: %s, webhook: {url: "http://127.0.0.1:9/", secret: {file: secret}}}\n'
    (tmp_path / "targets.yaml").write_text(target % "cx.read")
    async with serving(engines, tmp_path, AUTOMATIONS, SORI_NOTIFY_POLICY_POLL_SECONDS="0.05"):
        (tmp_path / "targets.yaml").write_text(target % "hr.read")

        async def refused() -> bool:
            nonlocal said
            said += capsys.readouterr().out
            return "file.refused" in said

        await harness.until(refused)

    assert "automation.yaml:8:13: automations.0.target: " in said


async def test_what_is_off_triggers_nothing(engines: Engines, tmp_path: Path) -> None:
    off = AUTOMATIONS.replace("enabled: true", "enabled: false")
    async with serving(engines, tmp_path, off) as notify:
        await notify.publish(builders.stitched(customer_id=ANNA, kind="cart"))

        async def taken() -> bool:
            return await notify.count("inbox where durable = 'notify-follow'") == 1

        await harness.until(taken)
        assert [] == await listed(notify)


@pytest.mark.parametrize("agreed", [True, False])
async def test_an_automatic_acknowledgement_answers_nothing_and_hands_over_to_people(
    engines: Engines, tmp_path: Path, agreed: bool
) -> None:
    now = dt.datetime.now(dt.UTC)
    async with serving(engines, tmp_path, ACKNOWLEDGEMENT) as notify, asking(tmp_path, Consents()) as journey:
        who = ANNA if agreed else CHOI
        await notify.publish(builders.stitched(customer_id=who, thread_id="t", occurred_time=now))

        async def triggered() -> bool:
            return await notify.count("outreach") == 1

        await harness.until(triggered)
        read = files.parse("automation.yaml", ACKNOWLEDGEMENT)
        plans = chains.parse("chains.yaml", CHAINS).plans
        consents = journey if agreed else NoConsents()
        await automation.decide(notify.db, read, consents, plans, now=now + dt.timedelta(seconds=1))
        sent = builders.stitched(customer_id=who, thread_id="t", kind="reply", actor="bot", occurred_time=now)
        await notify.publish(sent)

        async def answered() -> bool:
            return await notify.count("thread_event where actor = 'bot'") == 1

        await harness.until(answered)
        assert agreed == await notify.count("escalation where name = 'people' and state = 'running'")
        assert 1 == await notify.count("case_clock where metric = 'first_response' and state = 'running'")
