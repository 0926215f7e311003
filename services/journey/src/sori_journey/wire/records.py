"""Lines of a file for a replay, in whichever of the known shapes, and what comes of them."""

import datetime as dt
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import json_format, timestamp_pb2

from sori.ingest.v1 import touchpoint_pb2
from sori.journey.v1 import identity_pb2
from sori_journey import domain
from sori_journey.wire import words
from sori_journey.wire.customers import detached
from sori_journey.wire.touchpoints import of_touchpoint
from sori_kit import ids, parse
from sori_kit.errors import InvalidInput

_HUMP = re.compile(r"(?<=[a-z0-9])[A-Z]")
_PREFIXES = {"channel": "CHANNEL_", "kind": "TOUCHPOINT_KIND_", "actor": "ACTOR_"}
_TYPE_PREFIX = "IDENTIFIER_TYPE_"
_WORDS = {"observation", "merge", "split"}
_TIMES = ("decided_time", "time", "occurred_time")
_REMARKS = {*_TIMES, "reason", "decided_by", "request_id", "decision_id"}


def _snake(given: Any) -> Any:
    """Spell the keys of an object, not its values or what is in `attributes`, in snake case; no lone surrogates."""
    if isinstance(given, Mapping):
        spelled = {_HUMP.sub(lambda hump: f"_{hump.group()}", str(key)).lower(): value for key, value in given.items()}
        return {key: value if key == "attributes" else _snake(value) for key, value in spelled.items()}
    if isinstance(given, str):
        return given.encode(errors="replace").decode()
    return [_snake(each) for each in given] if isinstance(given, list) else given


class Records:
    """What a file says, line by line."""

    def __init__(self) -> None:
        self.observations: list[domain.Observation] = []
        self.decisions: list[domain.MergeWanted | domain.SplitWanted] = []
        self._names: dict[uuid.UUID, str] = {}  # Touchpoint ids that are none of ours, as the file has them.

    def add(self, given: object, line: int) -> None:
        """Read a line; one that says nothing known is refused with its number."""
        if not isinstance(given, Mapping):
            raise InvalidInput(f"line {line}: is not a JSON object")
        try:
            self._add(_snake(given), line)
        except InvalidInput as error:
            raise InvalidInput(f"line {line}: {error}") from None
        except json_format.ParseError as error:
            raise InvalidInput(f"line {line}: {str(error).splitlines()[0]}") from None

    def _add(self, given: dict[str, Any], line: int) -> None:
        for word in ("type", "op", "action"):
            if str(given.get(word)).lower() in _WORDS:
                inner = {key: value for key, value in given.items() if key != word}
                given = {str(given[word]).lower(): inner.get(str(given[word]).lower(), inner)}
        given = {key.removesuffix("_customers").removesuffix("_customer"): value for key, value in given.items()}
        for word in ("record", "merge", "split", "observation", "touchpoint"):
            if word in given and not isinstance(given[word], Mapping):
                raise InvalidInput(f"{word} is not an object")
        if "record" in given:
            self._add(given["record"], line)
        elif "merge" in given:
            self.decisions.append(self._merge(given["merge"], line))
        elif "split" in given:
            self.decisions.append(self._split(given["split"], line))
        elif "observation" in given:
            self._observe(given["observation"].get("touchpoint") or given["observation"])
        elif "touchpoint" in given:
            self._observe(given["touchpoint"])
        elif given.keys() & {"identifiers", "occurred_time", "external_id", "touchpoint_id"}:
            self._observe(given)
        else:
            raise InvalidInput("is neither an observation, nor a merge, nor a split")

    def _observe(self, given: dict[str, Any]) -> None:
        given = dict(given)
        name = given.pop("touchpoint_id", "") or ""
        for field, prefix in _PREFIXES.items():
            given[field] = _enum(given.get(field), prefix)
        given["identifiers"] = [_identifier_fields(each) for each in given.get("identifiers") or []]
        given["occurred_time"] = parse.spell_time(given.get("occurred_time"))
        fields = {key: value for key, value in given.items() if value is not None}
        touchpoint = json_format.ParseDict(fields, touchpoint_pb2.Touchpoint(), ignore_unknown_fields=True)
        if not touchpoint.HasField("occurred_time"):
            raise InvalidInput.of_field("occurred_time", "is missing")
        for number, each in enumerate(touchpoint.identifiers):  # A file may come straight from a source.
            if each.value.strip():
                normal = words.identifier(each, f"identifiers[{number}]")
                each.value, each.temporary = normal.value, normal.temporary
        self.observations.append(of_touchpoint(touchpoint, self._touchpoint_id(str(name), touchpoint)))

    def _touchpoint_id(self, name: str, touchpoint: touchpoint_pb2.Touchpoint) -> uuid.UUID:
        if name:
            return self._named(name)
        if touchpoint.external_id:
            return ids.derive("touchpoint", touchpoint.source, touchpoint.external_id)
        return ids.derive("touchpoint", touchpoint.source, "", touchpoint.SerializeToString(deterministic=True).hex())

    def _named(self, name: str) -> uuid.UUID:
        try:
            return uuid.UUID(name)
        except ValueError:
            made = ids.derive("touchpoint", "replay", name)
            self._names[made] = name
            return made

    def _merge(self, given: dict[str, Any], line: int) -> domain.MergeWanted:
        named = [each for key, value in given.items() if key not in _REMARKS for each in self._references(key, value)]
        if not named:
            raise InvalidInput("merge names no customer")
        return domain.MergeWanted(line=line, customers=tuple(named), time=_time(given))

    def _split(self, given: dict[str, Any], line: int) -> domain.SplitWanted:
        customer: domain.Reference | None = None
        identifiers: list[domain.Identifier] = []
        touchpoint_ids: list[uuid.UUID] = []
        merged_ids: list[uuid.UUID] = []
        for key, value in given.items():
            if key in _REMARKS:
                continue
            found = list(self._references(key, value))
            if key in ("customer", "customer_id", "from", "of"):
                customer = found[0] if found else None
                continue
            if key in ("edge", "edges", "link", "links"):
                pairs = (
                    value if isinstance(value, list) and all(isinstance(each, list | dict) for each in value) else []
                )
                ends = [list(self._references(key, each)) for each in pairs] if key.endswith("s") else [found]
                found = [end for pair in ends for end in pair[1:]]
            identifiers += [each for each in found if isinstance(each, domain.Identifier)]
            touchpoint_ids += [each.touchpoint_id for each in found if isinstance(each, domain.TouchpointReference)]
            merged_ids += [each for each in found if isinstance(each, uuid.UUID)]
        if customer is None and not identifiers and not touchpoint_ids:
            raise InvalidInput("split names neither a customer nor what is split off")
        return domain.SplitWanted(
            line=line,
            customer=customer,
            identifiers=tuple(identifiers),
            touchpoint_ids=tuple(touchpoint_ids),
            merged_ids=tuple(merged_ids),
            time=_time(given),
        )

    def _references(self, key: str, given: Any) -> Iterator[domain.Reference]:
        """Give every customer, identifier and touchpoint that a value names, whatever its shape."""
        if isinstance(given, list):
            for each in given:
                yield from self._references(key, each)
        elif isinstance(given, Mapping):
            if "value" in given:
                yield _identifier(given)
            elif len(given) == 1 and _is_type(next(iter(given))):
                kind, value = next(iter(given.items()))
                yield _identifier({"type": kind, "value": value})
            else:
                for inner, value in given.items():
                    if inner not in _REMARKS:
                        yield from self._references(inner, value)
        elif isinstance(given, str) and given:
            kind, colon, value = given.partition(":")
            if "touchpoint" in key:
                yield domain.TouchpointReference(self._named(given))
            elif colon and _is_type(kind):
                yield _identifier({"type": kind, "value": value})
            else:
                try:
                    yield uuid.UUID(given)
                except ValueError:
                    raise InvalidInput.of_field(key, "is neither a UUID nor an identifier") from None

    def identity_customer(self, given: domain.Replayed) -> identity_pb2.IdentityCustomer:
        """Write a customer that was found."""
        return identity_pb2.IdentityCustomer(
            customer_id=str(given.customer_id or ""),
            identifiers=map(words.identifier_message, given.identifiers),
            touchpoint_ids=[self._names.get(each, str(each)) for each in given.touchpoint_ids],
            detached=[self._detached(each) for each in given.refusals],
            former_identifiers=map(words.identifier_message, given.former),
        )

    def _detached(self, given: domain.Refusal) -> identity_pb2.DetachedIdentifier:
        made = detached(given)
        made.touchpoint_id = self._names.get(given.evidence.touchpoint_id, made.touchpoint_id)
        return made


def _enum(given: Any, prefix: str) -> Any:
    """Let `kakao` stand for CHANNEL_KAKAO."""
    if isinstance(given, str) and given.isdecimal():
        return int(given)
    if isinstance(given, str) and not given.upper().startswith(prefix):
        return f"{prefix}{given.upper()}"
    return given


def _is_type(name: str) -> bool:
    return name.upper().removeprefix(_TYPE_PREFIX).lower() in set(domain.IdentifierType)


def _identifier_fields(given: Any) -> dict[str, Any]:
    if isinstance(given, str) and ":" in given:
        kind, _, value = given.partition(":")
        given = {"type": kind, "value": value}
    if not isinstance(given, Mapping):
        raise InvalidInput("an identifier is not an object")
    said = given.get("value")
    return {**given, "type": _enum(given.get("type"), _TYPE_PREFIX), "value": "" if said is None else str(said)}


def _identifier(given: Mapping[str, Any]) -> domain.Identifier:
    fields = {key: value for key, value in _identifier_fields(given).items() if value is not None}
    return words.identifier(json_format.ParseDict(fields, touchpoint_pb2.Identifier(), ignore_unknown_fields=True))


def _time(given: Mapping[str, Any]) -> dt.datetime | None:
    for key in _TIMES:
        if given.get(key):
            made = timestamp_pb2.Timestamp()
            try:
                made.FromJsonString(str(parse.spell_time(given[key])))
            except ValueError:
                raise InvalidInput.of_field(key, "is not an RFC 3339 time") from None
            return parse.time(made, key)
    return None


def identity_line(customer: identity_pb2.IdentityCustomer) -> str:
    """Write a customer for people to read."""
    names = " ".join(
        f"{touchpoint_pb2.IdentifierType.Name(each.type).removeprefix(_TYPE_PREFIX).lower()}:{each.value}"
        for each in customer.identifiers
    )
    lines = [
        f"{customer.customer_id or 'nobody known'}  {len(customer.touchpoint_ids):,} touchpoints  {names}".rstrip()
    ]
    for each in customer.detached:
        kind = touchpoint_pb2.IdentifierType.Name(each.identifier.type).removeprefix(_TYPE_PREFIX).lower()
        why = identity_pb2.DetachReason.Name(each.reason).removeprefix("DETACH_REASON_").lower()
        lines.append(f"  not {kind}:{each.identifier.value} ({why}), seen in {each.touchpoint_id}")
    return "\n".join(lines)
