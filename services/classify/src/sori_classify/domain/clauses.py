"""Cutting a text into clauses, so that each of several topics gets its own feeling."""

import re
from collections.abc import Iterable, Mapping, Sequence

_WITH_N = "".join(chr(0xAC00 + at) for at in range(4, 11172, 28))  # syllables that end in ㄴ: 좋은데, 비싼데
# What ends a clause, with what looks like it and does not: nouns in -고, 하나, 누구나, 가운데. The expression begins
# with one set of characters, which finds it many times as fast as its alternatives; `.` stands for that character. So
# does what all Korean endings end with.
_CUT = re.compile(
    r"[.!?;。… ,~](?:"
    r"(?<=[.!?;。…])[.!?;。…]*[ ,~]+"
    rf"|(?<=[ ,~])(?<=[만데며서도고나].)(?:(?<=지만.)|(?<=[{_WITH_N}]데.)(?<!가운데.)|(?<=[가-힣]며.)|(?<=면서.)"
    r"|(?<=는데도.)|(?<=[가-힣]고.)(?<!최고.)(?<!광고.)(?<!사고.)(?<!신고.)(?<!재고.)(?<!창고.)(?<!보고.)(?<!경고.)(?<!중고.)"
    r"(?<!충고.)(?<!권고.)(?<!해고.)|(?<=[으었았였했]나.)|(?<=[어아여해]도.)(?<!이래도.)(?<!그래도.))[ ,~]*"
    r"|(?<=,)(?=[^0-9])"
    r"|(?<= )(?=(?:하지만|그러나|그런데|근데|다만|대신|반면|그래도|but|however|though|although|while|whereas|yet) )"
    r"|(?<= )and (?=(?:the|it|they|he|she|we|i|my|our|your|their|this|that|its|staff|delivery|shipping|service|price)"
    r"\b))"
)


def cut(text: str) -> list[tuple[int, int]]:
    """Give the beginning and the end of each clause that says something."""
    spans, start = [], 0
    for match in _CUT.finditer(text):
        if match.end() == start:
            continue
        if text[start : match.end()].strip(" ,.!?;~\n"):
            spans.append((start, match.end()))
            start = match.end()
    if text[start:].strip(" ,.!?;~\n"):
        spans.append((start, len(text)))
    return spans


def apart(text: str, places: Iterable[tuple[str, int]]) -> Mapping[str, Sequence[str]]:
    """Give the clauses in which each topic stands; nothing when all topics stand in one."""
    spans = cut(text)
    if len(spans) < 2:
        return {}
    found: dict[str, dict[int, str]] = {}
    for topic, at in places:
        for number, (start, end) in enumerate(spans):
            if start <= at < end:
                found.setdefault(topic, {})[number] = text[start:end]
    if len({frozenset(numbers) for numbers in found.values()}) < 2:
        return {}
    return {topic: list(clauses.values()) for topic, clauses in found.items()}
