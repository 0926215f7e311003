"""A hint at the language of a text, by the letters it is written in."""

import re

_LOOKED_AT = 1_000  # characters
_SYLLABLE_IN_LETTERS = 5  # Latin letters that one Hangul syllable outweighs: Korean texts are full of product names.

_NOT_SYLLABLES = bytes(each for each in range(256) if not 0xAC <= each <= 0xD7)
_NOT_ASCII = bytes(range(128, 256))
_ADDRESS = re.compile(r"\S*(?:://|www\.|@)\S*")  # Web addresses and e-mails are in no language.
_LATIN = re.compile(r"[A-Za-z]+")
_HANGUL = re.compile(r"[\u1100-\u11ff\u3131-\u318e\ua960-\ua97f\uac00-\ud7ff]+")
_ACCENTED = re.compile(r"[\u00df-\u00f6\u00f8-\u024f\u1e00-\u1eff]")
_SCRIPTS = (  # those that tell of a language, or of none that is sure
    (re.compile(r"[\u3041-\u30fa\uff66-\uff9d]+"), "ja"),
    (re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+"), "zh"),
    (re.compile(r"[\u0e01-\u0e5b]+"), "th"),
    (re.compile(r"[\u0370-\u03ff]+"), "el"),
    (re.compile(r"[\u0590-\u05ff]+"), "he"),
    (re.compile(r"[\u0400-\u052f\u0600-\u06ff\u0900-\u0d7f\u1780-\u17ff\u10a0-\u10ff\u0530-\u058f]+"), "und"),
)


def hint(text: str) -> str:
    """Give a BCP 47 tag for what a text is probably written in: ko, en, another, `und`, or nothing without letters."""
    text = text[:_LOOKED_AT]
    if "://" in text or "@" in text or "www." in text:
        text = _ADDRESS.sub(" ", text)
    if text.isascii():
        return "en" if _LATIN.search(text) else ""
    syllables = len(text.encode("utf-16-be", "surrogatepass")[::2].translate(None, _NOT_SYLLABLES))
    if syllables * 2 >= len(text):
        return "ko"  # Half of it are Hangul syllables, told by the first bytes of UTF-16: most texts end here.
    ascii_count = len(text.encode("utf-8", "surrogatepass").translate(None, _NOT_ASCII))
    if syllables * _SYLLABLE_IN_LETTERS >= ascii_count and syllables * 3 >= len(text) - ascii_count and syllables:
        return "ko"  # It would be if all ASCII were Latin letters, and all else Kana and Chinese characters.
    latin = _count(_LATIN, text)
    if (hangul := _count(_HANGUL, text)) and hangul * _SYLLABLE_IN_LETTERS >= latin:
        return "ko" if hangul * 2 >= _count(_SCRIPTS[0][0], text) + _count(_SCRIPTS[1][0], text) else _other(text)
    other = sum(_count(script, text) for script, _ in _SCRIPTS)
    if other * 2 > latin:
        return _other(text)
    if _ACCENTED.search(text):
        return "und"  # Latin letters of some language that English seldom borrows from.
    return "en" if latin else ""


def _other(text: str) -> str:
    if _SCRIPTS[0][0].search(text):
        return "ja"  # Kana stand beside Chinese characters.
    counts = [(_count(script, text), tag) for script, tag in _SCRIPTS]
    return max(counts, key=lambda each: each[0])[1]


def _count(letters: re.Pattern[str], text: str) -> int:
    return sum(map(len, letters.findall(text)))
