"""Records of named cells, by a mapping of names to touchpoint fields: what files, surveys and shops hand in."""

from collections.abc import Mapping

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import reading
from sori_ingest.channels.payload import Payload, Source, Unreadable
from sori_ingest.domain import fields

Record = Mapping[str, object]


def mapped(
    record: Record,
    payload: Payload,
    source: Source,
    *,
    channel: pb.Channel.ValueType,
    kind: pb.TouchpointKind.ValueType,
    usual: Mapping[str, str] | None = None,
) -> pb.Touchpoint:
    """Make a touchpoint of a record, by the source's mapping, or the usual one, or else by equal names.

    A name may be a dotted path into the record. What is empty leaves the default; what does not suit its field is
    Unreadable. Channel and kind are what the record says, else what the source's options say, else those given.
    """
    mapping = source.mapping or usual or {name: name for name in record if fields.is_field(name)}
    cells: dict[str, list[tuple[str, object]]] = {}
    for name, field in mapping.items():
        value = record[name] if name in record else reading.find(record, name)
        if value is not None and not (isinstance(value, str) and not value.strip()):
            cells.setdefault(field, []).append((name, value))
    made = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, channel),
        kind=reading.configured_kind(source, kind),
        at=_when(cells.get("occurred_time", []), payload, source),
    )
    for field, values in cells.items():
        for name, value in values:
            _put(made, field, name, value)
    return made


def _when(cells: list[tuple[str, object]], payload: Payload, source: Source) -> reading.Moment:
    for name, value in cells:
        try:
            return reading.moment_at({"": value}, "", payload=payload, source=source)
        except Unreadable:
            raise Unreadable("field_wrong", "not a time", name) from None
    return reading.moment_at({}, payload=payload, source=source)


def _put(made: pb.Touchpoint, field: str, name: str, value: object) -> None:
    cell = {"": value}
    if field in fields.TEXTS:
        setattr(made, field, _text(value, name))
    elif field in fields.CHOICES:
        if not (number := reading.enum_named(field, _text(value, name))):
            raise Unreadable("field_wrong", f"no {field} of that name", name)
        setattr(made, field, number)
    elif field in fields.IDENTIFIERS:
        kind = pb.IdentifierType.ValueType(reading.enum_named("identifier", field))
        reading.identify(made, kind, _text(value, name))
    elif field.startswith(fields.ATTRIBUTE):
        reading.attribute(made, field.removeprefix(fields.ATTRIBUTE), value)
    elif field in fields.SURVEYS:
        survey = pb.SurveyType.ValueType(reading.enum_named("survey", field))
        reading.answer_survey(made, survey, _number(cell, name))
    elif field == "rating":
        made.rating.value = _number(cell, name)
    elif field == "revision":
        revision = reading.optional_integer(cell, "")
        made.revision = revision if revision is not None and revision >= 0 else 0


def _text(value: object, name: str) -> str:
    try:
        return reading.optional_text({"": value}, "")
    except Unreadable:
        raise Unreadable("field_wrong", "not a text", name) from None


def _number(cell: Record, name: str) -> float:
    try:
        return reading.number(cell, "")
    except Unreadable:
        raise Unreadable("field_wrong", "not a number", name) from None
