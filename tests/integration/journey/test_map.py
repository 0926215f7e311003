"""Stages, the journey map, segments and risks on real engines."""

import asyncio
import datetime as dt
import itertools
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

import builders
import harness
import sori_sample
from engines import Engines
from sori.classify.v1 import classification_pb2
from sori.classify.v1.classification_events_pb2 import ClassificationCorrected
from sori.classify.v1.touchpoint_events_pb2 import TouchpointClassified
from sori.ingest.v1 import touchpoint_pb2
from sori.journey.v1 import identity_pb2, journey_map_pb2, position_pb2, segment_pb2
from sori.journey.v1 import journey_service_pb2 as pb
from sori.journey.v1 import journey_service_pb2_grpc as pb_grpc
from sori_kit import ids
from sori_kit.envelope import Event

END = dt.date(2026, 11, 2)
DAY = dt.timedelta(days=1)
STAGES = """
rules:
  - {name: all-views, stage: advocacy, kinds: [view], channels: [web]}
  - {name: buys, stage: purchase, kinds: [purchase]}
"""


@pytest_asyncio.fixture
async def journey(engines: Engines, tmp_path: Path) -> AsyncIterator[harness.Harness]:
    stages = tmp_path / "stages.yaml"
    stages.write_text((harness.repository() / "deploy/local/policies/stages.yaml").read_text())
    env = {
        "SORI_JOURNEY_STAGES_PATH": str(stages),
        "SORI_JOURNEY_SEGMENTS_PATH": str(harness.repository() / "deploy/local/policies/segments.yaml"),
        "SORI_JOURNEY_POLICY_POLL_SECONDS": "0.1",
        "SORI_JOURNEY_FOLLOW_SECONDS": "0.05",
    }
    async with harness.serving("journey", engines, env=env) as running:
        yield running


def stub(journey: harness.Harness) -> pb_grpc.JourneyServiceStub:
    return pb_grpc.JourneyServiceStub(journey.channel)


def reference(member: str) -> identity_pb2.CustomerReference:
    return identity_pb2.CustomerReference(
        identifier=touchpoint_pb2.Identifier(type=touchpoint_pb2.IDENTIFIER_TYPE_MEMBER_ID, value=member)
    )


async def followed(journey: harness.Harness, count: int) -> None:
    async def done() -> bool:
        async with journey.db.transaction() as tx:
            rows = await tx.execute(
                "select (select coalesce(sum(step_count), 0) from path), (select count(*) from timeline),"
                " (select count(*) from touched)"
            )
            return tuple(rows.one()) == (count, count, 0)

    await harness.until(done, 60)


def said(mood: str, **fields: object) -> Event[TouchpointClassified]:
    return builders.classified(builders.a_classification(mood, topics=["delivery"]), **fields)  # type: ignore[arg-type]


async def the_map(journey: harness.Harness, **given: object) -> pb.GetJourneyMapResponse:
    fewest = given.pop("fewest_customers", 0)
    return await stub(journey).GetJourneyMap(
        pb.GetJourneyMapRequest(filter=journey_map_pb2.JourneyMapFilter(**given), fewest_customers=fewest),  # type: ignore[arg-type]
        metadata=journey.metadata(),
    )


def cell(found: pb.GetJourneyMapResponse, stage: str, channel: str) -> journey_map_pb2.JourneyMapCell:
    for each in found.cells:
        if (each.stage, each.channel) == (
            position_pb2.Stage.Value(f"STAGE_{stage}"),
            touchpoint_pb2.Channel.Value(f"CHANNEL_{channel}"),
        ):
            return each
    raise AssertionError(f"no cell {stage} {channel}")


def sample_events(sample: sori_sample.Sample) -> list[Event[TouchpointClassified]]:
    """The sample as it comes when every text is read as it was meant and everybody is known at once."""
    whose = {name: customer for customer, names in sample.truth.customers.items() for name in names}
    skipped = set(sample.truth.invalid_reasons)
    found: dict[str, Event[TouchpointClassified]] = {}
    for touchpoint in sample.touchpoints:
        name = f"{touchpoint.source}/{touchpoint.external_id}"
        if name in skipped or name in found:
            continue
        touchpoint.touchpoint_id = ids.derived("touchpoint", touchpoint.source, touchpoint.external_id)
        del touchpoint.identifiers[:]
        if name in whose:
            touchpoint.identifiers.add(type=touchpoint_pb2.IDENTIFIER_TYPE_MEMBER_ID, value=whose[name])
        label = sample.truth.labels.get(name)
        classification = builders.a_classification(
            label.sentiment if label else "neutral", topics=[label.topic] if label and label.topic else []
        )
        found[name] = Event.new(
            TouchpointClassified(touchpoint=touchpoint, classification=classification),
            event_id=str(ids.derive("classified", touchpoint.touchpoint_id)),
            entity_id=touchpoint.touchpoint_id,
            time=builders.NOON,
        )
    return list(found.values())


async def test_the_sample_companys_map_is_what_was_put_in(journey: harness.Harness) -> None:
    sample = sori_sample.generate(end=END)
    events = sample_events(sample)
    by_name = {
        f"{e.message.touchpoint.source}/{e.message.touchpoint.external_id}": e.message.touchpoint for e in events
    }
    for start in range(0, len(events), 500):
        await journey.publish(*events[start : start + 500])

    await followed(journey, len(events))
    found = await the_map(journey)

    truth = sample.truth
    assert truth.valid_distinct == found.touchpoint_count
    channels: Counter[str] = Counter()
    for each in found.cells:
        channels[touchpoint_pb2.Channel.Name(each.channel)] += each.touchpoint_count
    assert truth.counts["channel"] == dict(channels)
    sns = cell(found, "AWARENESS", "SNS")
    mentions = [name for name, each in by_name.items() if each.kind == touchpoint_pb2.TOUCHPOINT_KIND_MENTION]
    moods = {"negative": -1, "neutral": 0, "positive": 1}
    expected = sum(moods[truth.labels[name].sentiment] for name in mentions) / len(mentions)
    assert len(mentions) == sns.touchpoint_count == sns.mood_count
    assert expected == pytest.approx(sns.mood.mean)
    assert sns.mood.low < expected < sns.mood.high
    steps = truth_transitions(sample, by_name)
    assert steps == {(each.from_kind, each.to_kind): each.count for each in found.transitions}
    assert len(truth.customers) == found.customer_count
    assert truth_drop_offs(sample, by_name) == sum(each.drop_off_count for each in found.cells)
    falls = [each for each in found.moments if "delivery" in [one.topic for one in each.top_topics[:1]]]
    assert falls, "the days on which parcels were lost must be a moment of truth"
    assert all(each.change.high < 0 and each.customer_count >= 20 for each in found.moments)

    await at_risk_and_segments(journey, sample, by_name)


def timelines(
    sample: sori_sample.Sample, by_name: dict[str, touchpoint_pb2.Touchpoint]
) -> list[list[touchpoint_pb2.Touchpoint]]:
    return [
        sorted(
            (by_name[name] for name in names),
            key=lambda each: (each.occurred_time.ToNanoseconds() // 1000, each.touchpoint_id),
        )
        for names in sample.truth.customers.values()
    ]


def truth_transitions(
    sample: sori_sample.Sample, by_name: dict[str, touchpoint_pb2.Touchpoint]
) -> dict[tuple[int, int], int]:
    counted: Counter[tuple[int, int]] = Counter()
    for mine in timelines(sample, by_name):
        counted.update((one.kind, two.kind) for one, two in itertools.pairwise(mine))
    return dict(counted)


def truth_drop_offs(sample: sori_sample.Sample, by_name: dict[str, touchpoint_pb2.Touchpoint]) -> int:
    """Count customers by cell who were silent for two weeks, or cancelled or gave back next."""
    leaving = (touchpoint_pb2.TOUCHPOINT_KIND_CANCELLATION, touchpoint_pb2.TOUCHPOINT_KIND_REFUND)
    cells: dict[tuple[int, int], set[int]] = defaultdict(set)
    stage_of_kind = {"mention": 1, "visit": 1, "view": 2, "cart": 2, "signup": 2, "delivery": 3}
    stage_of_kind |= {"praise": 5, "review": 5, "referral": 5, "other": 0}
    now = dt.datetime.now(dt.UTC)
    for number, mine in enumerate(timelines(sample, by_name)):
        bought: list[dt.datetime] = []
        own: list[tuple[touchpoint_pb2.Touchpoint, int, dt.datetime]] = []
        for each in mine:
            name = touchpoint_pb2.TouchpointKind.Name(each.kind).removeprefix("TOUCHPOINT_KIND_").lower()
            time = each.occurred_time.ToDatetime(dt.UTC)
            stage = stage_of_kind.get(name, 4)
            if name == "purchase":
                stage = 4 if bought else 3
                bought.append(time)
            if each.actor in (0, touchpoint_pb2.ACTOR_CUSTOMER) or each.kind in leaving:
                own.append((each, stage, time))
        for place, (each, stage, time) in enumerate(own):
            if each.kind in leaving:
                continue
            following = own[place + 1] if place + 1 < len(own) else None
            soon = following is not None and following[2] - time < 14 * DAY
            left = soon and following is not None and following[0].kind in leaving
            if left or (not soon and now - time >= 14 * DAY):
                cells[stage, each.channel].add(number)
    return sum(map(len, cells.values()))


async def at_risk_and_segments(
    journey: harness.Harness, sample: sori_sample.Sample, by_name: dict[str, touchpoint_pb2.Touchpoint]
) -> None:
    latest: dict[str, float] = {}
    for customer, names in sample.truth.customers.items():
        for each in sorted((by_name[n] for n in names), key=lambda one: one.occurred_time.ToNanoseconds()):
            if each.survey.type == touchpoint_pb2.SURVEY_TYPE_NPS:
                latest[customer] = each.survey.score
    segments = await stub(journey).ListSegments(pb.ListSegmentsRequest(), metadata=journey.metadata())
    counts = {each.name: each.customer_count for each in segments.segments}
    assert sum(score >= 9 for score in latest.values()) == counts["promoters"]
    assert sum(score <= 6 for score in latest.values()) == counts["detractors"]
    risky = await stub(journey).ListAtRisk(
        pb.ListAtRiskRequest(least_score=0.01, page_size=10), metadata=journey.metadata()
    )
    scores = [each.score for each in risky.customers]
    assert 10 == len(scores)
    assert sorted(scores, reverse=True) == scores
    assert all(each.reasons[0].text_ko and each.reasons[0].weight > 0 for each in risky.customers)


async def test_merging_customers_makes_one_path_of_two(journey: harness.Harness) -> None:
    await journey.publish(
        said("positive", identifiers=[("member_id", "A")], occurred_time=builders.NOON),
        said("negative", identifiers=[("phone", "+821000000001")], occurred_time=builders.NOON + DAY),
    )
    await followed(journey, 2)
    before = await the_map(journey)

    tie = [("member_id", "A"), ("phone", "+821000000001")]
    await journey.publish(said("neutral", identifiers=tie, occurred_time=builders.NOON + 2 * DAY))
    await followed(journey, 3)
    found = await the_map(journey)

    assert (2, 1) == (before.customer_count, found.customer_count)
    assert 2 == sum(each.count for each in found.transitions)
    assert 1 == await journey.count("path")


async def test_an_erased_customer_is_on_no_map(journey: harness.Harness) -> None:
    await journey.publish(
        said("negative", identifiers=[("member_id", "A")]), said("negative", identifiers=[("member_id", "B")])
    )
    await followed(journey, 2)

    await stub(journey).EraseCustomer(pb.EraseCustomerRequest(customer=reference("A")), metadata=journey.metadata())
    await followed(journey, 1)
    found = await the_map(journey)

    assert 1 == found.customer_count == found.touchpoint_count
    assert 1 == await journey.count("path")


async def test_a_correction_counts_whether_it_comes_before_or_after_the_touchpoint(journey: harness.Harness) -> None:
    early, late = said("negative", identifiers=[("member_id", "A")]), said("negative", identifiers=[("member_id", "B")])

    def correction(of: Event[TouchpointClassified], mood: int, minute: int) -> Event[ClassificationCorrected]:
        made = ClassificationCorrected(
            correction_id=str(ids.derive(of.entity_id, str(minute))),
            touchpoint_id=of.entity_id,
            correction=classification_pb2.Correction(sentiment=mood, topics=["price"]),  # type: ignore[arg-type]
        )
        made.corrected_time.FromDatetime(builders.NOON + dt.timedelta(minutes=minute))
        return Event.new(made, entity_id=of.entity_id, time=builders.NOON)

    await journey.publish(correction(early, 3, 2), late)
    await journey.publish(correction(early, 2, 1), early, correction(late, 3, 2))
    await followed(journey, 2)
    await journey.publish(correction(late, 2, 1))

    async def corrected() -> bool:
        found = await the_map(journey)
        return [("price", 2)] == [(t.topic, t.count) for each in found.cells for t in each.top_topics]

    await harness.until(corrected)
    await followed(journey, 2)
    found = await the_map(journey)
    assert [1.0] == [each.mood.mean for each in found.cells]
    for member in "AB":
        profile = await stub(journey).GetStageHistory(
            pb.GetStageHistoryRequest(customer=reference(member)), metadata=journey.metadata()
        )
        page = await stub(journey).GetTimeline(
            pb.GetTimelineRequest(customer_id=profile.customer_id), metadata=journey.metadata()
        )
        assert [3] == [each.classification.sentiment for each in page.entries]


async def test_second_purchase_is_retention_however_late_the_first_arrives(journey: harness.Harness) -> None:
    buy = {"kind": "purchase", "channel": "app", "text": "", "identifiers": [("member_id", "A")]}
    await journey.publish(said("neutral", **buy, occurred_time=builders.NOON))
    await followed(journey, 1)
    await journey.publish(said("neutral", **buy, occurred_time=builders.NOON - 5 * DAY))
    await followed(journey, 2)

    history = await stub(journey).GetStageHistory(
        pb.GetStageHistoryRequest(customer=reference("A")), metadata=journey.metadata()
    )

    assert [3, 4] == [each.stage for each in history.visits]
    assert 5 * 86_400 == history.visits[0].dwell.seconds
    assert "buys-again" == history.visits[1].rule
    page = await stub(journey).GetTimeline(
        pb.GetTimelineRequest(customer_id=history.customer_id), metadata=journey.metadata()
    )
    assert [4, 3] == [each.position.stage for each in page.entries]


async def test_changed_stage_rules_are_replayed_over_history(journey: harness.Harness, tmp_path: Path) -> None:
    view = {"kind": "view", "channel": "web", "text": ""}
    await journey.publish(*[said("neutral", **view, identifiers=[("member_id", f"M{n}")]) for n in range(3)])
    await followed(journey, 3)
    (tmp_path / "stages.yaml").write_text(STAGES)

    async def replayed() -> bool:
        call = stub(journey).ReplayStages(pb.ReplayStagesRequest(), metadata=journey.metadata())
        seen = [each async for each in call]
        assert (3, 3) == (seen[-1].done_count, seen[-1].total_count)
        return seen[-1].changed_count == 3

    await harness.until(replayed)

    assert 3 == cell(await the_map(journey), "ADVOCACY", "WEB").touchpoint_count


async def test_who_comes_into_a_segment_and_leaves_it_is_announced(journey: harness.Harness) -> None:
    def nps(score: float, day: int) -> Event[TouchpointClassified]:
        return said(
            "neutral",
            identifiers=[("member_id", "A")],
            kind="survey_response",
            channel="survey",
            occurred_time=builders.NOON + day * DAY,
            survey=touchpoint_pb2.Survey(type=touchpoint_pb2.SURVEY_TYPE_NPS, score=score, highest=10),
        )

    async def members(segment: str) -> int:
        answer = await stub(journey).ListSegmentMembers(
            pb.ListSegmentMembersRequest(segment=segment), metadata=journey.metadata()
        )
        return len(answer.members)

    await journey.publish(nps(10, 0))
    await followed(journey, 1)
    promoters = await members("promoters")
    await journey.publish(nps(2, 1))
    await followed(journey, 2)

    async def announced() -> bool:
        return await journey.published("sori.journey.customer_segment.left.v1") >= 1

    await harness.until(announced)
    facts = await stub(journey).GetCustomerFacts(
        pb.GetCustomerFactsRequest(customer=reference("A")), metadata=journey.metadata()
    )
    profile = await stub(journey).GetCustomer(
        pb.GetCustomerRequest(customer_id=facts.customer_id), metadata=journey.metadata()
    )
    assert (1, 0, 1) == (promoters, await members("promoters"), await members("detractors"))
    assert "detractors" in profile.customer.segments
    assert "detractor" == json.loads(facts.json)["loyalty"]
    assert 2 <= await journey.published("sori.journey.customer_segment.entered.v1")
    assert {segment_pb2.RISK_KIND_CHURN, segment_pb2.RISK_KIND_COMPLAINT} == {each.kind for each in facts.risks}


async def test_pages_of_drop_offs_are_complete_and_latest_first(journey: harness.Harness) -> None:
    old = dt.datetime.now(dt.UTC).replace(microsecond=0) - 40 * DAY
    await journey.publish(
        *[
            said(
                "neutral", identifiers=[("member_id", f"M{n}")], occurred_time=old + n * dt.timedelta(hours=1 + n // 3)
            )
            for n in range(7)
        ]
    )
    await followed(journey, 7)

    seen, token = [], ""
    while True:
        page = await stub(journey).ListDropOffs(
            pb.ListDropOffsRequest(page_size=3, page_token=token), metadata=journey.metadata()
        )
        seen += list(page.drop_offs)
        token = page.next_page_token
        if not token:
            break

    times = [each.occurred_time.ToDatetime() for each in seen]
    assert 7 == len({each.customer_id for each in seen})
    assert sorted(times, reverse=True) == times
    assert all(each.touchpoint_id and each.reason == journey_map_pb2.DROP_OFF_REASON_SILENT for each in seen)


async def test_the_commands_show_the_map_segments_and_risks(
    journey: harness.Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await journey.publish(said("negative", identifiers=[("member_id", "A")], occurred_time=builders.NOON - 90 * DAY))
    await followed(journey, 1)
    monkeypatch.setenv("SORI_JOURNEY_TARGET", f"127.0.0.1:{journey.runtime.server.port}")
    monkeypatch.setenv("SORI_NOTIFY_TARGET", "127.0.0.1:1")
    monkeypatch.setenv("SORI_TOKEN", journey.issuer.token(harness.ALL_ROLES, subject="tester"))

    async def run(*arguments: str) -> list[dict[str, object]]:
        done = await asyncio.to_thread(
            subprocess.run,
            [str(Path(sys.executable).with_name("sori")), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    (found,) = await run("journey", "map", "--json")
    segments = await run("segments", "--json")
    risky = await run("journey", "at-risk", "--least", "0", "--json")
    dropped = await run("journey", "drop-offs", "--json")
    await run("journey", "map", "--from", "2026-01-01", "--segment", "promoters")
    await run("journey", "restage")
    await run("segments")
    await run("segments", "members", "newcomers")
    await run("timeline", "member_id:A")  # Though nobody can say which cases are open.

    assert "1" == found["touchpoint_count"]
    assert "regulars" in {each["name"] for each in segments}
    assert 1 == len(risky) == len(dropped)
