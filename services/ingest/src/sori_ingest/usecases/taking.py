"""Taking in what a source hands in as it is: read by its adapter, brought into normal form, published."""

import asyncio
import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from sori.ingest.v1.touchpoint_events_pb2 import TouchpointReceived
from sori.ingest.v1.touchpoint_pb2 import Touchpoint
from sori_ingest import channels, wire
from sori_ingest.channels import CHANNELS
from sori_ingest.channels.payload import Adapter, Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.domain.outcomes import Violation
from sori_ingest.domain.rules import Instant
from sori_ingest.usecases import quarantine
from sori_kit import ids
from sori_kit.bus import Bus
from sori_kit.envelope import Event

log = structlog.get_logger()

_NORMAL_FORM = CHANNELS["generic"]
_LARGE = 64 << 10  # bytes; reading more would hold up everybody else
_MOST_VIOLATIONS = 100
_LONGEST_DELIVERY_ID = 200  # characters
_LONGEST_HEADER = 1_000  # characters

DELIVERY_ID = "x-sori-delivery-id"  # header by which an edge names a delivery itself

# Where a source names the delivery: the same when it is tried again, another for another.
_DELIVERY_HEADERS = (
    DELIVERY_ID,
    "webhook-id",
    "svix-id",
    "x-zendesk-webhook-invocation-id",
    "x-shopify-event-id",
    "x-shopify-webhook-id",
    "x-chatwoot-delivery",
    "i-twilio-idempotency-token",
    "x-amz-sns-message-id",
    "x-github-delivery",
    "x-zammad-delivery",
    "x-kakao-resource-id",
    "idempotency-key",
)
# Headers that some adapter reads; whatever proves who sent it is not among them.
_KEPT_HEADERS = frozenset(_DELIVERY_HEADERS)
_KEPT_PREFIXES = (
    "ce-",
    "x-kakao-",
    "x-shopify-",
    "x-zendesk-webhook-",
    "x-amz-sns-",
    "x-sori-",
    "x-slack-retry-",
    "x-goog-",
)
_TOLD = ("ce-", "x-shopify-topic", "x-sori-")  # of these, what is a part of what the source says
_NEVER_KEPT = ("hmac", "signature", "secret", "token", "authorization", "cookie")
_TOLD_HEADERS = frozenset({"idempotency-key", "i-twilio-idempotency-token"})  # named like secrets, and none

_MISTAKE = "adapter_failed"  # The payload is kept, to be read again once the adapter is mended.


@dataclass(slots=True, kw_only=True)  # Frozen it would take four times as long to make.
class Taken:
    """What became of a payload; everything that it names is on disk, and nobody changes it."""

    accepted: tuple[str, ...] = ()  # touchpoint ids
    duplicates: tuple[str, ...] = ()  # touchpoint ids
    ignored: tuple[Ignored, ...] = ()
    quarantine_id: str = ""  # The payload is kept as a whole, even where only a part cannot be read.
    reason: str = ""  # why it is in quarantine
    violations: tuple[Violation, ...] = ()  # what is wrong with it
    reply: bytes = field(default=b"", repr=False)  # what the source waits for; empty: the usual
    reply_content_type: str = ""


@dataclass(slots=True, kw_only=True)  # Frozen it would take four times as long to make.
class Handed:
    """A payload with what reading it takes; nobody changes it."""

    adapter: Adapter
    payload: Payload
    source: Source
    signed: bool = False  # No two deliveries of the vendor are the same bit by bit.
    keep: bool = True  # Off: nothing is put into quarantine.

    @property
    def is_large(self) -> bool:
        """Say whether reading it would hold up everybody else."""
        return len(self.payload.body) > _LARGE


@dataclass(slots=True)
class Prepared:
    """What a payload holds, ready to be published."""

    reading: Reading
    delivery: str  # how the source names the delivery, where that matters
    events: list[Event[TouchpointReceived]]
    duplicates: list[str]  # touchpoint ids that are in the payload twice
    problems: list[tuple[str, Violation]]  # reason and field of each
    named: set[str] = field(default_factory=set)  # ids of the events


async def take_in(bus: Bus, handed: Handed, *, now: dt.datetime, traceparent: str = "") -> Taken:
    """Publish what an adapter makes of a payload, and keep one that it cannot read; returns when all is on disk.

    Touchpoints without an id of their source's are named by the delivery's id, or, where the payload is signed, by its
    bytes.
    """
    reading = await asyncio.to_thread(read, handed) if handed.is_large else read(handed)
    prepared = prepare(handed, reading, now=now, traceparent=traceparent)
    known = await bus.publish(prepared.events) if prepared.events else []
    return await settle(bus, handed, prepared, known, now=now, traceparent=traceparent)


def read(handed: Handed) -> Reading:
    """Let the adapter read; what it cannot read is a part of the reading."""
    try:
        return channels.read(handed.adapter, handed.payload, handed.source)
    except Unreadable as unreadable:
        if unreadable.reason == _MISTAKE:  # No more is logged: what an error says may quote the payload.
            log.error("adapter.failed", adapter=handed.adapter.NAME, source=handed.source.name)
        return Reading(unreadable=(unreadable,))


def prepare(handed: Handed, reading: Reading, *, now: dt.datetime, traceparent: str = "") -> Prepared:
    """Bring a reading into normal form, and name its touchpoints."""
    [prepared] = prepare_all([(handed, reading, now)], traceparent=traceparent)
    return prepared


def prepare_all(readings: Iterable[tuple[Handed, Reading, dt.datetime]], *, traceparent: str = "") -> list[Prepared]:
    """Bring readings into normal form, one step for all of them after another, and name their touchpoints."""
    prepared: list[Prepared] = []
    received: list[tuple[Prepared, dt.datetime, TouchpointReceived]] = []
    jobs: list[tuple[Touchpoint, Touchpoint, Instant]] = []
    known, instant = None, Instant(0, 0)
    for handed, reading, now in readings:
        made = _named(handed, reading)
        prepared.append(made)
        if now is not known:  # Most have one time.
            known, instant = now, wire.instant(now)
        for given in reading.touchpoints:
            message = TouchpointReceived()
            received.append((made, now, message))
            jobs.append((given, message.touchpoint, instant))
    for (made, now, message), wrong in zip(received, _NORMAL_FORM.normalise_all(jobs), strict=True):
        if wrong:
            made.problems += [(wire.NORMAL_FORM, each) for each in wrong]
            continue
        normal = message.touchpoint
        normal.touchpoint_id = entity_id = wire.touchpoint_id(normal)
        event_id = wire.event_id(entity_id, normal.revision)
        if event_id in made.named:
            made.duplicates.append(entity_id)
            continue
        made.named.add(event_id)
        made.events.append(
            Event(
                event_id=event_id,
                message=message,
                entity_id=entity_id,
                time=now,
                correlation_id=event_id,
                traceparent=traceparent,
            )
        )
    return prepared


def _named(handed: Handed, reading: Reading) -> Prepared:
    """Begin with a reading, whose touchpoints are named by the delivery where their source does not."""
    delivery = ""
    touchpoints = reading.touchpoints
    if reading.unreadable or "" in [each.external_id for each in touchpoints]:
        delivery = _delivery_id(handed.payload, handed.signed)
        for index, given in enumerate(touchpoints):
            if delivery and not given.external_id:
                given.external_id = f"{delivery}/{index}" if len(touchpoints) > 1 else delivery
    return Prepared(reading, delivery, [], [], [(each.reason, _violation(each)) for each in reading.unreadable])


async def settle(
    bus: Bus, handed: Handed, prepared: Prepared, known: Sequence[bool], *, now: dt.datetime, traceparent: str = ""
) -> Taken:
    """Say what became of a payload whose events are on disk, once what of it cannot be understood is on disk too."""
    whole = taken_whole(prepared, known)
    problems = prepared.problems
    if not problems:
        return whole
    payload, source, adapter = handed.payload, handed.source, handed.adapter
    reason, violations = problems[0][0], tuple(each for _, each in problems[:_MOST_VIOLATIONS])
    headers = _kept_headers(payload.headers)
    if delivery := prepared.delivery or _delivery_id(payload, handed.signed):
        headers[DELIVERY_ID] = delivery  # Read again, it must be named as it was now.
    quarantine_id = _quarantine_id(adapter, payload, source, headers)
    if handed.keep:
        kept = wire.payload_quarantined(
            payload,
            headers,
            source,
            adapter.NAME,
            quarantine_id=quarantine_id,
            reason=reason,
            violations=violations,
        )
        await quarantine.keep(bus, [kept], now=now, traceparent=traceparent)
    return replace(whole, quarantine_id=quarantine_id, reason=reason, violations=violations)


def taken_whole(prepared: Prepared, known: Sequence[bool]) -> Taken:
    """Say what became of a payload that could all be understood, once its events are on disk."""
    accepted: list[str] = []
    duplicates = prepared.duplicates
    for event, was_known in zip(prepared.events, known, strict=True):
        (duplicates if was_known else accepted).append(event.entity_id)
    reading = prepared.reading
    return Taken(
        accepted=tuple(accepted),
        duplicates=tuple(duplicates),
        ignored=reading.ignored,
        reply=reading.reply,
        reply_content_type=reading.reply_content_type,
    )


def _violation(unreadable: Unreadable) -> Violation:
    return Violation(unreadable.field, unreadable.detail or unreadable.reason.replace("_", " "))


def _delivery_id(payload: Payload, signed: bool) -> str:
    for name in _DELIVERY_HEADERS:
        if (value := payload.headers.get(name, "")) and len(value) <= _LONGEST_DELIVERY_ID and value.isprintable():
            return value
    return f"sha256:{hashlib.sha256(payload.body).hexdigest()}" if signed else ""


def _kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value[:_LONGEST_HEADER] for name, value in headers.items() if _is_kept(name)}


def _is_kept(name: str) -> bool:
    if name in _TOLD_HEADERS:
        return True
    if any(word in name for word in _NEVER_KEPT):
        return False
    return name in _KEPT_HEADERS or name.startswith(_KEPT_PREFIXES)


def _quarantine_id(adapter: Adapter, payload: Payload, source: Source, headers: Mapping[str, str]) -> str:
    """Name a payload by all that reading it depends on, but not by when it came nor how often it was tried."""
    digest = hashlib.sha256(payload.body)
    told = {name: value for name, value in headers.items() if name not in _KEPT_HEADERS and name.startswith(_TOLD)}
    for name, value in sorted({**told, **payload.query}.items()):
        digest.update(f"\x1f{name}={value}".encode(errors="surrogatepass"))
    return ids.derived("payload", source.name, adapter.NAME, digest.hexdigest())
