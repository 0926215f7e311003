"""Ways in which people's typing differs: spaces, repeats, slang, emoji, widths."""

import random
from collections.abc import Callable

_JAMO = ["ㅋㅋㅋ", "ㅎㅎ", "ㅠㅠ", "ㅜㅜ", "ㄷㄷ", "ㅇㅇ"]
_EMOJI = ["🙂", "📦", "👀", "🤔", "✨"]
_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def without_spaces(text: str, _: random.Random) -> str:
    """Leave out every space."""
    return text.replace(" ", "")


def fewer_spaces(text: str, chooser: random.Random) -> str:
    """Leave out every other space at random."""
    return "".join(letter for letter in text if letter != " " or chooser.random() < 0.5)


def more_spaces(text: str, chooser: random.Random) -> str:
    """Put a space after one letter in seven."""
    return "".join(f"{letter} " if letter != " " and chooser.random() < 1 / 7 else letter for letter in text)


def repeated_letters(text: str, chooser: random.Random) -> str:
    """Say one letter in eight two to five times more."""
    return "".join(letter * (chooser.randint(3, 6) if chooser.random() < 1 / 8 else 1) for letter in text)


def repeated_end(text: str, chooser: random.Random) -> str:
    """Draw out the last letter, as in 좋아요오오 or soooo."""
    last = text[-1:]
    drawn = {"요": "오", "다": "아", "네": "에", "아": "아", "어": "어"}.get(last, last)
    return text + drawn * chooser.randint(2, 6)


def slang(text: str, chooser: random.Random) -> str:
    """Put a word of jamo somewhere between two words."""
    return _between(text, chooser.choice(_JAMO), chooser)


def emoji(text: str, chooser: random.Random) -> str:
    """Put an emoji that takes no side somewhere between two words."""
    return _between(text, chooser.choice(_EMOJI), chooser)


def full_width(text: str, _: random.Random) -> str:
    """Write letters and marks of ASCII in their full width."""
    return text.translate(_FULL_WIDTH)


def swapped(text: str, chooser: random.Random) -> str:
    """Swap two neighbouring letters, a slip of the fingers."""
    if len(text) < 4:
        return text
    at = chooser.randrange(1, len(text) - 2)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


ALL: dict[str, Callable[[str, random.Random], str]] = {
    "no spaces": without_spaces,
    "half of the spaces": fewer_spaces,
    "spaces inside words": more_spaces,
    "repeated letters": repeated_letters,
    "drawn-out end": repeated_end,
    "jamo slang": slang,
    "emoji": emoji,
    "full-width ASCII": full_width,
    "two letters swapped": swapped,
}

# What training shows: about spaces and repeats alone, as the others need no help; English needs most for spaces inside
# its words, which are long.
_TRAINED = (without_spaces, fewer_spaces, more_spaces, more_spaces, repeated_letters, repeated_end)
_TRAINED_LATIN = (without_spaces, fewer_spaces, *[more_spaces] * 5, repeated_letters)
_MISTYPED, _MISTYPED_LATIN = 0.15, 0.4  # share of the texts


def as_people_type(text: str, chooser: random.Random) -> str:
    """Give some texts typed another way, and the others as they are."""
    latin = text.isascii()
    if chooser.random() >= (_MISTYPED_LATIN if latin else _MISTYPED):
        return text
    return chooser.choice(_TRAINED_LATIN if latin else _TRAINED)(text, chooser)


def _between(text: str, word: str, chooser: random.Random) -> str:
    words = text.split(" ")
    words.insert(chooser.randint(0, len(words)), word)
    return " ".join(words)
