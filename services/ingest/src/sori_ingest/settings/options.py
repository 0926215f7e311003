"""Options of sources: what an adapter and an address can be told, and what may be said to each."""

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.domain import zones

SCALE = re.compile(r"\s*(-?\d{1,3})\s*[-~]\s*(-?\d{1,3})\s*")  # 1-7
OPEN = "…"  # ends the name of an option that goes on as the source likes, as in `location.…`

# Names of the schemes of signatures, which `hooks` has.
SIGNATURES = frozenset(
    {"app_store", "chatwoot", "hub_sha1", "hub_sha256", "line", "onfleet", "shared", "shopify", "slack", "sns"}
    | {"square", "standard", "twilio", "typeform", "x", "zendesk"}
)

Wrong = Callable[[str], str]  # Says what is wrong with a value; nothing where it is right.


def anything(_value: str) -> str:
    """Take every value."""
    return ""


@dataclass(frozen=True, slots=True)
class Option:
    """Something that a source can be told."""

    means: str  # for people
    wrong: Wrong = anything


def one_of(words: Collection[str]) -> Wrong:
    """Take one of these words, as they are spelled."""
    return lambda value: "" if value in words else f"is none of {', '.join(sorted(words))}"


def _named(names: Collection[str], prefix: str) -> Wrong:
    wrong = one_of(frozenset(each.removeprefix(prefix).lower() for each in names) - {"unspecified"})
    return lambda value: wrong(value.strip().lower().replace("-", "_"))


def _zone(value: str) -> str:
    return "" if zones.zone(value.strip()) else "is no IANA zone, such as Asia/Seoul"


def scale(value: str) -> str:
    """Take the ends of a scale, as in `1-7`."""
    found = SCALE.fullmatch(value)
    return "" if found and int(found[1]) < int(found[2]) else "is no scale, such as 1-7"


def flag(value: str) -> str:
    """Take yes or no."""
    return "" if value.strip().lower() in ("true", "1", "yes", "false", "0", "no") else "is neither true nor false"


identifier = _named(pb.IdentifierType.keys(), "IDENTIFIER_TYPE_")
kind = _named(pb.TouchpointKind.keys(), "TOUCHPOINT_KIND_")

CHANNEL = Option("channel of its touchpoints, instead of the usual one", _named(pb.Channel.keys(), "CHANNEL_"))
KIND = Option("kind of its touchpoints, instead of the usual one", kind)

# What every source can be told.
OF_EVERY: Mapping[str, Option] = {
    "signature": Option("scheme by which deliveries are proven, instead of the vendor's", one_of(SIGNATURES)),
    "topic_arn": Option("with the scheme `sns`, the topics of Amazon SNS that may send, with commas between"),
    "zone": Option("IANA zone of times without an offset, UTC unless given", _zone),
}


def wrong(name: str, value: str, adapter: str, options: Mapping[str, Option]) -> str:
    """Say what is wrong with an option of a source whose adapter has these; nothing where it is right."""
    there = {**OF_EVERY, **options}
    option = there.get(name) or next((each for known, each in there.items() if _goes_on(known, name)), None)
    if option is not None:
        return option.wrong(value) if value.strip() else ""
    plain = name.strip().lower().replace("-", "_")
    hint = "".join(f"; did you mean {each}?" for each in difflib.get_close_matches(plain, there, n=1))
    return f"{adapter} has no option of that name{hint}; there are {', '.join(sorted(there))}"


def _goes_on(known: str, name: str) -> bool:
    return known.endswith(OPEN) and name.startswith(known.removesuffix(OPEN)) and len(name) >= len(known)
