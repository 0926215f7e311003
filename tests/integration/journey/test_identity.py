"""Merging, splitting and explaining customers, by the API."""

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio

import builders
import harness
from engines import Engines
from sori.ingest.v1 import touchpoint_pb2
from sori.journey.v1 import identity_pb2, rights_pb2
from sori.journey.v1 import journey_service_pb2 as pb
from sori.journey.v1 import journey_service_pb2_grpc as pb_grpc
from sori.journey.v1.customer_events_pb2 import CustomerErased, CustomerMerged, CustomerSplit
from sori_kit.envelope import event_type

SECRETS = ("kim@example.com", "+821012345678", "M-77", "kakao-secret")


@pytest_asyncio.fixture
async def journey(engines: Engines) -> AsyncIterator[harness.Harness]:
    env = {"SORI_JOURNEY_ERASURE_SECONDS": "0.1", "SORI_JOURNEY_ERASURE_SETTLE_SECONDS": "0.5"}
    async with harness.serving("journey", engines, env=env) as running:
        yield running


def an_id(name: str) -> touchpoint_pb2.Identifier:
    kind, value = name.split(":", 1)
    return touchpoint_pb2.Identifier(
        type=touchpoint_pb2.IdentifierType.Value(f"IDENTIFIER_TYPE_{kind.upper()}"), value=value
    )


def by(name: str) -> identity_pb2.CustomerReference:
    return identity_pb2.CustomerReference(identifier=an_id(name))


async def call(journey: harness.Harness, name: str, *roles: str, **fields: Any) -> Any:
    stub = pb_grpc.JourneyServiceStub(journey.channel)
    return await getattr(stub, name)(getattr(pb, f"{name}Request")(**fields), metadata=journey.metadata(*roles))


async def observe(journey: harness.Harness, *named: list[str], **fields: Any) -> list[str]:
    events = [
        builders.classified(identifiers=[tuple(each.split(":", 1)) for each in names], **fields) for names in named
    ]
    await journey.publish(*events)

    async def stitched() -> bool:
        async with journey.db.transaction() as tx:
            rows = await tx.execute(
                "select count(*) from timeline where touchpoint_id = any(cast(:ids as uuid[]))"
                " and not exists (select from outbox)",
                {"ids": [event.entity_id for event in events]},
            )
            return bool(rows.scalar_one() == len(events))

    await harness.until(stitched)
    return [event.entity_id for event in events]


async def said(journey: harness.Harness, message: Any) -> list[Any]:
    found = await journey.bus.read(event_type(message), after=0, most=100)
    return [message.FromString(each.data) for each in found]


async def customers(journey: harness.Harness, *names: str) -> list[str]:
    answer = await call(journey, "FindCustomers", identifiers=list(map(an_id, names)))
    return [each.customer_id for each in answer.customers]


async def test_a_customer_is_found_however_an_identifier_is_spelt(journey: harness.Harness) -> None:
    await observe(journey, ["phone:+821012345678", "email:kim@example.com"])

    for name in ("phone:010-1234-5678", "phone:+82 10 1234 5678", "email: KIM@Example.com"):
        found = await call(journey, "FindCustomer", identifier=an_id(name))
        assert [found.customer.customer_id] == await customers(journey, name)


async def test_a_merge_is_announced_once_and_can_be_repeated(journey: harness.Harness) -> None:
    await observe(journey, ["member_id:A"], ["member_id:B"])
    older, younger = await customers(journey, "member_id:A", "member_id:B")

    first = await call(journey, "MergeCustomers", customer=by("member_id:A"), other=by("member_id:B"))
    again = await call(journey, "MergeCustomers", customer=by("member_id:B"), other=by("member_id:A"))

    async def announced() -> bool:
        return bool(await said(journey, CustomerMerged))

    await harness.until(announced)
    (merged,) = await said(journey, CustomerMerged)
    assert first.decision_id
    assert not again.decision_id
    assert first.customer.customer_id == again.customer.customer_id == merged.customer_id
    assert {older, younger} == {merged.customer_id, merged.merged_customer_id}
    assert merged.decision_id == first.decision_id


async def test_a_customer_merged_with_itself_stays_as_it_was(journey: harness.Harness) -> None:
    await observe(journey, ["member_id:A", "email:a@example.com"])
    before = await call(journey, "FindCustomer", identifier=an_id("member_id:A"))

    answer = await call(journey, "MergeCustomers", customer=by("member_id:A"), other=by("email:a@example.com"))

    assert answer.customer == before.customer
    assert 0 == await journey.count("decision")


async def test_a_split_gives_each_their_touchpoints_and_ids_back(journey: harness.Harness) -> None:
    mine = await observe(journey, ["member_id:A"], ["member_id:A", "email:a@example.com"])
    theirs = await observe(journey, ["member_id:B"], ["member_id:B", "device_id:d"])
    before = await customers(journey, "member_id:A", "member_id:B")
    await call(journey, "MergeCustomers", customer=by("member_id:A"), other=by("member_id:B"))

    answer = await call(journey, "SplitCustomer", customer=by("member_id:A"), identifiers=[an_id("member_id:B")])
    late = await observe(journey, ["device_id:d"])

    async def announced() -> bool:
        return bool(await said(journey, CustomerSplit))

    await harness.until(announced)
    (split,) = await said(journey, CustomerSplit)
    assert before == await customers(journey, "member_id:A", "member_id:B")
    assert {answer.customer.customer_id, answer.split_customers[0].customer_id} == set(before)
    assert set(split.touchpoint_ids) in (set(mine), set(theirs))
    for customer_id, wanted in zip(before, (mine, [*theirs, *late]), strict=True):
        page = await call(journey, "GetTimeline", customer_id=customer_id)
        assert set(wanted) == {each.touchpoint.touchpoint_id for each in page.entries}


async def test_an_explanation_names_the_touchpoints_that_show_it(journey: harness.Harness) -> None:
    first, second = await observe(journey, ["email:e@x.kr", "phone:+8210"], ["phone:+8210", "kakao_id:k"])

    answer = await call(
        journey,
        "ExplainCustomer",
        customer=by("email:e@x.kr"),
        to=an_id("kakao_id:k"),
        **{"from": an_id("email:e@x.kr")},
    )

    assert [first, second] == [each.touchpoint_id for each in answer.links]
    assert {"kakao-main"} == {each.source for each in answer.links}


async def test_what_two_claim_is_detached_with_a_record(journey: harness.Harness) -> None:
    await observe(journey, ["member_id:A", "phone:+8210"])
    later = builders.NOON + dt.timedelta(minutes=1)
    (second,) = await observe(journey, ["member_id:B", "phone:+8210"], occurred_time=later)

    answer = await call(journey, "ExplainCustomer", customer=by("member_id:B"))

    assert 2 == len(set(await customers(journey, "member_id:A", "member_id:B")))
    assert 1 == await journey.count("detachment")
    assert [(identity_pb2.DETACH_REASON_STRONGER, second)] == [
        (each.reason, each.touchpoint_id) for each in answer.detached
    ]


async def test_who_may_only_read_sees_identifiers_masked(journey: harness.Harness) -> None:
    await observe(journey, ["email:kim@example.com"])

    reader = await call(journey, "FindCustomer", "cx.read", identifier=an_id("email:kim@example.com"))
    agent = await call(journey, "FindCustomer", "cx.read", "cx.act", identifier=an_id("email:kim@example.com"))

    assert ["*************om"] == [each.value for each in reader.customer.identifiers]
    assert ["kim@example.com"] == [each.value for each in agent.customer.identifiers]


async def test_a_filtered_timeline_is_paged_while_new_ones_arrive(journey: harness.Harness) -> None:
    wanted = await observe(journey, *[["member_id:A"]] * 4, channel="app", kind="complaint")
    await observe(journey, *[["member_id:A"]] * 3, channel="web", kind="view")
    (customer_id,) = await customers(journey, "member_id:A")
    asked: dict[str, Any] = {
        "customer_id": customer_id,
        "page_size": 2,
        "channels": [touchpoint_pb2.CHANNEL_APP],
        "kinds": [touchpoint_pb2.TOUCHPOINT_KIND_COMPLAINT],
    }

    first = await call(journey, "GetTimeline", **asked)
    await observe(
        journey,
        ["member_id:A"],
        channel="app",
        kind="complaint",
        occurred_time=builders.NOON + dt.timedelta(days=1),
    )
    second = await call(journey, "GetTimeline", **asked, page_token=first.next_page_token)

    shown = [each.touchpoint.touchpoint_id for each in (*first.entries, *second.entries)]
    assert sorted(wanted) == sorted(shown)
    assert not second.next_page_token


async def test_of_merged_customers_the_most_restrictive_consent_counts(journey: harness.Harness) -> None:
    await observe(journey, ["member_id:A"], ["member_id:B"])
    for name, state in (("A", rights_pb2.CONSENT_STATE_GRANTED), ("B", rights_pb2.CONSENT_STATE_DENIED)):
        consent = rights_pb2.Consent(purpose="marketing", state=state, source=rights_pb2.CONSENT_SOURCE_APP)
        await call(journey, "RecordConsent", customer=by(f"member_id:{name}"), consent=consent)

    await call(journey, "MergeCustomers", customer=by("member_id:A"), other=by("member_id:B"))

    (found,) = (await call(journey, "GetConsents", customer=by("member_id:A"))).consents
    assert (rights_pb2.CONSENT_STATE_DENIED, False) == (found.state, found.in_force)


async def test_an_erasure_leaves_no_trace_and_a_proof(journey: harness.Harness) -> None:
    await observe(
        journey,
        ["member_id:M-77", "email:kim@example.com"],
        ["email:kim@example.com", "phone:+821012345678"],
        ["kakao_id:kakao-secret", "phone:+821012345678"],
        text="제 번호는 비밀입니다",
    )
    kept = await observe(journey, ["member_id:OTHER"])
    stub = pb_grpc.JourneyServiceStub(journey.channel)
    export = [
        each.json
        async for each in stub.ExportCustomer(
            pb.ExportCustomerRequest(customer=by("member_id:M-77")), metadata=journey.metadata()
        )
    ]

    erasure = (await call(journey, "EraseCustomer", customer=by("member_id:M-77"), reason="asked")).erasure
    for service in ("ingest", "notify", "insight"):
        await call(journey, "AnswerErasure", erasure_id=erasure.erasure_id, service=service, removed_count=3)

    async def done() -> bool:
        found = (await call(journey, "GetErasure", erasure_id=erasure.erasure_id)).erasure
        return bool(found.state == rights_pb2.ERASURE_STATE_DONE)

    await harness.until(done)
    proof = (await call(journey, "GetErasure", erasure_id=erasure.erasure_id)).erasure
    assert all(any(secret in line for line in export) for secret in SECRETS)
    assert not [each for each in await everything(journey) for secret in SECRETS if secret.encode() in each]
    assert (3, 4, 6) == (proof.touchpoint_count, proof.identifier_count, proof.broker_count)
    assert not [secret for secret in SECRETS if secret in str(proof)]
    assert 1 == len(await said(journey, CustomerErased))
    assert 1 == await journey.count("timeline")
    assert kept[0].encode() in b"".join(await everything(journey))


async def everything(journey: harness.Harness) -> list[bytes]:
    """Every row of every table, and every message of every stream."""
    found: list[bytes] = []
    async with journey.db.transaction() as tx:
        tables = (await tx.execute("select tablename from pg_tables where schemaname = 'public'")).scalars()
        for table in tables:
            for row in await tx.execute(f"select t.* from {table} t"):
                found += [each if isinstance(each, bytes) else str(each).encode() for each in row]
    for stream in ("SORI_JOURNEY", "SORI_CLASSIFY", "SORI_INGEST", "SORI_DLQ"):
        for stored in await journey.bus.read(">", after=0, most=1000, stream=stream):
            found.append(stored.data + str(stored.headers).encode())
    return found


async def test_it_is_known_which_values_named_the_erased(journey: harness.Harness) -> None:
    await observe(journey, ["member_id:M-77", "phone:+821012345678"], ["member_id:OTHER"])
    nobody = await call(journey, "FindErased", values=["M-77"])
    await call(journey, "EraseCustomer", customer=by("member_id:M-77"))

    found = await call(journey, "FindErased", values=["OTHER", "+821012345678", "김", "M-77", "M-77"])

    assert ([], [1, 3, 4]) == (list(nobody.places), list(found.places))


async def test_a_late_delivery_does_not_bring_an_erased_person_back(journey: harness.Harness) -> None:
    await observe(journey, ["member_id:M-77"])
    await call(journey, "EraseCustomer", customer=by("member_id:M-77"))

    await journey.publish(builders.classified(identifiers=[("member_id", "M-77")]))
    await observe(journey, ["member_id:OTHER"])

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call(journey, "FindCustomer", identifier=an_id("member_id:M-77"))
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert 1 == await journey.count("timeline")
