"""What arrives on the line, as far as cases depend on it."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import replace

from sori.classify.v1.classification_pb2 import Classification
from sori.ee_feedback.v1.voice_events_pb2 import VoiceFlagged
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori_kit import ids, parse
from sori_kit.errors import InvalidInput
from sori_notify import domain
from sori_notify.wire.words import ACTORS, CHANNELS, KINDS

_FOLLOWS = frozenset({domain.Kind.REPLY, domain.Kind.RESOLUTION})  # What comes after something that opens a case.
_TRUE = frozenset({"1", "true", "yes", "y"})
_FALSE = frozenset({"0", "false", "no", "n"})
_INTERNAL = frozenset({"internal", "private", "note", "internal_note", "private_note", "agents", "staff"})
_AUTOMATIC = ("automatic", "automated", "auto_reply", "is_automatic", "is_automated", "autoresponder", "is_bot")


def message(stitched: TouchpointStitched, policies: domain.Policies) -> domain.Message | None:
    """Read what a case depends on, or None for a touchpoint that no case depends on, as most are."""
    touchpoint = stitched.touchpoint
    kind = KINDS.get(touchpoint.kind, domain.Kind.OTHER)
    actor = ACTORS.get(touchpoint.actor, domain.Actor.CUSTOMER)
    opens = policies.opens(actor, kind)
    customer_id = stitched.position.customer_id
    topics = tuple(stitched.classification.topics)
    grouped = bool(not touchpoint.thread_id and customer_id and topics)
    concerns = touchpoint.thread_id or opens or (grouped and kind in _FOLLOWS)
    if not (concerns or touchpoint.revision):  # A later revision may take back what one opened.
        return None
    said = dict(touchpoint.attributes)  # Looked up many times, and most often empty.
    if actor is domain.Actor.AGENT and _is_automatic(said):
        actor = domain.Actor.BOT
    customer = parse.uuid(customer_id, "position.customer_id") if customer_id else None
    thread_id = touchpoint.thread_id or touchpoint.touchpoint_id
    made = domain.Message(
        touchpoint_id=parse.uuid(touchpoint.touchpoint_id, "touchpoint.touchpoint_id"),
        revision=touchpoint.revision,
        case_id=grouped_key(customer, topics[0]) if grouped and customer else thread_key(touchpoint.source, thread_id),
        source=touchpoint.source,
        thread_id=thread_id,
        actor=actor,
        kind=kind,
        channel=CHANNELS.get(touchpoint.channel),
        org_unit=touchpoint.org_unit,
        topics=topics,
        customer_id=customer,
        occurred_time=parse.moment(touchpoint.occurred_time),
        opens=opens,
        promise=None,
        public=_is_public(said),
        severity=_severity(said, stitched.classification, policies),
        segments=_segments(said, stitched),
        grouped=grouped,
        given=domain.Belonging(customer, stitched.position.graph_version) if customer else None,
    )
    if made.wants_answer:
        made.promise = policies.promise(made.subject)  # It is nobody else's yet.
    return made


def promised(given: domain.Message, policies: domain.Policies) -> domain.Message:
    """Freeze with a message what these policies promise for it."""
    return replace(given, promise=policies.promise(given.subject))


def thread_key(source: str, thread_id: str) -> uuid.UUID:
    """Name a thread, and the first case of it."""
    return ids.derive("case", source, thread_id)


def grouped_key(customer_id: uuid.UUID, topic: str) -> uuid.UUID:
    """Name what a customer and a topic stand for where there are no threads."""
    return ids.derive("case", "customer", str(customer_id), topic)


def _is_set(said: Mapping[str, str], *names: str) -> bool:
    return any(said.get(name, "").strip().lower() in _TRUE for name in names)


def _is_automatic(said: Mapping[str, str]) -> bool:
    """Say whether no person wrote it, by the words of helpdesks and of mail (RFC 3834)."""
    if not said:
        return False
    submitted = said.get("auto_submitted", "no").strip().lower()
    return submitted not in ("no", "") or _is_set(said, *_AUTOMATIC)


def _is_public(said: Mapping[str, str]) -> bool:
    if not said:
        return True
    if any(said.get(name, "").strip().lower() in _FALSE for name in ("public", "is_public")):
        return False
    for name in ("visibility", "message_type", "note_type"):
        if said.get(name, "").strip().lower().replace("-", "_").replace(" ", "_") in _INTERNAL:
            return False
    return not _is_set(said, "internal", "private", "is_internal", "is_private", "internal_note", "private_note")


def _severity(said: Mapping[str, str], classification: Classification, policies: domain.Policies) -> domain.Severity:
    for name in ("severity", "priority"):
        if name in said and (found := domain.severity_of(said[name])) is not None:
            return found
    return policies.urgencies.severity(classification.urgency)


def _segments(said: Mapping[str, str], stitched: TouchpointStitched) -> tuple[str, ...]:
    found = [*getattr(stitched.position, "segments", ())]
    for name in ("segment", "segments"):
        if name in said:
            found += said[name].split(",")
    return tuple(dict.fromkeys(each.strip() for each in found if each.strip())) if found else ()


def flag(flagged: VoiceFlagged) -> domain.Case:
    """Read a flag as the case that it opens."""
    try:
        year, week = flagged.week.split("-W")
        monday = dt.date.fromisocalendar(int(year), int(week), 1)
    except ValueError:
        raise InvalidInput.of_field("week", "is not an ISO week such as 2026-W47") from None
    flag_id = parse.uuid(flagged.flag_id, "flag_id")
    return domain.flagged(
        ids.derive("case", "employee", "flag", str(flag_id)),
        org_unit=flagged.org_unit,
        reasons=list(flagged.reasons),
        week=dt.datetime.combine(monday, dt.time(), dt.UTC),
    )
