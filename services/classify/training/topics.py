"""How well the word lists find topics, on texts that people have checked: `python -m training.topics`."""

import argparse
import csv
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sori_classify.model.lexicon import Lexicon

SERVICE = Path(__file__).resolve().parents[1]
TEXTS = SERVICE.parents[1] / "tests" / "data" / "topics.tsv"
LEXICONS = SERVICE / "lexicons"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A text and the topics that it is about."""

    text: str
    topics: frozenset[str]
    language: str
    note: str  # plain, multi, negation, trap or none

    @property
    def tuning(self) -> bool:
        """Say whether word lists may be tuned on it; the other half is for the report."""
        return hashlib.blake2b(self.text.encode(), digest_size=1).digest()[0] % 2 == 0


@dataclass(slots=True)
class Tally:
    """Right and wrong finds of one topic."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def f1(self) -> float:
        """Give the harmonic mean of precision and recall; a topic that is nowhere and was never found has 1."""
        all_ = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / all_ if all_ else 1.0


def read(path: Path) -> list[Checked]:
    """Read checked texts."""
    with path.open(encoding="utf-8", newline="") as lines:
        return [
            Checked(
                text=row["text"],
                topics=frozenset(filter(None, row["topics"].split(","))),
                language=row["lang"],
                note=row["note"],
            )
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]


def tallies(texts: Iterable[Checked], find: Callable[[str], Collection[str]]) -> dict[str, Tally]:
    """Compare what is found with what was checked, by topic."""
    counted: dict[str, Tally] = {}
    for each in texts:
        found = set(find(each.text))
        for topic in found | each.topics:
            tally = counted.setdefault(topic, Tally())
            tally.right += topic in found and topic in each.topics
            tally.wrong += topic not in each.topics
            tally.missed += topic not in found
    return counted


def micro(counted: dict[str, Tally]) -> float:
    """Give F1 over all finds together."""
    found = counted.values()
    return Tally(
        right=sum(each.right for each in found),
        wrong=sum(each.wrong for each in found),
        missed=sum(each.missed for each in found),
    ).f1


def macro(counted: dict[str, Tally]) -> float:
    """Give the mean F1 of the topics."""
    return sum(each.f1 for each in counted.values()) / (len(counted) or 1)


def report(texts: Sequence[Checked], find: Callable[[str], Collection[str]]) -> list[str]:
    """Write a table for both halves, and for each language and note."""
    lines = ["| texts | n | micro-F1 | macro-F1 | all right |", "| --- | --- | --- | --- | --- |"]
    groups: list[tuple[str, list[Checked]]] = []
    for name, tuning in (("tuned on", True), ("reported", False)):
        half = [each for each in texts if each.tuning is tuning]
        groups.append((name, half))
        for kind in ("language", "note"):
            for value in dict.fromkeys(getattr(each, kind) for each in half):
                groups.append((f"{name}, {value}", [each for each in half if getattr(each, kind) == value]))
    for name, group in groups:
        counted = tallies(group, find)
        exact = sum(set(find(each.text)) == each.topics for each in group) / (len(group) or 1)
        lines.append(f"| {name} | {len(group)} | {micro(counted):.3f} | {macro(counted):.3f} | {exact:.3f} |")
    return lines


def corrected(path: Path, before: Lexicon, now: Lexicon) -> list[str]:
    """Say of each text whose topics people corrected what the lists before found and what those of now find."""
    lines = ["| text | should be | before | now |", "| --- | --- | --- | --- |"]
    right = [0, 0]
    with path.open(encoding="utf-8") as rows:
        for row in map(json.loads, filter(str.strip, rows)):
            correction = row.get("correction", {})
            none = correction.get("no_topics", correction.get("noTopics", False))
            if not row.get("text") or not (correction.get("topics") or none):
                continue
            wanted = sorted(correction.get("topics", []))
            found = [sorted(lists.find(row["text"]).topics) for lists in (before, now)]
            right = [count + (each == wanted) for count, each in zip(right, found, strict=True)]
            shown = " ".join(row["text"].replace("|", " ").split())
            lines.append(f"| {shown} | {' | '.join(', '.join(each) or '-' for each in (wanted, *found))} |")
    lines.append(f"| all {len(lines) - 2} | right | {right[0]} | {right[1]} |")
    return lines


def main() -> None:
    """Print the table, and with `--errors` what goes wrong on the half that may be tuned on."""
    parser = argparse.ArgumentParser(prog="python -m training.topics", description=__doc__)
    parser.add_argument("--texts", type=Path, default=TEXTS)
    parser.add_argument("--lexicons", type=Path, default=LEXICONS)
    parser.add_argument("--errors", action="store_true", help="list wrong finds of the tuning half")
    parser.add_argument("--by-topic", action="store_true", help="F1 of each topic over all texts")
    parser.add_argument("--corrections", type=Path, help="show what the lists make of exported corrections instead")
    parser.add_argument("--before", type=Path, default=LEXICONS, help="with --corrections: the lists to compare with")
    given = parser.parse_args()
    texts, lexicon = read(given.texts), Lexicon.load(given.lexicons)
    if given.corrections is not None:
        print("\n".join(corrected(given.corrections, Lexicon.load(given.before), lexicon)))
        return
    print("\n".join(report(texts, lambda text: lexicon.find(text).topics)))
    if given.by_topic:
        for topic, tally in sorted(tallies(texts, lambda text: lexicon.find(text).topics).items()):
            print(f"{topic:18} {tally.f1:.3f}  right {tally.right} wrong {tally.wrong} missed {tally.missed}")
    if given.errors:
        for each in texts:
            found = set(lexicon.find(each.text).topics)
            if each.tuning and found != each.topics:
                wrong, missed = sorted(found - each.topics), sorted(each.topics - found)
                print(f"{each.text} | wrong {','.join(wrong) or '-'} | missed {','.join(missed) or '-'}")


if __name__ == "__main__":
    main()
