"""The rules of classify: language, topics, triggers, urgency and what is said of a text that cannot be read."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sori_classify import domain
from sori_classify.domain import Emotion, Found, Language, Scores, Sentiment, SentimentScores, Trigger, Utterance
from sori_classify.model import Lexicon

LEXICONS = Path(__file__).parents[3] / "services" / "classify" / "lexicons"

UPSET = SentimentScores(negative=0.9, neutral=0.06, positive=0.04)
CALM = SentimentScores(negative=0.1, neutral=0.8, positive=0.1)
PLEASED = SentimentScores(negative=0.05, neutral=0.05, positive=0.9)


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon.load(LEXICONS)


def some_scores(
    sentiment: SentimentScores = CALM,
    emotion: Emotion = Emotion.NEUTRAL,
    abuse: float = 0.1,
    utterance: Utterance = Utterance.STATEMENT,
) -> Scores:
    return Scores(
        sentiment=sentiment,
        emotions=tuple(0.7 if one is emotion else 0.3 / 9 for one in domain.EMOTIONS),
        emotion=emotion,
        emotion_score=0.7,
        abuse=abuse,
        utterances=tuple(0.85 if one is utterance else 0.05 for one in domain.UTTERANCES),
        utterance=utterance,
    )


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("배송이 너무 늦어요", Language.KOREAN),
        ("ㅠㅠㅠ", Language.KOREAN),
        ("아이폰 iPhone 15 Pro Max 케이스 배송 문의", Language.KOREAN),
        ("배송 iPhone 15 Pro Max", Language.KOREAN),
        ("The delivery was late", Language.ENGLISH),
        ("I love 김치 so much", Language.ENGLISH),
        ("Amazing quality super fast shipping thanks", Language.ENGLISH),
        ("emailed four times, zero reply", Language.ENGLISH),
        ("wrong size, missing charger, sad", Language.ENGLISH),
        ("That's a cute little theory", Language.ENGLISH),
        ("muito bom, recomendo a todos", Language.OTHER),
        ("ok", Language.ENGLISH),
        ("김치 kimchi", Language.KOREAN),
        ("１２３ ＡＢＣ 굿", Language.KOREAN),
        ("ｇｒｅａｔ　ｐｒｏｄｕｃｔ　ｖｅｒｙ　ｎｉｃｅ", Language.ENGLISH),
        ("가나 доставка опоздала", Language.OTHER),
        ("荷物が届きません", Language.OTHER),
        ("доставка опоздала", Language.OTHER),
        ("la entrega llegó muy tarde y nadie responde", Language.OTHER),
        ("", Language.UNDETERMINED),
        ("  12345 !!", Language.UNDETERMINED),
        ("👍👍", Language.UNDETERMINED),
        ("\x00\ud800", Language.UNDETERMINED),
    ],
)
def test_language_follows_the_letters(text: str, language: Language) -> None:
    assert language is domain.language_of(text)


def test_a_very_long_text_has_the_language_of_its_beginning() -> None:
    assert Language.KOREAN is domain.language_of("가" * 100_000)


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("배송비가 너무 비싸요", {"price"}),
        ("택배 기사님이 불친절했어요", {"delivery", "staff_attitude"}),
        ("앱이 자꾸 튕겨서 결제가 안 돼요", {"app_web", "payment"}),
        ("I want a refund, the parcel never arrived", {"refund_exchange", "delivery"}),
        ("THE APP keeps crashing", {"app_web"}),
        ("야근이 많고 팀장이 말을 안 들어요", {"workload", "manager"}),
        ("My salary is low and there is no training", {"pay", "growth"}),
        ("그냥 그래요", set()),
        ("", set()),
    ],
)
def test_topics_follow_the_words(lexicon: Lexicon, text: str, topics: set[str]) -> None:
    assert topics == set(lexicon.find(text).topics)


def test_an_english_word_is_not_found_inside_another(lexicon: Lexicon) -> None:
    assert lexicon.find("I approve of happy apples").topics == ()


def test_words_of_both_languages_are_found_in_one_text(lexicon: Lexicon) -> None:
    assert {"delivery", "refund_exchange"} == set(lexicon.find("배송이 안 와요, refund please").topics)


@pytest.mark.parametrize("text", ["refunds", "no-refund", "배송refund", "refund배송"])
def test_an_english_word_begins_where_no_letter_stands_before_it(lexicon: Lexicon, text: str) -> None:
    assert "refund_exchange" in lexicon.find(text).topics


def test_the_topic_with_most_words_comes_first(lexicon: Lexicon) -> None:
    assert lexicon.find("환불이요. 배송도 늦고 택배 포장도 파손").topics[0] == "delivery"


def test_triggers_are_found_in_both_languages(lexicon: Lexicon) -> None:
    korean = {trigger.name for trigger in lexicon.find("이물질 먹고 응급실 갔어요. 당장 연락 주세요").triggers}
    english = {trigger.name for trigger in lexicon.find("I was injured, call me ASAP").triggers}

    assert {"health_or_safety", "deadline"} == korean == english


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("delivery: [배송]", "expected names"),
        ("customer: {delivery: 배송}", "delivery needs a list"),
        ("customer: {delivery: []}", "delivery needs a list"),
        ("customer: {delivery: [1]}", "delivery needs a list"),
    ],
)
def test_a_malformed_lexicon_says_what_is_wrong(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "topics.yaml").write_text(content, encoding="utf-8")
    (tmp_path / "urgency.yaml").write_text("deadline: {weight: 0.3, words: [급해]}", encoding="utf-8")

    with pytest.raises(ValueError, match=problem):
        Lexicon.load(tmp_path)


@pytest.mark.parametrize("entry", ["{weight: 3, words: [급해]}", "{words: [급해]}", "[급해]"])
def test_a_trigger_without_a_sound_weight_is_refused(tmp_path: Path, entry: str) -> None:
    (tmp_path / "topics.yaml").write_text("customer: {delivery: [배송]}", encoding="utf-8")
    (tmp_path / "urgency.yaml").write_text(f"deadline: {entry}", encoding="utf-8")

    with pytest.raises(ValueError, match=r"deadline needs a weight|expected names"):
        Lexicon.load(tmp_path)


@given(st.text(st.characters(exclude_categories=())))
def test_no_text_is_too_odd_for_the_rules(text: str) -> None:
    lexicon = Lexicon({"delivery": ["배송", "deliver", "app$"]}, {})

    found = domain.classify(text, None, found=lexicon.find(text), model_version="m1")

    assert found.degraded
    assert found.language in Language


def test_a_calm_statement_is_not_urgent() -> None:
    urgency = domain.urgency_of(CALM, Utterance.STATEMENT, [])

    assert (urgency.score, urgency.reasons) == (0.0, ())


def test_urgency_rises_with_feeling_request_and_triggers() -> None:
    now = Trigger(name="deadline", weight=0.3)

    asked = domain.urgency_of(CALM, Utterance.REQUEST, [])
    upset = domain.urgency_of(UPSET, Utterance.REQUEST, [])
    pressed = domain.urgency_of(UPSET, Utterance.REQUEST, [now])

    assert asked.score < upset.score < pressed.score
    assert pressed.reasons == ("negative", "request", "deadline")


def test_urgency_stays_within_one() -> None:
    urgency = domain.urgency_of(UPSET, Utterance.REQUEST, [Trigger(name=str(at), weight=0.8) for at in range(5)])

    assert 0.99 < urgency.score <= 1.0


def test_praise_with_a_dangerous_word_is_less_urgent_than_blame() -> None:
    hurt = Trigger(name="health_or_safety", weight=0.5)

    praise = domain.urgency_of(PLEASED, Utterance.STATEMENT, [hurt])
    blame = domain.urgency_of(UPSET, Utterance.STATEMENT, [hurt])

    assert praise.score < blame.score


def test_a_readable_text_gets_what_the_model_says() -> None:
    scores = some_scores(UPSET, Emotion.ANGER, abuse=0.9, utterance=Utterance.REQUEST)

    found = domain.classify("환불해 주세요", scores, found=Found(topics=("refund_exchange",)), model_version="m1")

    assert (found.sentiment, found.emotion, found.utterance) == (Sentiment.NEGATIVE, Emotion.ANGER, Utterance.REQUEST)
    assert found.abusive
    assert found.topics == ("refund_exchange",)
    assert found.model_version == "m1"
    assert not found.degraded


@pytest.mark.parametrize("text", ["", "荷物が届きません", "12345"])
def test_an_unreadable_text_is_neutral_and_unsure_whatever_the_model_says(text: str) -> None:
    found = domain.classify(text, some_scores(UPSET, Emotion.ANGER, abuse=0.99), model_version="m1")

    assert (found.sentiment, found.emotion, found.utterance) == (Sentiment.NEUTRAL, Emotion.UNKNOWN, Utterance.OTHER)
    assert found.sentiment_scores.neutral < 0.5
    assert not found.abusive
    assert not found.degraded


def test_without_scores_the_rules_still_answer() -> None:
    trigger = Trigger(name="deadline", weight=0.3)

    found = domain.classify(
        "당장 환불", None, found=Found(topics=("refund_exchange",), triggers=(trigger,)), model_version="m1"
    )

    assert found.degraded
    assert (found.sentiment, found.emotion) == (Sentiment.NEUTRAL, Emotion.UNKNOWN)
    assert (found.urgency, found.urgency_reasons) == (0.3, ("deadline",))


def test_abuse_is_judged_by_the_given_threshold() -> None:
    scores = some_scores(abuse=0.6)

    strict = domain.classify("너", scores, model_version="m1", abusive_above=0.5)
    lenient = domain.classify("너", scores, model_version="m1", abusive_above=0.7)

    assert strict.abusive
    assert not lenient.abusive


def test_a_tie_of_feelings_is_neutral() -> None:
    assert Sentiment.NEUTRAL is SentimentScores(negative=0.4, neutral=0.2, positive=0.4).label


@pytest.mark.parametrize(
    ("text", "sentiment", "emotion"),
    [
        ("😀😀", Sentiment.POSITIVE, Emotion.JOY),
        ("👍", Sentiment.POSITIVE, Emotion.TRUST),
        ("❤️❤️", Sentiment.POSITIVE, Emotion.GRATITUDE),
        ("😡😡😡", Sentiment.NEGATIVE, Emotion.ANGER),
        ("😢 5", Sentiment.NEGATIVE, Emotion.SADNESS),
        ("ㅋㅋㅋㅋ", Sentiment.POSITIVE, Emotion.JOY),
        ("ㅎㅎ^^", Sentiment.POSITIVE, Emotion.JOY),
        ("ㅠㅠㅠ", Sentiment.NEGATIVE, Emotion.SADNESS),
        ("ㅠㅠ ❤️", Sentiment.POSITIVE, Emotion.GRATITUDE),
        ("^^", Sentiment.POSITIVE, Emotion.JOY),
        ("12345!!", Sentiment.NEUTRAL, Emotion.UNKNOWN),
    ],
)
def test_a_text_without_words_is_read_by_its_signs(text: str, sentiment: Sentiment, emotion: Emotion) -> None:
    found = domain.classify(text, some_scores(CALM), model_version="m1")

    scores = found.sentiment_scores
    assert (sentiment, emotion) == (found.sentiment, found.emotion) or text.startswith("12")
    assert sentiment is found.sentiment
    assert max(scores.negative, scores.neutral, scores.positive) <= 0.7
    assert 1 == pytest.approx(scores.negative + scores.neutral + scores.positive)


def test_signs_beside_words_are_left_to_the_model() -> None:
    found = domain.classify("ㅠㅠ 너무 맛있어요", some_scores(PLEASED), model_version="m1")

    assert found.sentiment is Sentiment.POSITIVE


def test_each_topic_has_the_mood_of_its_clauses_or_of_the_text() -> None:
    found = domain.classify(
        "배송은 빠른데 비싸요",
        some_scores(UPSET),
        found=Found(topics=("delivery", "price")),
        clauses={"delivery": PLEASED},
        model_version="m1",
    )

    assert [("delivery", Sentiment.POSITIVE), ("price", Sentiment.NEGATIVE)] == [
        (each.topic, each.sentiment) for each in found.topic_sentiments
    ]


def test_a_hint_moves_a_mood_and_keeps_a_distribution() -> None:
    up, down = domain.leaning(CALM, 1), domain.leaning(CALM, -2)

    assert up.positive > CALM.positive > down.positive
    assert up.neutral < CALM.neutral > down.neutral
    assert 1 == pytest.approx(up.negative + up.neutral + up.positive)


def test_what_must_never_be_missed_counts_in_full_in_praise() -> None:
    grave = Trigger(name="self_harm", weight=0.8, always=True)

    urgency = domain.urgency_of(PLEASED, Utterance.STATEMENT, [grave])

    assert urgency.score == 0.8


_TRIGGERS = st.lists(
    st.builds(Trigger, name=st.sampled_from("abc"), weight=st.floats(0, 1), always=st.booleans()), max_size=5
)


@given(st.permutations(list(Emotion)), _TRIGGERS, st.sampled_from(Utterance), st.floats(0, 1))
def test_urgency_is_within_its_range_and_more_reasons_never_lower_it(
    emotions: list[Emotion], triggers: list[Trigger], utterance: Utterance, sure: float
) -> None:
    fewer = domain.urgency_of(UPSET, utterance, triggers[1:], emotions[0], sure)
    all_ = domain.urgency_of(UPSET, utterance, triggers, emotions[0], sure)

    assert 0 <= fewer.score <= all_.score <= 1


def test_anger_and_fear_press_more_than_calm() -> None:
    calm = domain.urgency_of(UPSET, Utterance.STATEMENT, [], Emotion.NEUTRAL, 0.9)
    angry = domain.urgency_of(UPSET, Utterance.STATEMENT, [], Emotion.ANGER, 0.9)

    assert calm.score < angry.score
    assert "anger" in angry.reasons
