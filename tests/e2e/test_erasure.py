"""Whoever is erased is nowhere any more: every row of every database and every message of every stream is looked at."""

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from google.protobuf.message import Message
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

import builders
import harness
import holdings
import platform_under_test as platform
from sori.classify.v1 import classification_pb2, classify_service_pb2, classify_service_pb2_grpc
from sori.ingest.v1 import ingest_service_pb2, ingest_service_pb2_grpc, touchpoint_pb2
from sori.journey.v1 import identity_pb2, journey_service_pb2, journey_service_pb2_grpc, rights_pb2
from sori_kit import rpc
from sori_kit.bus import Bus
from sori_kit.envelope import Event
from sori_kit.settings import KitSettings
from sori_local import ports

POLICIES = harness.repository() / "deploy/local/policies"
SECRET = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
SOURCES = """
sources:
  - {name: sms, adapter: twilio, secrets: [{file: secret}]}
  - {name: kiosk, adapter: shop, secrets: [{file: secret}]}
"""
RULES = """
rules:
  - name: thread-of-complaints
    counts: {said: {by: thread, within: 7d}, all: {by: customer, within: 7d}}
    if: touchpoint.actor == "customer" && counts.said.now >= 1 && counts.all.now >= 1
    do: {open_case: true, tags: [seen], notify: [webhook, refused], chain: crisis}
"""
TARGETS = """
targets:
  - name: webhook
    webhook: {url: "http://127.0.0.1:%d/alerts", secret: {file: secret}}
    words: excerpt
  - name: refused
    webhook: {url: "http://127.0.0.1:9/nobody-listens", secret: {file: secret}}
    words: excerpt
"""
AUTOMATION = """
automations:
  - name: sorry
    enabled: true
    if: touchpoint.kind == "complaint"
    after: 1h
    most: {count: 9, per: 7d}
    purpose: service
    target: webhook
"""
_ALIKE = 4  # looks, a second apart, that find the same: what happens to a case comes to the feed a while later
HELD = {  # Where something of a customer stands who has lived through all of it.
    "SORI_CLASSIFY sori.classify.classification.corrected.v1",
    "SORI_CLASSIFY sori.classify.touchpoint.classified.v1",
    "SORI_DLQ sori.dlq.journey-stitch",
    "SORI_INGEST sori.ingest.submission.quarantined",
    "SORI_INGEST sori.ingest.touchpoint.received.v1",
    "SORI_JOURNEY sori.journey.touchpoint.stitched.v1",
    "SORI_NOTIFY sori.notify.case.opened.v1",
    "SORI_NOTIFY sori.notify.clock.breached.v1",
    *(f"sori_journey.public.{each}" for each in ("identifier", "pattern", "timeline")),
    *(f"sori_notify.public.{each}" for each in ("alert", "delivery", "matter", "thread_event")),
    *(f"sori_notify.public.{each}" for each in ("rule_count", "rule_fact", "rule_firing")),
    "sori_insight.public.feed_item",
}


Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody, and all that tells who it is."""

    key: str
    name: str
    member_id: str
    email: str
    phone: str  # as people write it
    kakao_id: str

    @property
    def identifiers(self) -> list[tuple[str, str]]:
        return [
            ("member_id", self.member_id),
            ("email", self.email),
            ("phone", self.phone),
            ("kakao_id", self.kakao_id),
        ]

    @property
    def traces(self) -> list[str]:
        """What must not be found: numbers by their last eight digits, however they are written before."""
        digits = "".join(filter(str.isdigit, self.phone))
        own = [f"{self.key}-order", f"{self.key}-said", f"{self.key}-thread", f"{self.key}-text"]
        return [self.name, self.member_id, self.email, self.phone, digits[-8:], self.kakao_id, *own]


HANA = Person(
    key="hana",
    name="김하나리",
    member_id="M-HANA-7781",
    email="Hana.Kim@Customer.example.kr",
    phone="010-4821-7731",
    kakao_id="kakao-hana-7c1f",
)
BORA = Person(
    key="bora",
    name="박보라미",
    member_id="M-BORA-5520",
    email="Bora.Park@Customer.example.kr",
    phone="010-9377-2264",
    kakao_id="kakao-bora-02be",
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[platform.RunningPlatform]:
    """The platform with everything on that keeps something about customers."""
    folder = tmp_path_factory.mktemp("erasure")
    for each in (folder, *list(folder.parents)[:-2]):
        each.chmod(0o755)
    (folder / "data/secrets").mkdir(parents=True)
    for secret in (folder / "secret", folder / "data/secrets/webhook"):
        secret.write_text(SECRET)
    (folder / "sources.yaml").write_text(SOURCES)
    for name in ("chains", "schedules"):
        (folder / f"{name}.yaml").write_text((POLICIES / f"{name}.yaml").read_text())
    (folder / "sla.yaml").write_text((POLICIES / "sla.yaml").read_text().replace("5m", "2s"))
    (folder / "rules.yaml").write_text(RULES)
    (folder / "targets.yaml").write_text(TARGETS % 9)
    (folder / "automation.yaml").write_text(AUTOMATION)
    settings = {
        "SORI_INGEST_SOURCES_PATH": str(folder / "sources.yaml"),
        "SORI_NOTIFY_POLICY_PATH": str(folder / "sla.yaml"),
        "SORI_NOTIFY_POLICY_POLL_SECONDS": "0.1",
        "SORI_JOURNEY_SWEEP_SECONDS": "1",
        "SORI_JOURNEY_ERASURE_SECONDS": "0.5",
        "SORI_JOURNEY_ERASURE_SETTLE_SECONDS": "3",
        "SORI_NOTIFY_ERASURE_SETTLE_SECONDS": "3",
    }
    with pytest.MonkeyPatch.context() as patch:
        for setting, value in settings.items():
            patch.setenv(setting, value)
        with platform.up(folder / "data") as up:
            (folder / "targets.yaml").write_text(TARGETS % (up.base_port + ports.RECEIVER))
            yield up


def said(person: Person, number: int, *, kind: str = "complaint", **fields: object) -> touchpoint_pb2.Touchpoint:
    """Something that a person said, with all that tells who it was."""
    given = {
        "occurred_time": dt.datetime.now(dt.UTC),
        "identifiers": person.identifiers,
        "source": "desk",
        "external_id": f"{person.key}-said-{number}",
        "thread_id": f"{person.key}-thread-{person.email}",
        "order_id": f"{person.key}-order-{number}",
        "text": f"저는 {person.name}입니다. {person.key}-text 배송이 또 늦었어요. {person.email}",
        "attributes": {"name": person.name, "mail": person.email},
        **fields,
    }
    return builders.a_touchpoint(kind=kind, **given)


async def submit(running: platform.RunningPlatform, *touchpoints: touchpoint_pb2.Touchpoint) -> list[str]:
    """Hand touchpoints in; gives what became of each."""
    async with rpc.channel(running.target("ingest")) as channel:
        answer = await ingest_service_pb2_grpc.IngestServiceStub(channel).SubmitTouchpoints(
            ingest_service_pb2.SubmitTouchpointsRequest(touchpoints=touchpoints), metadata=running.metadata
        )
    return [each.WhichOneof("outcome") or "" for each in answer.results]


def hooked(running: platform.RunningPlatform, person: Person) -> None:
    """Let a text message and a broken answer at a kiosk come in by webhook."""
    url = f"http://127.0.0.1:{running.base_port + ports.HOOKS}/hooks"
    form = {"MessageSid": f"{person.key}-said-sms", "From": person.phone, "To": "+827012345678", "Body": person.name}
    signature = RequestValidator(SECRET).compute_signature(f"{url}/sms", form)
    answer = httpx.post(f"{url}/sms", data=form, headers={"X-Twilio-Signature": signature}, timeout=30)
    assert 200 == answer.status_code, answer.text
    wrong = {"id": f"{person.key}-said-kiosk", "text": f"{person.key}-text {person.email}", "rating": 9}
    assert 400 == httpx.post(f"{url}/kiosk/{SECRET}", json=wrong, timeout=30).status_code


async def correct(running: platform.RunningPlatform, touchpoint: touchpoint_pb2.Touchpoint) -> None:
    """Say what the classification of a touchpoint should have been, with its text."""
    correction = classification_pb2.Correction(sentiment=classification_pb2.SENTIMENT_NEGATIVE)
    found = builders.a_received_touchpoint(source=touchpoint.source, external_id=touchpoint.external_id)
    async with rpc.channel(running.target("classify")) as channel:
        await classify_service_pb2_grpc.ClassifyServiceStub(channel).CorrectClassification(
            classify_service_pb2.CorrectClassificationRequest(
                touchpoint_id=found.touchpoint_id, correction=correction, text=touchpoint.text
            ),
            metadata=running.metadata,
        )


async def fail(running: platform.RunningPlatform, person: Person) -> None:
    """Let journey give up on something of a person's, which stays in the dead letters."""
    settings = KitSettings(nats_url=running.nats_url, grpc_port=0, metrics_port=0)
    bus = await Bus.connect("classify", settings)
    unread = said(person, 99)
    fields = {each: getattr(unread, each) for each in ("source", "external_id", "text", "thread_id")}
    broken: Event[Message] = builders.classified(
        touchpoint_id=f"no-uuid-{person.key}", identifiers=person.identifiers, **fields
    )
    await bus.publish([broken])
    await bus.close()


async def lived(running: platform.RunningPlatform, person: Person) -> None:
    """Let a person leave something in every place that keeps something."""
    first = said(person, 1)
    unreadable = said(person, 2)
    unreadable.ClearField("occurred_time")
    outcomes = await submit(running, first, unreadable, said(person, 3, channel="call_center", source="calls"))
    assert ["accepted", "rejected", "accepted"] == outcomes
    await submit(running, said(person, 4, actor="agent", kind="reply"))
    await asyncio.to_thread(hooked, running, person)
    await correct(running, first)
    await fail(running, person)


def reference(person: Person) -> identity_pb2.CustomerReference:
    return identity_pb2.CustomerReference(
        identifier=touchpoint_pb2.Identifier(type=touchpoint_pb2.IDENTIFIER_TYPE_EMAIL, value=person.email.lower())
    )


async def agree(stub: journey_service_pb2_grpc.JourneyServiceStub, person: Person, metadata: Metadata) -> None:
    consent = rights_pb2.Consent(
        purpose="service", state=rights_pb2.CONSENT_STATE_GRANTED, source=rights_pb2.CONSENT_SOURCE_APP
    )
    await stub.RecordConsent(
        journey_service_pb2.RecordConsentRequest(customer=reference(person), consent=consent), metadata=metadata
    )


async def erase(stub: journey_service_pb2_grpc.JourneyServiceStub, person: Person, metadata: Metadata) -> str:
    """Erase a person; gives the id of the erasure when it is through everywhere."""
    asked = await stub.EraseCustomer(
        journey_service_pb2.EraseCustomerRequest(customer=reference(person), reason="asked for"), metadata=metadata
    )
    await through(stub, asked.erasure.erasure_id, metadata, more_than=0)
    return asked.erasure.erasure_id


async def through(
    stub: journey_service_pb2_grpc.JourneyServiceStub, erasure_id: str, metadata: Metadata, *, more_than: int
) -> int:
    """Wait until an erasure is through and has found more copies on the broker than these; gives how many."""
    async with asyncio.timeout(90):
        while True:
            request = journey_service_pb2.GetErasureRequest(erasure_id=erasure_id)
            erasure = (await stub.GetErasure(request, metadata=metadata)).erasure
            if erasure.state == rights_pb2.ERASURE_STATE_DONE and erasure.broker_count > more_than:
                return erasure.broker_count
            await asyncio.sleep(0.3)


async def settled(running: platform.RunningPlatform) -> dict[str, Counter[str]]:
    """Wait until both have left something everywhere, and no more comes; says where all is of the one who stays."""
    seen: list[list[dict[str, Counter[str]]]] = []
    async with asyncio.timeout(90):
        while True:
            found = [await holdings.find(running, person.traces) for person in (HANA, BORA)]
            places = [{place for counts in each.values() for place in counts} for each in found]
            seen = [*seen, found][-_ALIKE:]
            if all(each >= HELD for each in places) and seen == [found] * _ALIKE:
                return found[1]
            await asyncio.sleep(1)


async def test_nothing_of_an_erased_customer_is_left_anywhere_and_all_of_another_is(
    running: platform.RunningPlatform,
) -> None:
    for person in (HANA, BORA):
        await lived(running, person)
    await running.drained(8)
    async with rpc.channel(running.target("journey")) as channel:
        stub = journey_service_pb2_grpc.JourneyServiceStub(channel)
        for person in (HANA, BORA):
            await agree(stub, person, running.metadata)
        before = await settled(running)
        began = dt.datetime.now(dt.UTC)

        erasure_id = await erase(stub, HANA, running.metadata)
        left = await holdings.find(running, HANA.traces)
        copies = await through(stub, erasure_id, running.metadata, more_than=0)
        await submit(running, said(HANA, 5, occurred_time=began - dt.timedelta(days=1)))
        await through(stub, erasure_id, running.metadata, more_than=copies)
        left_of_late = await holdings.find(running, HANA.traces)

    assert {} == left
    assert {} == left_of_late
    assert before == await holdings.find(running, BORA.traces)
