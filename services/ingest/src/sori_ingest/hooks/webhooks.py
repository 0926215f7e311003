"""Webhooks: POST /hooks/{source}, and the GETs by which vendors make sure of an address, or hand in what they have."""

import base64
import dataclasses
import hmac
import json
from collections.abc import Callable, Iterable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sori_ingest.hooks import signatures
from sori_ingest.hooks.reception import Reception, answer
from sori_ingest.hooks.refusals import Refusal
from sori_ingest.hooks.signatures import Refused
from sori_ingest.settings.sources import SourceConfig

_LONGEST_CHALLENGE = 1_000  # characters
_FORM = "application/x-www-form-urlencoded"
_TOLD_BY_PATH = frozenset({"kakao_consult"})  # Dealers of Kakao's put /message, /reference, … behind the address.
_SENT_BY_GET = frozenset({"kakao_webhook"})  # Kakao lets an app choose how it is told that somebody unlinked.


class Webhooks:
    """What is posted for a source by its name."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    async def post(self, request: Request) -> Response:
        """Take a payload of a source."""
        config = self._reception.source_named(request.path_params["source"])
        if "event" in request.path_params and config.adapter not in _TOLD_BY_PATH:
            raise Refusal(404, "path_unknown", "nothing is behind the secret of this source")
        sent = await self._reception.read(request)
        delivery = self._reception.delivery(request, sent)
        if signatures.scheme_of(config.adapter, config.options) == signatures.SNS:
            proof = await self._reception.prove_sns(config, sent, delivery)
        else:
            proof = self._reception.prove(config, sent, delivery)
        return answer(await self._reception.take(config, sent, proof))

    async def get(self, request: Request) -> Response:
        """Answer a vendor that makes sure of the address; a query that is a payload is taken as the form that it is."""
        config = self._reception.source_named(request.path_params["source"])
        if config.adapter in _SENT_BY_GET and (query := request.scope["query_string"]):
            sent = dataclasses.replace(await self._reception.read(request), body=query, content_type=_FORM, query={})
            proof = self._reception.prove(config, sent, self._reception.delivery(request, sent))
            return answer(await self._reception.take(config, sent, proof))
        validate = _VALIDATIONS.get(config.adapter)
        if validate is None:
            raise Refusal(405, "method", "payloads are posted here", headers={"Allow": "POST, OPTIONS"})
        if not config.secrets:
            raise Refused("no_secret_configured")
        return validate(config, dict(request.query_params))

    async def head(self, request: Request) -> Response:
        """Say that the address is one of ours, which Intercom asks before it sends anything there."""
        self._reception.source_named(request.path_params["source"])
        return Response()

    async def options(self, request: Request) -> Response:
        """Agree to be sent CloudEvents (the handshake of its webhook specification)."""
        self._reception.source_named(request.path_params["source"])
        return allow(request)


class CloudEvents:
    """CloudEvents for the source whose secret they come with."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    async def post(self, request: Request) -> Response:
        """Take one event, or a batch of them."""
        sent = await self._reception.read(request)
        config = source_of_secret(self._reception, "cloudevents", signatures.credentials(sent.headers))
        proof = self._reception.prove(config, sent, self._reception.delivery(request, sent))
        return answer(await self._reception.take(config, sent, proof))

    async def options(self, request: Request) -> Response:
        """Agree to be sent events."""
        return allow(request)


def allow(request: Request) -> Response:
    """Answer the handshake of the CloudEvents webhook specification; senders prove themselves with every event."""
    headers = {"Allow": "POST"}
    if origin := request.headers.get("webhook-request-origin"):
        headers |= {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"}
    return Response(status_code=200, headers=headers)


def source_of_secret(reception: Reception, adapter: str, credentials: Iterable[str]) -> SourceConfig:
    """Find the source that one of the credentials belongs to; Refused where there is none."""
    given = [each for each in credentials if each]
    if not given:
        raise Refused("secret_missing")
    found: SourceConfig | None = None
    for config in reception.sources.values():  # All of them, however early one fits: time must not tell.
        if config.adapter == adapter and signatures.any_equal(given, config.secrets):
            found = found or config
    if found is None:
        raise Refused("secret_wrong")
    return found


def _meta(config: SourceConfig, query: dict[str, str]) -> Response:
    """Meta: give the challenge back to who knows the token, which is one of the source's secrets."""
    if query.get("hub.mode") != "subscribe" or "hub.challenge" not in query:
        raise Refusal(400, "challenge_missing", "hub.mode is not subscribe, or there is no hub.challenge")
    if not signatures.any_equal([query.get("hub.verify_token", "")], config.secrets):
        raise Refused("secret_wrong")
    return _echo(query["hub.challenge"])


def _x(config: SourceConfig, query: dict[str, str]) -> Response:
    """X: prove that we know the consumer secret (Challenge-Response Check)."""
    token = query.get("crc_token", "")
    if not token:
        raise Refusal(400, "challenge_missing", "there is no crc_token")
    digest = hmac.digest(config.secrets[0].encode(), token.encode(errors="surrogateescape"), "sha256")
    said = {"response_token": f"sha256={base64.b64encode(digest).decode()}"}
    return Response(json.dumps(said), media_type="application/json")


def _onfleet(config: SourceConfig, query: dict[str, str]) -> Response:
    """Onfleet: give back what it asks with."""
    if "check" not in query:
        raise Refusal(400, "challenge_missing", "there is no check")
    return _echo(query["check"])


def _echo(challenge: str) -> Response:
    if len(challenge) > _LONGEST_CHALLENGE:
        raise Refusal(400, "challenge_wrong", "the challenge is too long")
    text = challenge.encode(errors="replace").decode()
    return PlainTextResponse(text, headers={"X-Content-Type-Options": "nosniff"})


_VALIDATIONS: dict[str, Callable[[SourceConfig, dict[str, str]], Response]] = {
    "meta": _meta,
    "onfleet": _onfleet,
    "x": _x,
}
