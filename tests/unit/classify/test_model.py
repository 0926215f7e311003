"""The shipped model: same answer in any company, no text that breaks it, and clear texts understood."""

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sori_classify.domain import EMOTIONS, UTTERANCES, Scores, Sentiment, Utterance
from sori_classify.model import Model
from sori_classify.model.onnx import HEAD_UNITS, TAIL_UNITS, encode, normalise

SERVICE = Path(__file__).parents[3] / "services" / "classify"
FOLDER = SERVICE / "models" / "sori-small-2"

TEXTS = [
    "배송이 너무 늦어서 화가 나요",
    "정말 맛있게 잘 먹었습니다 또 시킬게요!",
    "The courier was rude and the box was crushed.",
    "환불은 언제 되나요?",
    "주소 변경해 주세요",
    "ok",
    "👍",
    "",
]

WEIRD = [
    "",
    " ",
    "\x00",
    "가\x00나\x00",
    "\ud800",
    "\udfff\ud800 좋아요",
    "👨‍👩‍👧‍👦🏳️‍🌈",
    "\u200b\u200e\ufeff",
    "İstanbul ẞ ﬁ",
    "각".encode().decode() + "\u1100\u1161\u11a8" * 50,
    "ㅋ" * 100_000,
    "배송 늦어요 " * 20_000,
    "".join(chr(random.Random(7).randrange(0x110000)) for _ in range(3)),
    "a" * 100_000,
]


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load(FOLDER)


def flat(scores: Scores) -> list[float]:
    feeling = scores.sentiment
    return [
        feeling.negative,
        feeling.neutral,
        feeling.positive,
        *scores.emotions,
        scores.abuse,
        *scores.utterances,
        *scores.kote,
    ]


def test_one_text_alone_scores_as_in_a_full_batch(model: Model) -> None:
    company = [f"{TEXTS[at % len(TEXTS)]} {at}" for at in range(248)]

    together = model.score([*TEXTS, *company])

    for text, scores in zip(TEXTS, together[: len(TEXTS)], strict=True):
        (alone,) = model.score([text])
        assert flat(scores) == pytest.approx(flat(alone), abs=1e-5)


def test_neighbours_and_padding_do_not_matter(model: Model) -> None:
    text = "직원분이 친절해서 좋았어요"
    (alone,) = model.score([text])

    beside_short = model.score([text, "네"])[0]
    beside_long = model.score(["최악이에요 " * 90, text, "쓰레기 같은 서비스"])[1]

    assert flat(beside_short) == pytest.approx(flat(alone), abs=1e-5)
    assert flat(beside_long) == pytest.approx(flat(alone), abs=1e-5)


def test_answers_come_in_the_order_of_the_texts(model: Model) -> None:
    texts = [f"{'아주 ' * (at % 7)}좋아요 {at}" for at in range(600)]

    there = model.score(texts)
    back = model.score(texts[::-1])[::-1]

    assert len(there) == 600
    assert all(flat(one) == pytest.approx(flat(other), abs=1e-5) for one, other in zip(there, back, strict=True))


def test_fine_emotions_are_given_only_when_asked_for(model: Model) -> None:
    (plain,) = model.score(TEXTS[:1])
    (fine,) = model.score(TEXTS[:1], fine=True)

    assert ((), 44) == (plain.kote, len(fine.kote))
    assert flat(fine)[: len(flat(plain))] == flat(plain)


def test_no_texts_give_no_scores(model: Model) -> None:
    assert model.score([]) == []


def test_weird_texts_get_probabilities(model: Model) -> None:
    together = model.score(WEIRD, fine=True)

    for scores in together:
        assert all(0 <= value <= 1 for value in flat(scores))
        assert pytest.approx(scores.sentiment.negative + scores.sentiment.neutral + scores.sentiment.positive) == 1
        assert pytest.approx(sum(scores.emotions)) == 1
        assert pytest.approx(sum(scores.utterances)) == 1
        assert (len(EMOTIONS), len(UTTERANCES), 44) == (
            len(scores.emotions),
            len(scores.utterances),
            len(scores.kote),
        )


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(st.characters(exclude_categories=())), max_size=5))
def test_any_texts_get_as_many_scores(model: Model, texts: list[str]) -> None:
    assert len(texts) == len(model.score(texts))


def test_every_code_unit_is_accepted(model: Model) -> None:
    texts = ["".join(map(chr, range(start, start + 256))) for start in range(0, 0x10000, 256)]

    assert len(model.score(texts)) == 256


def test_a_long_text_is_read_at_both_ends() -> None:
    read = normalise("처음 " + "중간을 채우는 말 " * 10_000 + "끝")

    assert read.startswith(" 처음 ")
    assert read.endswith(" 끝 ")
    assert len(read) <= HEAD_UNITS + TAIL_UNITS + 3


def test_case_spaces_and_repeats_do_not_change_what_is_read() -> None:
    assert encode("GREAT   service!!!!!") == encode("great service!!") == encode(" Great\n\tservice!!! ")


def test_widths_do_not_change_what_is_read() -> None:
    assert encode("Ｇｒｅａｔ！") == encode("great!")
    assert encode("ﾡﾷ") == encode("ㄱㅇ")


@pytest.mark.parametrize(
    "text",
    [
        "배송이 너무 느리고 상담원도 불친절해서 정말 실망했어요",
        "최악입니다. 다시는 안 사요",
        "돈 아깝고 시간 아깝다",
        "음식에서 머리카락이 나와서 너무 불쾌했습니다",
        "앱이 계속 멈춰서 짜증나요",
        "상사가 무능하고 야근만 시킨다",
        "Terrible experience, I am very disappointed and angry",
        "The food was awful and the waiter was rude",
        "worst app ever, it keeps crashing",
    ],
)
def test_a_clear_complaint_is_negative(model: Model, text: str) -> None:
    (scores,) = model.score([text])

    assert Sentiment.NEGATIVE is scores.sentiment.label


@pytest.mark.parametrize(
    "text",
    [
        "배송도 빠르고 품질도 좋아서 아주 만족해요",
        "정말 감동적이고 최고였어요",
        "친절하게 상담해 주셔서 감사합니다",
        "너무 예쁘고 편해요 강추합니다",
        "동료들이 좋고 배울 점이 많은 회사",
        "I love it, works perfectly, thank you so much!",
        "Great quality and super friendly staff",
        "amazing, best purchase this year",
    ],
)
def test_clear_praise_is_positive(model: Model, text: str) -> None:
    (scores,) = model.score([text])

    assert Sentiment.POSITIVE is scores.sentiment.label


@pytest.mark.parametrize(
    ("text", "utterance"),
    [
        ("이거 언제 도착하나요?", Utterance.QUESTION),
        ("영업시간이 어떻게 되나요", Utterance.QUESTION),
        ("배송지 변경해 주세요", Utterance.REQUEST),
        ("빨리 연락 좀 주세요", Utterance.REQUEST),
        ("어제 물건을 받았습니다.", Utterance.STATEMENT),
        ("When will my order arrive?", Utterance.QUESTION),
        ("please cancel my order", Utterance.REQUEST),
    ],
)
def test_what_the_author_wants_is_told(model: Model, text: str, utterance: Utterance) -> None:
    (scores,) = model.score([text])

    best = max(range(len(UTTERANCES)), key=scores.utterances.__getitem__)
    assert utterance is UTTERANCES[best]


def test_insults_are_abuse_and_complaints_are_not(model: Model) -> None:
    insult, english, complaint, praise = model.score(
        ["이 미친 새끼야 꺼져 병신아", "you are a stupid idiot", "배송이 이틀 늦었어요", "정말 친절하시네요"]
    )

    assert min(insult.abuse, english.abuse) > 0.5 > max(complaint.abuse, praise.abuse)


def test_the_card_describes_the_file_beside_it() -> None:
    card = json.loads((FOLDER / "card.json").read_text(encoding="utf-8"))
    digest = hashlib.sha256((FOLDER / "model.onnx").read_bytes()).hexdigest()

    assert digest == card["sha256"]
    assert card["version"] == Model.load(FOLDER).version


def test_a_card_with_other_labels_is_refused(tmp_path: Path) -> None:
    card = json.loads((FOLDER / "card.json").read_text(encoding="utf-8"))
    card["labels"]["emotion"] = ["bliss"]
    (tmp_path / "card.json").write_text(json.dumps(card), encoding="utf-8")

    with pytest.raises(ValueError, match="other labels"):
        Model.load(tmp_path)


def test_the_card_shows_that_file_and_reference_agree() -> None:
    card = json.loads((FOLDER / "card.json").read_text(encoding="utf-8"))

    assert card["parity"]["texts"] == 10_000
    assert card["parity"]["largest_difference"] < 1e-5
    assert card["batches"]["largest_difference"] < 1e-5
    assert all(abs(row["float"] - row["int8"]) <= 0.001 for row in card["parity"]["accuracy"].values())


def judged(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "training", "evaluate", "--model", str(FOLDER), "--texts", str(folder), *options],
        cwd=SERVICE,
        env=os.environ | {"PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_any_table_of_texts_and_labels_is_judged(tmp_path: Path) -> None:
    tables = {
        "abuse.tsv": ["text\tlabel", "이 미친 새끼야 꺼져 병신아\t1", "정말 친절하시네요\t0"],
        "kote.tsv": ["text\tlabels", "정말 감동이에요 고맙습니다\t1,2,4", "너무 화가 난다\t6"],
        "reviews.tsv": ["text\tlabel", "최악입니다. 다시는 안 사요\t0", "너무 예쁘고 편해요 강추합니다\t1"],
        "stars.tsv": ["text\tstars", "최악입니다. 다시는 안 사요\t1", "그냥 그래요 보통이에요\t3", "강추합니다\t5"],
    }
    for name, lines in tables.items():
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    done = judged(tmp_path, "--json")

    rows = {row["file"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert {name: row["task"] for name, row in rows.items()} == {
        "abuse.tsv": "abuse",
        "kote.tsv": "kote, 44 emotions",
        "reviews.tsv": "sentiment, two sides",
        "stars.tsv": "sentiment, three classes",
    }
    assert rows["reviews.tsv"] | {"ece": 0} == {
        "file": "reviews.tsv",
        "task": "sentiment, two sides",
        "n": 2,
        "accuracy": 1.0,
        "macro_f1": 1.0,
        "ece": 0,
        "majority": 0.5,
    }
    assert done.returncode == 0


def test_a_table_that_no_task_knows_is_named(tmp_path: Path) -> None:
    (tmp_path / "odd.tsv").write_text("text\tlabel\n좋아요\tpurple\n", encoding="utf-8")

    done = judged(tmp_path)

    assert done.returncode == 1
    assert "odd.tsv" in done.stderr


def test_tables_as_spreadsheets_write_them_are_judged(tmp_path: Path) -> None:
    (tmp_path / "bom.tsv").write_bytes("\ufeffText\tLabel\r\n좋아요\tPositive\r\n싫어요\tnegative\r\n".encode())
    (tmp_path / "stars.tsv").write_text("text\trating\n좋아요\t5.0\n싫어요\t1.0\n", encoding="utf-8")
    (tmp_path / "words.tsv").write_text("text\tlabel\n이 미친놈아\t욕설\n안녕\t정상\n", encoding="utf-8")

    done = judged(tmp_path, "--json")

    assert 0 == done.returncode
    tasks = {each["file"]: each["task"] for each in map(json.loads, done.stdout.splitlines())}
    assert {
        "bom.tsv": "sentiment, two sides",
        "stars.tsv": "sentiment, three classes",
        "words.tsv": "abuse",
    } == tasks


def test_a_table_in_another_encoding_is_named_and_the_others_are_judged(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes("text\tlabel\n좋아요\t1\n".encode("cp949"))
    (tmp_path / "b.tsv").write_text("text\tlabel\n좋아요\t1\n", encoding="utf-8")

    done = judged(tmp_path, "--json")

    assert 1 == done.returncode
    assert "a.tsv: is no table in UTF-8" in done.stderr
    assert ["b.tsv"] == [json.loads(line)["file"] for line in done.stdout.splitlines()]


def test_a_folder_without_tables_and_a_task_that_does_not_fit_are_said(tmp_path: Path) -> None:
    none = judged(tmp_path)
    (tmp_path / "a.tsv").write_text("text\tlabel\n좋아요\tpositive\n", encoding="utf-8")
    unfit = judged(tmp_path, "--task", "abuse")

    assert (1, 1) == (none.returncode, unfit.returncode)
    assert "no file that ends in .tsv" in none.stderr
    assert "a.tsv: has a label that says nothing of abuse" in unfit.stderr
