"""What a text without words says: emoji, emoticons, and laughing or weeping letters."""

import re

from sori_classify.domain.words import Emotion, SentimentScores

# fmt: off
_SIGNS: tuple[tuple[Emotion, str], ...] = (
    (Emotion.JOY, "😀😃😄😁😆😅🤣😂🙂😊😇😋😎🤩🥳😺😸😹🎉🎊✨🌟⭐💯👏🙌👌🤗😌😛😜🤪😝☺😏"),
    (Emotion.GRATITUDE, "🙏🙇🥰😍😘❤🧡💛💚💙💜🖤🤍🤎💕💖💗💓💞💘💝💟♥♡😻💐🌹🫶🤟"),
    (Emotion.TRUST, "👍🆗✅💪🤝"),
    (Emotion.ANGER, "😡😠🤬👿😤💢🖕👎😾😒🙄💩🤮🤢❌🚫"),
    (Emotion.SADNESS, "😢😭😿☹🙁😔😞😥😓🥺💔😩😫😣😖😟😪"),
    (Emotion.FEAR, "😱😨😰🆘☠💀"),
    (Emotion.SURPRISE, "😮😯😲😳🤯"),
    (Emotion.NEUTRAL, "😐😑😶🤔🤨😬"),
)
_TYPED: tuple[tuple[Emotion, re.Pattern[str]], ...] = (
    (Emotion.JOY, re.compile(r"\^[_.\-oㅇ]*\^|[:;=]-?[)D\]]+|\(:|[☆★]{2,}")),
    (Emotion.SADNESS, re.compile(r"[ㅠㅜ]+|T[_.]*T|:-?\(+|;_+;|-_+-;+|ㅡ[_.]*ㅡ")),
    (Emotion.JOY, re.compile(r"[ㅋㅎ]{2,}")),
)
# fmt: on
_FEELING = {sign: emotion for emotion, signs in _SIGNS for sign in signs}
_WORDLESS = re.compile(
    r"[^가-힣A-SU-Za-zÀ-ÖØ-öø-ɏ]*"
).fullmatch  # T may weep; other scripts are told apart by the caller
_GOOD = frozenset({Emotion.JOY, Emotion.GRATITUDE, Emotion.TRUST})
_BAD = frozenset({Emotion.ANGER, Emotion.SADNESS, Emotion.FEAR})
_LONGEST = 200  # characters
_SURE = 0.7  # probability that clear signs get; they are often ironic
_LESS_SURE = 0.5  # that letters get which laugh or weep: one weeps for joy, too


def wordless(text: str) -> bool:
    """Say whether a text has neither a Hangul syllable nor a Latin letter."""
    return len(text) <= _LONGEST and _WORDLESS(text) is not None


def feeling(text: str) -> tuple[SentimentScores, Emotion, float] | None:
    """Read the signs of a text without words; gives nothing where they say nothing."""
    counts: dict[Emotion, float] = {}
    for character in text[:_LONGEST]:
        if character in _FEELING:
            emotion = _FEELING[character]
            counts[emotion] = counts.get(emotion, 0.0) + 1.0
    sure = _SURE if counts else _LESS_SURE
    for emotion, pattern in _TYPED:
        if not counts and pattern.search(text[:_LONGEST]):
            counts[emotion] = 1.0
    if not counts:
        return None
    total = sum(counts.values())
    lean = (sum(counts.get(each, 0) for each in _GOOD) - sum(counts.get(each, 0) for each in _BAD)) / total
    strongest = max(counts, key=lambda each: counts[each])
    # Without a lean all three moods are about as likely; with a full one, one has `sure`.
    side = (sure - 0.3) * abs(lean)
    scores = SentimentScores(
        negative=0.3 + side if lean < 0 else 0.3 - side / 2,
        neutral=0.4 - side / 2,
        positive=0.3 + side if lean > 0 else 0.3 - side / 2,
    )
    return scores, strongest, sure * counts[strongest] / total
