"""The program that holds Kiwi: a child process of its own, so that whoever serves never carries its memory.

It is run, never imported by the service: one JSON object a line comes in, one goes out, and the end of input ends it.
`{"words": […]}` gives `{"forms": {word: [how texts begin it]}}`; `{"texts": […]}` gives
`{"texts": [[[start, end, [words]], …], …]}`, the sentences of each text and what they name.
"""

import json
import re
import sys
from typing import Any

from kiwipiepy import Kiwi  # type: ignore[import-untyped]

# One for each way in which a stem changes; what another form begins with is left out.
_ENDINGS = (
    ("어", "EC"), ("었", "EP"), ("은", "ETM"), ("는", "ETM"), ("을", "ETM"), ("습니다", "EF"), ("고", "EC"),
    ("지", "EC"), ("게", "EC"), ("네", "EF"), ("다", "EF"), ("기", "ETN"), ("음", "ETN"), ("으니", "EC"),
    ("으면", "EC"), ("는데", "EC"), ("나", "EC"), ("거나", "EC"), ("던", "ETM"), ("더라", "EF"), ("자", "EC"),
    ("려고", "EC"), ("냐", "EF"), ("으나", "EC"), ("으며", "EC"), ("겠", "EP"), ("으시", "EP"),
    ("으세요", "EF"), ("으셨", "EP"), ("으셔서", "EC"),
    ("죠", "EF"), ("구요", "EF"), ("군요", "EF"), ("거든", "EF"), ("더니", "EC"), ("든", "EC"), ("으므로", "EC"),
)  # fmt: skip
# Characters at the end that say nothing about the stem.
_CUT = {"습니다": 2, "는데": 1, "구요": 1, "군요": 1, "으세요": 1, "으셔서": 1, "으므로": 1}
_SHORT = 2  # syllables of a lemma whose bare stem stands in too many other words
_NAMES = frozenset({"NNG", "NNP", "SL", "XR"})
_LATIN = re.compile(r"[a-z][a-z'-]*[a-z]")
_HANGUL = re.compile("[가-힣]")
# Who says a sentence of a transcript, behind the time at which it was said.
_SPEAKER = re.compile(r"\s*(?:\[?\d[\d:.\]]* *)?[^\W\d]\w{0,14}(?: \w{1,14})? ?: ")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+\.\S+")
_ENGLISH_SENTENCE = re.compile(r"\S(?:[^.!?\n]|[.!?]+(?=[^\s.!?]))*[.!?]*")


def forms(kiwi: Kiwi, lemma: str) -> list[str]:
    """Conjugate a verb or an adjective given as in a dictionary; gives the shortest beginnings that tell it."""
    tokens = [(token.form, token.tag) for token in kiwi.tokenize(lemma)]
    stem = tokens[:-1] if tokens[-1][1] in ("EF", "EC") and tokens[-1][0] == "다" else [(lemma[:-1], "VV")]
    made = set()
    for ending, tag in _ENDINGS:
        joined = kiwi.join([*stem, (ending, tag)])
        cut = _CUT.get(ending, 0)
        made.add(joined[: len(joined) - cut] if cut else joined)
    if len(lemma) > _SHORT:
        made.add(lemma[:-1])  # A stem of two syllables tells enough by itself.
    return sorted(each for each in made if not any(each != other and each.startswith(other) for other in made))


def words(tokens: list[Any]) -> list[str]:
    """Name what a sentence is about: nouns, adjectives as in a dictionary, and words in Latin letters."""
    found = []
    for token in tokens:
        if token.tag == "SL":
            found += _LATIN.findall(token.form.lower())
        elif token.tag in _NAMES:
            if len(token.form) > 1:
                found.append(token.form)
        elif token.tag.startswith("VA"):
            found.append(token.lemma)
    return found


def sentences(kiwi: Kiwi, text: str) -> list[tuple[int, int, list[str]]]:
    """Split a text, and name what each sentence is about."""
    said = _ADDRESS.sub(lambda match: " " * len(match.group()), text)
    if not _HANGUL.search(text):
        spans = [match.span() for match in _ENGLISH_SENTENCE.finditer(said)]
        return [(start, end, _LATIN.findall(said[_begin(said, start, end) : end].lower())) for start, end in spans]
    return [
        (each.start, each.end, words([token for token in each.tokens or [] if token.start >= begin]))
        for each in kiwi.split_into_sents(said, return_tokens=True)
        for begin in (_begin(said, each.start, each.end),)
    ]


def _begin(text: str, start: int, end: int) -> int:
    """Say where a sentence begins, behind the name of who says it."""
    speaker = _SPEAKER.match(text, start, end)
    return speaker.end() if speaker else start


def main() -> None:
    """Answer until the input ends."""
    sys.stdin.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    kiwi = Kiwi(num_workers=1)
    for line in sys.stdin:
        asked = json.loads(line)
        answer: dict[str, Any] = {}
        if "words" in asked:
            answer["forms"] = {word: forms(kiwi, word) for word in asked["words"]}
        if "texts" in asked:
            answer["texts"] = [sentences(kiwi, text) for text in asked["texts"]]
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
