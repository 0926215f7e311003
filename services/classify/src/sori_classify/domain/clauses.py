"""Cutting a text into clauses, so that each of several topics gets its own feeling."""

import re
from collections.abc import Iterable, Mapping, Sequence

_WITH_N = "".join(chr(0xAC00 + at) for at in range(4, 11172, 28))  # syllables that end in ㄴ: 좋은데, 비싼데
# Ends of sentences after which people put no full stop: 좋아요, 했습니다, 느림, 최악임, ㅋㅋ, ㅠㅠ.
_POLITE = (
    "(?<=[가-힣]요.)(?<!필요.)(?<!중요.)(?<!주요.)(?<!수요.)(?<!소요.)(?<!강요.)(?<!가요.)(?<!담요.)(?<!개요.)"
    "|(?<=니다.)|(?<=[가-힣]죠.)"
)
_PLAIN = "(?<=[했었았였없있좋같쁘프렇왔됐르]다.)"
_NOUNLIKE = (
    "(?<=[있없좋많적했었았였됐낮높늦같싫]음.)|(?<=[빠느]름.)|(?<=[느걸]림.)|(?<=[가-힣]쌈.)|(?<=[가-힣][함됨임].)"
    "(?<!포함.)(?<!명함.)(?<!결함.)(?<!보관함.)(?<!책임.)(?<!모임.)(?<!게임.)(?<!선임.)(?<!담임.)"
)
_LETTERS = "\u110f\u1112\u116e\u1172^"  # ㅋ, ㅎ, ㅜ and ㅠ, as a folded text has them
# What ends a clause, with what looks like it and does not: nouns in -고, 하나, 누구나, 가운데. The expression begins
# with one set of characters, which finds it many times as fast as its alternatives; `.` stands for that character. So
# does what all Korean endings end with.
_CUT = re.compile(
    r"[.!?;。… ,~](?:"
    r"(?<=[.!?;。…])[.!?;。…]*[ ,~]+"
    rf"|(?<=[ ,~])(?<=[만데며서도고나요다죠음름림쌈함됨임{_LETTERS}].)(?:(?<=지만.)|(?<=[{_WITH_N}]데.)(?<!가운데.)"
    r"|(?<=[가-힣]며.)|(?<=면서.)|(?<=는데도.)"
    r"|(?<=[가-힣]고.)(?<!최고.)(?<!광고.)(?<!사고.)(?<!신고.)(?<!재고.)(?<!창고.)(?<!보고.)(?<!경고.)(?<!중고.)"
    r"(?<!충고.)(?<!권고.)(?<!해고.)|(?<=[으았었였했됐왔]나.)|(?<=[어아여해려져싸]도.)(?<!이래도.)(?<!그래도.)(?<!배려도.)"
    rf"|{_POLITE}|{_PLAIN}|{_NOUNLIKE}|(?<=[{_LETTERS}].))[ ,~]*"
    r"|(?<=,)(?=[^0-9])"
    r"|(?<= )(?=(?:하지만|그러나|그런데|근데|다만|대신|반면|그래도|but|however|though|although|while|whereas|yet) )"
    r"|(?<= )and (?=(?:the|it|they|he|she|we|i|my|our|your|their|this|that|its|staff|delivery|shipping|service|price)"
    r"\b))"
)
# What turns against the clause before it, at the end of that clause; and anywhere, or as a word of its own.
_TURN = re.compile(
    rf"(?:지만|(?<=[{_WITH_N}])데요?|(?<=는)데도|(?<=[으았었였했됐왔])나|(?<=[어아여해려져싸])도)[ ,~]*$"
)
_TURNS = re.compile(
    rf"[만데나도](?<=지만|[{_WITH_N}]데|데도|[으았었였했됐왔]나|[어아여해려져싸]도)요?(?:[ ,~]|$)"
    r"|(?:하지만|그러나|그런데|근데|다만|대신|반면|그래도|but|however|though|although|while|whereas|yet) "
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


def unturned(clause: str) -> str:
    """Leave out of a clause what turns against it (지만, 는데), which the model takes for blame to come."""
    return _TURN.sub("", clause) or clause


def turns(text: str) -> bool:
    """Say whether anything in a folded text turns against what was said before it."""
    return _TURNS.search(text) is not None
