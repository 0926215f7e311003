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
    ("려고", "EC"), ("냐", "EF"),
)  # fmt: skip
_CUT = {"습니다": 2, "으니": 0, "는데": 1}  # characters that say nothing about the stem
_SHORT = 2  # syllables of a lemma whose bare stem stands in too many other words
_NAMES = frozenset({"NNG", "NNP", "SL", "XR"})
_LATIN = re.compile(r"[a-z][a-z'-]*[a-z]")
_HANGUL = re.compile("[가-힣]")


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
    if not _HANGUL.search(text):
        spans = [match.span() for match in re.finditer(r"[^.!?\n]+[.!?]*", text) if match.group().strip()]
        return [(start, end, _LATIN.findall(text[start:end].lower())) for start, end in spans]
    return [
        (each.start, each.end, words(each.tokens or [])) for each in kiwi.split_into_sents(text, return_tokens=True)
    ]


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
