"""A payload of several parts: what can be read goes on, whatever the others hold."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Ignored, Reading, Unreadable

Outcome: TypeAlias = pb.Touchpoint | Ignored

_LONGEST_DETAIL = 64  # characters
_NO_NAME = re.compile(r"[^\w.:/ -]")


def reading_of(*outcomes: Outcome) -> Reading:
    """Make a reading of touchpoints and of what is ignored."""
    if len(outcomes) == 1 and isinstance(outcomes[0], pb.Touchpoint):
        return Reading(touchpoints=(outcomes[0],))  # As nearly always.
    return Reading(
        touchpoints=tuple(each for each in outcomes if isinstance(each, pb.Touchpoint)),
        ignored=tuple(_named(each) for each in outcomes if isinstance(each, Ignored)),
    )


def _named(ignored: Ignored) -> Ignored:
    """Keep of a detail, which is most often the name of an event as the payload has it, no more than a name holds."""
    detail = _NO_NAME.sub("", ignored.detail[:_LONGEST_DETAIL])
    return ignored if detail == ignored.detail else Ignored(ignored.reason, detail)


def read_each(parts: Sequence[Any], path: str, make: Callable[[Any], Iterable[Outcome]]) -> Reading:
    """Read each part by itself; one that is unreadable is named by its place."""
    outcomes: list[Outcome] = []
    unreadable: list[Unreadable] = []
    for index, part in enumerate(parts):
        try:
            if not isinstance(part, dict):
                raise Unreadable("field_wrong", "not an object")
            outcomes += make(part)
        except Unreadable as problem:
            field = ".".join(each for each in (path, str(index), problem.field) if each)
            unreadable.append(Unreadable(problem.reason, problem.detail, field))
    found = reading_of(*outcomes)
    return Reading(touchpoints=found.touchpoints, ignored=found.ignored, unreadable=tuple(unreadable))
