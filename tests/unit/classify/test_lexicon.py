"""Word lists: how words are written, what is denied, and what hides what."""

import gc
import itertools
import time
import weakref
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sori_classify.domain import Denial, Trigger, apart, cut, denied, unturned
from sori_classify.model import Lexicon
from sori_classify.model.lexicon import known_forms, spelled, written_lemmas

LEXICONS = Path(__file__).parents[3] / "services" / "classify" / "lexicons"


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon.load(LEXICONS)


def names(lexicon: Lexicon, text: str) -> set[str]:
    return {trigger.name for trigger in lexicon.find(text).triggers}


@pytest.mark.parametrize("text", ["비싸요", "비쌌는데", "비싼 편", "비쌉니다", "안 비싸고", "비쌀까 봐"])
def test_an_adjective_is_found_in_all_its_forms(text: str) -> None:
    lexicon = Lexicon({"price": ["비싸다"]}, {}, forms=known_forms(LEXICONS / "forms.json"))

    assert ("price",) == lexicon.find(text).topics


@pytest.mark.parametrize("text", ["연락이 없어요", "연락도 없네요", "연락없이", "연락이없습니다"])
def test_a_particle_and_a_space_may_stand_in_a_phrase_or_not(text: str) -> None:
    lexicon = Lexicon({"waiting": ["연락~없다"]}, {}, forms={"없다": ["없"]})

    assert ("waiting",) == lexicon.find(text).topics


def test_a_particle_fits_the_noun_before_it() -> None:
    assert {"품질이 낮", "품질은 낮"} <= set(spelled("품질~낮다", {"낮다": ["낮"]}))
    assert "품질가 낮" not in set(spelled("품질~낮다", {"낮다": ["낮"]}))


def test_a_word_that_must_begin_is_not_found_within_another() -> None:
    lexicon = Lexicon({"app": ["^앱"]}, {})

    assert ("app",) == lexicon.find("이 앱은").topics
    assert () == lexicon.find("새앱솔").topics


def test_what_is_ignored_hides_what_it_contains() -> None:
    lexicon = Lexicon({"waiting": ["대기"]}, {}, ignored=["대기업"])

    assert () == lexicon.find("대기업 직원").topics
    assert ("waiting",) == lexicon.find("대기업에서 대기").topics


def test_a_new_verb_is_conjugated_when_the_lists_are_loaded(tmp_path: Path) -> None:
    (tmp_path / "topics.yaml").write_text("customer: {noise: [시끄럽다]}", encoding="utf-8")
    (tmp_path / "urgency.yaml").write_text("deadline: {weight: 0.3, words: [급해]}", encoding="utf-8")

    lexicon = Lexicon.load(tmp_path)

    assert ("noise",) == lexicon.find("너무 시끄러웠어요").topics


def test_every_verb_of_the_shipped_lists_is_conjugated_already() -> None:
    assert written_lemmas(LEXICONS) <= set(known_forms(LEXICONS / "forms.json"))


@pytest.mark.parametrize(
    "text", ["연봉은 높으나 야근", "연봉이 높겠죠", "연봉이 높죠", "연봉 높구요", "연봉이 높으셔서", "연봉이 높으며"]
)
def test_a_short_adjective_is_found_with_every_ending(text: str) -> None:
    lexicon = Lexicon({"pay": ["높다"]}, {}, forms=known_forms(LEXICONS / "forms.json"))

    assert ("pay",) == lexicon.find(text).topics


def test_a_subtopic_counts_for_its_topic(lexicon: Lexicon) -> None:
    found = lexicon.find("오배송됐어요")

    assert (("delivery",), ("delivery.wrong_or_missing",)) == (found.topics, found.subtopics)


def test_the_words_found_are_shown_as_in_a_dictionary(lexicon: Lexicon) -> None:
    assert {"배송비", "비싸다"} <= set(lexicon.find("배송비가 비쌌어요").keywords)


@pytest.mark.parametrize(
    ("text", "trigger"),
    [
        ("환불 안 해도 돼요", "refund_demand"),
        ("환불은 필요 없습니다", "refund_demand"),
        ("환불 말고 설명을 해 주세요", "refund_demand"),
        ("환불까지는 원하지 않아요", "refund_demand"),
        ("위험하지 않아요", "health_or_safety"),
        ("다치지는 않았습니다", "health_or_safety"),
        ("이물질은 없었어요", "health_or_safety"),
        ("소송할 생각은 없어요", "legal_or_media"),
        ("급한 건 아니에요", "deadline"),
        ("개인정보 유출은 아니라고 하네요", "privacy_or_fraud"),
        ("no need for a refund", "refund_demand"),
        ("I don't want a refund", "refund_demand"),
        ("A refund is not needed", "refund_demand"),
        ("Nobody was injured", "health_or_safety"),
        ("it is not dangerous", "health_or_safety"),
        ("It wasn't urgent", "deadline"),
        ("자살골이었네", "self_harm"),
    ],
)
def test_what_is_denied_presses_nobody(lexicon: Lexicon, text: str, trigger: str) -> None:
    assert trigger not in names(lexicon, text)


@pytest.mark.parametrize(
    ("text", "trigger"),
    [
        ("환불을 안 해 줘요", "refund_demand"),
        ("환불이 안 된대요", "refund_demand"),
        ("이거 위험하지 않나요?", "health_or_safety"),
        ("아이가 다쳤는데 연락이 없어요", "health_or_safety"),
        ("소비자원에 신고하겠습니다", "legal_or_media"),
        ("답변이 없네요", "repeated"),
        ("죽고 싶어요", "self_harm"),
        ("가만 안 둬", "threat"),
        ("개인정보가 유출됐어요", "privacy_or_fraud"),
        ("기자한테 제보할 겁니다", "legal_or_media"),
        ("they will not refund me", "refund_demand"),
        ("not only unsafe but dangerous", "health_or_safety"),
        ("I will call my lawyer", "legal_or_media"),
        ("still no reply", "repeated"),
        ("I want to kill myself", "self_harm"),
    ],
)
def test_what_is_not_denied_presses(lexicon: Lexicon, text: str, trigger: str) -> None:
    assert trigger in names(lexicon, text)


def test_a_denied_topic_stays_one(lexicon: Lexicon) -> None:
    assert "refund_exchange" in lexicon.find("환불 안 해도 돼요").topics


def test_a_denied_hint_leans_to_the_other_side(lexicon: Lexicon) -> None:
    assert lexicon.hint("비싸요") < 0 < lexicon.hint("비싸지 않아요")


@pytest.mark.parametrize(
    "text",
    [
        "배송은 빠른데 상담원이 불친절했어요",
        "배송은 빨랐지만 상담원이 불친절했어요",
        "배송은 빠르고 상담원은 불친절했어요",
        "배송은 빨랐으나 상담원이 불친절",
        "배송 빠름. 상담원 불친절",
        "배송 빨라요 상담원은 불친절해요",
        "배송 빠르네요ㅎㅎ 상담원은 불친절",
        "배송 빨랐습니다 상담원 불친절",
        "배송 빠름 상담원 불친절함",
        "배송은 빠른데요 상담원이 불친절",
        "배송은 떨어져도 상담원은 친절",
        "delivery was fast but the agent was rude",
        "delivery was fast; the agent was rude",
        "fast delivery, though the agent was rude",
    ],
)
def test_topics_of_different_clauses_stand_apart(lexicon: Lexicon, text: str) -> None:
    found = lexicon.find(text)

    divided = apart(found.text, found.places)

    assert {"delivery", "staff_attitude"} == set(divided)
    assert divided["delivery"] != divided["staff_attitude"]


@pytest.mark.parametrize(
    "text",
    [
        "배송 상담원 불친절",
        "최고 배송에 상담원",
        "광고 배송 상담원",
        "배송 책임 상담원",
        "배송 다 상담원",
        "배송 필요 상담원",
    ],
)
def test_topics_of_one_clause_do_not(lexicon: Lexicon, text: str) -> None:
    found = lexicon.find(text)

    assert {} == apart(found.text, found.places)


@pytest.mark.parametrize(
    ("clause", "left"),
    [
        ("배송은 빠르지만 ", "배송은 빠르"),
        ("맛은 좋은데, ", "맛은 좋은"),
        ("앱은 편한데요 ", "앱은 편한"),
        ("연봉은 높으나 ", "연봉은 높으"),
        ("비싸도 ", "비싸"),
        ("가격도 ", "가격도 "),
        ("누구나 ", "누구나 "),
        ("데", "데"),
    ],
)
def test_what_turns_against_a_clause_is_left_out_of_it(clause: str, left: str) -> None:
    assert left == unturned(clause)


@given(st.text(alphabet="가나고지만는데며요다음 ,.!?but and"))
def test_clauses_lie_one_after_another_within_the_text(text: str) -> None:
    spans = cut(text)

    assert all(start < end for start, end in spans)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))
    assert not spans or spans[-1][1] <= len(text)


@given(st.text(), st.integers(0, 50), st.sampled_from(Denial))
def test_any_text_can_be_asked_for_denials(text: str, at: int, kind: Denial) -> None:
    at = min(at, len(text))

    assert denied(text, at, at, kind) in (True, False)


@pytest.mark.parametrize("entry", ["{weight: 0.3, denial: maybe, words: [급해]}"])
def test_an_unknown_denial_is_refused(tmp_path: Path, entry: str) -> None:
    (tmp_path / "topics.yaml").write_text("customer: {delivery: [배송]}", encoding="utf-8")
    (tmp_path / "urgency.yaml").write_text(f"deadline: {entry}", encoding="utf-8")

    with pytest.raises(ValueError, match="denial is none of"):
        Lexicon.load(tmp_path)


def test_finding_costs_some_microseconds(lexicon: Lexicon) -> None:
    text = "어제 주문한 신발이 왔는데 생각보다 색이 어둡고 조금 작아서 동생에게 주었더니 무척 좋아했어요 정말로"
    fastest = float("inf")

    for _ in range(20):
        start = time.process_time()
        for _ in range(200):
            lexicon.find(text)
        fastest = min(fastest, (time.process_time() - start) / 200)

    assert fastest < 50e-6  # 5 to 10 on an idle machine


_SOME_WORDS = [
    "배송",
    "늦",
    "환불",
    "refund",
    "not",
    "app",
    "s",
    "안",
    "해 주세요",
    "\n",
    " ",
    "\ud83d",
    "ㅠ",
    "Ａ",
    "1",
]


@given(
    texts=st.lists(st.lists(st.sampled_from(_SOME_WORDS), max_size=8).map("".join) | st.text(max_size=20), max_size=6)
)
def test_what_is_found_in_a_text_does_not_depend_on_its_neighbours(lexicon: Lexicon, texts: list[str]) -> None:
    assert [lexicon.find(text) for text in texts] == lexicon.find_all(texts)


def test_a_trigger_is_named_once_however_often_it_stands(lexicon: Lexicon) -> None:
    triggers = lexicon.find("환불 환불 환불 refund")

    assert 1 == sum(each.name == "refund_demand" for each in triggers.triggers)
    assert all(isinstance(each, Trigger) for each in triggers.triggers)


def test_lists_that_serve_no_more_are_let_go_at_once() -> None:
    """The collector, which workers keep from looking at what they have loaded, would not find them."""
    lexicon = Lexicon({"delivery": ["배송"]}, {})
    assert ("delivery",) == lexicon.find("배송이 늦어요").topics
    left = weakref.ref(lexicon)
    gc.disable()
    try:
        del lexicon
        assert left() is None
    finally:
        gc.enable()
