"""What every way in over HTTP does once it knows the source: prove, let through, count, answer."""

import functools
import json
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

import structlog
from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import Response

from sori_ingest import channels, usecases
from sori_ingest.channels import ADAPTERS
from sori_ingest.channels.payload import Payload, Source
from sori_ingest.hooks import bodies, signatures
from sori_ingest.hooks.gate import Away, Gate
from sori_ingest.hooks.refusals import Refusal, refusal_of
from sori_ingest.hooks.replays import Replays
from sori_ingest.hooks.signatures import Delivery, Proof, Refused
from sori_ingest.hooks.sns import Sns
from sori_ingest.settings.sources import SourceConfig, SourceFile
from sori_kit.bus import Bus
from sori_kit.clock import Clock, ClockOfTurns

log = structlog.get_logger()

PARTS = Counter("sori_hook_parts_total", "Parts of payloads, by what became of them.", ["source", "outcome"])
IGNORED = Counter("sori_hook_ignored_total", "Parts of payloads that are nothing for us.", ["source", "reason"])
REFUSED = Counter("sori_hook_refused_total", "Requests and mails that were refused.", ["source", "reason"])

# Their senders are programs of the company's own, whose makers can mend them: a 4xx tells them what is wrong. Vendors
# can mend nothing; they would try for days and then switch the webhook off.
_MENDABLE = frozenset({"cloudevents", "segment", "shop", "survey"})
_NO_TEXT = ("image/", "audio/", "video/", "font/", "model/")
_OWN_HEADERS = b"x-sori-"  # ours to set, nobody else's
_MOST_QUERY = 100  # fields


class Reception:
    """Takes what was sent for a source."""

    def __init__(
        self, bus: Bus, sources: SourceFile, clock: Clock, gate: Gate, sns: Sns, *, public_url: str = ""
    ) -> None:
        self.together = usecases.Together(bus)
        self._sources = sources
        self._clock = ClockOfTurns(clock)
        self.gate = gate
        self._sns = sns
        self._public_url = public_url.rstrip("/")
        self._replays = Replays()
        self._made: dict[str, tuple[SourceConfig, Source]] = {}  # by name: what adapters are given

    @property
    def sources(self) -> Mapping[str, SourceConfig]:
        """The sources in force, by name."""
        return self._sources.current

    def source_named(self, name: str) -> SourceConfig:
        """Find a source in force; Refusal where there is none of that name."""
        config = self.sources.get(name)
        if config is None:
            raise Refusal(404, "source_unknown", "no source of this name is configured")
        return config

    def refuse(self, named: str, error: BaseException) -> Response:
        """Answer what failed; it is counted by the source's name only where there is one of that name."""
        refusal = refusal_of(error)
        source = named if named in self.sources else ""
        REFUSED.labels(source, refusal.reason).inc()
        log.info("hook.refused", source=source, status=refusal.status, reason=refusal.reason)
        return refusal.response()

    def _source(self, config: SourceConfig) -> Source:
        known = self._made.get(config.name)
        if known is None or known[0] is not config:
            known = self._made[config.name] = config, channels.configured(config)
        return known[1]

    async def read(self, request: Request) -> Payload:
        """Read a request to its end, within bounds."""
        headers = _headers(request.scope["headers"])
        body = await bodies.read(request.receive, headers)
        return self._payload(headers, body, _query(request))

    def payload(self, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Payload:
        """Give what came in one piece and without a query; a Refusal where `read` would raise one."""
        read = _headers(headers)
        return self._payload(read, bodies.unpacked(body, read), {})

    def _payload(self, headers: dict[str, str], body: bytes, query: dict[str, str]) -> Payload:
        return Payload(
            body=body,
            content_type=headers.get("content-type", ""),
            headers=headers,
            query=query,
            received_time=self._clock.now(),
        )

    def proves_at_once(self, name: str) -> bool:
        """Say whether it can be proven at once who sent something for a source, without asking anybody."""
        config = self.sources.get(name)
        return config is None or signatures.scheme_of(config.adapter, config.options) != signatures.SNS

    def prove(self, config: SourceConfig, sent: Payload, delivery: Delivery) -> Proof:
        """Prove who sent it, by the scheme of the source; Refused otherwise."""
        scheme = signatures.SCHEMES.get(signatures.scheme_of(config.adapter, config.options))
        if scheme is None:
            raise Refused("scheme_unknown")
        if not config.secrets:
            raise Refused("no_secret_configured")
        proof = scheme.verify(delivery, config.secrets, now=sent.received_time)
        if self._replays.knows(config.name, proof.once, sent.received_time.timestamp()):
            raise Refused("replayed")
        return proof

    async def prove_sns(self, config: SourceConfig, sent: Payload, delivery: Delivery) -> Proof:
        """Prove that Amazon sent it for a topic of ours, and confirm a subscription; Refused otherwise."""
        topics = frozenset(each.strip() for each in config.options.get("topic_arn", "").split(",") if each.strip())
        if not topics:  # Anybody can sign with Amazon's certificate, for a topic of their own: the path must be secret.
            signatures.SHARED.verify(delivery, config.secrets, now=sent.received_time)
            topics = frozenset({sent.headers.get("x-amz-sns-topic-arn", "")} - {""})
        proof, message = await self._sns.verify(sent.body, topics, now=sent.received_time)
        if message["Type"] == "SubscriptionConfirmation" and not await self._sns.confirm(message):
            again = {"Retry-After": str(Away.retry_seconds)}
            raise Refusal(503, "not_confirmed", "Amazon did not confirm the subscription", headers=again)
        return proof

    def delivery(self, request: Request, sent: Payload) -> Delivery:
        """Give of a request what its signature may be over."""
        scope = request.scope
        path = (scope.get("raw_path") or scope["path"].encode()).partition(b"?")[0]
        secret = str(request.path_params.get("secret", ""))
        return self.delivery_at(path, scope["query_string"], scope["scheme"], secret, sent)

    def delivery_at(self, path: bytes, query: bytes, scheme: str, path_secret: str, sent: Payload) -> Delivery:
        """Give of what was sent to an address what its signature may be over."""
        return Delivery(
            body=sent.body,
            headers=sent.headers,
            urls=functools.partial(_urls, path, query, scheme, sent.headers, self._public_url),
            path_secret=path_secret,
        )

    async def take(
        self,
        config: SourceConfig,
        sent: Payload,
        proof: Proof,
    ) -> usecases.Taken:
        """Take it in; returns when all of it is on disk, and raises Busy or Away when that cannot be had in time."""
        work = self.together.take_in(self.handed(config, sent, proof), now=sent.received_time)
        return self.became(config, sent, proof, await self.gate.through(len(sent.body), work))

    def handed(self, config: SourceConfig, sent: Payload, proof: Proof) -> usecases.Handed:
        """Give what taking it in takes."""
        return usecases.Handed(
            adapter=ADAPTERS[config.adapter],
            payload=sent,
            source=self._source(config),
            signed=proof.signed,
            keep=bool(sent.body),
        )

    def became(self, config: SourceConfig, sent: Payload, proof: Proof, taken: usecases.Taken) -> usecases.Taken:
        """Remember and count what was taken in; a Refusal where its sender can mend what cannot be understood."""
        self._replays.remember(config.name, proof.once, sent.received_time.timestamp())
        count(config.name, taken)
        if taken.quarantine_id and not sent.body:
            raise Refusal(400, "empty", "there is no body")
        if taken.quarantine_id and config.adapter in _MENDABLE and not _went_on(taken):
            raise Refusal(
                400,
                taken.reason,
                "the payload cannot be understood; it is kept in quarantine",
                fields=taken.violations,
                quarantined=[taken.quarantine_id],
            )
        return taken


def _went_on(taken: usecases.Taken) -> bool:
    return bool(taken.accepted or taken.duplicates or taken.ignored)


def count(source: str, taken: usecases.Taken) -> None:
    """Count on the metrics what became of a payload."""
    if taken.accepted:
        _parts(source, "accepted").inc(len(taken.accepted))
    if taken.duplicates:
        _parts(source, "duplicate").inc(len(taken.duplicates))
    if taken.ignored:
        _parts(source, "ignored").inc(len(taken.ignored))
    if taken.quarantine_id:
        _parts(source, "quarantined").inc()
    for each in taken.ignored:
        IGNORED.labels(source, each.reason).inc()


@functools.lru_cache(1_024)
def _parts(source: str, outcome: str) -> Counter:
    """Find a counter once: asking for its labels takes as long as a signature."""
    return PARTS.labels(source, outcome)


class _Accepted(Response):
    """The answer that is given nearly always, without the making of its headers."""

    def __init__(self, touchpoint_id: str) -> None:
        self.status_code = 200
        self.background = None
        self.body = f'{{"accepted": ["{touchpoint_id}"], "duplicates": 0, "ignored": [], "quarantined": []}}'.encode()
        self.raw_headers = [(b"content-length", b"%d" % len(self.body)), (b"content-type", b"application/json")]


def answer(taken: usecases.Taken, *, more: Mapping[str, object] | None = None) -> Response:
    """Say what became of a payload: 200, or 202 where some of it waits in quarantine."""
    if taken.reply:
        return Response(taken.reply, media_type=taken.reply_content_type or "application/json")
    if len(taken.accepted) == 1 and not (taken.duplicates or taken.ignored or taken.quarantine_id or more):
        return _Accepted(taken.accepted[0])
    said: dict[str, object] = {
        **(more or {}),
        "accepted": taken.accepted,
        "duplicates": len(taken.duplicates),
        "ignored": [{"reason": each.reason, "detail": each.detail} for each in taken.ignored],
        "quarantined": [taken.quarantine_id] if taken.quarantine_id else [],
    }
    if taken.quarantine_id:
        said["reason"] = taken.reason
        said["fields"] = [{"field": each.field, "description": each.description} for each in taken.violations]
    return Response(json.dumps(said), 202 if taken.quarantine_id else 200, media_type="application/json")


def _headers(given: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in given if name[:7] != _OWN_HEADERS}
    if headers.get("content-type", "").lower().startswith(_NO_TEXT):
        raise Refusal(415, "media_type_unknown", "a payload is text, a form, JSON, a mail or a table")
    return headers


def _query(request: Request) -> dict[str, str]:
    raw: bytes = request.scope["query_string"]
    if not raw:
        return {}
    try:
        return dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_QUERY))
    except ValueError:
        raise Refusal(400, "query_wrong", f"a query has at most {_MOST_QUERY} fields") from None


def _urls(path: bytes, query: bytes, seen_scheme: str, headers: Mapping[str, str], public_url: str) -> list[str]:
    """Spell the address as the sender may have: as configured, or as the proxies before us say, or as we see it."""
    rest = (path + b"?" + query if query else path).decode("latin-1")
    if public_url:
        return [public_url + rest]
    hosts = dict.fromkeys(
        host for host in (headers.get("x-forwarded-host", ""), headers.get("host", "")) if host.isprintable() and host
    )
    schemes = dict.fromkeys((headers.get("x-forwarded-proto", "https"), "https", seen_scheme))
    return [f"{scheme}://{host}{rest}" for scheme in schemes for host in hosts]
