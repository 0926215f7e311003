"""One function per thing that the console can be asked to do; each asks others with the caller's own token."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import grpc
import structlog

from sori.insight.v1 import insight_service_pb2 as insight_pb
from sori.insight.v1.insight_service_pb2_grpc import InsightServiceStub
from sori.notify.v1 import case_pb2, chain_pb2
from sori.notify.v1 import notify_service_pb2 as notify_pb
from sori.notify.v1.notify_service_pb2_grpc import NotifyServiceStub
from sori_console import wire
from sori_console.domain import figures, lines
from sori_kit import rpc
from sori_kit.auth import Forbidden, Principal, Unauthenticated
from sori_kit.errors import InvalidInput, SoriError, Unavailable

log = structlog.get_logger()

PAGE_LINES = 50
_MOST_CASES = 200  # looked at to find the most pressing
_SHOWN_CASES = 6
_COUNTS_BREACHES = {"cx.read", "admin"}  # roles to which notify tells its tally


class Peers:
    """The services that the console asks."""

    def __init__(
        self,
        insight: grpc.aio.Channel,
        notify: grpc.aio.Channel,
        *,
        seconds: float,
        service_token_file: Path | None = None,
    ) -> None:
        self._insight_channel = insight
        self._service_token_file = service_token_file
        self.insight = InsightServiceStub(insight)
        self.notify = NotifyServiceStub(notify)
        self.seconds = seconds  # longest that one answer may take

    async def service_token(self) -> str:
        """Read the token with which the console asks where nobody is signed in; without one it is Unavailable."""
        if self._service_token_file is None:
            raise Unavailable("the console has no token of its own")
        try:
            return (await asyncio.to_thread(self._service_token_file.read_text)).strip()
        except OSError as error:
            raise Unavailable("the console's own token cannot be read") from error

    async def reach_insight(self) -> None:
        """Wait until insight can be asked, or say that it is away."""
        try:
            async with asyncio.timeout(self.seconds):
                await self._insight_channel.channel_ready()
        except TimeoutError:
            raise Unavailable("insight cannot be reached") from None


@contextlib.contextmanager
def _asking(peer: str) -> Iterator[None]:
    """Turn what a peer refuses into the platform's own errors; anything unforeseen means that it is away."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise _read(peer, error) from error


def _read(peer: str, error: grpc.aio.AioRpcError) -> SoriError | Unauthenticated | Forbidden:
    match error.code():
        case grpc.StatusCode.UNAUTHENTICATED:
            return Unauthenticated("the token does not hold")
        case grpc.StatusCode.PERMISSION_DENIED:
            return Forbidden(f"{peer} refuses the roles of this token")
        case grpc.StatusCode.INVALID_ARGUMENT:
            return InvalidInput(f"{peer} refuses the request", rpc.with_details(error)[1])
    log.warning("peer.away", peer=peer, code=error.code().name)
    return Unavailable(f"{peer} does not answer")


async def take_case(peers: Peers, link: str) -> str:
    """Take a case by a signed link, which alone is the right to it; gives its id."""
    token = await peers.service_token()
    with _asking("notify"):
        answer = await peers.notify.AcknowledgeByLink(
            chain_pb2.AcknowledgeByLinkRequest(token=link), metadata=rpc.bearer(token), timeout=peers.seconds
        )
    return answer.case_id


async def get_page(peers: Peers, caller: Principal, wanted: lines.Filter) -> lines.Page:
    """Give the newest lines of the feed."""
    with _asking("insight"):
        answer = await peers.insight.ListFeed(
            insight_pb.ListFeedRequest(kind=wire.kind(wanted.kind), org_unit=wanted.org_unit, page_size=PAGE_LINES),
            metadata=rpc.bearer(caller.token),
            timeout=peers.seconds,
        )
    return wire.page(answer)


async def get_figures(peers: Peers, caller: Principal, *, now: dt.datetime, zone: ZoneInfo) -> figures.Figures:
    """Gather scorecards, counts and waiting cases; without notify the rest is still shown."""
    cards, counted, waiting, kept = await asyncio.gather(
        _list_scorecards(peers, caller),
        _count_feed(peers, caller),
        _find_waiting(peers, caller),
        _count_breaches(peers, caller),
    )
    return figures.Figures(wire.tally(counted, kept), figures.rows(cards, now=now, zone=zone), waiting)


async def _list_scorecards(peers: Peers, caller: Principal) -> list[figures.Scorecard]:
    with _asking("insight"):
        answer = await peers.insight.ListScorecards(
            insight_pb.ListScorecardsRequest(), metadata=rpc.bearer(caller.token), timeout=peers.seconds
        )
    return list(map(wire.scorecard, answer.scorecards))


async def _count_feed(peers: Peers, caller: Principal) -> insight_pb.GetTallyResponse:
    with _asking("insight"):
        return await peers.insight.GetTally(
            insight_pb.GetTallyRequest(), metadata=rpc.bearer(caller.token), timeout=peers.seconds
        )


async def _find_waiting(peers: Peers, caller: Principal) -> figures.Waiting | None:
    try:
        with _asking("notify"):
            answer = await peers.notify.ListCases(
                notify_pb.ListCasesRequest(state=case_pb2.CASE_STATE_NEW, page_size=_MOST_CASES),
                metadata=rpc.bearer(caller.token),
                timeout=peers.seconds,
            )
    except Unavailable:
        return None
    cases = list(map(wire.waiting_case, answer.cases))
    return figures.pressing(cases, most=_SHOWN_CASES, at_least=bool(answer.next_page_token))


async def _count_breaches(peers: Peers, caller: Principal) -> notify_pb.GetTallyResponse | None:
    if not caller.roles & _COUNTS_BREACHES:
        return None
    try:
        with _asking("notify"):
            return await peers.notify.GetTally(
                notify_pb.GetTallyRequest(), metadata=rpc.bearer(caller.token), timeout=peers.seconds
            )
    except Unavailable:
        return None


@dataclass(frozen=True, slots=True)
class Following:
    """How a feed is followed."""

    wanted: lines.Filter
    resume_token: str  # Of the last line seen; empty starts with what comes from now on.
    seconds: float  # Ends after this, to be resumed.


async def watch_feed(
    peers: Peers, caller: Principal, following: Following, *, stopping: asyncio.Event
) -> AsyncGenerator[lines.Update, None]:
    """Follow the feed until the time is over or the process stops."""
    call = peers.insight.WatchFeed(
        insight_pb.WatchFeedRequest(
            resume_token=following.resume_token,
            kind=wire.kind(following.wanted.kind),
            org_unit=following.wanted.org_unit,
        ),
        metadata=rpc.bearer(caller.token),
    )
    clock = asyncio.get_running_loop().time
    until = clock() + following.seconds
    ending = asyncio.ensure_future(stopping.wait())
    coming: asyncio.Future[object] | None = None
    try:
        while True:
            coming = asyncio.ensure_future(call.read())
            await asyncio.wait({coming, ending}, timeout=until - clock(), return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                return
            with _asking("insight"):
                got = coming.result()
            if not isinstance(got, insight_pb.WatchFeedResponse):
                return  # Insight ended it; the viewer resumes.
            if (line := wire.line(got.item)) is not None:
                yield lines.Update(line, got.resume_token)
    finally:
        ending.cancel()
        call.cancel()
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
