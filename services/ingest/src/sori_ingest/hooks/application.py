"""The application: routes, and how each failure is answered."""

import json

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sori_ingest.hooks import openapi
from sori_ingest.hooks.gate import Away, Busy, Gate
from sori_ingest.hooks.reception import Reception
from sori_ingest.hooks.refusals import Refusal
from sori_ingest.hooks.signatures import Refused
from sori_ingest.hooks.tracking import CALLS, Tracking
from sori_ingest.hooks.webhooks import CloudEvents, Webhooks


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
        answering = {"POST": webhooks.post, "HEAD": webhooks.head, "OPTIONS": webhooks.options}
        return await answering.get(request.method, webhooks.get)(request)

    async def event(request: Request) -> Response:
        return await (events.post if request.method == "POST" else events.options)(request)

    async def call(request: Request) -> Response:
        return await tracking.post(request) if request.method == "POST" else Response(headers={"Allow": "POST"})

    async def refuse(request: Request, error: Exception) -> Response:
        """Answer a request that failed."""
        return reception.refuse(str((request.scope.get("path_params") or {}).get("source", "")), error)

    # Pages of any site may track: what they may do, the write key says.
    from_pages = [Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["POST"], allow_headers=["*"])]
    routes = [
        Route("/hooks/{source}", hook, methods=["POST", "GET", "HEAD", "OPTIONS"]),
        Route("/hooks/{source}/{secret}", hook, methods=["POST", "GET", "HEAD", "OPTIONS"]),
        Route("/hooks/{source}/{secret}/{event}", hook, methods=["POST"]),
        Route("/events", event, methods=["POST", "OPTIONS"]),
        *(Route(f"/v1/{each}", call, methods=["POST", "OPTIONS"], name=each, middleware=from_pages) for each in CALLS),
        Route("/healthz", healthz),
        Route("/openapi.json", described),
    ]
    kinds = (Refusal, Refused, Busy, Away, ClientDisconnect, HTTPException, Exception)
    app = Starlette(routes=routes, exception_handlers=dict.fromkeys(kinds, refuse))
    app.router.redirect_slashes = False
    return app
