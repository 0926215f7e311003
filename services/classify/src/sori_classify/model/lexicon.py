"""Topics and urgency triggers from editable word lists."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Generic, Self, TypeAlias, TypeVar

import yaml
from ahocorasick_rs import AhoCorasick, MatchKind

from sori_classify.domain import LONGEST_JUDGED, Trigger, fold

Name = TypeVar("Name")
_Tree: TypeAlias = "dict[str, _Tree]"

_WHOLE = "$"  # ends an English word that must not go on
_END = ""
_NEVER = "(?!)"
_HANGUL = re.compile("[가-힣ㄱ-ㅎㅏ-ㅣ]")
_ENGLISH = re.compile("[a-z0-9]")


class Lexicon:
    """Finds the topics and triggers of a text; all words are tried at once."""

    def __init__(self, topics: Mapping[str, Iterable[str]], triggers: Mapping[Trigger, Iterable[str]]) -> None:
        self._topics = _Words(topics)
        self._triggers = _Words(triggers)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load `topics.yaml` and `urgency.yaml`; fails with the file and the entry when one is malformed."""
        topics: dict[str, list[str]] = {}
        for side in _read(folder / "topics.yaml").values():
            for name, words in side.items():
                topics.setdefault(name, []).extend(_stems(folder / "topics.yaml", name, words))
        triggers = {}
        for name, entry in _read(folder / "urgency.yaml").items():
            weight = entry.get("weight") if isinstance(entry, dict) else None
            if not isinstance(weight, int | float) or not 0 <= weight <= 1:
                raise ValueError(f"{folder / 'urgency.yaml'}: {name} needs a weight within 0 to 1")
            trigger = Trigger(name=name, weight=float(weight))
            triggers[trigger] = _stems(folder / "urgency.yaml", name, entry.get("words"))
        return cls(topics, triggers)

    def find(self, text: str) -> tuple[tuple[str, ...], tuple[Trigger, ...]]:
        """Name the topics and the triggers whose words occur, those with most different words first."""
        folded = fold(text[:LONGEST_JUDGED]).encode(errors="replace").decode()  # No lone surrogates.
        return self._topics.found(folded), self._triggers.found(folded)


class _Words(Generic[Name]):
    """Many words, each standing for one or more names: one automaton for Hangul, one expression for the rest."""

    def __init__(self, entries: Mapping[Name, Iterable[str]]) -> None:
        self._names: dict[str, list[Name]] = {}
        korean: list[str] = []
        english: _Tree = {}
        for name, words in entries.items():
            for word in words:
                folded = fold(word)
                if _HANGUL.search(folded):
                    korean.append(folded.removesuffix(_WHOLE))
                else:
                    _plant(english, folded)
                names = self._names.setdefault(folded.removesuffix(_WHOLE), [])
                if name not in names:
                    names.append(name)
        self._korean = AhoCorasick(korean, matchkind=MatchKind.LeftmostLongest)
        # Takes up whole words, also those that stand for nothing, so that no word is looked for inside another.
        self._english = re.compile(f"({_pattern(english) if english else _NEVER})[a-z0-9]*|[a-z0-9]+")

    def found(self, text: str) -> tuple[Name, ...]:
        """Give the names whose words occur in a folded text, those with most different words first."""
        hits = [] if text.isascii() else self._korean.find_matches_as_strings(text)
        if _ENGLISH.search(text):
            hits += self._english.findall(text)
        counts: dict[Name, int] = {}
        for hit in dict.fromkeys(hits):
            for name in self._names.get(hit, ()):
                counts[name] = counts.get(name, 0) + 1
        return tuple(sorted(counts, key=lambda name: -counts[name]))


def _plant(tree: _Tree, word: str) -> None:
    """Add a word to the tree of regular expressions, one character a step."""
    steps = [re.escape(character) for character in word.removesuffix(_WHOLE)]
    if word.endswith(_WHOLE):
        steps[-1] += "(?![a-z0-9])"
    for step in steps:
        tree = tree.setdefault(step, {})
    tree[_END] = {}


def _pattern(tree: _Tree) -> str:
    """Write the tree as an expression that prefers the longest word."""
    branches = [step + _pattern(below) for step, below in tree.items() if step != _END]
    if not branches:
        return ""
    return f"(?:{'|'.join(branches)}){'?' if _END in tree else ''}"


def _read(path: Path) -> dict[str, dict[str, Any]]:
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(raw, dict) or not all(isinstance(value, dict) for value in raw.values()):
        raise ValueError(f"{path}: expected names with entries below them")
    return raw


def _stems(path: Path, name: str, words: object) -> list[str]:
    if not isinstance(words, list) or not words or not all(isinstance(word, str) and word.strip() for word in words):
        raise ValueError(f"{path}: {name} needs a list of words, each a text")
    return words
