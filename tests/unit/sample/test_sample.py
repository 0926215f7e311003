"""The made-up company keeps what its README promises."""

import datetime as dt
import importlib.resources
import json
import os
import statistics
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import phonenumbers
import pytest
import typer
from google.protobuf import json_format
from typer.testing import CliRunner

import sori_sample
from sori.ee_feedback.v1 import ee_feedback_service_pb2
from sori.ingest.v1 import touchpoint_pb2
from sori_sample.__main__ import main
from sori_sample.company import SHOP_NAMES, UNITS
from sori_sample.texts import Noun, lines

END = dt.date(2026, 11, 22)
PATHS = os.pathsep.join(sys.path)
WEAK = {touchpoint_pb2.IDENTIFIER_TYPE_DEVICE_ID, touchpoint_pb2.IDENTIFIER_TYPE_ANONYMOUS_ID}
CUSTOMER_SCENES = ("threads", "reviews", "mentions", "surveys", "followups")
TOPICS = {
    "delivery", "product_quality", "price", "refund_exchange", "staff_attitude", "waiting", "app_web", "payment",
    "shop", "event_benefit", "information", "privacy", "safety",
}  # fmt: skip
STAFF_TOPICS = {"workload", "tools", "manager", "pay", "recognition", "growth", "safety", "belonging"}


@pytest.fixture(scope="module")
def sample() -> sori_sample.Sample:
    return sori_sample.generate(end=END)


@pytest.fixture(scope="module")
def valid(sample: sori_sample.Sample) -> dict[str, touchpoint_pb2.Touchpoint]:
    by_name = {name(one): one for one in sample.touchpoints}
    return {key: one for key, one in by_name.items() if key not in sample.truth.invalid_reasons}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    app = typer.Typer()
    app.command()(main)
    result = CliRunner().invoke(app, ["--out", str(folder), "--end", END.isoformat()])
    assert 0 == result.exit_code
    return folder


def name(touchpoint: touchpoint_pb2.Touchpoint) -> str:
    return f"{touchpoint.source}/{touchpoint.external_id}"


def normal(identifier: touchpoint_pb2.Identifier) -> tuple[int, str]:
    value = identifier.value
    if identifier.type == touchpoint_pb2.IDENTIFIER_TYPE_PHONE:
        value = phonenumbers.format_number(phonenumbers.parse(value, "KR"), phonenumbers.PhoneNumberFormat.E164)
    return identifier.type, value.lower()


def is_strong(identifier: tuple[int, str]) -> bool:
    return identifier[0] not in WEAK and not identifier[1].startswith("+8250")


def groups(contacts: Iterable[set[tuple[int, str]]]) -> list[set[tuple[int, str]]]:
    """Merge sets of identifiers that overlap."""
    merged: list[set[tuple[int, str]]] = []
    for contact in contacts:
        apart = [group for group in merged if not group & contact]
        merged = [*apart, contact.union(*(group for group in merged if group & contact))]
    return merged


def figures(sample: sori_sample.Sample, story: str) -> dict[str, float]:
    found = next(one for one in sample.truth.stories if one.name == story)
    return {key: value for key, value in found.figures.items() if value is not None}


def test_same_seed_and_end_give_the_same_bytes(sample: sori_sample.Sample) -> None:
    again = sori_sample.generate(end=END)

    assert [one.SerializeToString(deterministic=True) for one in sample.touchpoints] == [
        one.SerializeToString(deterministic=True) for one in again.touchpoints
    ]
    assert [one.SerializeToString() for one in sample.responses] == [one.SerializeToString() for one in again.responses]
    assert sample.truth.to_json() == again.truth.to_json()


def test_another_seed_gives_another_month(sample: sori_sample.Sample) -> None:
    other = sori_sample.generate(seed=1, end=END)

    assert [one.text for one in sample.touchpoints] != [one.text for one in other.touchpoints]


def test_truth_counts_what_is_submitted(sample: sori_sample.Sample) -> None:
    names = Counter(map(name, sample.touchpoints))
    truth = sample.truth

    assert 4_800 <= len(sample.touchpoints) <= 5_300
    assert len(sample.touchpoints) == truth.submitted == truth.valid_distinct + truth.duplicates + truth.invalid
    assert len(names) == truth.valid_distinct + truth.invalid
    assert (20, 8) == (truth.duplicates, truth.invalid)
    assert {key for key, count in names.items() if count == 2} == set(truth.duplicate_references)


def test_duplicates_are_exact(sample: sori_sample.Sample) -> None:
    copies: dict[str, set[bytes]] = defaultdict(set)
    for one in sample.touchpoints:
        copies[name(one)].add(one.SerializeToString(deterministic=True))

    assert all(len(copies[key]) == 1 for key in sample.truth.duplicate_references)


def test_touchpoints_are_in_order_of_time(sample: sori_sample.Sample) -> None:
    times = [one.occurred_time.ToNanoseconds() for one in sample.touchpoints]

    assert times == sorted(times)


def test_valid_touchpoints_obey_the_contract(valid: dict[str, touchpoint_pb2.Touchpoint]) -> None:
    start = dt.datetime(2026, 10, 22, 15, tzinfo=dt.UTC)  # midnight of the 23rd in Seoul
    end = dt.datetime(2026, 11, 21, 15, tzinfo=dt.UTC)

    for one in valid.values():
        assert one.channel
        assert one.kind
        assert one.actor
        assert 540 == one.occurred_offset_minutes
        assert start <= one.occurred_time.ToDatetime(dt.UTC) < end
        assert "\x00" not in one.text
        assert len(one.identifiers) <= 20
        assert all(identifier.value for identifier in one.identifiers)
        if one.HasField("survey"):
            assert one.survey.lowest <= one.survey.score <= one.survey.highest


def test_every_touchpoint_says_that_it_is_made_up(sample: sori_sample.Sample) -> None:
    assert {"true"} == {one.attributes["synthetic"] for one in sample.touchpoints}


def test_all_channels_kinds_shops_and_teams_appear(valid: dict[str, touchpoint_pb2.Touchpoint]) -> None:
    channels = {one.channel for one in valid.values()}
    kinds = {one.kind for one in valid.values()}
    units = {one.org_unit for one in valid.values()}

    assert set(touchpoint_pb2.Channel.values()) - {0} == channels
    assert set(touchpoint_pb2.TouchpointKind.values()) - {0} == kinds
    assert {"", *(unit.name for unit in UNITS)} == units
    assert 6 == len(set(SHOP_NAMES) & units)


def test_strong_identifiers_alone_find_the_customers(
    sample: sori_sample.Sample, valid: dict[str, touchpoint_pb2.Touchpoint]
) -> None:
    strong = [set(filter(is_strong, map(normal, one.identifiers))) for one in valid.values()]

    found = groups(contact for contact in strong if contact)

    assert 600 == len(found) == len(sample.truth.customers)


def test_each_customers_touchpoints_hang_together_and_touch_no_other(
    sample: sori_sample.Sample, valid: dict[str, touchpoint_pb2.Touchpoint]
) -> None:
    owners: dict[tuple[int, str], set[str]] = defaultdict(set)
    pieces = {}
    for customer, references in sample.truth.customers.items():
        contacts = [set(map(normal, valid[reference].identifiers)) for reference in references]
        pieces[customer] = len(groups(contacts))
        for identifier in set.union(*contacts):
            owners[identifier].add(customer)

    assert {1} == set(pieces.values())
    assert {1} == {len(customers) for customers in owners.values()}


def test_customers_come_through_several_channels(
    sample: sori_sample.Sample, valid: dict[str, touchpoint_pb2.Touchpoint]
) -> None:
    widths = [len({valid[one].channel for one in references}) for references in sample.truth.customers.values()]

    assert statistics.mean(widths) > 2.5


def test_unidentified_touchpoints_have_no_identifiers(
    sample: sori_sample.Sample, valid: dict[str, touchpoint_pb2.Touchpoint]
) -> None:
    nameless = {key for key, one in valid.items() if not one.identifiers}

    assert set(sample.truth.unidentified) == nameless


def test_phone_numbers_are_valid_and_belong_to_nobody(valid: dict[str, touchpoint_pb2.Touchpoint]) -> None:
    phones = {
        identifier.value
        for one in valid.values()
        for identifier in one.identifiers
        if identifier.type == touchpoint_pb2.IDENTIFIER_TYPE_PHONE
    }

    parsed = [phonenumbers.parse(phone, "KR") for phone in phones]

    assert all(map(phonenumbers.is_valid_number, parsed))
    assert {"82100000", "82504000"} == {f"82{one.national_number}"[:8] for one in parsed}


def test_threads_hold_answers_and_bots_do_not_count(
    sample: sori_sample.Sample, valid: dict[str, touchpoint_pb2.Touchpoint]
) -> None:
    turns: dict[tuple[str, str], list[touchpoint_pb2.Touchpoint]] = defaultdict(list)
    for one in valid.values():
        if one.thread_id:
            turns[one.source, one.thread_id].append(one)

    for thread in sample.truth.threads:
        opening = valid[thread.opening].occurred_time.ToDatetime(dt.UTC)
        answers = [
            one.occurred_time.ToDatetime(dt.UTC)
            for one in turns[thread.source, thread.thread_id]
            if one.actor == touchpoint_pb2.ACTOR_AGENT and one.kind == touchpoint_pb2.TOUCHPOINT_KIND_REPLY
        ]
        minutes = (min(answers) - opening).total_seconds() / 60 if answers else None
        assert thread.first_answer_minutes == (None if minutes is None else pytest.approx(minutes, abs=0.01))

    assert any(one.actor == touchpoint_pb2.ACTOR_BOT for one in valid.values())
    assert any(one.kind == touchpoint_pb2.TOUCHPOINT_KIND_RESOLUTION for one in valid.values())


@pytest.mark.parametrize(
    ("seed", "end"), [(20260101, END), (1, dt.date(2026, 11, 23)), (2, dt.date(2026, 12, 2)), (3, dt.date(2027, 1, 8))]
)
def test_stories_hold(seed: int, end: dt.date) -> None:
    sample = sori_sample.generate(seed=seed, end=end)

    failure = figures(sample, "delivery-failure")
    assert failure["negative_delivery_mentions_in_failure"] >= 70
    assert failure["negative_delivery_mentions_on_all_other_days"] <= 10
    daily = failure["negative_delivery_texts_a_day_in_failure"]
    assert daily > 10 * failure["negative_delivery_texts_a_day_otherwise"]
    shop = figures(sample, "falling-shop")
    assert 2 == shop["lag_weeks"]
    assert shop["csat_before"] - shop["csat_after"] > 0.3
    assert shop["nps_before"] - shop["nps_after"] > 40
    assert shop["negative_share_after"] - shop["negative_share_before"] > 0.3
    enps = [value for key, value in shop.items() if key.startswith("enps_")]
    assert enps[0] > 20
    assert max(enps[1:]) < -30
    queue = figures(sample, "call-queue")
    assert queue["call_kept_share_before"] > 0.8
    assert queue["call_kept_share_in_last_ten_days"] < 0.45
    assert queue["kakao_kept_share"] > 0.85


def test_other_shops_do_not_fall(sample: sori_sample.Sample) -> None:
    after = [week for week in sample.truth.unit_weeks if week.week == "2026-W46" and week.org_unit in SHOP_NAMES]

    scores = {week.org_unit: week.csat for week in after}

    assert scores.pop("shop-hongdae") == pytest.approx(0.3, abs=0.15)
    assert statistics.median(score for score in scores.values() if score is not None) > 0.65


def test_staff_answer_in_four_weeks_that_are_over(sample: sori_sample.Sample) -> None:
    weeks = {one.week for one in sample.responses}
    people = Counter((one.respondent_key, one.week) for one in sample.responses)
    units = {(one.respondent_key, one.org_unit) for one in sample.responses}

    assert {"2026-W43", "2026-W44", "2026-W45", "2026-W46"} == weeks
    assert {1} == set(people.values())
    assert len(units) == len({person for person, _ in units})
    assert 145 <= len(units) <= 150 == sum(unit.headcount for unit in UNITS)
    assert all(unit.headcount >= 12 for unit in UNITS)
    assert 240 <= sample.truth.voices <= 260
    assert sample.truth.responses == len(sample.responses)


def test_some_staff_weeks_are_too_small_to_show(sample: sori_sample.Sample) -> None:
    pulses = Counter((one.org_unit, one.week) for one in sample.responses if one.HasField("score"))
    voices = Counter((one.org_unit, one.week) for one in sample.responses if one.text)

    for week in sample.truth.staff_weeks:
        assert week.respondent_count == pulses[week.org_unit, week.week]
        assert week.voice_count == voices[week.org_unit, week.week]

    assert 3 == sum(week.pulse_too_few for week in sample.truth.staff_weeks) == sum(n < 5 for n in pulses.values())
    assert 8 <= sum(week.voices_too_few for week in sample.truth.staff_weeks) <= 14


def test_a_fifth_of_the_words_is_english(sample: sori_sample.Sample) -> None:
    languages = sample.truth.counts["language"]

    assert 0.15 < languages["en"] / (languages["en"] + languages["ko"]) < 0.25


def test_texts_are_many_labelled_and_distinct() -> None:
    customers = [line for scene in CUSTOMER_SCENES for line in lines(scene)]
    staff = lines("staff")

    assert len({line.template for line in customers}) >= 350
    assert len({line.template for line in staff}) >= 120
    assert TOPICS == {line.topic for line in customers}
    assert STAFF_TOPICS == {line.topic for line in staff}
    assert {"ko", "en"} == {line.language for line in customers}


def test_templates_are_filled(sample: sori_sample.Sample) -> None:
    texts = [*(one.text for one in sample.touchpoints), *(one.text for one in sample.responses)]

    assert not [text for text in texts if "{" in text or "  " in text]


def test_customers_rarely_say_the_same(valid: dict[str, touchpoint_pb2.Touchpoint]) -> None:
    said = [one.text for one in valid.values() if one.text and one.actor == touchpoint_pb2.ACTOR_CUSTOMER]

    assert len(set(said)) / len(said) > 0.55


@pytest.mark.parametrize(
    ("noun", "particles", "expected"),
    [
        ("머그컵", "이/가", "머그컵이"),
        ("티라미수", "을/를", "티라미수를"),
        ("텀블러", "은/는", "텀블러는"),
        ("인절미롤", "으로/로", "인절미롤로"),
        ("강남점", "으로/로", "강남점으로"),
    ],
)
def test_nouns_pick_their_particles(noun: str, particles: str, expected: str) -> None:
    assert expected == format(Noun(noun), particles)


def test_yaml_files_say_that_they_are_made_up() -> None:
    files = [one for one in (importlib.resources.files("sori_sample") / "texts").iterdir() if one.name != "tails.yaml"]

    heads = [one.read_text(encoding="utf-8")[:300] for one in files]

    assert len(heads) == 9
    assert all("Made up for this sample" in head for head in heads)


def test_command_writes_the_same_bytes_in_every_process(tmp_path: Path, written: Path) -> None:
    command = [sys.executable, "-m", "sori_sample", "--out", str(tmp_path), "--end", END.isoformat()]

    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": PATHS})

    for name_ in ("touchpoints.jsonl", "staff.jsonl", "truth.json"):
        assert (written / name_).read_bytes() == (tmp_path / name_).read_bytes()


def test_command_writes_files_that_can_be_read_back(written: Path, sample: sori_sample.Sample) -> None:
    touchpoints = (written / "touchpoints.jsonl").read_text(encoding="utf-8").splitlines()
    staff = (written / "staff.jsonl").read_text(encoding="utf-8").splitlines()
    truth = json.loads((written / "truth.json").read_text(encoding="utf-8"))

    assert sample.touchpoints == [json_format.Parse(line, touchpoint_pb2.Touchpoint()) for line in touchpoints]
    assert sample.responses == [json_format.Parse(line, ee_feedback_service_pb2.ImportedResponse()) for line in staff]
    assert truth == json.loads(sample.truth.to_json())
