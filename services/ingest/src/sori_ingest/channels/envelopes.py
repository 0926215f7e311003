"""What Amazon's services put around an event on its way: SNS, SQS, Kinesis, Firehose, Lambda and EventBridge Pipes."""

import base64
import binascii
import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from sori_ingest.channels import reading
from sori_ingest.channels.parts import Outcome, read_each, reading_of
from sori_ingest.channels.payload import Ignored, Payload, Reading, Unreadable

Make: TypeAlias = Callable[[reading.JsonObject], Iterable[Outcome]]

_DEEPEST = 4  # An event in a notification in the record of a queue, and one to spare.
_TEXTS = ("body", "Sns.Message")  # of a queue's record; of a notification that Lambda hands on
_BYTES = ("data", "kinesis.data")
_AROUND = frozenset({"Message", *(each.partition(".")[0] for each in (*_TEXTS, *_BYTES))})


def read_enveloped(payload: Payload, make: Make) -> Reading:
    """Read each event of a payload, whatever is around it, and answer Firehose as it asks."""
    given = reading.json_value(payload)
    if isinstance(given, list):
        return read_each(given, "", lambda each: _opened(each, make))
    if not isinstance(given, dict):
        raise Unreadable("not_json", "not an object")
    for name in ("records", "Records"):
        records = given.get(name)
        if isinstance(records, list):
            found = read_each(records, name, lambda each: _opened(each, make))
            return _answered(found, given, payload)
    return reading_of(*_opened(given, make))


def _answered(found: Reading, given: reading.JsonObject, payload: Payload) -> Reading:
    if not (found.touchpoints or found.ignored or found.unreadable):
        found = dataclasses.replace(found, ignored=(Ignored("no_events"),))
    request = given.get("requestId")
    if not isinstance(request, str):
        return found
    receipt = {"requestId": request, "timestamp": reading.Moment(payload.received_time).revision}
    return dataclasses.replace(found, reply=json.dumps(receipt).encode(), reply_content_type="application/json")


def _opened(given: reading.JsonObject, make: Make, depth: int = 0) -> Iterator[Outcome]:
    kind = given.get("Type")
    if kind in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        yield Ignored("subscription_confirmation", kind)
        return
    within = _within(given, kind == "Notification") if depth < _DEEPEST else None
    if within is None:
        yield from make(given)
    else:
        yield from _opened(within, make, depth + 1)


def _within(given: reading.JsonObject, is_notification: bool) -> reading.JsonObject | None:
    """Give what an envelope holds, or None where there is no envelope."""
    if _AROUND.isdisjoint(given):  # As most often.
        return None
    for path in ("Message",) if is_notification else (*_TEXTS, *_BYTES):
        held = reading.find(given, path)
        if not isinstance(held, str):
            continue
        try:
            told = reading.parse_json(_decoded(held) if path in _BYTES else held)
        except (Unreadable, ValueError, binascii.Error):
            raise Unreadable("field_wrong", "not JSON", path) from None
        if not isinstance(told, dict):
            raise Unreadable("field_wrong", "not an object", path)
        return told
    return None


def _decoded(held: str) -> str:
    return base64.b64decode(held, validate=True).decode()
