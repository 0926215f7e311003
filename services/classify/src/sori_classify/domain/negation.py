"""Whether a word is denied where it stands: "no need for a refund", "위험하지 않아요"."""

import re
from enum import StrEnum


class Denial(StrEnum):
    """What takes a word its force."""

    FACT = "fact"  # that it is not so: nobody was hurt
    WISH = "wish"  # that the author does not want it; "they do not refund" takes nothing from it
    NONE = "none"  # nothing: the word is a denial itself


_REACH = 40  # characters before a word that are looked at

# "지 않나요?" asks whether it is so; it does not deny it.
_NOT = r"(?:않(?!나|냐|습니까|을까|은가|을런지|은지|아요 ?\?)|못|안 )"
_FACT_AFTER = re.compile(
    rf"(?:[가-힣]{{0,3}}?지(?:는|도|가|를)? ?{_NOT}"
    r"|(?: ?(?:유출|문제|위험|사고|우려|걱정|피해|증상))?[은는이가도을를]? ?(?:전혀|하나도|아예|별로|다행히)? ?"
    r"(?:없(?!애)|아니(?!냐|었|나요)|아닌|아닙)"
    r"|[은는이가도을를에]? ?안 ?(?:나|났|했|하고|됐|되었|당|입|가|갔|걸|생|들어|보이)"
    r"|[가-힣 ]{0,6}(?:정도|수준|상황|건|것)[은는이까지도]{0,3} ?(?:아니|아닙|없))"
)
_FACT_BEFORE = re.compile(r"(?:^| )(?:안|아무도|전혀) ?$")
_WISH_AFTER = re.compile(
    r"(?:[은는이가을를도까지처리요청신]{0,5} ?안 ?(?:해 ?주셔도|해줘도|해도|할게|할래|하겠|할 ?거|하려|받아도|받을게"
    r"|받을래|받겠|원)"
    r"|[가-힣 ]{0,8}?필요[가는도은까지]{0,3} ?(?:없|아니)"
    r"|[을를은는이가도까지]{0,3} ?(?:원하지|바라지)(?:는|도)? ?않|[을를은는도까지]{0,3} ?원치 ?않"
    r"|[은는이가도까지]{0,3} ?(?:아니|아닌|아닙|말고|말구|됐고|됐습|됐어|괜찮)"
    r"|하지(?:는|도)? ?(?:않아도|않겠|않을게|않을 거|않을래|않으려|마세요|말아 주|말아주|마시고)"
    r"|[가-힣 ]{0,6}?(?:생각|마음|의사|의도|정도|만큼)[은는이까지가도]{0,3} ?(?:없|아니|아닙)"
    r"|[가-힣]{0,3}고 싶(?:지|진)(?:는|도)? ?않|[은는]? ?굳이)"
)
_NEAR = r"(?: [\w'-]+){0,3} ?$"
_FACT_BEFORE_ENGLISH = re.compile(
    r"(?:\b(?:no(?! longer| matter| reply| response| idea)|not(?! only| just)|never|without|nobody|nothing|neither|nor"
    r"|hardly|cannot|far from)|n't)(?! to)" + _NEAR
)
_WISH_BEFORE_ENGLISH = re.compile(
    r"\b(?:no need (?:for|to)|(?:do not|don't|did not|didn't|does not|doesn't) (?:need|want|have to|require|expect)"
    r"|not (?:asking|looking) (?:for|to)|no longer (?:need|want)|instead of|rather than"
    r"|i(?:'m| am|'ll| will)? (?:not going to|won't|not)|without (?:a|any)?)" + _NEAR
)
_AFTER_ENGLISH = re.compile(
    r"[a-z]*(?: \w+){0,2}?(?: (?:is|are|was|were|will be)(?: not|n't)|n't| is no longer| isn't| aren't)(?: really)? "
    r"(?:needed|necessary|required|be needed|be necessary)"
)
_LATIN = re.compile("[a-z]")


def denied(text: str, start: int, end: int, kind: Denial) -> bool:
    """Say whether the word from `start` to `end` of a folded text is denied."""
    if kind is Denial.NONE:
        return False
    before = text[max(0, start - _REACH) : start]
    if _LATIN.match(text, start):
        return bool(
            _WISH_BEFORE_ENGLISH.search(before)
            or _AFTER_ENGLISH.match(text, end)
            or (kind is Denial.FACT and _FACT_BEFORE_ENGLISH.search(before))
        )
    if kind is Denial.WISH:
        return bool(_WISH_AFTER.match(text, end))
    return bool(_FACT_AFTER.match(text, end) or _FACT_BEFORE.search(before))
