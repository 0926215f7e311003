"""Reading texts together: what is read once, and where it is said."""

from collections.abc import Sequence

import onnxruntime as ort
import pytest

from sori_classify import wire
from sori_classify.domain import Scores
from sori_classify.model import Model, Serving, Shelf
from sori_classify.usecases.reading import judge, responded, written
from sori_local import plan

TEXTS = ["배송이 너무 늦어요", "", "직원분이 친절해요", "", "배송이 너무 늦어요", "😀", ""]


class Noting(Model):
    """A model that notes what it is asked."""

    def __init__(self, session: ort.InferenceSession, version: str, card_json: str) -> None:
        super().__init__(session, version, card_json)
        self.asked: list[str] = []

    def score(self, texts: Sequence[str], *, fine: bool = False) -> list[Scores]:
        self.asked += texts
        return super().score(texts, fine=fine)


@pytest.fixture(scope="module")
def serving() -> Serving:
    return Shelf(plan.model(), plan.lexicons()).serving


def test_what_several_say_is_read_once(serving: Serving) -> None:
    model = Noting.load(plan.model())

    judge(Serving(serving.reference, model, serving.lexicon), TEXTS)

    assert ["배송이 너무 늦어요", "", "직원분이 친절해요", "😀"] == model.asked


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("배송 빨라요 품질 좋아요", 0),
        ("배송은 빠르지만 가격이 너무 비싸요", 2),
        ("배송은 빨랐고 직원은 불친절했어요", 2),
        ("Fast delivery, friendly staff.", 0),
        ("Fast delivery, but rude staff.", 2),
    ],
)
def test_topics_have_moods_of_their_own_where_the_text_says_so(serving: Serving, text: str, clauses: int) -> None:
    model = Noting.load(plan.model())

    [found] = judge(Serving(serving.reference, model, serving.lexicon), [text])

    assert clauses == len(model.asked) - 1
    assert (2 if clauses else 1) == len({each.sentiment for each in found.topic_sentiments})


def test_each_gets_the_answer_that_it_gets_alone(serving: Serving) -> None:
    together = judge(serving, TEXTS)

    for text, found in zip(TEXTS, together, strict=True):
        (alone,) = judge(serving, [text])
        assert (alone.topics, alone.sentiment, alone.language) == (found.topics, found.sentiment, found.language)
        assert alone.sentiment_scores == pytest.approx(found.sentiment_scores, abs=1e-5)


def test_the_line_and_callers_are_told_the_same(serving: Serving) -> None:
    found = judge(serving, TEXTS)

    [(sections, counts)] = written(serving, [TEXTS])

    assert [wire.response(found)] == responded(serving, [TEXTS])
    assert [wire.touchpoint_classified(each) for each in found] == sections
    assert (3, len(TEXTS)) == (counts.read, sum(counts.languages.values()))


def test_what_is_taken_together_is_told_to_each_who_asked(serving: Serving) -> None:
    parts = [TEXTS[:3], TEXTS[3:4], TEXTS[4:]]

    assert [responded(serving, [part])[0] for part in parts] == responded(serving, parts)
    assert [written(serving, [part])[0] for part in parts] == written(serving, parts)
