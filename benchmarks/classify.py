"""Classify end to end against bare onnxruntime: texts a second, and CPU per text.

`bare` is one thread that encodes the texts and runs the model's graph, with nothing around it. `calls` sends the same
texts to the running service by gRPC, 256 in a request and four requests at a time; `line` puts them on the stream as
touchpoints and waits until all have been passed on. The three run in turn, on the texts of the sample company; no two
of a batch are the same, for the service reads those once, and the bare model does not.
"""

import argparse
import asyncio
import datetime as dt
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import _lab

TOGETHER, AT_ONCE = 256, 4
MOST_IN_A_BATCH = 500  # of the service, which takes that many touchpoints at once
MUST = {"calls": 0.7, "line": 0.7, "workers": 1.7, "batches_of_32": 8_000, "one_by_one": 4_000}


def texts(count: int) -> list[str]:
    """Take the sample company's different texts, over and over."""
    from sori_sample import generate  # Only the measured processes need it.

    found = list(dict.fromkeys(each.text for each in generate(end=dt.date(2026, 11, 1)).touchpoints if each.text))
    if len(found) < MOST_IN_A_BATCH:
        raise ValueError("there are too few different texts")
    return (found * (count // len(found) + 1))[:count]


def bare(count: int, together: int) -> dict[str, float]:
    """Encode and score on one thread."""
    from sori_classify.model import Model
    from sori_local import plan

    model, given = Model.load(plan.model()), texts(count)
    model.score(given[:1000])
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(0, count, together):
        model.score(given[start : start + together])
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


async def calls(count: int, target: str, token: str) -> dict[str, float]:
    """Ask the service, some requests at a time."""
    from sori.classify.v1 import classify_service_pb2 as pb
    from sori.classify.v1.classify_service_pb2_grpc import ClassifyServiceStub
    from sori_kit import rpc

    given = texts(count)
    async with rpc.channel(target) as channel:
        stub, metadata = ClassifyServiceStub(channel), rpc.bearer(token)
        requests = [pb.ClassifyRequest(texts=given[at : at + TOGETHER]) for at in range(0, count, TOGETHER)]
        await stub.Classify(requests[0], metadata=metadata)
        waiting = iter(requests)

        async def lane() -> None:
            for request in waiting:
                await stub.Classify(request, metadata=metadata)

        wall = time.perf_counter()
        await asyncio.gather(*(lane() for _ in range(AT_ONCE)))
        return {"wall": time.perf_counter() - wall}


async def line(count: int, nats_url: str) -> dict[str, float]:
    """Put touchpoints on ingest's stream, and wait until classify has passed all of them on."""
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
    before = await bus.count(classified, stream="SORI_CLASSIFY")
    events = []
    for text in texts(count):
        received = TouchpointReceived()
        received.touchpoint.touchpoint_id = entity = str(uuid.uuid4())
        received.touchpoint.text = text
        events.append(Event.new(received, entity_id=entity, time=now))
    wall = time.perf_counter()
    await bus.publish(events)
    published = time.perf_counter()
    while await bus.count(classified, stream="SORI_CLASSIFY") < before + count:
        await asyncio.sleep(0.005)
    answer = {"wall": time.perf_counter() - wall, "publishing": published - wall}
    await bus.close()
    return answer


class Service:
    """The running service."""

    def __init__(self, lab: _lab.Lab, workers: int) -> None:
        from sori_local import engines, plan
        from sori_local.tokens import LocalIssuer

        issuer = LocalIssuer(lab.folder / "issuer")
        self.token = issuer.token(["cx.read"], subject="benchmark")
        self.port = engines.free_port()
        self.process = lab.spawn(
            "classify",
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


def role(lab: _lab.Lab, name: str, *arguments: str) -> dict[str, float]:
    """Run one role in a process of its own, so that none warms another's caches."""
    process = lab.spawn(name, _lab.python("classify.py", "--role", name, *arguments))
    found = process.read()
    lab.stop(name)
    return found


def measure(lab: _lab.Lab, count: int, pairs: int) -> dict[str, Any]:
    """Run everything in turn."""
    found: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        found.setdefault(name, []).append(value)

    for number in range(pairs):
        _lab.console.print(f"pair {number + 1} of {pairs}")
        rates: dict[str, float] = {}
        alone = role(lab, "bare", "--count", str(count), "--together", str(TOGETHER))
        note("bare_texts_per_s", count / alone["wall"])
        note("bare_cpu_us", alone["cpu"] / count * 1e6)
        for together, name in ((32, "batches_of_32"), (1, "one_by_one")):
            some = role(lab, "bare", "--count", str(count // 4), "--together", str(together))
            note(f"{name}_texts_per_s", count / 4 / some["wall"])
        for workers in (1, 2):
            service = Service(lab, workers)
            ways = ("calls", "line") if workers == 1 else ("calls",)
            for way in ways:
                target = ["--target", f"127.0.0.1:{service.port}", "--token", service.token]
                role(lab, way, "--count", str(count // 4), *target, "--nats", lab.nats_url)  # Warm.
                before = service.process.cpu()
                wall = role(lab, way, "--count", str(count), *target, "--nats", lab.nats_url)["wall"]
                name = way if workers == 1 else "two_workers"
                rates[name] = count / wall
                note(f"{name}_texts_per_s", count / wall)
                note(f"{name}_cpu_us", (service.process.cpu() - before) / count * 1e6)
                note(f"{name}_ratio", count / wall / (count / alone["wall"]))
            if workers == 1:
                note("memory_mb", _lab.memory_mb(service.process))
            lab.stop("classify")
        note("workers_ratio", rates["two_workers"] / rates["calls"])
    return {name: round(statistics.median(values), 3) for name, values in found.items()}


def main() -> None:
    """Run the benchmark, or one role of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3, help="runs of each, in turn")
    parser.add_argument("--count", type=int, default=20_000, help="texts in one run")
    parser.add_argument("--json", action="store_true", help="end with one JSON object on a line")
    parser.add_argument("--role", choices=["bare", "calls", "line"], help=argparse.SUPPRESS)
    parser.add_argument("--together", type=int, default=TOGETHER, help=argparse.SUPPRESS)
    parser.add_argument("--target", default="", help=argparse.SUPPRESS)
    parser.add_argument("--token", default="", help=argparse.SUPPRESS)
    parser.add_argument("--nats", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role:
        if given.role == "bare":
            said = bare(given.count, given.together)
        elif given.role == "calls":
            said = asyncio.run(calls(given.count, given.target, given.token))
        else:
            said = asyncio.run(line(given.count, given.nats))
        print(json.dumps(said), flush=True)
        return
    with _lab.lab(durable=True) as lab:
        found = measure(lab, given.count, given.pairs)
    rows = [
        ("bare onnxruntime, batches of 256", found["bare_texts_per_s"], found["bare_cpu_us"], "", ""),
        ("bare, batches of 32", found["batches_of_32_texts_per_s"], "", "", MUST["batches_of_32"]),
        ("bare, one by one", found["one_by_one_texts_per_s"], "", "", MUST["one_by_one"]),
        ("service, gRPC", found["calls_texts_per_s"], found["calls_cpu_us"], found["calls_ratio"], MUST["calls"]),
        ("service, stream", found["line_texts_per_s"], found["line_cpu_us"], found["line_ratio"], MUST["line"]),
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
