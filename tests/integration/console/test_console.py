"""The console over real HTTP, with peers that speak the real protocol."""

import asyncio
import contextlib
import dataclasses
import re
from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest
import pytest_asyncio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from integration.console import peers

import builders
import harness
from engines import Engines
from sori.insight.v1 import feed_pb2
from sori_local.engines import free_port
from sori_local.tokens import LocalIssuer

SCRIPT = "<script>alert('x')</script>"


@dataclasses.dataclass
class Console:
    """The console and what stands behind it."""

    service: harness.Harness
    insight: peers.Insight
    notify: peers.Notify
    url: str
    insight_port: int
    behind: contextlib.AsyncExitStack  # Closing it takes both peers away.

    def token(self, *roles: str, subject: str = "lead") -> str:
        return str(self.service.issuer.token(roles, subject=subject))

    @contextlib.asynccontextmanager
    async def browser(self, *roles: str, language: str = "", token: str = "") -> AsyncIterator[httpx.AsyncClient]:
        """A browser that is signed in with these roles; without any it is not."""
        cookies = {"sori_token": token or self.token(*roles)} if roles or token else {}
        headers = {"accept-language": language} if language else {}
        async with httpx.AsyncClient(base_url=self.url, cookies=cookies, headers=headers, timeout=15) as client:
            yield client


@contextlib.asynccontextmanager
async def running(engines: Engines, **env: str) -> AsyncIterator[Console]:
    issuer = LocalIssuer(engines.folder / "issuer")
    insight, notify = peers.Insight(), peers.Notify()
    async with contextlib.AsyncExitStack() as behind:
        insight_port = await behind.enter_async_context(peers.serving("insight", insight, issuer))
        notify_port = await behind.enter_async_context(peers.serving("notify", notify, issuer))
        port = free_port()
        token = engines.folder / "console-token"
        token.write_text(issuer.token(["cx.act"], subject="console"))
        settings = {
            "SORI_CONSOLE_SERVICE_TOKEN_FILE": str(token),
            "SORI_CONSOLE_HTTP_PORT": str(port),
            "SORI_CONSOLE_INSIGHT_TARGET": f"127.0.0.1:{insight_port}",
            "SORI_CONSOLE_NOTIFY_TARGET": f"127.0.0.1:{notify_port}",
            **env,
        }
        async with harness.serving("console", engines, env=settings) as service:
            yield Console(service, insight, notify, f"http://127.0.0.1:{port}", insight_port, behind)


@pytest_asyncio.fixture(scope="module")
async def shared(engines: Engines) -> AsyncIterator[Console]:
    """One console for all tests that leave it as it is: it stores nothing."""
    async with running(engines) as started:
        yield started


@pytest_asyncio.fixture
async def console(shared: Console) -> Console:
    shared.insight.clear()
    shared.notify.clear()
    return shared


@pytest_asyncio.fixture
async def lonely(engines: Engines) -> AsyncIterator[Console]:
    """A console whose peers a test takes away."""
    async with running(engines) as started:
        yield started


class Events:
    """Server-sent events as a browser reads them."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> dict[str, str]:
        """Give the next event, or nothing when the stream has ended."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(15):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if name:
                    fields[name] = f"{fields[name]}\n{value}" if name in fields else value
                elif fields:
                    return fields
        return fields

    async def line(self) -> dict[str, str]:
        """Give the next event that holds a line of the feed."""
        while (event := await self.next()).get("event") != "line":
            assert event
        return event


@contextlib.asynccontextmanager
async def following(
    browser: httpx.AsyncClient, *, after: str = "", last: str = "", **query: str
) -> AsyncIterator[Events]:
    headers = {"last-event-id": last} if last else {}
    async with browser.stream("GET", "/feed/events", params={"after": after, **query}, headers=headers) as response:
        assert 200 == response.status_code
        yield Events(response)


def resume_token(page: str) -> str:
    found = re.search(r'data-resume="([^"]*)"', page)
    assert found is not None
    return found[1]


# Who may open what


@pytest.mark.parametrize(
    ("path", "role", "status"),
    [
        ("/", "cx.read", 200),
        ("/", "hr.read", 200),
        ("/", "cx.act", 403),
        ("/", "employee", 403),
        ("/", "admin", 403),
        ("/", "ingest.write", 403),
        ("/figures", "cx.read", 200),
        ("/figures", "hr.read", 200),
        ("/figures", "employee", 403),
        ("/feed/events", "employee", 403),
        ("/", "", 303),
        ("/figures", "", 401),
        ("/feed/events", "", 401),
        ("/login", "", 200),
        ("/healthz", "", 200),
        ("/take", "", 200),
        ("/static/console.css", "", 200),
        ("/static/../main.py", "", 404),
        ("/nothing", "", 404),
        ("/nothing", "cx.read", 404),
        ("/%2f", "", 404),
        ("/Figures", "", 404),
        ("/figures/", "cx.read", 404),
    ],
)
async def test_a_page_opens_for_its_roles_only(console: Console, path: str, role: str, status: int) -> None:
    async with console.browser(*filter(None, [role])) as browser:
        answer = await browser.get(path)

    assert status == answer.status_code


async def test_a_viewer_without_the_role_is_told_which_one_is_needed(console: Console) -> None:
    async with console.browser("employee") as browser:
        answer = await browser.get("/")

    assert "cx.read, hr.read" in answer.text
    assert [] == console.insight.callers


@pytest.mark.parametrize("host", ["x/static/", "x/login?", "127.0.0.1/healthz#"])
async def test_a_forged_host_opens_nothing(console: Console, host: str) -> None:
    async with console.browser() as browser:
        answers = [await browser.get(path, headers={"host": host}) for path in ("/", "/figures")]

    assert [303, 401] == [each.status_code for each in answers]


async def test_a_token_in_a_header_is_not_a_sign_in(console: Console) -> None:
    async with console.browser() as browser:
        answer = await browser.get("/", headers={"authorization": f"Bearer {console.token('cx.read')}"})

    assert 303 == answer.status_code


async def test_hr_leads_page_is_asked_for_with_their_own_token(console: Console) -> None:
    await console.insight.add(peers.a_touchpoint("포장이 아쉬워요"))
    token = console.token("hr.read", subject="hr-lead")

    async with console.browser(token=token) as browser:
        page = await browser.get("/")
        async with following(browser, after=resume_token(page.text)) as events:
            await console.insight.add(peers.a_touchpoint("맛있어요"))
            line = await events.line()

    callers = console.insight.callers + console.notify.callers
    assert {"ListFeed", "WatchFeed", "ListScorecards", "ListCases"} == {method for method, _ in callers}
    assert {("hr-lead", frozenset({"hr.read"}), token)} == {
        (each.subject, each.roles, each.token) for _, each in callers
    }
    assert "3f2a90c1" not in page.text + line["data"]


# Signing in and out


async def test_the_link_signs_in_and_takes_the_token_out_of_the_address(console: Console) -> None:
    async with console.browser() as browser:
        answer = await browser.get("/login", params={"token": console.token("cx.read")})
        page = await browser.get(answer.headers["location"])

    assert (303, "/") == (answer.status_code, answer.headers["location"])
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert 200 == page.status_code
    assert "token=" not in str(page.url)
    assert console.token("cx.read").split(".")[0] not in page.text


async def test_a_pasted_token_signs_in_and_signing_out_forgets_it(console: Console) -> None:
    async with console.browser() as browser:
        entered = await browser.post("/login", data={"token": f"  {console.token('hr.read')}\n"})
        seen = await browser.get("/")
        left = await browser.post("/logout")
        after = await browser.get("/")

    assert [303, 200, 303, 303] == [each.status_code for each in (entered, seen, left, after)]
    assert "/login" == after.headers["location"]


@pytest.mark.parametrize("wrong", ["nonsense", "a.b.c", "열려라", "x" * 20_000])
async def test_a_wrong_token_is_refused_with_what_to_do(console: Console, wrong: str) -> None:
    async with console.browser() as browser:
        answer = await browser.post("/login", data={"token": wrong})

    assert 401 == answer.status_code
    assert "토큰이 올바르지 않거나 만료되었습니다" in answer.text
    assert "sori token" in answer.text
    assert wrong not in answer.text


async def test_a_wrong_link_shows_its_token_nowhere_and_ends_no_session(console: Console) -> None:
    async with console.browser("cx.read") as browser:
        refused = await browser.get("/login", params={"token": "wrong-token"})
        page = await browser.get("/")

    assert [401, 200] == [refused.status_code, page.status_code]
    assert "wrong-token" not in refused.text


async def test_an_expired_token_is_refused_and_forgotten(console: Console) -> None:
    expired = console.service.issuer.token(["cx.read"], subject="lead", days=-1)

    async with console.browser(token=expired) as browser:
        answer = await browser.get("/")

    assert 401 == answer.status_code
    assert 'sori_token=""' in answer.headers["set-cookie"]


async def test_another_site_cannot_make_the_browser_sign_in_or_out(console: Console) -> None:
    async with console.browser("cx.read") as browser:
        answers = [
            await browser.post(path, data={"token": console.token("cx.read")}, headers={"sec-fetch-site": "cross-site"})
            for path in ("/login", "/logout")
        ]

    assert [403, 403] == [each.status_code for each in answers]
    assert not any("set-cookie" in each.headers for each in answers)


async def test_whoever_has_the_link_takes_the_case_but_only_by_asking_for_it(console: Console) -> None:
    async with console.browser() as browser:
        opened = await browser.get("/take", params={"link": "genuine"})
        assert not console.notify.callers  # Programs that look at links take nothing.

        taken = await browser.post("/take", data={"link": "genuine"})

    assert (200, 200) == (opened.status_code, taken.status_code)
    assert 'value="genuine"' in opened.text
    assert "case-1" in taken.text
    assert [("AcknowledgeByLink", "console")] == [(name, caller.subject) for name, caller in console.notify.callers]


async def test_a_forged_link_takes_nothing(console: Console) -> None:
    async with console.browser() as browser:
        answer = await browser.post("/take", data={"link": "forged"})

    assert 400 == answer.status_code


async def test_a_body_beyond_reason_is_refused(console: Console) -> None:
    async with console.browser() as browser:
        answer = await browser.post("/login", content=b"token=" + b"x" * 100_000)

    assert 413 == answer.status_code


@pytest.mark.parametrize("path", ["/", "/figures", "/login", "/nothing", "/static/console.js", "/healthz"])
async def test_every_response_protects_itself(console: Console, path: str) -> None:
    async with console.browser("cx.read") as browser:
        answer = await browser.get(path)

    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert "DENY" == answer.headers["x-frame-options"]
    assert "no-referrer" == answer.headers["referrer-policy"]
    assert "server" not in answer.headers


async def test_no_page_needs_what_the_policy_forbids(console: Console) -> None:
    await fill(console)

    async with console.browser("cx.read") as browser:
        pages = [(await browser.get(path)).text for path in ("/", "/login", "/nothing")]

    for page in pages:
        assert not re.search(r"<script(?![^>]*\ssrc=\"/static/)", page)
        assert not re.search(r"\s(style|on[a-z]+)=", page)
        assert not re.search(r"(src|href|action)=\"(https?:)?//", page)


# The page


async def fill(console: Console) -> None:
    case = peers.a_case(due_time=builders.NOON, clock="breached")
    console.notify.cases = [case]
    console.insight.scorecards = [
        feed_pb2.Scorecard(
            org_unit="shop-gangnam", week=f"2026-W{week}", touchpoint_count=9, negative_count=3, neutral_count=1,
            positive_count=4, nps_count=4, nps=-25, enps=enps,
        )
        for week, enps in ((40, 12.0), (41, None))
    ]  # fmt: skip
    await console.insight.add(
        peers.a_touchpoint("배송이 또 늦었어요", channel="kakao", kind="complaint"),
        peers.a_touchpoint("The cake was lovely", sentiment="positive", channel="review", kind="review"),
        peers.a_voice(),
        peers.a_case_turn(case, "breached"),
        peers.an_alert(case),
    )


async def test_the_page_shows_customers_staff_cases_alerts_and_figures(console: Console) -> None:
    await fill(console)

    async with console.browser("cx.read") as browser:
        page = (await browser.get("/")).text

    assert '<html lang="ko">' in page
    for shown in ("배송이 또 늦었어요", "카카오톡", "불만", "부정", "배송", "11월 2일 12:00", "shop-gangnam", "유지",
                  "직원 목소리", "2026년 45주차", "응답 기한 초과", "첫 응답 기한을 넘겼습니다", "−25"):  # fmt: skip
        assert shown in page
    assert 1 == page.count('class="line voice')


async def test_what_is_absent_is_a_dash_and_explained(console: Console) -> None:
    await fill(console)

    async with console.browser("cx.read") as browser:
        panel = (await browser.get("/figures")).text

    row = panel[panel.index("2026년 41주차") : panel.index("</tr>", panel.index("2026년 41주차"))]
    assert 'data-label="eNPS"><span class="absent" aria-hidden="true">–</span>' in row
    assert "0이 아닙니다" in panel


async def test_the_page_speaks_english_where_asked_and_remembers(console: Console) -> None:
    await fill(console)

    async with console.browser("cx.read") as browser:
        english = (await browser.get("/", params={"lang": "en"})).text
        again = (await browser.get("/")).text
    async with console.browser("cx.read", language="en-GB,en;q=0.8") as browser:
        accepted = (await browser.get("/")).text

    for page in (english, again, accepted):
        assert '<html lang="en">' in page
        for shown in ("KakaoTalk", "Complaint", "Negative", "Staff voice", "Overdue", "Week 45, 2026", "2 Nov 12:00"):
            assert shown in page
        assert "직원 목소리" not in page


async def test_words_of_a_customer_cannot_become_markup(console: Console) -> None:
    await console.insight.add(peers.a_touchpoint(SCRIPT, product=SCRIPT, org_unit=SCRIPT))

    async with console.browser("cx.read") as browser:
        page = (await browser.get("/", params={"unit": SCRIPT})).text
        async with following(browser, after=resume_token(page)) as events:
            await console.insight.add(peers.a_touchpoint(f"{SCRIPT}\r\nevent: signin\r\n\r\nid: 9"))
            line = await events.line()

    for html in (page, line["data"]):
        assert SCRIPT not in html
        assert "&lt;script&gt;" in html
    assert "line" == line["event"]
    assert "event: signin" in line["data"]


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ({"kind": "voice"}, "쉴 틈이", "늦었어요"),
        ({"kind": "touchpoint"}, "늦었어요", "쉴 틈이"),
        ({"unit": "shop-hongdae"}, "쉴 틈이", "늦었어요"),
    ],
)
async def test_filters_hold_for_the_page_and_for_what_follows(
    console: Console, query: dict[str, str], shown: str, hidden: str
) -> None:
    before = [peers.a_touchpoint("늦었어요 1"), peers.a_voice("쉴 틈이 없다 1")]
    after = [peers.a_touchpoint("늦었어요 2"), peers.a_voice("쉴 틈이 없다 2"), peers.a_touchpoint("늦었어요 3")]
    await console.insight.add(*before)

    async with console.browser("cx.read") as browser:
        page = (await browser.get("/", params=query)).text
        async with following(browser, after=resume_token(page), **query) as events:
            await console.insight.add(*after)
            line = (await events.line())["data"]

    assert f"{shown}" in page
    assert hidden not in page
    assert shown in line


async def test_a_kind_that_does_not_exist_is_refused_plainly(console: Console) -> None:
    async with console.browser("cx.read") as browser:
        answer = await browser.get("/", params={"kind": "gossip"})

    assert 400 == answer.status_code
    assert "요청을 이해하지 못했습니다" in answer.text


# What follows


async def test_a_stream_follows_on_from_the_page_without_gap(console: Console) -> None:
    await console.insight.add(peers.a_touchpoint("하나"))

    async with console.browser("cx.read") as browser:
        page = (await browser.get("/")).text
        await console.insight.add(peers.a_touchpoint("둘"))
        async with following(browser, after=resume_token(page)) as events:
            first = await events.next()
            second = await events.next()

    assert "live" == first["event"]
    assert "둘" in second["data"]
    assert "하나" not in second["data"]


async def test_a_stream_resumes_after_the_last_event_seen(console: Console) -> None:
    async with console.browser("cx.read") as browser:
        start = resume_token((await browser.get("/")).text)
        async with following(browser, after=start) as events:
            await console.insight.add(*[peers.a_touchpoint(f"글 {number}") for number in range(3)])
            seen = await events.line()
        await console.insight.add(peers.a_touchpoint("글 3"))

        async with following(browser, after=start, last=seen["id"]) as events:
            rest = [(await events.line())["data"] for _ in range(3)]

    assert "글 0" in seen["data"]
    assert ["글 1", "글 2", "글 3"] == [found[0] for html in rest if (found := re.search(r"글 \d", html))]


async def test_a_viewer_who_leaves_is_followed_no_longer(console: Console) -> None:
    async with console.browser("cx.read") as browser, following(browser):
        await harness.until(lambda: followers(console, 1))

    await harness.until(lambda: followers(console, 0))


async def followers(console: Console, count: int) -> bool:
    return bool(console.insight.followers == count)


async def test_a_resume_token_from_another_time_reloads_the_page(console: Console) -> None:
    async with console.browser("cx.read") as browser, following(browser, after="not-ours") as events:
        told = [(await events.next())["event"], (await events.next())["event"]]

    assert ["live", "reload"] == told


async def test_a_quiet_stream_beats_and_ends_in_time_to_check_its_token_again(engines: Engines) -> None:
    limits = {"SORI_CONSOLE_HEARTBEAT_SECONDS": "0.2", "SORI_CONSOLE_STREAM_SECONDS": "1"}
    async with (
        running(engines, **limits) as console,
        console.browser("cx.read") as browser,
        following(browser) as events,
    ):
        told = [event["event"] async for event in until_end(events)]

    assert "live" == told[0]
    assert {"beat"} == set(told[1:])


async def until_end(events: Events) -> AsyncIterator[dict[str, str]]:
    while event := await events.next():
        yield event


async def test_stopping_ends_open_streams_at_once(engines: Engines) -> None:
    async with running(engines) as console, console.browser("cx.read") as browser, following(browser) as events:
        await events.next()
        console.service.runtime.stopping.set()
        rest = [event async for event in until_end(events)]

    assert [] == rest


# When others are away


async def test_without_insight_the_page_says_so_and_recovers_when_it_is_back(lonely: Console) -> None:
    await fill(lonely)
    await lonely.behind.aclose()

    async with lonely.browser("cx.read") as browser:
        page = await browser.get("/")
        panel = await browser.get("/figures")
        async with peers.serving("insight", lonely.insight, lonely.service.issuer, port=lonely.insight_port):
            await harness.until(lambda: opens(browser))

    assert [503, 503] == [page.status_code, panel.status_code]
    assert "5" == page.headers["retry-after"]
    assert "지금은 보여 드릴 수 없습니다" in page.text
    assert "<html" not in panel.text
    assert not re.search("Traceback|grpc|StatusCode|127.0.0.1", page.text + panel.text)


async def opens(browser: httpx.AsyncClient) -> bool:
    return (await browser.get("/")).status_code == 200


async def test_a_stream_says_that_insight_went_away(lonely: Console) -> None:
    async with lonely.browser("cx.read") as browser, following(browser) as events:
        await harness.until(lambda: followers(lonely, 1))
        await events.next()
        await lonely.behind.aclose()
        told = await events.next()

    assert "away" == told["event"]


async def test_without_notify_the_rest_of_the_page_is_shown(engines: Engines) -> None:
    nobody = {"SORI_CONSOLE_NOTIFY_TARGET": f"127.0.0.1:{free_port()}"}
    async with running(engines, **nobody) as console, console.browser("cx.read") as browser:
        await console.insight.add(peers.a_touchpoint("배송이 또 늦었어요"))
        answer = await browser.get("/")

    assert 200 == answer.status_code
    assert "늦었어요" in answer.text
    assert "케이스 서비스가 응답하지 않습니다" in answer.text


# The process


async def test_nothing_personal_is_logged(lonely: Console, capfd: pytest.CaptureFixture[str]) -> None:
    await lonely.insight.add(peers.a_touchpoint("제 번호는 비밀이에요"))
    token = lonely.token("cx.read", subject="private-person")

    async with lonely.browser() as browser:
        await browser.get("/login", params={"token": token})
        await browser.get("/")
        await browser.get("/", params={"unit": "secret-unit"})
        await browser.get("/login", params={"token": "wrong-token"})
        await lonely.behind.aclose()
        await browser.get("/")

    printed = "".join(capfd.readouterr())
    assert "peer.away" in printed  # What is logged is captured here.
    for private in (token, "비밀이에요", "private-person", "secret-unit", "wrong-token", "GET /"):
        assert private not in printed


async def test_probes_are_served_beside_the_pages(console: Console) -> None:
    async def ready() -> bool:
        with contextlib.suppress(grpc.aio.AioRpcError):
            stub: Any = health_pb2_grpc.HealthStub(console.service.channel)
            answer = await stub.Check(health_pb2.HealthCheckRequest())
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
        return False

    await harness.until(ready)
