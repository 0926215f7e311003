"""The application: routes, and how each failure is answered."""

import json
from collections.abc import Awaitable, Callable

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sori_ingest.hooks import openapi
from sori_ingest.hooks.gate import Away, Busy, Gate
from sori_ingest.hooks.reception import REFUSED, Reception
from sori_ingest.hooks.refusals import Refusal
from sori_ingest.hooks.signatures import Refused
from sori_ingest.hooks.tracking import CALLS, Tracking
from sori_ingest.hooks.webhooks import CloudEvents, Webhooks

log = structlog.get_logger()

_Endpoint = Callable[[Request], Awaitable[Response]]
_Refuse = Callable[[Request, Exception], Awaitable[Response]]


def build(reception: Reception, gate: Gate) -> ASGIApp:
    """Put the application together."""
    webhooks, events, tracking = Webhooks(reception), CloudEvents(reception), Tracking(reception)
    document = json.dumps(openapi.DOCUMENT)

    async def healthz(request: Request) -> Response:
        """Say whether the broker answers."""
        ok = await gate.is_open()
        return Response(json.dumps({"ok": ok}), 200 if ok else 503, media_type="application/json")

    async def described(request: Request) -> Response:
        """Give the description of this API."""
        return Response(document, media_type="application/json")

    async def hook(request: Request) -> Response:
        answering = {"POST": webhooks.post, "OPTIONS": webhooks.options}.get(request.method, webhooks.get)
        return await answering(request)

    async def event(request: Request) -> Response:
        return await (events.post if request.method == "POST" else events.options)(request)

    async def refuse(request: Request, error: Exception) -> Response:
        """Answer a request that failed; sources are counted by name only where there is one of that name."""
        refusal = _refusal(error)
        named = str((request.scope.get("path_params") or {}).get("source", ""))
        source = named if named in reception.sources else ""
        REFUSED.labels(source, refusal.reason).inc()
        log.info("hook.refused", source=source, status=refusal.status, reason=refusal.reason)
        return refusal.response()

    routes = [
        Route("/hooks/{source}", hook, methods=["POST", "GET", "OPTIONS"]),
        Route("/hooks/{source}/{secret}", hook, methods=["POST", "GET", "OPTIONS"]),
        Route("/events", event, methods=["POST", "OPTIONS"]),
        *(Route(f"/v1/{call}", tracking.post, methods=["POST"], name=call) for call in CALLS),
        Route("/healthz", healthz),
        Route("/openapi.json", described),
    ]
    kinds = (Refusal, Refused, Busy, Away, ClientDisconnect, HTTPException, Exception)
    app = Starlette(routes=routes, exception_handlers=dict.fromkeys(kinds, refuse))
    app.router.redirect_slashes = False
    return _ShortWay(app, webhooks.post, refuse)


class _ShortWay:
    """Lets webhooks past the middleware and the routes, which would cost as much as reading them does."""

    def __init__(self, app: ASGIApp, post: _Endpoint, refuse: _Refuse) -> None:
        self._app = app
        self._post = post
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        parts = scope["path"].split("/") if scope["type"] == "http" and scope["method"] == "POST" else []
        if not 3 <= len(parts) <= 4 or parts[1] != "hooks" or not all(parts[2:]):
            return await self._app(scope, receive, send)
        scope["path_params"] = dict(zip(("source", "secret"), parts[2:], strict=False))
        request = Request(scope, receive)
        try:
            response = await self._post(request)
        except (Refusal, Refused, Busy, Away, ClientDisconnect) as error:
            response = await self._refuse(request, error)
        await response(scope, receive, send)
        return None


def _refusal(error: Exception) -> Refusal:
    match error:
        case Refusal():
            return error
        case Refused(reason=reason):
            headers = {"WWW-Authenticate": 'Basic realm="sori"'}
            return Refusal(401, reason, "the sender is not proven", headers=headers)
        case Busy():
            again = {"Retry-After": str(error.retry_seconds)}
            return Refusal(429, "busy", "too much is in work: come again", headers=again)
        case Away():
            again = {"Retry-After": str(error.retry_seconds)}
            return Refusal(503, "unavailable", "it cannot be kept now: come again", headers=again)
        case HTTPException(status_code=status):
            reason = {404: "not_found", 405: "method"}.get(status, "refused")
            return Refusal(status, reason, str(error.detail), headers=error.headers)
        case ClientDisconnect():
            return Refusal(400, "disconnected", "the sender went away")
    return Refusal(500, "internal", "internal error")
