"""Topics and urgency triggers from editable word lists."""

import functools
import json
import re
import subprocess
import sys
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, product
from pathlib import Path
from typing import Any, Generic, Self, TypeAlias, TypeVar

import yaml
from ahocorasick_rs import AhoCorasick, MatchKind

from sori_classify.domain import LONGEST_JUDGED, Denial, Found, Trigger, denied, fold

Name = TypeVar("Name")
Forms: TypeAlias = Mapping[str, Collection[str]]  # of verbs and adjectives, by the form of a dictionary
_Tree: TypeAlias = "dict[str, _Tree]"

FORMS = "forms.json"  # beside the word lists: conjugated forms, made by `sori-classify compile`
KIWI = Path(__file__).with_name("kiwi.py")
HINTS = "hints"  # words that lean to a mood
IGNORED = "ignored"  # words that stand for nothing and hide what they contain

_WHOLE = "$"  # ends an English word that must not go on
_BEGINS = "^"  # begins a Korean word before which no letter may stand
_PARTICLE = "~"  # between a noun and what is said of it: a particle and a space may be there
_END = ""
_NEVER = "(?!)"
_NO_MORE = "(?![a-z0-9])"
# Behind the first character of an English word: none of the kind stands before that. Written ahead of the character it
# would keep the expression from looking for first characters alone, which passes over Korean many times as fast.
_BEGINNING = "(?<![a-z0-9].)"
_APART = "\n"  # between texts that are looked through as one: neither folded texts nor words have it
_NOTHING = Found()
_MOST_KEYWORDS = 8
_MOST_MEANINGS = 10_000  # kept: most texts say what others said, in the same words of the lists
_HANGUL = re.compile("[가-힣ㄱ-ㅎㅏ-ㅣ]")
_LEMMA = re.compile("[가-힣]+다$")
_FINALS = 28  # of Hangul syllables; 0 is none
_AFTER_VOWEL = ("", "가", "는", "를", "도", "만", "로")
_AFTER_CONSONANT = ("", "이", "은", "을", "도", "만", "으로")
_KIWI_SECONDS = 300


class Lexicon:
    """Finds the topics and triggers of a text; all words are tried at once."""

    def __init__(
        self,
        topics: Mapping[str, Iterable[str]],
        triggers: Mapping[Trigger, Iterable[str]],
        *,
        ignored: Iterable[str] = (),
        untriggering: Iterable[str] = (),
        hints: Mapping[int, Iterable[str]] | None = None,
        forms: Forms | None = None,
    ) -> None:
        self._topics = _Words(topics, ignored, forms or {})
        self._topic_of = {name: name.partition(".")[0] for name in topics}
        self.topics = frozenset(self._topic_of.values())  # names, without those of subtopics
        self._meaning = functools.lru_cache(_MOST_MEANINGS)(functools.partial(_meaning, self._topic_of))
        self._triggers = _Words(triggers, untriggering, forms or {})
        self._hints = _Words(hints or {}, (), forms or {})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load `topics.yaml` and `urgency.yaml`; fails with the file and the entry when one is malformed.

        Verbs and adjectives whose forms `forms.json` lacks are conjugated in a child process, which takes seconds.
        """
        topics, ignored = _topics(folder / "topics.yaml")
        triggers, untriggering = _triggers(folder / "urgency.yaml")
        hints = _hints(folder / "topics.yaml")
        wanted = lemmas([*topics.values(), *triggers.values(), *hints.values(), ignored, untriggering])
        return cls(
            topics,
            triggers,
            ignored=ignored,
            hints=hints,
            untriggering=untriggering,
            forms=_forms(folder / FORMS, wanted),
        )

    def find(self, text: str) -> Found:
        """Name the topics and the triggers whose words occur, those with most different words first.

        A trigger that the text denies ("nobody was hurt") is none; a topic that it denies stays one.
        """
        return self.find_all([text])[0]

    def find_all(self, texts: Sequence[str]) -> list[Found]:
        """Do that for each of the texts, looked through as one: most of what it costs is to begin and to end."""
        folded = [fold(text[:LONGEST_JUDGED]) for text in texts]
        try:
            return self._find_all(folded)
        except UnicodeEncodeError:  # Half of a surrogate pair, which the automaton does not read.
            return self._find_all([text.encode(errors="replace").decode() for text in folded])

    def _find_all(self, folded: Sequence[str]) -> list[Found]:
        joined = _APART.join(folded)
        starts = [0, *accumulate(len(text) + 1 for text in folded)]
        named = self._topics.found_in(joined, starts)
        pressing = self._triggers.found_in(joined, starts)
        founds = [_NOTHING] * len(folded)
        for at, hits in named.items():
            found = self._meaning(tuple(dict.fromkeys([entry for entry, _, _ in hits])))
            if len(found.topics) > 1:
                places = [(self._topic_of[name], start) for entry, start, _ in hits for name in entry.names]
                found = Found(found.topics, found.subtopics, (), found.keywords, folded[at], tuple(places))
            founds[at] = found
        for at, pressed in pressing.items():
            founds[at] = self._press(founds[at], folded[at], pressed)
        return founds

    def _press(self, found: Found, folded: str, pressing: "list[_Hit[Trigger]]") -> Found:
        """Add the triggers that the text does not deny."""
        keywords = dict.fromkeys(found.keywords)
        triggers: dict[str, Trigger] = {}
        for pressed, start, end in pressing:
            for trigger in pressed.names:
                if trigger.name not in triggers and not denied(folded, start, end, trigger.denial):
                    triggers[trigger.name] = trigger
                    keywords[pressed.shown] = None
        return found._replace(
            triggers=tuple(sorted(triggers.values(), key=_weight, reverse=True)),
            keywords=tuple(keywords)[:_MOST_KEYWORDS],
        )

    def hint(self, clause: str) -> int:
        """Say to which mood the words of a folded clause lean; a denied word leans to the other side."""
        return sum(self._sides(clause))

    def leanings(self, folded: str) -> set[int]:
        """Name the moods to which words of a folded text lean: 1 positive, -1 negative."""
        return set(self._sides(folded))

    def _sides(self, folded: str) -> Iterator[int]:
        for entry, start, end in self._hints.found(folded):
            for side in entry.names:
                yield -side if denied(folded, start, end, Denial.FACT) else side


@dataclass(frozen=True, slots=True, eq=False)
class _Entry(Generic[Name]):
    """A word of the lists and what it stands for."""

    shown: str  # as a reader may see it
    names: tuple[Name, ...]
    begins: bool  # no Hangul may stand before it


_Hit: TypeAlias = tuple[_Entry[Name], int, int]  # a word, its beginning and its end


class _Words(Generic[Name]):
    """Many words, each standing for one or more names: one automaton for Hangul, one expression for the rest."""

    def __init__(self, entries: Mapping[Name, Iterable[str]], ignored: Iterable[str], forms: Forms) -> None:
        words: dict[str, list[Name]] = {}
        for name, listed in entries.items():
            for written in listed:
                words.setdefault(fold(written), []).append(name)
        for written in ignored:
            words.setdefault(fold(written), [])
        korean: dict[str, list[str]] = {}  # the words that a form is of
        english: _Tree = {}
        self._english_entries: dict[str, _Entry[Name]] = {}
        for written, names in words.items():
            if _HANGUL.search(written):
                for form in spelled(written, forms):
                    korean.setdefault(form, []).append(written)
            else:
                _plant(english, written)
                self._english_entries[written.removesuffix(_WHOLE)] = _Entry(_shown(written), tuple(names), False)
        self._korean = AhoCorasick(list(korean), matchkind=MatchKind.LeftmostLongest)
        made: dict[tuple[str, ...], _Entry[Name]] = {}
        for writings in map(tuple, korean.values()):
            if writings not in made:
                names = list(dict.fromkeys(name for each in writings for name in words[each]))
                begins = all(each.startswith(_BEGINS) for each in writings)
                made[writings] = _Entry(_shown(writings[0]), tuple(names), begins)
        self._korean_entries = [made[tuple(writings)] for writings in korean.values()]
        # Begins where a word of the text does and takes up the whole of it: no word is looked for inside another.
        self._english = re.compile(f"({_pattern(english, _BEGINNING) if english else _NEVER})[a-z0-9]*")

    def found(self, text: str) -> list[_Hit[Name]]:
        """Give the words that stand for something in a folded text: the Korean ones, and then the English ones."""
        hits = []
        entries = self._korean_entries
        for at, start, end in self._korean.find_matches_as_indexes(text):
            entry = entries[at]
            if entry.names and not (entry.begins and start and "가" <= text[start - 1] <= "힣"):
                hits.append((entry, start, end))
        for match in self._english.finditer(text):
            known = self._english_entries[match[1]]
            if known.names:
                hits.append((known, match.start(), match.end()))
        return hits

    def found_in(self, joined: str, starts: Sequence[int]) -> dict[int, list[_Hit[Name]]]:
        """Do that for each of several texts that are joined to one; those with nothing are left out."""
        found: dict[int, list[_Hit[Name]]] = {}
        for entry, start, end in self.found(joined):
            at = bisect_right(starts, start) - 1
            base = starts[at]
            found.setdefault(at, []).append((entry, start - base, end - base))
        return found


def _meaning(topic_of: Mapping[str, str], entries: tuple[_Entry[str], ...]) -> Found:
    """Say what different words of the topics stand for together."""
    counts: dict[str, int] = {}
    subtopics: dict[str, None] = {}
    for entry in entries:
        for name in entry.names:
            topic = topic_of[name]
            counts[topic] = counts.get(topic, 0) + 1
            if topic != name:
                subtopics[name] = None
    keywords = dict.fromkeys(entry.shown for entry in entries)
    return Found(
        topics=tuple(sorted(counts, key=counts.__getitem__, reverse=True)),
        subtopics=tuple(subtopics),
        keywords=tuple(keywords)[:_MOST_KEYWORDS],
    )


def spelled(word: str, forms: Forms) -> Iterator[str]:
    """Give every way in which a folded Korean word or phrase may stand in a text."""
    parts = re.split(f"([{_PARTICLE} ])", word.removeprefix(_BEGINS).removesuffix(_WHOLE))
    choices: list[Collection[str]] = []
    for at, part in enumerate(parts):
        if part == " ":
            choices.append((" ", ""))
        elif part == _PARTICLE:
            particles = _AFTER_CONSONANT if parts[at - 1] and _has_final(parts[at - 1]) else _AFTER_VOWEL
            choices.append([particle + space for particle in particles for space in (" ", "")])
        elif at == len(parts) - 1 and _LEMMA.fullmatch(part):
            choices.append(forms.get(part, [part]))
        else:
            choices.append((part,))
    return ("".join(chosen) for chosen in product(*choices))


def lemmas(lists: Iterable[Iterable[str]]) -> set[str]:
    """Give the verbs and adjectives among words and at the ends of phrases, as in a dictionary."""
    last = {re.split(f"[{_PARTICLE} {_BEGINS}]", fold(word))[-1] for words in lists for word in words}
    return {word for word in last if _LEMMA.fullmatch(word)}


def written_lemmas(folder: Path) -> set[str]:
    """Give the verbs and adjectives of both word lists of a folder."""
    topics, ignored = _topics(folder / "topics.yaml")
    triggers, untriggering = _triggers(folder / "urgency.yaml")
    hints = _hints(folder / "topics.yaml").values()
    return lemmas([*topics.values(), *triggers.values(), *hints, ignored, untriggering])


def conjugate(words: Collection[str]) -> dict[str, list[str]]:
    """Conjugate verbs and adjectives, in a child process that holds Kiwi for as long as it takes."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", str(KIWI)],
            input=json.dumps({"words": sorted(words)}) + "\n",
            capture_output=True,
            text=True,
            timeout=_KIWI_SECONDS,
            check=True,
        )
        made: dict[str, list[str]] = json.loads(done.stdout)["forms"]
    except (subprocess.SubprocessError, OSError, ValueError, KeyError) as error:
        raise ValueError(f"{', '.join(sorted(words))} cannot be conjugated: {type(error).__name__}") from error
    return made


def known_forms(path: Path) -> dict[str, list[str]]:
    """Read the conjugated forms that were made before; none when there is no such file."""
    if not path.exists():
        return {}
    raw = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(raw, dict) or not isinstance(raw.get("forms"), dict):
        raise ValueError(f"{path}: expected an object with `forms`")
    forms: dict[str, list[str]] = raw["forms"]
    return forms


def _forms(path: Path, wanted: Collection[str]) -> dict[str, list[str]]:
    known = known_forms(path)
    missing = [word for word in wanted if word not in known]
    return known | conjugate(missing) if missing else known


def _topics(path: Path) -> tuple[dict[str, list[str]], list[str]]:
    topics: dict[str, list[str]] = {}
    ignored: list[str] = []
    for side, below in _read(path).items():
        if side == IGNORED:
            ignored = _stems(path, IGNORED, below)
            continue
        if side == HINTS:
            continue
        for name, entry in below.items():
            words = entry.get("words") if isinstance(entry, dict) else entry
            topics.setdefault(name, []).extend(_stems(path, name, words))
            for sub, listed in (entry.get("subtopics") or {}).items() if isinstance(entry, dict) else ():
                words = listed.get("words") if isinstance(listed, dict) else listed
                topics.setdefault(f"{name}.{sub}", []).extend(_stems(path, f"{name}.{sub}", words))
    return topics, ignored


def _hints(path: Path) -> dict[int, list[str]]:
    below = _read(path).get(HINTS, {})
    if not set(below) <= {"positive", "negative"}:
        raise ValueError(f"{path}: {HINTS} has other entries than positive and negative")
    return {1 if side == "positive" else -1: _stems(path, f"{HINTS} {side}", words) for side, words in below.items()}


def _triggers(path: Path) -> tuple[dict[Trigger, list[str]], list[str]]:
    triggers = {}
    ignored: list[str] = []
    for name, entry in _read(path).items():
        if name == IGNORED:
            ignored = _stems(path, IGNORED, entry)
            continue
        weight = entry.get("weight") if isinstance(entry, dict) else None
        if not isinstance(weight, int | float) or not 0 <= weight <= 1:
            raise ValueError(f"{path}: {name} needs a weight within 0 to 1")
        denial = entry.get("denial", Denial.FACT)
        if denial not in set(Denial):
            raise ValueError(f"{path}: {name}: denial is none of {', '.join(Denial)}")
        trigger = Trigger(
            name=name, weight=float(weight), denial=Denial(denial), always=bool(entry.get("always", False))
        )
        triggers[trigger] = _stems(path, name, entry.get("words"))
    return triggers, ignored


def _shown(written: str) -> str:
    """Give a word as a reader may see it."""
    return written.strip(_BEGINS + _WHOLE).replace(_PARTICLE, " ")


def _weight(trigger: Trigger) -> float:
    return trigger.weight


def _has_final(word: str) -> bool:
    return "가" <= word[-1] <= "힣" and (ord(word[-1]) - ord("가")) % _FINALS > 0


def _plant(tree: _Tree, word: str) -> None:
    """Add a word to the tree of regular expressions, one character a step."""
    steps = [re.escape(character) for character in word.removesuffix(_WHOLE)]
    if word.endswith(_WHOLE):
        steps[-1] += _NO_MORE
    for step in steps:
        tree = tree.setdefault(step, {})
    tree[_END] = {}


def _pattern(tree: _Tree, behind: str = "") -> str:
    """Write the tree as an expression that prefers the longest word; `behind` each first character something holds."""
    steps = sorted((step for step in tree if step != _END), key=lambda step: step.endswith(_NO_MORE))
    branches = [step + behind + _pattern(tree[step]) for step in steps]
    if not branches:
        return ""
    return f"(?:{'|'.join(branches)}){'?' if _END in tree else ''}"


def _read(path: Path) -> dict[str, Any]:
    raw = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)  # In a tenth of the time.
    entries: Callable[[str, Any], bool] = lambda name, value: isinstance(value, list if name == IGNORED else dict)  # noqa: E731
    if not isinstance(raw, dict) or not all(entries(name, value) for name, value in raw.items()):
        raise ValueError(f"{path}: expected names with entries below them")
    return raw


def _stems(path: Path, name: str, words: object) -> list[str]:
    if not isinstance(words, list) or not words or not all(isinstance(word, str) and word.strip() for word in words):
        raise ValueError(f"{path}: {name} needs a list of words, each a text")
    return words
