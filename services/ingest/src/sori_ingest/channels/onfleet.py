"""Onfleet: the steps of a delivery, the rider's note, and what the receiver thought of it."""

from collections.abc import Iterator, Mapping

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import attachments, parts, questionnaire, reading
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

NAME = "onfleet"
TITLE = "Onfleet"
DOCUMENT = "https://docs.onfleet.com/reference/webhooks"
CHANNEL = "delivery"
FIELDS: Mapping[str, str] = {
    "external_id": "taskId and the trigger's name; the receiver's feedback: taskId#feedback",
    "revision": "0; of feedback the task's timeLastModified",
    "thread_id": "taskId; of an SMS that belongs to no task the receiver",
    "kind": "delivery; review for the receiver's feedback, inquiry for an SMS that nobody took",
    "actor": "agent with a rider's note, else system; customer for feedback",
    "occurred_time": "time; completionDetails.time where it is there",
    "identifiers": "recipients' phone; metadata by name (email, member_id, …) or by the mapping",
    "text": "completionDetails.notes or failureNotes; the feedback's comments",
    "rating": "feedback, 1 to 5",
    "order_id": "metadata order_id, else orderShortId",
    "attributes": "event, success, failure_reason, worker, team, pickup, delay_minutes, eta_seconds, attachments, "
    "metadata",
    "ignored": "taskCreated, taskAssigned, workerDuty and all others; taskUpdated without feedback; the "
    "validation by GET",
}
OPTIONS: Mapping[str, Option] = {
    "channel": options.CHANNEL,
}

_TRIGGERS = {
    0: "taskStarted", 1: "taskEta", 2: "taskArrival", 3: "taskCompleted", 4: "taskFailed", 5: "workerDuty",
    6: "taskCreated", 7: "taskUpdated", 8: "taskDeleted", 9: "taskAssigned", 10: "taskUnassigned", 12: "taskDelayed",
    13: "taskCloned", 14: "smsRecipientResponseMissed", 15: "workerCreated", 16: "workerDeleted",
    17: "SMSRecipientOptOut",
}  # fmt: skip
_STEPS = ("taskStarted", "taskEta", "taskArrival", "taskCompleted", "taskFailed", "taskDelayed")


def read(payload: Payload, source: Source) -> Reading:
    """Read one event."""
    if not payload.body.strip() and "check" in payload.query:
        check = payload.query["check"].encode()
        return Reading(ignored=(Ignored("validation"),), reply=check, reply_content_type="text/plain")
    given = reading.json_object(payload)
    return parts.reading_of(*_outcomes(_trigger(given), given, payload, source))


def _trigger(given: reading.JsonObject) -> str:
    if name := reading.optional_text(given, "triggerName"):
        return name
    number = reading.optional_integer(given, "triggerId")
    if number is None:
        raise Unreadable("field_missing", "missing", "triggerId")
    return _TRIGGERS.get(number, f"trigger {number}")


def _outcomes(trigger: str, given: reading.JsonObject, payload: Payload, source: Source) -> Iterator[parts.Outcome]:
    if trigger not in (*_STEPS, "taskUpdated", "smsRecipientResponseMissed"):
        yield Ignored("event_type_unknown", trigger[:64])
        return
    task = reading.optional_object(given, "data.task")
    if trigger == "smsRecipientResponseMissed":
        yield _message(trigger, task, given, payload, source)
        return
    task_id = reading.optional_text(given, "taskId") or reading.text(given, "data.task.id", "taskId")
    if trigger in _STEPS:
        yield _step(trigger, task_id, task, given, payload, source)
    feedback = list(_feedback(task_id, task, given, payload, source))
    yield from feedback
    if trigger == "taskUpdated" and not feedback:
        yield Ignored("event_type_unknown", trigger)


def _begin(
    external_id: str,
    kind: pb.TouchpointKind.ValueType,
    at: reading.Moment,
    task_id: str,
    task: reading.JsonObject,
    source: Source,
) -> pb.Touchpoint:
    made = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, pb.CHANNEL_DELIVERY),
        kind=kind,
        at=at,
        external_id=external_id,
        thread_id=task_id,
    )
    for recipient in reading.objects_at(task, "recipients"):
        reading.identify(made, pb.IDENTIFIER_TYPE_PHONE, reading.optional_text(recipient, "phone"))
        _metadata(made, recipient, source)
    _metadata(made, task, source)
    made.order_id = made.order_id or reading.optional_text(task, "orderShortId")
    return made


def _metadata(made: pb.Touchpoint, within: reading.JsonObject, source: Source) -> None:
    for each in reading.objects_at(within, "metadata"):
        name, value = reading.optional_text(each, "name"), each.get("value")
        if not name or isinstance(value, dict | list) or value is None:
            continue
        if not questionnaire.fill(made, name, reading.optional_text(each, "value"), source):
            reading.attribute(made, name, value)


def _step(
    trigger: str, task_id: str, task: reading.JsonObject, given: reading.JsonObject, payload: Payload, source: Source
) -> pb.Touchpoint:
    details = reading.optional_object(task, "completionDetails")
    done = trigger in ("taskCompleted", "taskFailed")
    times = {"time": given.get("time"), "done": details.get("time") if done else None}
    at = reading.moment_at(times, "done", "time", payload=payload, source=source)
    made = _begin(f"{task_id}:{trigger}", pb.TOUCHPOINT_KIND_DELIVERY, at, task_id, task, source)
    notes = [reading.optional_text(details, name).strip() for name in ("notes", "failureNotes")] if done else []
    made.text = "\n".join(dict.fromkeys(filter(None, notes)))
    made.actor = pb.ACTOR_AGENT if made.text else pb.ACTOR_SYSTEM
    reading.attribute(made, "event", trigger)
    if done:
        reading.attribute(made, "success", "false" if trigger == "taskFailed" else "true")
        reason = reading.optional_text(details, "failureReason")
        reading.attribute(made, "failure_reason", "" if reason == "NONE" else reason)
        attachments.attach(made, _files(details))
    reading.attribute(made, "worker", reading.optional_text(given, "workerId") or _id(task.get("worker")))
    reading.attribute(made, "team", reading.optional_text(task, "container.team"))
    reading.attribute(made, "pickup", "true" if task.get("pickupTask") is True else None)
    reading.attribute(made, "eta_seconds", given.get("etaSeconds"))
    delay = reading.optional_number(task, "delayTime")
    if delay is None:
        delay = reading.optional_number(given, "delay")
    if delay is not None:
        reading.attribute(made, "delay_minutes", round(delay / 60))
    return made


def _id(worker: object) -> str:
    """Give a worker's id; a task has it as a text, or the whole worker."""
    return worker if isinstance(worker, str) else reading.optional_text(worker, "id")


def _files(details: reading.JsonObject) -> list[str]:
    """Count photos and signatures: each is in a list, and the last one also on its own."""
    made: list[str] = []
    for one, several, kind in (
        ("photoUploadId", "photoUploadIds", "image"),
        ("signatureUploadId", "signatureUploadIds", "signature"),
    ):
        listed = details.get(several)
        count = len(listed) if isinstance(listed, list) and listed else int(bool(details.get(one)))
        made += [kind] * min(count, 100)
    return made


def _feedback(
    task_id: str, task: reading.JsonObject, given: reading.JsonObject, payload: Payload, source: Source
) -> Iterator[pb.Touchpoint]:
    found = task.get("feedback")
    for index, each in enumerate(found if isinstance(found, list) else [found] if isinstance(found, dict) else []):
        rating = reading.optional_number(each, "rating")
        text = reading.optional_text(each, "comments", "comment", "text")
        if rating is None and not text.strip():
            continue
        times = {"own": reading.find(each, "time") or reading.find(each, "timeCreated"), "time": given.get("time")}
        at = reading.moment_at(times, "own", "time", payload=payload, source=source)
        external_id = f"{task_id}#feedback{index or ''}"
        made = _begin(external_id, pb.TOUCHPOINT_KIND_REVIEW, at, task_id, task, source)
        made.revision = max(0, reading.optional_integer(task, "timeLastModified") or 0)
        made.text = text
        reading.rate(made, rating, 1, 5)
        reading.attribute(made, "worker", reading.optional_text(given, "workerId") or _id(task.get("worker")))
        yield made


def _message(
    trigger: str, task: reading.JsonObject, given: reading.JsonObject, payload: Payload, source: Source
) -> parts.Outcome:
    """Read an SMS of a receiver, which belongs to a task or to none."""
    paths = ("SMS", "data.message", "data.body", "data.text", "data.sms.body")
    text = reading.optional_text(given, *paths)
    if not text.strip():
        if all(reading.find(given, path) is None for path in paths):
            raise Unreadable("field_missing", "missing", "SMS")
        return Ignored("no_text", trigger)
    at = reading.moment_at(given, "time", "timestamp", payload=payload, source=source)
    person = reading.optional_object(given, "recipient") or reading.optional_object(given, "data.recipient")
    phone = reading.optional_text(given, "data.from", "data.phone") or reading.optional_text(person, "phone")
    task_id = reading.optional_text(given, "taskId", "data.task.id")
    about = task_id or reading.optional_text(person, "id") or phone
    if not about:
        raise Unreadable("field_missing", "missing", "recipient.phone")
    made = _begin(f"{about}:{trigger}:{at.revision}", pb.TOUCHPOINT_KIND_INQUIRY, at, about, task, source)
    made.text = text
    reading.identify(made, pb.IDENTIFIER_TYPE_PHONE, phone)
    reading.attribute(made, "event", trigger)
    return made
