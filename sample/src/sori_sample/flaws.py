"""What goes wrong on the way in: touchpoints sent twice and touchpoints that nobody should accept."""

import random
from collections.abc import Sequence
from typing import Final

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_sample.journal import OFFSET_MINUTES, SYNTHETIC, Entry
from sori_sample.window import Window, at

DUPLICATE_COUNT: Final = 20
FAR_FUTURE_SECONDS: Final = 4_070_908_800  # 2099-01-01


def duplicates(entries: Sequence[Entry], rng: random.Random) -> list[pb.Touchpoint]:
    """Return exact copies of some touchpoints, in order of time."""
    chosen = sorted(rng.sample(range(len(entries)), DUPLICATE_COUNT))
    copies = []
    for index in chosen:
        copy = pb.Touchpoint()
        copy.CopyFrom(entries[index].touchpoint)
        copies.append(copy)
    return copies


def invalid(window: Window) -> list[tuple[pb.Touchpoint, str]]:
    """Return touchpoints that must be refused, each with what is wrong with it."""
    found = []
    for number, reason in enumerate(
        (
            "occurred_time is far in the future",
            "channel is missing",
            "kind is missing",
            "text holds a NUL",
            "an identifier has no value",
            "the NPS score is 11",
            "the rating is above its scale",
            "occurred_time is missing",
        ),
        start=1,
    ):
        touchpoint = pb.Touchpoint(
            source="crm-main",
            external_id=f"bad-{number:02}",
            channel=pb.CHANNEL_CRM,
            kind=pb.TOUCHPOINT_KIND_INQUIRY,
            actor=pb.ACTOR_CUSTOMER,
            occurred_offset_minutes=OFFSET_MINUTES,
            text="이 기록은 일부러 잘못 만들었습니다",
            attributes=SYNTHETIC,
        )
        touchpoint.occurred_time.FromDatetime(at(window.day(3 * number), 11))
        _spoil(touchpoint, reason)
        found.append((touchpoint, reason))
    return found


def _spoil(touchpoint: pb.Touchpoint, reason: str) -> None:
    if "future" in reason:
        touchpoint.occurred_time.seconds = FAR_FUTURE_SECONDS
    elif "channel" in reason:
        touchpoint.channel = pb.CHANNEL_UNSPECIFIED
    elif "kind" in reason:
        touchpoint.kind = pb.TOUCHPOINT_KIND_UNSPECIFIED
    elif "NUL" in reason:
        touchpoint.text = "널 문자가\x00들어간 글"
    elif "identifier" in reason:
        touchpoint.identifiers.add(type=pb.IDENTIFIER_TYPE_EMAIL, value="")
    elif "NPS" in reason:
        touchpoint.channel, touchpoint.kind = pb.CHANNEL_SURVEY, pb.TOUCHPOINT_KIND_SURVEY_RESPONSE
        touchpoint.survey.CopyFrom(pb.Survey(type=pb.SURVEY_TYPE_NPS, score=11, lowest=0, highest=10))
    elif "rating" in reason:
        touchpoint.channel, touchpoint.kind = pb.CHANNEL_REVIEW, pb.TOUCHPOINT_KIND_REVIEW
        touchpoint.rating.CopyFrom(pb.Rating(value=7, lowest=1, highest=5))
    else:
        touchpoint.ClearField("occurred_time")
