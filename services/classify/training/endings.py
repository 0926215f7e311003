"""The other endings that the same Korean sentence may have: polite, formal, plain, familiar, or a noun's."""

import re

_FIRST = ord("가")
_FINALS = 28
_NONE, _B, _M, _SS, _BS, _R = 0, 17, 16, 20, 18, 8  # places of the final consonants in a syllable's code

_WHOLE = {
    "해요": ("합니다", "함", "하네요", "해"),
    "돼요": ("됩니다", "됨", "되네요", "돼"),
    "합니다": ("해요", "함", "하네요"),
    "됩니다": ("돼요", "됨", "되네요"),
    "하네요": ("해요", "함", "합니다"),
    "되네요": ("돼요", "됨", "됩니다"),
    "이네요": ("입니다", "임", "이에요"),
    "이에요": ("입니다", "임", "이네요"),
    "예요": ("네요", "임"),
    "입니다": ("임", "이네요"),
    "함": ("해요", "합니다", "하네요", "한다"),
    "됨": ("돼요", "됩니다", "되네요", "된다"),
}
_PAST = re.compile(r"(.*)(어요|습니다|네요|음|다|어)")
_CLOSED = re.compile(r"(.*)([아어]요|습니다|네요|음)")
_FORMAL = re.compile(r"(.*)니다")


def others(text: str) -> tuple[str, ...]:
    """Give the text with each other ending that is surely right; none for an ending that is not known."""
    whole = max((end for end in _WHOLE if text.endswith(end)), key=len, default=None)
    if whole is not None:
        stem = text.removesuffix(whole)
        return tuple(stem + end for end in _WHOLE[whole]) if stem.strip() else ()
    if (found := _PAST.fullmatch(text)) and _final(found[1]) in (_SS, _BS):
        return tuple(found[1] + end for end in ("어요", "습니다", "네요", "음", "다", "어") if end != found[2])
    if (found := _CLOSED.fullmatch(text)) and _final(found[1]) not in (None, _NONE, _R):
        return tuple(found[1] + end for end in ("습니다", "네요", "음") if end != found[2])
    if (found := _FORMAL.fullmatch(text)) and _final(found[1]) == _B:
        open_stem = chr(ord(found[1][-1]) - _B)
        return found[1][:-1] + open_stem + "네요", found[1][:-1] + chr(ord(open_stem) + _M)
    return ()


def _final(text: str) -> int | None:
    """Give the final consonant of the last syllable, None where the text ends in something else."""
    return (ord(text[-1]) - _FIRST) % _FINALS if text and "가" <= text[-1] <= "힣" else None
