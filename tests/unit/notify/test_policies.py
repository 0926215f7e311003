"""Policy files: what is refused, with which line, and that the old one stays."""

import datetime as dt
import os
from pathlib import Path

import pytest
import structlog.testing

from sori_notify.domain import Channel, Kind, Metric, Promise, Severity, Subject, Waiting
from sori_notify.settings import Settings, policies

GOOD = """\
opens_cases: [inquiry]
policies:
  - name: live
    match: {channels: [kakao]}
    first_response: 5m
  - name: rest
    first_response: 24h
"""
PROMISE = "calendar: c, first_response: 5m"
SHIPPED = Path(__file__).parents[3] / "deploy" / "local" / "policies" / "sla.yaml"


def amount(promise: Promise, metric: Metric = Metric.FIRST_RESPONSE) -> dt.timedelta | None:
    target = promise.target(metric)
    return target and target.amount


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(policies.PolicyRefused) as refused:
        policies.load(written(folder / "sla.yaml", text))
    return str(refused.value)


def test_policies_are_read_in_the_order_of_the_file(tmp_path: Path) -> None:
    read = policies.load(written(tmp_path / "sla.yaml", GOOD))

    assert frozenset({Kind.INQUIRY}) == read.opening_kinds
    assert [("live", dt.timedelta(minutes=5)), ("rest", dt.timedelta(hours=24))] == [
        (each.promise.policy, amount(each.promise)) for each in read.policies
    ]


def test_the_shipped_policies_promise_five_minutes_on_kakao_and_the_phone() -> None:
    read = policies.load(SHIPPED)

    targets = {channel: read.promise(Subject(channel=channel, kind=Kind.INQUIRY)) for channel in Channel}
    fast = {channel for channel, promise in targets.items() if promise and amount(promise) == dt.timedelta(minutes=5)}
    assert {Channel.KAKAO, Channel.CALL_CENTER} == fast
    assert all(targets.values())


@pytest.mark.parametrize(
    ("wrong", "line", "where"),
    [
        (GOOD.replace("5m", "five minutes"), 5, "policies.0.first_response"),
        (GOOD.replace("5m", "0s"), 5, "policies.0.first_response"),
        (GOOD.replace("[kakao]", "[kakoa]"), 4, "policies.0.match.channels.0"),
        (GOOD.replace("match:", "matches:"), 4, "policies.0.matches"),
        (GOOD.replace("    first_response: 24h\n", ""), 6, "policies.1.first_response"),
        (GOOD.replace("name: rest", "name: live"), 6, "policies.1.name"),
        (GOOD.replace("    match: {channels: [kakao]}\n", ""), 5, "policies.1"),
        (GOOD + "opens_cases: [complaint]\n", 8, "opens_cases"),
        (GOOD.replace("[kakao]", "[kakao"), 4, ""),
        (GOOD.replace("5m", "!!python/name:os.system"), 5, ""),
        ("policies: &loop [*loop]\n", 1, ""),
        ("", 1, "file"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, wrong: str, line: int, where: str) -> None:
    assert any(said.startswith(f"sla.yaml:{line}: {where}") for said in refusal(tmp_path, wrong).splitlines())


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    said = refusal(tmp_path, GOOD.replace("5m", "soon").replace("24h", "later"))

    assert ["sla.yaml:5", "sla.yaml:7"] == [line[:10] for line in said.splitlines()]


def test_a_broken_file_leaves_the_old_policies_in_force_and_says_where_it_is_broken(tmp_path: Path) -> None:
    file = policies.PolicyFile(written(tmp_path / "sla.yaml", GOOD))
    before = file.current

    with structlog.testing.capture_logs() as logs:
        written(tmp_path / "sla.yaml", GOOD.replace("5m", "soonish"))
        file.refresh()
        file.refresh()

    assert before is file.current
    assert [("policy.refused", 5)] == [(each["event"], int(each["problems"][0].split(":")[1])) for each in logs]


def test_a_changed_file_is_taken_up(tmp_path: Path) -> None:
    path = written(tmp_path / "sla.yaml", GOOD)
    file = policies.PolicyFile(path)

    written(tmp_path / "next.yaml", GOOD.replace("5m", "7m"))
    os.replace(tmp_path / "next.yaml", path)
    file.refresh()

    assert dt.timedelta(minutes=7) == amount(file.current.policies[0].promise)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("2d", 172_800),
        ("1h 30m", 5400),
        ("1.5h", 5400),
        ("5 minutes", 300),
        ("1 day 2 hours", 93_600),
        ("PT5M", 300),
        ("P1DT2H", 93_600),
        ("00:05:00", 300),
    ],
)
def test_durations(text: str, seconds: int) -> None:
    assert dt.timedelta(seconds=seconds) == policies.duration(text)


@pytest.mark.parametrize(
    "text", ["", "5", "m", "-5m", "five minutes", "0h", "400d", "9999999999999d", "P5M", "PT", "0.5s", "00:05"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        policies.duration(text)


@pytest.mark.parametrize("secret", ["", "whsec_x"])
def test_a_webhook_that_cannot_sign_stops_the_start(tmp_path: Path, secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        Settings(
            policy_path=written(tmp_path / "sla.yaml", GOOD),
            webhook_url="http://127.0.0.1:1",
            webhook_secret=secret,
            grpc_port=0,
        )


def test_a_broken_policy_file_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"sla.yaml:5: policies\.0\.first_response"):
        Settings(policy_path=written(tmp_path / "sla.yaml", GOOD.replace("5m", "soon")), grpc_port=0)


FULL = """\
opens_cases: [inquiry]
reopen_within: 3d
severity: {high: 0.6, critical: 0.8}
calendars:
  support:
    zone: Asia/Seoul
    weekly: {mon-fri: ["09:00-12:00", "13:00-18:00"], 토: 10:00-13:00, sun: closed}
    holidays: {country: KR, add: {2026-11-20: 창립기념일}, remove: [2026-05-01]}
    exceptions:
      2026-12-24: 09:00-12:00
      2026-12-26: []
  night:
    zone: America/New_York
    weekly: {daily: "22:00-06:00"}
policies:
  - name: gold
    match: {segments: [gold, vip], severity: critical}
    calendar: support
    warn_at: [50, 80%]
    pauses: [on-hold]
    first_response: {within: 5m, calendar: 24x7}
    next_response: 10m
    first_resolution: {target: 8h, warn_at: [90], pauses: []}
    total_resolution: 2d
  - name: rest
    calendar: night
    first_response: 24h
"""


def test_a_promise_says_how_long_by_which_calendar_and_when_to_warn() -> None:
    promise = policies.parse(FULL).policies[0].promise

    assert [
        (Metric.FIRST_RESPONSE, 300, "24x7", (50, 80), {Waiting.ON_HOLD}),
        (Metric.NEXT_RESPONSE, 600, "support", (50, 80), {Waiting.ON_HOLD}),
        (Metric.FIRST_RESOLUTION, 28_800, "support", (90,), set()),
        (Metric.TOTAL_RESOLUTION, 172_800, "support", (50, 80), {Waiting.ON_HOLD}),
    ] == [
        (each.metric, each.amount.total_seconds(), each.calendar.name, each.warn_at, set(each.pauses))
        for each in promise.targets
    ]
    assert dt.timedelta(days=3) == promise.reopen_within


def test_segment_and_severity_choose_the_policy() -> None:
    read = policies.parse(FULL)

    def chosen(**fields: object) -> str:
        promise = read.promise(Subject(channel=Channel.KAKAO, kind=Kind.INQUIRY, **fields))  # type: ignore[arg-type]
        return promise.policy if promise else ""

    assert ["gold", "rest", "rest"] == [
        chosen(segments=("vip",), severity=Severity.CRITICAL),
        chosen(segments=("vip",), severity=Severity.HIGH),
        chosen(severity=Severity.CRITICAL),
    ]
    assert [Severity.NORMAL, Severity.HIGH, Severity.CRITICAL] == [
        read.urgencies.severity(urgency) for urgency in (0.5, 0.6, 0.8)
    ]


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        ("2026-11-19", 8),  # a Thursday
        ("2026-11-20", 0),  # the house's own holiday
        ("2026-11-21", 3),  # a Saturday
        ("2026-11-22", 0),
        ("2026-05-01", 8),  # not a holiday here
        ("2026-05-25", 0),  # substitute for Buddha's birthday, a Sunday
        ("2026-06-03", 0),  # local elections
        ("2025-01-27", 0),  # a temporary holiday
        ("2026-12-24", 3),  # half a day
        ("2026-12-26", 0),  # a Saturday off
    ],
)
def test_a_calendar_knows_the_days_of_korea_and_of_the_house(day: str, hours: float) -> None:
    calendar = policies.parse(FULL).policies[0].promise.targets[1].calendar
    midnight = dt.datetime.fromisoformat(f"{day}T00:00:00+09:00")

    assert dt.timedelta(hours=hours) == calendar.working(midnight, midnight + dt.timedelta(days=1))


@pytest.mark.parametrize(
    "hours",
    [
        '["09:00-12:00", "13:00-18:00"]',
        "09:00-12:00, 13:00-18:00",
        '[{start: "09:00", end: "12:00"}, {from: 13:00, to: 18:00}]',
        "[[09:00, 12:00], [13:00, 18:00]]",
    ],
)
def test_hours_may_be_spelt_as_people_do(hours: str) -> None:
    def worked(hours: str) -> dt.timedelta:
        read = policies.parse(f"calendars:\n  c: {{weekly: {{mon: {hours}}}}}\npolicies: [{{name: p, {PROMISE}}}]\n")
        start = dt.datetime(2026, 3, 8, 15, tzinfo=dt.UTC)  # midnight in Seoul, to Monday
        return read.policies[0].promise.targets[0].calendar.working(start, start + dt.timedelta(hours=15))

    assert dt.timedelta(hours=5) == worked(hours if hours.startswith("[") else f'"{hours}"')


@pytest.mark.parametrize(
    "closed",
    [
        "exceptions: {2026-03-09: closed}",
        "exceptions: [{date: 2026-03-09, closed: true}]",
        "exceptions: [{date: 2026-03-09, hours: []}]",
        "holidays: [KR, 2026-03-09]",
        "holidays: [2026-03-09]",
    ],
)
def test_days_off_may_be_spelt_as_people_do(closed: str) -> None:
    read = policies.parse(
        f"calendars:\n  c: {{weekly: {{mon: 09:00-18:00}}, {closed}}}\npolicies: [{{name: p, {PROMISE}}}]\n"
    )
    start = dt.datetime(2026, 3, 8, 15, tzinfo=dt.UTC)

    assert dt.timedelta() == read.policies[0].promise.targets[0].calendar.working(start, start + dt.timedelta(days=1))


@pytest.mark.parametrize(
    "wrong",
    ["[{date: 2026-03-09, open: true}]", "[{date: 2026-03-09, closed: true}, {date: 2026-03-09, hours: 09:00-12:00}]"],
)
def test_a_day_off_that_says_something_else_is_refused(wrong: str) -> None:
    with pytest.raises(policies.PolicyRefused, match=r"policies:2: calendars\.c\.exceptions"):
        policies.parse(f"calendars:\n  c: {{weekly: {{mon: 09:00-18:00}}, exceptions: {wrong}}}\npolicies: []\n")


def test_words_may_be_those_of_the_protocol_and_one_may_stand_for_a_list() -> None:
    read = policies.parse(
        "opens_cases: TOUCHPOINT_KIND_INQUIRY\n"
        "policies:\n"
        "  - {name: a, match: {channels: CHANNEL_KAKAO, severities: [Critical]}, first_response: 5m}\n"
        "  - {name: b, match: null, first_response: 5m, warn_at: 0.8, pauses: on-hold}\n"
    )

    subject = Subject(channel=Channel.KAKAO, kind=Kind.INQUIRY, severity=Severity.CRITICAL)
    chosen = read.promise(subject)
    (other,) = read.policies[1].promise.targets
    assert chosen is not None
    assert "a" == chosen.policy
    assert ((80,), frozenset({Waiting.ON_HOLD})) == (other.warn_at, other.pauses)


def test_a_shift_past_midnight_goes_on_the_day_after() -> None:
    calendar = policies.parse(FULL).policies[1].promise.targets[0].calendar
    start = dt.datetime(2026, 11, 20, 3, tzinfo=dt.UTC)  # ten in the evening in New York

    assert [(start, start + dt.timedelta(hours=8))] == list(
        calendar.intervals(start - dt.timedelta(hours=5), start + dt.timedelta(hours=15))
    )


@pytest.mark.parametrize(
    ("wrong", "line", "where"),
    [
        (FULL.replace("zone: Asia/Seoul", "zone: Asia/Soul"), 6, "calendars.support.zone"),
        (FULL.replace("09:00-12:00", "09:00-25:00", 1), 7, "calendars.support.weekly"),
        (FULL.replace('"13:00-18:00"', '"11:00-18:00"'), 5, "calendars.support"),
        (FULL.replace("mon-fri", "mon-fry"), 7, "calendars.support.weekly"),
        (FULL.replace("토:", "mon:"), 7, "calendars.support.weekly"),
        (FULL.replace("country: KR", "country: XX"), 8, "calendars.support.holidays"),
        (FULL.replace('weekly: {daily: "22:00-06:00"}', "weekly: {daily: closed}"), 12, "calendars.night"),
        (FULL.replace("calendar: night", "calendar: day"), 26, "policies.1.calendar"),
        (FULL.replace("calendar: 24x7", "calendar: 24x8"), 21, "policies.0.first_response"),
        (FULL.replace("80%", "100%"), 19, "policies.0.warn_at.1"),
        (FULL.replace("on-hold", "sleeping"), 20, "policies.0.pauses.0"),
        (FULL.replace("  night:", "  24x7:"), 12, "calendars.24x7"),
    ],
)
def test_a_mistake_in_calendars_and_promises_is_named_with_its_line(wrong: str, line: int, where: str) -> None:
    with pytest.raises(policies.PolicyRefused) as refused:
        policies.parse(wrong)

    assert any(said.startswith(f"policies:{line}: {where}") for said in str(refused.value).splitlines()), refused.value


def test_playbooks_go_by_topic_and_severity(tmp_path: Path) -> None:
    folder = tmp_path / "playbooks"
    folder.mkdir()
    (folder / "any.md").write_text("# Any\n- call\n")
    (folder / "safety.md").write_text("---\ntopics: [safety]\nseverities: [critical]\n---\n1. stop the line\n2. call\n")
    read = policies.load(written(tmp_path / "sla.yaml", GOOD))

    found = [
        read.playbook(topics, severity)
        for topics, severity in ((["safety"], Severity.CRITICAL), (["safety"], Severity.LOW), ([], Severity.NORMAL))
    ]

    assert ["safety", "any", "any"] == [each and each.name for each in found]
    assert found[0]
    assert ("stop the line", "call") == found[0].steps
