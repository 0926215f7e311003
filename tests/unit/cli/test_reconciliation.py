"""What reconciles and what does not."""

import pytest

from sori.ee_feedback.v1 import ee_feedback_service_pb2
from sori.insight.v1 import insight_service_pb2
from sori.notify.v1 import notify_service_pb2
from sori.operations.v1 import operations_service_pb2 as pb
from sori_cli import reconciliation
from sori_cli.reconciliation import Snapshot
from sori_cli.sample import Fed


def snapshot(
    *,
    classified: int = 2,
    stitched: int = 2,
    on_feed: int = 2,
    cases: int = 1,
    cases_on_feed: int = 1,
    alerts: int = 1,
    alerts_on_feed: int = 1,
    withheld: int = 1,
    dead: int = 0,
    waiting: int = 0,
) -> Snapshot:
    consumer = pb.ConsumerStatus(durable="classify-classify", dead_letter_count=dead, pending_count=waiting)
    return Snapshot(
        {"classify": pb.GetStatusResponse(stream_message_count=classified, consumers=[consumer])},
        notify_service_pb2.GetTallyResponse(
            customer_case_count=cases, breached_count=1, alert_sent_count=alerts, touchpoint_count=stitched
        ),
        ee_feedback_service_pb2.GetTallyResponse(voice_count=5, released_voice_count=4, withheld_voice_count=withheld),
        insight_service_pb2.GetTallyResponse(
            touchpoint_count=on_feed, voice_count=4, case_count=cases_on_feed, alert_count=alerts_on_feed
        ),
    )


def fed() -> Fed:
    return Fed(submitted=4, accepted=2, duplicates=1, quarantined=1, references={"a": "crm 1", "b": "crm 2"}, voices=5)


def wrong(last: Snapshot, *, ids: set[str] | None = None, given: Fed | None = None, received: int = 1) -> list[str]:
    checks = reconciliation.compare(last, {"a", "b"} if ids is None else ids, given or fed(), received)
    return [check.what for check in checks if not check.holds]


def test_everything_that_agrees_holds() -> None:
    assert [] == wrong(snapshot())


def test_events_that_came_twice_on_the_stream_are_no_mismatch() -> None:
    assert [] == wrong(snapshot(classified=3))


@pytest.mark.parametrize(
    ("last", "what"),
    [
        (snapshot(classified=1), "accepted = classified"),
        (snapshot(stitched=1), "accepted = classified"),
        (snapshot(on_feed=3), "accepted = classified"),
        (snapshot(cases=2), "cases"),
        (snapshot(alerts=2), "alerts"),
        (snapshot(alerts_on_feed=0), "alerts"),
        (snapshot(withheld=0), "voices submitted"),
        (snapshot(dead=1), "dead letters"),
    ],
)
def test_each_mismatch_is_named(last: Snapshot, what: str) -> None:
    (found,) = wrong(last)

    assert found.startswith(what)


def test_alert_that_was_never_received_is_a_mismatch() -> None:
    assert ["alerts sent = received = on the feed"] == wrong(snapshot(), received=0)


def test_touchpoint_that_is_not_on_the_feed_is_a_mismatch() -> None:
    assert "taken in (distinct) = on the feed" in wrong(snapshot(), ids={"a"})


def test_answer_that_was_never_given_is_a_mismatch() -> None:
    assert wrong(snapshot(), given=Fed(submitted=5, accepted=2, duplicates=1, quarantined=1))


def test_what_is_waiting_is_named() -> None:
    assert {"classify-classify": 3} == snapshot(waiting=3).waiting()
