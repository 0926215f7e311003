"""Ingest's edges against what they stand on: webhooks a second and CPU per event.

`http`: signed Slack messages with a phone number to mask go through the HTTP edge (signature, adapter, masking,
published, on disk), against the same web framework, served the same way, that reads the body and answers an empty 200.
`grpc`: batches through the gRPC edge, against the edge of the thin reference (`_thin.py`). The two run in turn on the
same broker. `--soak` sends 200,000 webhooks and watches the memory instead.
"""

import argparse
import asyncio
import hmac
import json
import os
import statistics
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import _lab
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sori_kit.auth import ROLES
from sori_local import engines
from sori_local.tokens import LocalIssuer

SECRET = "benchmark-signing-secret"
SOURCES = "sources: [{name: bench, adapter: slack, secrets: {env: BENCHMARK_SECRET}}]\n"
MUST = {"http": 0.5, "grpc": 0.6}  # the least share of the reference's work in the same CPU time
HTTP_COUNT, CONNECTIONS, GRPC_COUNT = 6_000, 64, 20_000
SOAK_COUNT, SOAK_STEP = 200_000, 10_000
MOST_GROWTH = 0.05  # of memory over a soak, after its first fifth


def a_request(port: int, run: str, number: int) -> bytes:
    """Write a signed webhook as it goes over the wire."""
    event = {
        "type": "message",
        "channel": "C024BE91L",
        "user": f"U{number % 5_000:09}",
        "text": f"주문 {number}번 배송이 또 늦었어요. 010-{number % 10_000:04}-5678로 연락 주세요. 확인 부탁드립니다.",
        "ts": f"{int(time.time())}.{number % 1_000_000:06}",
        "client_msg_id": f"{run}-{number}",
        "channel_type": "channel",
        "team": "T061EG9R6",
    }
    envelope = {
        "token": "z",
        "team_id": "T061EG9R6",
        "api_app_id": "A0MDYCDME",
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev{run}{number:08}",
        "event_time": int(time.time()),
    }
    body = json.dumps(envelope).encode()
    now = str(int(time.time()))
    signature = hmac.new(SECRET.encode(), f"v0:{now}:".encode() + body, "sha256").hexdigest()
    head = (
        f"POST /hooks/bench HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: Slackbot 1.0\r\nAccept: */*\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"X-Slack-Request-Timestamp: {now}\r\nX-Slack-Signature: v0={signature}\r\n\r\n"
    )
    return head.encode() + body


class Connection(asyncio.Protocol):
    """Sends its requests one after another on one connection, and reads no more of an answer than it must."""

    def __init__(self, requests: list[bytes], done: "asyncio.Future[None]") -> None:
        self._requests = requests
        self._done = done
        self._read = b""
        self.refused = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, body = self._read.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        self.refused += not head.startswith(b"HTTP/1.1 200")
        self._read = b""
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error or ConnectionResetError())

    def _next(self) -> None:
        if self._requests:
            self._transport.write(self._requests.pop())
        elif not self._done.done():
            self._done.set_result(None)


async def load(given: argparse.Namespace) -> None:
    """Send webhooks over a number of connections; say how long that took."""
    loop = asyncio.get_running_loop()
    number = 0
    print("READY", flush=True)
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        count = int(line)
        lanes: list[list[bytes]] = [[] for _ in range(CONNECTIONS)]
        for index in range(count):
            lanes[index % CONNECTIONS].append(a_request(given.port, given.run, number))
            number += 1
        print(json.dumps({"made": count}), flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        start = time.perf_counter()
        ends = [loop.create_future() for _ in lanes]
        made = [
            await loop.create_connection(lambda lane=lane, end=end: Connection(lane, end), "127.0.0.1", given.port)  # type: ignore[misc]
            for lane, end in zip(lanes, ends, strict=True)
        ]
        async with asyncio.timeout(120):
            await asyncio.gather(*ends)
        seconds = time.perf_counter() - start
        for transport, _ in made:
            transport.close()
        print(json.dumps({"seconds": seconds, "refused": sum(each.refused for _, each in made)}), flush=True)


def empty(given: argparse.Namespace) -> None:
    """Serve an empty 200, as ingest serves webhooks."""

    async def hook(request: Request) -> Response:
        await request.body()
        return Response()

    app = Starlette(routes=[Route("/hooks/{source}", hook, methods=["POST"])])
    config = uvicorn.Config(
        app,
        port=given.port,
        access_log=False,
        log_config=None,
        http="httptools",
        lifespan="off",
        ws="none",
        server_header=False,
        date_header=False,
        proxy_headers=False,
    )

    async def serve() -> None:
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        print("READY", flush=True)
        await serving

    uvloop.run(serve())


@dataclass(frozen=True)
class Run:
    """One measured run."""

    per_second: float
    cpu_us: float  # of the edge's process
    broker_us: float


def start_ingest(lab: _lab.Lab) -> tuple[int, int, str]:
    """Start ingest; gives its gRPC and HTTP ports, and a token."""
    issuer = LocalIssuer(lab.folder / "issuer")
    sources = lab.folder / "sources.yaml"
    sources.write_text(SOURCES)
    grpc_port, http_port = engines.free_port(), engines.free_port()
    env = {
        "SORI_NATS_URL": lab.nats_url,
        "SORI_JWKS": str(issuer.jwks),
        "SORI_LOG_LEVEL": "WARNING",
        "SORI_INGEST_GRPC_PORT": str(grpc_port),
        "SORI_INGEST_HTTP_PORT": str(http_port),
        "SORI_INGEST_SOURCES_PATH": str(sources),
        "BENCHMARK_SECRET": SECRET,
    }
    lab.spawn("ingest", [str(Path(sys.executable).parent / "sori-ingest"), "serve"], env)
    _lab.wait_serving(grpc_port)
    return grpc_port, http_port, issuer.token(ROLES, subject="benchmark")


def start_load(lab: _lab.Lab, name: str, port: int) -> _lab.Process:
    """Start a sender of webhooks."""
    run = uuid.uuid4().hex[:6]
    sender = lab.spawn(name, _lab.python("webhooks.py", "--role", "load", "--port", str(port), "--run", run))
    sender.wait_ready()
    return sender


def send(lab: _lab.Lab, sender: _lab.Process, edge: str, count: int) -> Run:
    """Send so many webhooks, and measure."""
    assert sender.popen.stdin is not None
    sender.popen.stdin.write(f"{count}\n")
    sender.popen.stdin.flush()
    sender.read()
    lab.start_measuring()
    sender.go()
    said = sender.read()
    cpu = lab.cpu_us_each(count)
    if said["refused"]:
        raise SystemExit(f"{said['refused']} of {count} webhooks were refused: see the log of ingest")
    return Run(count / said["seconds"], cpu[edge], cpu["nats"])


def over_http(pairs: int, scale: float) -> dict[str, Any]:
    """Compare the HTTP edge with an empty answer, in turn."""
    count = int(HTTP_COUNT * scale)
    edge_runs, empty_runs = list[Run](), list[Run]()
    with _lab.lab(durable=True) as lab:
        _, http_port, _ = start_ingest(lab)
        empty_port = engines.free_port()
        lab.spawn("empty", _lab.python("webhooks.py", "--role", "empty", "--port", str(empty_port))).wait_ready()
        senders = {"ingest": start_load(lab, "sender", http_port), "empty": start_load(lab, "other", empty_port)}
        for name, sender in senders.items():
            send(lab, sender, name, 500)  # Warm.
        for number in range(pairs):
            for name in ("ingest", "empty") if number % 2 else ("empty", "ingest"):
                run = send(lab, senders[name], name, count)
                (edge_runs if name == "ingest" else empty_runs).append(run)
    return compare(edge_runs, empty_runs)


def over_grpc(pairs: int, scale: float) -> dict[str, Any]:
    """Compare the gRPC edge with that of the thin reference by batches, in turn."""
    count = int(GRPC_COUNT * scale)
    edge_runs, thin_runs = list[Run](), list[Run]()
    with _lab.lab(durable=True) as lab:
        grpc_port, _, token = start_ingest(lab)
        engine = ["--nats", lab.nats_url, "--postgres", lab.postgres_url]
        _lab.run(_lab.python("_thin.py", "prepare", *engine), {})
        target = f"127.0.0.1:{engines.free_port()}"
        lab.spawn("thin-edge", _lab.python("_thin.py", "edge", *engine, "--target", target)).wait_ready()
        for number in range(pairs):
            for name in ("ingest", "thin-edge") if number % 2 else ("thin-edge", "ingest"):
                where = target if name == "thin-edge" else f"127.0.0.1:{grpc_port}"
                command = ["load", "--run", uuid.uuid4().hex[:8], "--count", str(count), "--target", where]
                sender = lab.spawn("load", _lab.python("_load.py", *command, "--token", token, "--way", "batch"))
                sender.wait_ready()
                lab.start_measuring()
                sender.go()
                said = sender.read()
                cpu = lab.cpu_us_each(count)
                lab.stop("load")
                run = Run(count / ((said["last_ns"] - said["first_ns"]) / 1e9), cpu[name], cpu["nats"])
                (edge_runs if name == "ingest" else thin_runs).append(run)
    return compare(edge_runs, thin_runs)


def compare(edge: list[Run], reference: list[Run]) -> dict[str, Any]:
    """Give medians, and the ratios pair by pair."""
    by_cpu = [other.cpu_us / mine.cpu_us for mine, other in zip(edge, reference, strict=True)]
    by_rate = [mine.per_second / other.per_second for mine, other in zip(edge, reference, strict=True)]
    return {
        "per_s": round(statistics.median(run.per_second for run in edge)),
        "reference_per_s": round(statistics.median(run.per_second for run in reference)),
        "cpu_us": round(statistics.median(run.cpu_us for run in edge), 1),
        "reference_cpu_us": round(statistics.median(run.cpu_us for run in reference), 1),
        "broker_us": round(statistics.median(run.broker_us for run in edge), 1),
        "cpu_ratio": round(statistics.median(by_cpu), 3),
        "cpu_ratio_range": [round(min(by_cpu), 3), round(max(by_cpu), 3)],
        "rate_ratio": round(statistics.median(by_rate), 3),
    }


def soak(count: int) -> dict[str, Any]:
    """Send very many webhooks, and watch the memory of ingest."""
    seen: list[float] = []
    with _lab.lab(durable=False) as lab:
        _, http_port, _ = start_ingest(lab)
        sender = start_load(lab, "sender", http_port)
        step = min(SOAK_STEP, count)
        for sent in range(step, count + 1, step):
            send(lab, sender, "ingest", step)
            seen.append(round(_lab.memory_mb(lab.processes["ingest"]), 1))
            _lab.console.print(f"{sent:,} webhooks: {seen[-1]} MB")
    settled = seen[len(seen) // 5]
    return {"count": count, "memory_mb": seen, "growth": round(seen[-1] / settled - 1, 4), "most": MOST_GROWTH}


def main() -> None:
    """Run the benchmark, or one role of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=4, help="runs of each, in turn")
    parser.add_argument("--scale", type=float, default=1.0, help="times the usual number of events")
    parser.add_argument("--edges", default="http,grpc")
    parser.add_argument("--soak", type=int, nargs="?", const=SOAK_COUNT, default=0, help="watch memory over so many")
    parser.add_argument("--json", action="store_true", help="end with one JSON object on a line")
    parser.add_argument("--role", choices=["load", "empty"], help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role == "load":
        uvloop.run(load(given))
        return
    if given.role == "empty":
        empty(given)
        return
    if given.soak:
        found = soak(given.soak)
        _lab.show("Memory of ingest", ["webhooks", "MB settled", "MB at the end", "growth", "at most"], [
            (found["count"], found["memory_mb"][len(found["memory_mb"]) // 5], found["memory_mb"][-1],
             f"{found['growth']:.1%}", f"{MOST_GROWTH:.0%}")
        ])  # fmt: skip
        if given.json:
            print(json.dumps({"name": "webhooks", "cores": os.cpu_count(), "soak": found}))
        return
    ways = {"http": over_http, "grpc": over_grpc}
    results = {edge: ways[edge](given.pairs, given.scale) for edge in given.edges.split(",")}
    _lab.show(
        f"Ingest's edges ({os.cpu_count()} cores, {given.pairs} pairs in turn, synced to disk)",
        ["edge", "/s", "reference/s", "ratio", "CPU µs", "reference µs", "broker µs", "CPU ratio", "must"],
        [
            (
                edge,
                each["per_s"],
                each["reference_per_s"],
                each["rate_ratio"],
                each["cpu_us"],
                each["reference_cpu_us"],
                each["broker_us"],
                f"{each['cpu_ratio']} ({each['cpu_ratio_range'][0]}–{each['cpu_ratio_range'][1]})",
                MUST[edge],
            )
            for edge, each in results.items()
        ],
    )
    if given.json:
        print(json.dumps({"name": "webhooks", "cores": os.cpu_count(), **results}))


if __name__ == "__main__":
    main()
