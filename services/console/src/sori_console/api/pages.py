"""What each address answers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import parse_qs

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from sori_console import usecases
from sori_console.api.access import COOKIE
from sori_console.api.rendering import Renderer, language_of
from sori_console.domain import lines
from sori_console.settings import Settings
from sori_kit import auth
from sori_kit.auth import Principal
from sori_kit.errors import InvalidInput, Unavailable

SHOWN_LINES = 200  # kept by an open page
_RECONNECT_MILLISECONDS = 3_000


class Pages:
    """The handlers of all addresses."""

    def __init__(
        self,
        peers: usecases.Peers,
        verifier: auth.Verifier,
        renderer: Renderer,
        settings: Settings,
        stopping: asyncio.Event,
    ) -> None:
        self._peers = peers
        self._verifier = verifier
        self._renderer = renderer
        self._settings = settings
        self._stopping = stopping

    async def feed(self, request: Request) -> Response:
        """Show the joint feed with the figures beside it."""
        wanted, caller = _filter(request), _caller(request)
        page, found = await asyncio.gather(
            usecases.get_page(self._peers, caller, wanted),
            usecases.get_figures(self._peers, caller, now=self._renderer.clock.now(), zone=self._renderer.zone),
        )
        return self._renderer.response(
            request,
            "feed.html",
            page=page,
            figures=found,
            wanted=wanted,
            kinds=list(lines.LineKind),
            units=sorted({row.card.org_unit for row in found.rows} | {wanted.org_unit} - {""}),
            settings=self._settings,
            shown_lines=SHOWN_LINES,
        )

    async def figures(self, request: Request) -> Response:
        """Give the panel of figures anew, as a fragment."""
        found = await usecases.get_figures(
            self._peers, _caller(request), now=self._renderer.clock.now(), zone=self._renderer.zone
        )
        return self._renderer.response(request, "figures.html", figures=found)

    async def events(self, request: Request) -> Response:
        """Follow the feed as server-sent events; each holds a rendered line and resumes after itself."""
        following = usecases.Following(
            _filter(request),
            request.headers.get("last-event-id") or request.query_params.get("after", ""),
            self._settings.stream_seconds,
        )
        return EventSourceResponse(
            self._events(request, following),
            ping=self._settings.heartbeat_seconds,
            ping_message_factory=lambda: ServerSentEvent("1", event="beat"),  # A comment would not reach the script.
        )

    async def _events(self, request: Request, following: usecases.Following) -> AsyncIterator[ServerSentEvent]:
        words = language_of(request)
        try:  # The status line is gone by now: what is wrong is said by an event, and the page acts on it.
            await self._peers.reach_insight()
            yield ServerSentEvent("1", event="live", retry=_RECONNECT_MILLISECONDS)
            updates = usecases.watch_feed(self._peers, _caller(request), following, stopping=self._stopping)
            async with contextlib.aclosing(updates):
                async for update in updates:
                    yield ServerSentEvent(self._renderer.line(update.line, words), event="line", id=update.resume_token)
        except Unavailable:
            yield ServerSentEvent("1", event="away", retry=_RECONNECT_MILLISECONDS)
        except (auth.Unauthenticated, auth.Forbidden):
            yield ServerSentEvent("1", event="signin")
        except InvalidInput:  # A token from another time.
            yield ServerSentEvent("1", event="reload")

    async def login(self, request: Request) -> Response:
        """Take a token: from the form, or from the link that `make run` prints."""
        if request.method == "POST":
            form = parse_qs((await request.body()).decode(errors="replace"))
            token = form.get("token", [""])[0].strip()
        elif "token" in request.query_params:
            token = request.query_params["token"].strip()
        else:
            return self._renderer.response(request, "login.html", problem=None)
        if not token:
            return self._renderer.response(request, "login.html", status=400, problem="missing")
        await self._verifier.verify(token)
        response = RedirectResponse("/", 303)
        response.set_cookie(
            COOKIE, token, httponly=True, samesite="strict", secure=self._settings.secure_cookie, path="/"
        )
        return response

    async def take(self, request: Request) -> Response:
        """Take a case by the signed link of a message: ask first, since programs open links too; then do it."""
        if request.method == "GET":
            link = request.query_params.get("link", "").strip()
            return self._renderer.response(request, "take.html", link=link, taken=None)
        form = parse_qs((await request.body()).decode(errors="replace"))
        link = form.get("link", [""])[0].strip()
        taken = await usecases.take_case(self._peers, link)
        return self._renderer.response(request, "take.html", link=link, taken=taken)

    async def logout(self, request: Request) -> Response:
        """Forget the token."""
        response = RedirectResponse("/login", 303)
        forget(response)
        return response

    async def healthz(self, request: Request) -> Response:
        """Say that the process answers."""
        return PlainTextResponse("ok\n")


def forget(response: Response) -> None:
    """Take the token's cookie from the browser."""
    response.delete_cookie(COOKIE, httponly=True, samesite="strict", path="/")


def _caller(request: Request) -> Principal:
    caller: Principal = request.state.caller
    return caller


def _filter(request: Request) -> lines.Filter:
    kind = request.query_params.get("kind", "")
    if kind and kind not in set(lines.LineKind):
        raise InvalidInput.of_field("kind", f"is none of {', '.join(lines.LineKind)}")
    return lines.Filter(lines.LineKind(kind) if kind else None, request.query_params.get("unit", "").strip())
