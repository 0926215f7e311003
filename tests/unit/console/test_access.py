"""The one table of who may open which page."""

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from sori_console.api import access


async def page(request: Request) -> Response:
    return PlainTextResponse("")


def test_a_page_that_declares_no_roles_stops_the_start() -> None:
    routes = [Route("/", page), Route("/new", page)]

    with pytest.raises(TypeError, match="/new declares no roles"):
        access.check(routes, {"/": frozenset({"cx.read"})})


def test_an_empty_declaration_is_none() -> None:
    with pytest.raises(TypeError, match="declares no roles"):
        access.check([Route("/", page)], {"/": frozenset()})


def test_a_role_that_does_not_exist_stops_the_start() -> None:
    with pytest.raises(TypeError, match=r"cx\.raed"):
        access.check([Route("/", page)], {"/": frozenset({"cx.raed"})})


def test_roles_declared_for_nothing_stop_the_start() -> None:
    with pytest.raises(TypeError, match="/gone"):
        access.check([Route("/", page)], {"/": frozenset({"cx.read"}), "/gone": frozenset({"cx.read"})})


def test_a_path_that_the_table_cannot_speak_of_stops_the_start() -> None:
    with pytest.raises(TypeError, match="no plain path"):
        access.check([Route("/cases/{case}", page)], {"/cases/{case}": frozenset({"cx.read"})})


def test_only_sign_in_signed_links_static_files_and_the_probe_are_open() -> None:
    assert {"/login", "/take", "/static", "/healthz"} == access.OPEN

    opened = [Route(path, page) for path in ("/login", "/take", "/healthz")]
    access.check([Mount("/static", routes=[]), *opened], {})
