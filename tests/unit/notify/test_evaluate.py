"""`sori sla evaluate` on files: what people write, in any spelling and order, and what comes out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sori_notify import offline

POLICIES = """\
opens_cases: [inquiry, complaint]
calendars:
  office:
    zone: Asia/Seoul
    weekly: {mon-fri: ["09:00-12:00", "13:00-18:00"]}
    holidays: KR
policies:
  - name: kakao
    match: {channels: [kakao]}
    calendar: office
    warn_at: [50, 80]
    first_response: 5m
    next_response: 10m
    total_resolution: 8h
  - name: rest
    first_response: 24h
"""
NOW = "2026-11-23T05:00:00Z"
Evaluate = Callable[..., list[dict[str, Any]]]
ASKED = {
    "touchpoint": {
        "source": "kakao-main",
        "externalId": "1",
        "channel": "CHANNEL_KAKAO",
        "kind": "TOUCHPOINT_KIND_INQUIRY",
        "actor": "ACTOR_CUSTOMER",
        "occurredTime": "2026-11-20T17:58:00+09:00",
        "threadId": "t1",
    }
}
ANSWERED = {  # Bare, snake case, short words: Monday, three past nine.
    "source": "kakao-main",
    "external_id": "2",
    "channel": "kakao",
    "kind": "reply",
    "actor": "agent",
    "occurred_time": "2026-11-23T00:03:00Z",
    "thread_id": "t1",
}


class _Arguments:
    policies: Path
    events: str
    now: Any
    json = True


@pytest.fixture
def evaluate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Evaluate:
    def run(*lines: object, now: str = NOW, policies: str = POLICIES, status: int = 0) -> list[dict[str, Any]]:
        (tmp_path / "sla.yaml").write_text(policies)
        (tmp_path / "events.jsonl").write_text(
            "\n".join(each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in lines)
        )
        arguments = _Arguments()
        arguments.policies, arguments.events = tmp_path / "sla.yaml", str(tmp_path / "events.jsonl")
        arguments.now = offline._time(now)
        assert status == offline.COMMANDS["evaluate"].run(arguments)  # type: ignore[arg-type]
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def of(clocks: list[dict[str, Any]], metric: str) -> list[dict[str, Any]]:
    return [each for each in clocks if each["metric"] == f"CLOCK_METRIC_{metric}"]


def test_a_line_says_everything_about_its_clock(evaluate: Evaluate) -> None:
    (clock,) = of(evaluate(ANSWERED, ASKED), "FIRST_RESPONSE")

    assert {
        "threadId": "t1",
        "metric": "CLOCK_METRIC_FIRST_RESPONSE",
        "instance": 1,
        "state": "CLOCK_STATE_FULFILLED",
        "policy": "kakao",
        "startTime": "2026-11-20T08:58:00Z",
        "dueTime": "2026-11-23T00:03:00Z",
        "workingSecondsUsed": 300,
        "targetSeconds": 300,
        "warnings": [
            {"percent": 50, "time": "2026-11-23T00:00:30Z"},
            {"percent": 80, "time": "2026-11-23T00:02:00Z"},
        ],
        "fulfilledTime": "2026-11-23T00:03:00Z",
    }.items() <= clock.items()
    assert "breachTime" not in clock


def test_order_repeats_and_spelling_change_nothing(evaluate: Evaluate) -> None:
    change = {"caseChange": {"threadId": "t1", "change": "CASE_CHANGE_TYPE_RESOLVE", "time": "2026-11-23T01:00:00Z"}}
    same = {"thread_id": "t1", "change": "resolve", "time": "2026-11-23T10:00:00+09:00"}
    stitched = {"stitched": {"touchpoint": ASKED["touchpoint"], "classification": {"topics": ["delivery"]}}}

    one = evaluate(ASKED, ANSWERED, change)
    other = evaluate(same, ANSWERED, change, stitched, ANSWERED, stitched)

    assert one == other


def test_what_happens_after_the_moment_asked_for_is_not_known_yet(evaluate: Evaluate) -> None:
    (clock,) = of(evaluate(ASKED, ANSWERED, now="2026-11-23T00:02:00Z"), "FIRST_RESPONSE")

    assert ("CLOCK_STATE_RUNNING", 240, "2026-11-23T00:03:00Z") == (
        clock["state"],
        clock["workingSecondsUsed"],
        clock["dueTime"],
    )


def test_waiting_for_the_customer_stops_the_clock_until_the_customer_writes(evaluate: Evaluate) -> None:
    pending = {"case_change": {"thread_id": "t1", "change": "set_pending", "time": "2026-11-23T00:03:00Z"}}
    back = ANSWERED | {"external_id": "3", "actor": "customer", "occurred_time": "2026-11-23T02:00:00Z"}

    waiting = of(evaluate(ASKED, ANSWERED, pending), "TOTAL_RESOLUTION")
    running = of(evaluate(ASKED, ANSWERED, pending, back, now="2026-11-23T02:05:00Z"), "TOTAL_RESOLUTION")

    assert [("CLOCK_STATE_PAUSED", 300)] == [(each["state"], each["workingSecondsUsed"]) for each in waiting]
    assert [("CLOCK_STATE_RUNNING", 600)] == [(each["state"], each["workingSecondsUsed"]) for each in running]


def test_a_case_may_be_named_by_the_id_that_was_printed(evaluate: Evaluate) -> None:
    (first, *_) = evaluate(ASKED)

    closed = evaluate(ASKED, {"caseId": first["caseId"], "change": "close", "time": "2026-11-20T09:00:00Z"})

    assert ["CLOCK_STATE_CANCELLED"] == [each["state"] for each in of(closed, "FIRST_RESPONSE")]


def test_cases_that_merge_are_one_from_the_older_question_on(evaluate: Evaluate) -> None:
    other = {
        "touchpoint": ASKED["touchpoint"]
        | {"externalId": "9", "threadId": "t2", "occurredTime": "2026-11-20T08:00:00Z"}
    }
    merge = {"thread_id": "t2", "change": "merge", "into_thread_id": "t1", "time": "2026-11-20T09:10:00Z"}

    found = of(evaluate(ASKED, other, merge), "FIRST_RESPONSE")

    assert [("2026-11-20T08:00:00Z", "CLOCK_STATE_BREACHED")] == [(each["startTime"], each["state"]) for each in found]


def test_customers_who_merge_share_their_cases_about_a_topic(evaluate: Evaluate) -> None:
    def asks(customer: str, time: str) -> dict[str, Any]:
        touchpoint = {
            "source": "web",
            "externalId": customer,
            "channel": "web",
            "kind": "complaint",
            "occurredTime": time,
        }
        return {
            "touchpoint": touchpoint,
            "classification": {"topics": ["delivery"]},
            "position": {"customerId": customer},
        }

    merge = {"change": "merge", "customerId": "b", "intoCustomerId": "a", "time": "2026-11-21T00:00:00Z"}
    lines = [asks("a", "2026-11-20T01:00:00Z"), asks("b", "2026-11-20T00:00:00Z")]

    assert [2, 1] == [len(evaluate(*lines)), len(evaluate(*lines, merge))]


def test_customers_who_merge_may_be_named_as_journey_does(evaluate: Evaluate) -> None:
    def asks(customer: str) -> dict[str, Any]:
        said = {"touchpoint": asked(externalId=customer, threadId=""), "position": {"customerId": customer}}
        return said | {"classification": {"topics": ["delivery"]}}

    merged = {"customerMerged": {"customerId": "a", "mergedCustomerId": "b", "mergedTime": "2026-11-21T00:00:00Z"}}

    assert 1 == len(of(evaluate(asks("a"), asks("b"), merged), "FIRST_RESPONSE"))


def test_where_there_are_no_threads_a_reply_about_the_topic_answers(evaluate: Evaluate) -> None:
    def about(topic: str, touchpoint: dict[str, Any]) -> dict[str, Any]:
        said = {"touchpoint": touchpoint | {"threadId": ""}, "position": {"customerId": "a"}}
        return said | {"classification": {"topics": [topic]}}

    reply = asked(externalId="2", actor="agent", kind="reply", occurredTime="2026-11-23T00:02:00Z")

    assert [["CLOCK_STATE_FULFILLED"], ["CLOCK_STATE_BREACHED"]] == [
        [each["state"] for each in of(evaluate(about("delivery", asked()), about(topic, reply)), "FIRST_RESPONSE")]
        for topic in ("delivery", "refund")
    ]


@pytest.mark.parametrize("text", ["줄\u2028바꿈", "줄\u0085바꿈", "\ud83d"])
def test_what_was_said_may_hold_whatever_json_can(evaluate: Evaluate, text: str) -> None:
    line = json.dumps(asked(text=text), ensure_ascii=text == "\ud83d")

    assert evaluate(asked()) == evaluate(line)


def test_a_line_that_cannot_be_read_is_named_and_the_others_count(
    evaluate: Evaluate, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == len(evaluate(ASKED, "{", {"threadId": "t1"}, "[" * 100_000, status=1))


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "1999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"])
def test_a_time_for_which_there_is_no_calendar_is_refused(evaluate: Evaluate, time: str) -> None:
    change = {"thread_id": "t1", "change": "pending", "time": time}

    assert [] == evaluate(asked(occurredTime=time), change, status=1)


def test_years_between_two_events_are_counted(evaluate: Evaluate) -> None:
    (clock,) = of(evaluate(asked(occurredTime="2000-01-01T00:00:00Z"), now="2060-12-31T00:00:00Z"), "FIRST_RESPONSE")

    assert "CLOCK_STATE_BREACHED" == clock["state"]


def test_the_input_is_read_with_or_without_a_byte_order_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sla.yaml").write_text(POLICIES)
    (tmp_path / "input").write_text(json.dumps(ASKED), "utf-8-sig")
    arguments = _Arguments()
    arguments.policies, arguments.events, arguments.now = tmp_path / "sla.yaml", "-", offline._time(NOW)

    with (tmp_path / "input").open() as given:
        monkeypatch.setattr("sys.stdin", given)
        status = offline.COMMANDS["evaluate"].run(arguments)  # type: ignore[arg-type]

    assert (0, 2) == (status, len(capsys.readouterr().out.splitlines()))


def test_a_wrong_policy_file_is_refused(evaluate: Evaluate) -> None:
    assert [] == evaluate(ASKED, policies=POLICIES.replace("5m", "soon"), status=2)


OPENED = "2026-11-23T00:00:00Z"


def asked(**fields: object) -> dict[str, object]:
    return ASKED["touchpoint"] | {"occurredTime": OPENED} | fields


@pytest.mark.parametrize(
    "change",
    [
        {"caseChange": {"threadId": "t1", "change": "on hold", "time": "2026-11-23T00:01:00Z"}},
        {"thread_id": "t1", "change": "on_hold", "time": "2026-11-23T09:01:00+09:00"},
        {"threadId": "t1", "type": "ON_HOLD", "occurredTime": "2026-11-23 00:01:00"},
        {"thread": "t1", "action": "put on hold", "timestamp": 1795392060},
        {"case_id": "t1", "state": "CASE_STATE_ON_HOLD", "at": "2026-11-23T00:01:00+0000"},
        {"case": {"threadId": "t1", "state": "CASE_STATE_ON_HOLD"}, "time": "2026-11-23T00:01:00Z"},
        {"caseUpdated": {"case": {"threadId": "t1", "state": "CASE_STATE_ON_HOLD"}}, "time": "2026-11-23T00:01:00Z"},
        {
            "type": "sori.notify.case.updated.v1",
            "time": "2026-11-23T00:01:00Z",
            "data": {"case": {"thread_id": "t1", "state": "CASE_STATE_ON_HOLD"}},
        },
    ],
)
def test_a_change_may_come_in_any_spelling(evaluate: Evaluate, change: object) -> None:
    (clock,) = of(evaluate(asked(), change), "FIRST_RESPONSE")

    assert ("CLOCK_STATE_PAUSED", 60) == (clock["state"], clock["workingSecondsUsed"])


@pytest.mark.parametrize(
    ("change", "first", "total"),
    [
        ({"case_id": "t1", "event": "case.resolved", "time": "2026-11-23T00:02:00Z"}, "CANCELLED", "FULFILLED"),
        (
            {"caseResolved": {"case": {"thread_id": "t1", "resolved_time": "2026-11-23T00:02:00Z"}}},
            "CANCELLED",
            "FULFILLED",
        ),
        ({"thread_id": "t1", "status": "closed", "time": "2026-11-23T00:02:00Z"}, "CANCELLED", "FULFILLED"),
        (
            {"thread_id": "t1", "change": "reassigned", "team": "b", "time": "2026-11-23T00:02:00Z"},
            "BREACHED",
            "RUNNING",
        ),
        ({"thread_id": "t1", "change": "acknowledged", "time": "2026-11-23T00:02:00Z"}, "BREACHED", "RUNNING"),
        (
            {"case": {"thread_id": "t1", "state": "CASE_STATE_OPEN"}, "time": "2026-11-23T00:02:00Z"},
            "BREACHED",
            "RUNNING",
        ),
        ({"caseAnswered": {"case": {"thread_id": "t1"}}, "time": "2026-11-23T00:02:00Z"}, "BREACHED", "RUNNING"),
    ],
)
def test_what_is_done_to_a_case_means_the_same_however_it_is_said(
    evaluate: Evaluate, change: object, first: str, total: str
) -> None:
    clocks = evaluate(asked(), change)

    assert [f"CLOCK_STATE_{first}"] == [each["state"] for each in of(clocks, "FIRST_RESPONSE")]
    assert [f"CLOCK_STATE_{total}"] == [each["state"] for each in of(clocks, "TOTAL_RESOLUTION")]


def test_a_case_that_was_opened_by_nothing_that_is_in_the_file_has_its_clocks(evaluate: Evaluate) -> None:
    opened = {
        "caseOpened": {
            "case": {
                "caseId": "c-1",
                "channel": "CHANNEL_KAKAO",
                "topics": ["delivery"],
                "severity": "CASE_SEVERITY_HIGH",
                "openedTime": OPENED,
            }
        }
    }

    (clock,) = of(evaluate(opened), "FIRST_RESPONSE")
    resolved = evaluate(opened, {"case_id": "c-1", "change": "resolve", "time": "2026-11-23T00:03:00Z"})

    assert ("kakao", OPENED, "2026-11-23T00:05:00Z") == (clock["policy"], clock["startTime"], clock["dueTime"])
    assert "CLOCK_STATE_CANCELLED" == of(resolved, "FIRST_RESPONSE")[0]["state"]


def test_what_is_said_of_an_opened_case_adds_nothing_to_the_touchpoint_that_opened_it(evaluate: Evaluate) -> None:
    opened = {"caseOpened": {"case": {"threadId": "t1", "source": "kakao-main", "openedTime": "2026-11-23T00:04:00Z"}}}

    assert evaluate(asked()) == evaluate(opened, asked())


@pytest.mark.parametrize(
    "attributes",
    [
        {"public": "false"},
        {"is_public": False},
        {"private": "true"},
        {"internal_note": "yes"},
        {"visibility": "internal"},
        {"message_type": "internal-note"},
        {"automated": "true"},
        {"auto_submitted": "auto-replied"},
        {"is_bot": "1"},
    ],
)
def test_notes_and_what_no_person_wrote_answer_nothing(evaluate: Evaluate, attributes: dict[str, object]) -> None:
    (clock,) = of(evaluate(asked(), ANSWERED | {"attributes": attributes}), "FIRST_RESPONSE")

    assert "CLOCK_STATE_BREACHED" == clock["state"]
    assert "fulfilledTime" not in clock


def test_a_person_who_answers_by_mail_answers(evaluate: Evaluate) -> None:
    (clock,) = of(evaluate(asked(), ANSWERED | {"attributes": {"auto_submitted": "no"}}), "FIRST_RESPONSE")

    assert "CLOCK_STATE_FULFILLED" == clock["state"]


def test_what_a_later_version_says_more_is_left_out(evaluate: Evaluate) -> None:
    told = {"touchpoint": asked(mood="calm"), "classification": {"aura": 1}, "weather": "rain"}

    assert evaluate(asked()) == evaluate(told)
