"""How the protocol spells what the domain calls by a word."""

import datetime as dt
import unicodedata

from google.protobuf import timestamp_pb2

from sori.classify.v1 import classification_pb2
from sori.ingest.v1 import touchpoint_pb2
from sori.journey.v1 import identity_pb2, position_pb2, rights_pb2
from sori_journey import domain
from sori_kit import identifiers
from sori_kit.errors import InvalidInput

KINDS = {value: name.removeprefix("TOUCHPOINT_KIND_").lower() for name, value in touchpoint_pb2.TouchpointKind.items()}
KIND_NUMBERS = {name: touchpoint_pb2.TouchpointKind.ValueType(value) for value, name in KINDS.items()}
CHANNELS = {value: name.removeprefix("CHANNEL_").lower() for name, value in touchpoint_pb2.Channel.items() if value}
CHANNEL_NUMBERS = {name: touchpoint_pb2.Channel.ValueType(value) for value, name in CHANNELS.items()}
SENTIMENTS = {
    value: name.removeprefix("SENTIMENT_").lower() for name, value in classification_pb2.Sentiment.items() if value
}
_LONGEST_IDENTIFIER = 256  # characters; nobody has a longer one
OWN = (touchpoint_pb2.ACTOR_UNSPECIFIED, touchpoint_pb2.ACTOR_CUSTOMER)  # whose doing is the customer's own
TYPES = {
    value: domain.IdentifierType(name.removeprefix("IDENTIFIER_TYPE_").lower())
    for name, value in touchpoint_pb2.IdentifierType.items()
    if value
}
TYPE_NUMBERS = {kind: touchpoint_pb2.IdentifierType.ValueType(value) for value, kind in TYPES.items()}
STAGES = {stage: position_pb2.Stage.Value(f"STAGE_{stage.name}") for stage in domain.Stage}
REASONS = {each: identity_pb2.DetachReason.Value(f"DETACH_REASON_{each.name}") for each in domain.RefusalReason}
LINKS = {each: identity_pb2.LinkKind.Value(f"LINK_KIND_{each.name}") for each in domain.LinkKind}
CONSENT_STATES = {each: rights_pb2.ConsentState.Value(f"CONSENT_STATE_{each.name}") for each in domain.ConsentState}
CONSENT_SOURCES = {each: rights_pb2.ConsentSource.Value(f"CONSENT_SOURCE_{each.name}") for each in domain.ConsentSource}


def timestamp(time: dt.datetime | None) -> timestamp_pb2.Timestamp | None:
    """Write a time."""
    if time is None:
        return None
    made = timestamp_pb2.Timestamp()
    made.FromDatetime(time)
    return made


def identifier(given: touchpoint_pb2.Identifier, field: str = "identifier") -> domain.Identifier:
    """Read an identifier of a request and bring it into normal form; what has none stays as it is."""
    if given.type not in TYPES:
        raise InvalidInput.of_field(f"{field}.type", "is missing or unknown")
    value, temporary = given.value, given.temporary
    if given.type == touchpoint_pb2.IDENTIFIER_TYPE_PHONE:
        value, safe, _ = identifiers.phone(value)
        temporary = temporary or safe
    elif given.type == touchpoint_pb2.IDENTIFIER_TYPE_EMAIL:
        value, _ = identifiers.email(value)
    elif len(value) <= _LONGEST_IDENTIFIER:
        value = unicodedata.normalize("NFC", value)
    if not value.strip():
        raise InvalidInput.of_field(f"{field}.value", "is missing")
    return domain.Identifier(TYPES[given.type], value.strip(), temporary)


def identifier_message(given: domain.Identifier, *, masked: bool = False) -> touchpoint_pb2.Identifier:
    """Write an identifier."""
    return touchpoint_pb2.Identifier(
        type=TYPE_NUMBERS[given.type],
        value=domain.mask(given.value) if masked else given.value,
        temporary=given.temporary,
    )
