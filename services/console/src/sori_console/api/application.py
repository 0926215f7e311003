"""The application: routes, their guard, what is refused, and what every response carries."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sori_console import usecases
from sori_console.api import access
from sori_console.api.pages import Pages, forget
from sori_console.api.rendering import Renderer
from sori_console.domain import words
from sori_console.settings import Settings
from sori_kit import auth
from sori_kit.clock import Clock
from sori_kit.errors import InvalidInput, Unavailable

_LANGUAGE_COOKIE = "sori_lang"
_A_YEAR = 31_536_000  # seconds
_MOST_BODY_BYTES = 32_768  # A token is all that anybody has to send.
_RETRY_SECONDS = "5"
_FRAGMENTS = frozenset({"/figures", "/feed/events"})  # Asked for by the script, not by a person.
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def build(
    peers: usecases.Peers, verifier: auth.Verifier, clock: Clock, settings: Settings, stopping: asyncio.Event
) -> ASGIApp:
    """Put the application together; a page without declared roles stops the start."""
    renderer = Renderer(settings.time_zone, clock)
    refusals = Refusals(renderer)
    pages = Pages(peers, verifier, renderer, settings, stopping)
    routes = [
        Route("/", pages.feed),
        Route("/feed/events", pages.events),
        Route("/figures", pages.figures),
        Route("/login", pages.login, methods=["GET", "POST"]),
        Route("/logout", pages.logout, methods=["POST"]),
        Route("/take", pages.take, methods=["GET", "POST"]),  # Whoever has the link may; it is the credential.
        Route("/healthz", pages.healthz),
        Mount("/static", StaticFiles(directory=Path(__file__).parents[1] / "static")),
    ]
    access.check(routes, access.ROLES)
    guard = Middleware(access.Guard, verifier=verifier, roles=access.ROLES, refuse=refusals.answer)
    kinds = (auth.Unauthenticated, auth.Forbidden, Unavailable, InvalidInput, HTTPException, Exception)
    app = Starlette(
        routes=routes,
        middleware=[guard],
        exception_handlers=dict.fromkeys(kinds, refusals.answer),
        max_body_size=_MOST_BODY_BYTES,
    )
    app.router.redirect_slashes = False
    return Envelope(app, settings)


class Refusals:
    """Says plainly why a page cannot be shown, and what to do."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def answer(self, request: Request, error: Exception) -> Response:
        """Answer a request that failed."""
        match error:
            case auth.Unauthenticated():
                return self._unauthenticated(request)
            case auth.Forbidden():
                roles = ", ".join(sorted(getattr(request.state, "needed", ())))
                return self._message(request, 403, "forbidden", roles=roles)
            case access.CrossSite():
                return self._message(request, 403, "invalid")
            case Unavailable():
                return self._message(request, 503, "unavailable")
            case InvalidInput():
                return self._message(request, 400, "invalid")
            case HTTPException(status_code=404):
                return self._message(request, 404, "not_found")
            case HTTPException(status_code=405):
                return self._message(request, 405, "method", error.headers)
            case HTTPException(status_code=413):
                return self._message(request, 413, "too_large")
            case HTTPException(status_code=status):
                return self._message(request, status, "invalid", error.headers)
        return self._message(request, 500, "failed")

    def _unauthenticated(self, request: Request) -> Response:
        path, headers = request.scope["path"], {"WWW-Authenticate": "Bearer"}
        if path in _FRAGMENTS:
            return PlainTextResponse("sign in again\n", 401, headers)
        if path != "/login" and access.COOKIE not in request.cookies:
            return RedirectResponse("/login", 303)
        response = self._renderer.response(request, "login.html", status=401, headers=headers, problem="wrong")
        if path != "/login":  # A slip of the pen at the sign-in does not end a session that holds.
            forget(response)
        return response

    def _message(
        self, request: Request, status: int, what: str, extra: Mapping[str, str] | None = None, roles: str = ""
    ) -> Response:
        headers = {**(extra or {}), **({"Retry-After": _RETRY_SECONDS} if status == 503 else {})}
        template = "panel.html" if request.scope["path"] in _FRAGMENTS else "message.html"
        return self._renderer.response(
            request, template, status=status, headers=headers, what=what, code=status, roles=roles
        )


class Envelope:
    """Chooses the language of each request and puts the protecting headers on each response."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._headers = dict(_HEADERS)
        self._secure = settings.secure_cookie
        if self._secure:
            self._headers["Strict-Transport-Security"] = f"max-age={_A_YEAR}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope)
        asked = request.query_params.get("lang", "")
        remembered = request.cookies.get(_LANGUAGE_COOKIE, "")
        language = words.choose(asked, remembered, request.headers.get("accept-language", ""))
        request.state.words = words.Words(language)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                headers.setdefault(
                    "Cache-Control", "no-cache" if request.scope["path"].startswith("/static/") else "no-store"
                )
                if asked == language != remembered:
                    headers.append("Set-Cookie", self._language_cookie(language))
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _language_cookie(self, language: words.Language) -> str:
        secure = "; Secure" if self._secure else ""
        return f"{_LANGUAGE_COOKIE}={language}; Path=/; Max-Age={_A_YEAR}; HttpOnly; SameSite=Strict{secure}"
