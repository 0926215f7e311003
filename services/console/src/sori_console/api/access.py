"""Who may open which page: the one table, and the middleware that enforces it."""

from collections.abc import Callable, Iterable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sori_kit import auth

COOKIE = "sori_token"
_LEADERS = frozenset({"cx.read", "hr.read"})

OPEN = frozenset({"/login", "/take", "/healthz", "/static"})  # Anybody; what lies under them as well.
ROLES: Mapping[str, frozenset[str]] = {  # One of these is enough.
    "/": _LEADERS,
    "/feed/events": _LEADERS,
    "/figures": _LEADERS,
    "/logout": auth.ROLES,
}

Refuse = Callable[[Request, Exception], Response]


class CrossSite(Exception):
    """Another site makes the browser send this."""


def check(routes: Iterable[BaseRoute], roles: Mapping[str, frozenset[str]]) -> None:
    """Fail when a route declares no roles, a role does not exist, or roles are declared for nothing."""
    paths = set()
    for route in routes:
        if not isinstance(route, (Route, Mount)) or "{" in route.path:
            raise TypeError(f"{route!r} is no plain path: the table of roles cannot speak of it")
        paths.add(route.path)
    for path in paths - OPEN:
        if not roles.get(path):
            raise TypeError(f"{path} declares no roles: add it to ROLES")
    for path, needed in roles.items():
        if path not in paths or path in OPEN:
            raise TypeError(f"{path} declares roles, but is no guarded page")
        if unknown := needed - auth.ROLES:
            raise TypeError(f"{path} declares roles that do not exist: {', '.join(sorted(unknown))}")


class Guard:
    """Lets a request through to an open page, or to one whose roles its token has; nothing else exists."""

    def __init__(
        self, app: ASGIApp, *, verifier: auth.Verifier, roles: Mapping[str, frozenset[str]], refuse: Refuse
    ) -> None:
        self._app = app
        self._verifier = verifier
        self._roles = roles
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        request = Request(scope)
        try:
            await self._admit(request)
        except (auth.Unauthenticated, auth.Forbidden, CrossSite) as error:
            await self._refuse(request, error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _admit(self, request: Request) -> None:
        path = request.scope["path"]  # As the router sees it; `request.url` would believe the Host header.
        if request.method not in ("GET", "HEAD") and request.headers.get("sec-fetch-site", "none") not in (
            "same-origin",
            "none",
        ):
            raise CrossSite
        if path in OPEN or path.startswith("/static/"):
            return
        needed = self._roles.get(path)
        if needed is None:
            return  # No such page: the router says so, and has nothing else to say.
        request.state.needed = needed
        token = request.cookies.get(COOKIE, "")
        if not token:
            raise auth.Unauthenticated("nobody is signed in")
        principal = await self._verifier.verify(token)
        auth.authorise(principal, needed)
        request.state.caller = principal
