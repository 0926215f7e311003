"""Classify end to end against bare onnxruntime: texts a second, and CPU per text.

`bare` is one thread that encodes the texts and runs the model's graph, 256 at a time, with nothing around it. `calls`
sends the same texts to the running service by gRPC, 256 in a request and four requests at a time for each worker;
`streams` sends each by itself on one of four gRPC streams, which cost more than the model does. `line` puts them on
JetStream as touchpoints while the service is stopped, and lets it go on: the machine is then the service's and the
broker's alone. They run in turn, half a second each and many times over, for machines change their speed; each ratio is
the median over the rounds. The texts are those of sample companies; no two that are under way at a time are the same,
for the service reads those once, and the bare model does not. The service's workers ask for huge pages and take
requests together that lie there together; the bare model does neither.
"""

import argparse
import asyncio
import datetime as dt
import functools
import itertools
import json
import os
import signal
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import _lab
import psutil

TOGETHER, AT_ONCE = 256, 4
LONGER = 3  # times as many texts, where somebody has nothing to do at the first batch or at the last one
DIFFERENT = 4_000  # texts; more than are ever under way
MUST = {"calls": 0.7, "line": 0.7, "workers": 1.7, "batches_of_32": 8_000, "one_by_one": 4_000}


@functools.cache
def texts(count: int) -> list[str]:
    """Take the different texts of sample companies, over and over."""
    from sori_sample import generate  # Only the measured processes need it.

    found: dict[str, None] = {}
    for seed in itertools.count():
        touchpoints = generate(seed=seed, end=dt.date(2026, 11, 1)).touchpoints
        found |= dict.fromkeys(each.text for each in touchpoints if each.text)
        if len(found) >= DIFFERENT:
            break
    return (list(found) * (count // len(found) + 1))[:count]


def bare(together: int) -> None:
    """Encode and score on one thread."""
    from sori_classify.model import Model
    from sori_local import plan

    model = Model.load(plan.model())

    def score(count: int) -> dict[str, float]:
        given = texts(count)
        wall, cpu = time.perf_counter(), time.process_time()
        for start in range(0, count, together):
            model.score(given[start : start + together])
        return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}

    while count := asked():
        say(score(count))


async def calls(target: str, token: str, at_once: int) -> None:
    """Ask the service, some requests at a time."""
    from sori.classify.v1 import classify_service_pb2 as pb
    from sori_kit import rpc

    async with rpc.channel(target) as channel:
        # Written before and not read: the caller is on the same cores as what is measured.
        classify: Any = channel.unary_unary("/sori.classify.v1.ClassifyService/Classify")
        while count := await asyncio.to_thread(asked):
            given = texts(count)
            parts = [given[at : at + TOGETHER] for at in range(0, count, TOGETHER)]
            waiting = iter([pb.ClassifyRequest(texts=part).SerializeToString() for part in parts])
            answers: list[bytes] = []

            async def lane(waiting: Iterator[bytes] = waiting, answers: list[bytes] = answers) -> None:
                for request in waiting:
                    answers.append(await classify(request, metadata=rpc.bearer(token)))

            start = time.perf_counter()
            await asyncio.gather(*(lane() for _ in range(at_once)))
            wall = time.perf_counter() - start
            if count != sum(len(pb.ClassifyResponse.FromString(each).classifications) for each in answers):
                raise ValueError("some texts have no answer")
            say({"wall": wall})


async def streams(target: str, token: str, at_once: int) -> None:
    """Ask the service by streams of single texts, some streams at a time."""
    from sori.classify.v1 import classify_service_pb2 as pb
    from sori_kit import rpc

    async with rpc.channel(target) as channel:
        classify: Any = channel.stream_stream("/sori.classify.v1.ClassifyService/ClassifyStream")
        while count := await asyncio.to_thread(asked):
            requests = [pb.ClassifyStreamRequest(text=text).SerializeToString() for text in texts(count)]

            async def lane(requests: list[bytes]) -> int:
                answers = classify(iter(requests), metadata=rpc.bearer(token))
                return sum([1 async for _ in answers])

            wall = time.perf_counter()
            answered = await asyncio.gather(*(lane(requests[at::at_once]) for at in range(at_once)))
            if count != sum(answered):
                raise ValueError("some texts have no answer")
            say({"wall": time.perf_counter() - wall})


async def line(nats_url: str) -> None:
    """Put touchpoints on ingest's stream; told to go on, wait until classify has passed all of them on."""
    import uuid

    from sori.classify.v1.touchpoint_events_pb2 import TouchpointClassified
    from sori.ingest.v1.touchpoint_events_pb2 import TouchpointReceived
    from sori_kit import logs
    from sori_kit.bus import Bus
    from sori_kit.clock import SystemClock
    from sori_kit.envelope import Event, event_type
    from sori_kit.settings import KitSettings

    logs.configure("benchmark", "ERROR")
    bus = await Bus.connect("ingest", KitSettings(nats_url=nats_url, grpc_port=0))
    classified, now = event_type(TouchpointClassified), SystemClock().now()
    while count := await asyncio.to_thread(asked):
        before = await bus.count(classified, stream="SORI_CLASSIFY")
        events = []
        for text in texts(count):
            received = TouchpointReceived()
            received.touchpoint.touchpoint_id = entity = str(uuid.uuid4())
            received.touchpoint.text = text
            events.append(Event.new(received, entity_id=entity, time=now))
        await bus.publish(events)
        say({"published": count})
        await asyncio.to_thread(asked)
        wall = time.perf_counter()
        while (done := await bus.count(classified, stream="SORI_CLASSIFY") - before) < count:
            spent = time.perf_counter() - wall  # Who looks all the time takes from what is measured.
            await asyncio.sleep(min(max(spent * (count - done) / max(done, 1) / 2, 0.005), 0.1))
        say({"wall": time.perf_counter() - wall})
    await bus.close()


def asked() -> int:
    """Read how many texts are wanted; 0: no more."""
    return int(sys.stdin.readline().strip() or 0)


def say(found: dict[str, float]) -> None:
    """Answer."""
    print(json.dumps(found), flush=True)


class Service:
    """The running service."""

    def __init__(self, lab: _lab.Lab, workers: int) -> None:
        from sori_local import engines, plan
        from sori_local.tokens import LocalIssuer

        issuer = LocalIssuer(lab.folder / "issuer")
        self.token = issuer.token(["cx.read"], subject="benchmark")
        self.port = engines.free_port()
        self.process = lab.spawn(
            f"classify-{workers}",
            [str(Path(sys.executable).with_name("sori-classify")), "serve"],
            {
                "SORI_NATS_URL": lab.nats_url,
                "SORI_JWKS": str(issuer.jwks),
                "SORI_LOG_LEVEL": "WARNING",
                "SORI_CLASSIFY_GRPC_PORT": str(self.port),
                "SORI_CLASSIFY_MODEL_PATH": str(plan.model()),
                "SORI_CLASSIFY_LEXICON_PATH": str(plan.lexicons()),
                "SORI_CLASSIFY_WORKERS": str(workers),
            },
        )
        _lab.wait_serving(self.port)

    def signal(self, number: int) -> None:
        """Stop the service and its workers where they are, or let them go on."""
        process = psutil.Process(self.process.popen.pid)
        for each in (process, *process.children(recursive=True)):
            each.send_signal(number)


class Role:
    """A process of its own that does one thing, so that none warms another's caches."""

    def __init__(self, lab: _lab.Lab, name: str, *arguments: str, role: str = "") -> None:
        self.process = lab.spawn(name, _lab.python("classify.py", "--role", role or name, *arguments))

    def ask(self, count: int) -> dict[str, float]:
        """Have it done with so many texts."""
        assert self.process.popen.stdin is not None
        self.process.popen.stdin.write(f"{count}\n")
        self.process.popen.stdin.flush()
        return self.process.read()


def measure(lab: _lab.Lab, count: int, rounds: int) -> dict[str, Any]:
    """Run everything in turn, many times over, a short while each."""
    found: dict[str, list[float]] = {}

    def note(name: str, value: float) -> float:
        found.setdefault(name, []).append(value)
        return value

    def served(role: Role, name: str, service: Service, count: int = count) -> float:
        before = service.process.cpu()
        rate = note(f"{name}_texts_per_s", count / role.ask(count)["wall"])
        note(f"{name}_cpu_us", (service.process.cpu() - before) / count * 1e6)
        return rate

    def drained(role: Role, name: str, service: Service) -> float:
        service.signal(signal.SIGSTOP)
        role.ask(LONGER * count)
        service.signal(signal.SIGCONT)
        return served(role, name, service, LONGER * count)

    def alone() -> float:
        ran = unserved.ask(count)
        note("bare_cpu_us", ran["cpu"] / count * 1e6)
        return note("bare_texts_per_s", count / ran["wall"])

    one = Service(lab, 1)
    unserved = Role(lab, "bare", "--together", str(TOGETHER))
    served_there = ["--target", f"127.0.0.1:{one.port}", "--token", one.token]
    calling, streaming = Role(lab, "calls", *served_there), Role(lab, "streams", *served_there)
    sizes = {
        name: Role(lab, name, "--together", str(together), role="bare")
        for name, together in (("batches_of_32", 32), ("one_by_one", 1))
    }
    lining = Role(lab, "line", "--nats", lab.nats_url)
    for warm in range(2):  # The first round only warms.
        if warm:
            found.clear()
        for number in range(rounds if warm else 1):
            _lab.console.print(f"round {number + 1} of {rounds}" if warm else "warming")
            bare_rate = alone()
            note("calls_ratio", served(calling, "calls", one) / bare_rate)
            note("streams_ratio", served(streaming, "streams", one) / bare_rate)
            note("line_ratio", drained(lining, "line", one) / bare_rate)
            for name, role in sizes.items():
                note(f"{name}_texts_per_s", count / 4 / role.ask(count // 4)["wall"])
    note("memory_mb", _lab.memory_mb(one.process))
    two = Service(lab, 2)
    at_once = ["--at-once", str(2 * AT_ONCE)]
    both = Role(lab, "two", "--target", f"127.0.0.1:{two.port}", "--token", two.token, *at_once, role="calls")
    both.ask(count)
    for _ in range(rounds):
        rate = served(calling, "one_worker", one, LONGER * count)
        note("workers_ratio", served(both, "two_workers", two, LONGER * count) / rate)
    lab.stop(one.process.name)  # Both would take from the line.
    for _ in range(rounds):
        bare_rate = alone()
        note("line_of_two_ratio", drained(lining, "line_of_two", two) / bare_rate)
    return {name: round(statistics.median(values), 3) for name, values in found.items()}


def main() -> None:
    """Run the benchmark, or one role of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20, help="runs of each, in turn")
    parser.add_argument("--count", type=int, default=8_000, help="texts in one run")
    parser.add_argument("--json", action="store_true", help="end with one JSON object on a line")
    parser.add_argument("--role", choices=["bare", "calls", "streams", "line"], help=argparse.SUPPRESS)
    parser.add_argument("--together", type=int, default=TOGETHER, help=argparse.SUPPRESS)
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help=argparse.SUPPRESS)
    parser.add_argument("--target", default="", help=argparse.SUPPRESS)
    parser.add_argument("--token", default="", help=argparse.SUPPRESS)
    parser.add_argument("--nats", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role:
        if given.role == "bare":
            bare(given.together)
        elif given.role == "calls":
            asyncio.run(calls(given.target, given.token, given.at_once))
        elif given.role == "streams":
            asyncio.run(streams(given.target, given.token, given.at_once))
        else:
            asyncio.run(line(given.nats))
        return
    with _lab.lab(durable=True) as lab:
        found = measure(lab, given.count, given.pairs)
    rows = [
        ("bare onnxruntime, batches of 256", found["bare_texts_per_s"], found["bare_cpu_us"], "", ""),
        ("bare, batches of 32", found["batches_of_32_texts_per_s"], "", "", MUST["batches_of_32"]),
        ("bare, one by one", found["one_by_one_texts_per_s"], "", "", MUST["one_by_one"]),
        ("service, gRPC", found["calls_texts_per_s"], found["calls_cpu_us"], found["calls_ratio"], MUST["calls"]),
        ("service, ClassifyStream", found["streams_texts_per_s"], found["streams_cpu_us"], found["streams_ratio"], ""),
        ("service, JetStream", found["line_texts_per_s"], found["line_cpu_us"], found["line_ratio"], MUST["line"]),
        (
            "service, JetStream, two workers",
            found["line_of_two_texts_per_s"],
            found["line_of_two_cpu_us"],
            found["line_of_two_ratio"],
            "",
        ),
        (
            "service, gRPC, two workers against one",
            found["two_workers_texts_per_s"],
            found["two_workers_cpu_us"],
            found["workers_ratio"],
            MUST["workers"],
        ),
    ]
    title = f"Classify ({os.cpu_count()} cores, {given.pairs} rounds in turn; {found['memory_mb']:.0f} MB resident)"
    _lab.show(title, ["what", "texts/s", "CPU µs a text", "ratio", "must"], rows)
    if given.json:
        print(json.dumps({"name": "classify", "cores": os.cpu_count(), **found}))


if __name__ == "__main__":
    main()
