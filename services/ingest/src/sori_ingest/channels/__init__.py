"""Adapters by name: each brings what one kind of source hands in into touchpoints, `generic` those into normal form."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import (
    amazon_connect,
    app_store,
    chatwoot,
    cloudevents,
    email,
    formbricks,
    generic,
    google_play,
    intercom,
    kakao_consult,
    kakao_openbuilder,
    kakao_webhook,
    line,
    meta,
    naver_talktalk,
    onfleet,
    reading,
    segment,
    ses,
    shop,
    shopify,
    slack,
    square,
    survey,
    twilio,
    typeform,
    x,
    zammad,
    zendesk,
)
from sori_ingest.channels.payload import Adapter, Payload, Reading, Source, Unreadable
from sori_ingest.domain.outcomes import Violation
from sori_ingest.domain.rules import Instant
from sori_ingest.settings.sources import SourceConfig


class Channel(Protocol):
    """What an adapter does."""

    def normalise(self, given: pb.Touchpoint, normal: pb.Touchpoint, *, now: Instant) -> list[Violation]:
        """Write the normal form of `given` over `normal`, and say what is wrong with it.

        With violations, what `normal` holds means nothing. `given` stays as it is; `touchpoint_id` is left empty.
        """
        ...

    def normalise_all(self, jobs: Sequence[tuple[pb.Touchpoint, pb.Touchpoint, Instant]]) -> list[list[Violation]]:
        """Do that for each (given, normal, now)."""
        ...


CHANNELS: Mapping[str, Channel] = {"generic": generic}

# Adapters of payloads, sorted; one line each, so that they are easily added.
ADAPTERS: Mapping[str, Adapter] = {
    "amazon_connect": amazon_connect,
    "app_store": app_store,
    "chatwoot": chatwoot,
    "cloudevents": cloudevents,
    "email": email,
    "formbricks": formbricks,
    "google_play": google_play,
    "intercom": intercom,
    "kakao_consult": kakao_consult,
    "kakao_openbuilder": kakao_openbuilder,
    "kakao_webhook": kakao_webhook,
    "line": line,
    "meta": meta,
    "naver_talktalk": naver_talktalk,
    "onfleet": onfleet,
    "segment": segment,
    "ses": ses,
    "shop": shop,
    "shopify": shopify,
    "slack": slack,
    "square": square,
    "survey": survey,
    "twilio": twilio,
    "typeform": typeform,
    "x": x,
    "zammad": zammad,
    "zendesk": zendesk,
}

# What wrong code raises: one payload that nobody thought of is quarantined, and the source goes on.
_MISTAKES = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)


def read(adapter: Adapter, payload: Payload, source: Source) -> Reading:
    """Let an adapter read a payload, within the limits of touchpoints; raises Unreadable and nothing else."""
    try:
        found = adapter.read(payload, source)
    except RecursionError:
        raise Unreadable("not_json", "nested too deep") from None
    except _MISTAKES as mistake:  # What an error says may quote the payload.
        raise Unreadable("adapter_failed", f"the adapter has a mistake: {type(mistake).__name__}") from None
    for each in found.touchpoints:
        reading.fit(each, source)
    return found


def configured(config: SourceConfig) -> Source:
    """Give what an adapter reads of a source's configuration."""
    return Source(name=config.name, org_unit=config.org_unit, options=config.options, mapping=config.mapping)
