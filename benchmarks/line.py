"""The line against a thin reference: events a second, latency and CPU per event of each station.

The thin reference (`_thin.py`) is gRPC -> JetStream -> Postgres -> JetStream with the same durability promises and no
domain logic. The two run in turn, on the same engines, with the same load. `stitched` runs ingest, classify and
journey, and ends with the last TouchpointStitched; `feed` runs all stations, and ends when the last touchpoint can be
read from the joint feed (paced: when a follower of the feed has seen it). `durable` syncs to disk before each
acknowledgement (the default of the platform); `relaxed` does not.
"""

import argparse
import json
import os
import statistics
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import _lab

from sori_kit.auth import ROLES
from sori_local import engines
from sori_local.tokens import LocalIssuer

STATIONS = {
    "stitched": ["ingest", "classify", "journey"],
    "feed": ["ingest", "classify", "journey", "notify", "insight"],
}
COUNTS = {("batch", False): 20_000, ("batch", True): 10_000, ("stream", False): 10_000, ("stream", True): 6_000}
UNARY_COUNT, UNARY_LANES, LANES = 3_000, 64, 4
MUST = {  # the least ratio to the thin reference, by batch
    ("stitched", False): 0.30,
    ("feed", False): 0.20,
    ("stitched", True): 1.0,
    ("feed", True): 0.7,
}


@dataclass
class Line:
    """Sori's own processes on the engines of a lab."""

    lab: _lab.Lab
    stations: list[str]
    ports: dict[str, int] = field(default_factory=dict)
    token: str = ""

    def start(self) -> None:
        """Start the stations and wait until each serves."""
        issuer = LocalIssuer(self.lab.folder / "issuer")
        self.token = issuer.token(ROLES, subject="benchmark")
        service = _lab.ROOT / "services/classify"
        for name in self.stations:
            port = self.ports[name] = engines.free_port()
            env = {
                "SORI_NATS_URL": self.lab.nats_url,
                "SORI_POSTGRES_URL": self.lab.postgres_url,
                "SORI_JWKS": str(issuer.jwks),
                "SORI_LOG_LEVEL": "WARNING",
                "SORI_BROKER_SYNCS": str(self.lab.durable),
                f"SORI_{name.upper()}_GRPC_PORT": str(port),
            }
            if name == "classify":
                env["SORI_CLASSIFY_MODEL_PATH"] = str(service / "models/sori-small-2")
                env["SORI_CLASSIFY_LEXICON_PATH"] = str(service / "lexicons")
            if name == "notify":
                env["SORI_NOTIFY_POLICY_PATH"] = str(_lab.ROOT / "deploy/local/policies/sla.yaml")
            program = str(Path(sys.executable).parent / f"sori-{name}")
            if name not in ("ingest", "classify"):
                _lab.run([program, "migrate"], env)
            self.lab.spawn(name, [program, "serve"], env)
        for port in self.ports.values():
            _lab.wait_serving(port)


@dataclass(frozen=True)
class Run:
    """One measured run."""

    events_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: dict[str, float]
    others: float

    @property
    def cpu_us_total(self) -> float:
        """CPU microseconds per event of everything but the load and the sink."""
        return sum(value for name, value in self.cpu_us.items() if name not in ("load", "sink"))


def measure(lab: _lab.Lab, *, count: int, load: list[str], sink: list[str]) -> Run:
    """Run one load into one sink."""
    ends = {
        "sink": lab.spawn("sink", _lab.python("_load.py", *sink)),
        "load": lab.spawn("load", _lab.python("_load.py", *load)),
    }
    for end in ends.values():
        end.wait_ready()
    lab.start_measuring()
    machine = _lab.machine()
    ends["load"].go()
    sent = ends["load"].read()
    got = ends["sink"].read()
    cpu = lab.cpu_us_each(count)
    others = _lab.others_share(machine, sum(cpu.values()) * count / 1e6)
    lab.stop("load", "sink")
    if got["distinct"] != count:
        raise SystemExit(f"not exactly once: {count} sent, {got['distinct']} distinct arrived")
    seconds = (got["last_ns"] - sent["first_ns"]) / 1e9
    return Run(count / seconds, got["p50_ms"], got["p99_ms"], cpu, others)


def arguments(role: str, run: str, count: int, **options: object) -> list[str]:
    """Write the arguments of a role of `_load.py`."""
    made = [role, "--run", run, "--count", str(count)]
    for name, value in options.items():
        made += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return made


def run_thin(lab: _lab.Lab, way: str, count: int, lanes: int, rate: float = 0) -> Run:
    """Start the thin reference, measure it, stop it."""
    run, target = uuid.uuid4().hex[:8], f"127.0.0.1:{engines.free_port()}"
    _lab.run(_lab.python("_thin.py", "prepare", "--nats", lab.nats_url, "--postgres", lab.postgres_url), {})
    for role in ("edge", "worker"):
        command = _lab.python("_thin.py", role, "--nats", lab.nats_url, "--postgres", lab.postgres_url)
        lab.spawn(f"thin-{role}", [*command, "--target", target]).wait_ready()
    load = arguments("load", run, count, target=target, token="thin", way=way, lanes=lanes, rate=rate)
    sink = arguments("sink", run, count, nats=lab.nats_url, stream="THIN_OUT", subject="thin.out")
    measured = measure(lab, count=count, load=load, sink=sink)
    lab.stop("thin-edge", "thin-worker")
    return measured


def run_line(line: Line, to: str, way: str, count: int, lanes: int, rate: float = 0) -> Run:
    """Measure the running line once."""
    run, lab = uuid.uuid4().hex[:8], line.lab
    load = arguments(
        "load",
        run,
        count,
        target=f"127.0.0.1:{line.ports['ingest']}",
        token=line.token,
        way=way,
        lanes=lanes,
        rate=rate,
    )
    if (
        to == "feed"
    ):  # Paced runs follow it, for latency; others count, since following 20,000 lines is work of its own.
        sink = arguments(
            "feed" if rate else "tally", run, count, target=f"127.0.0.1:{line.ports['insight']}", token=line.token
        )
    else:
        subject = "sori.journey.touchpoint.stitched.v1"
        sink = arguments("sink", run, count, nats=lab.nats_url, stream="SORI_JOURNEY", subject=subject, nested=True)
    return measure(lab, count=count, load=load, sink=sink)


def compare(durable: bool, to: str, way: str, pairs: int, scale: float) -> dict[str, Any]:
    """Run thin and line in turn, each pair on fresh engines; gives medians and the ratios pair by pair."""
    count = int(scale * (UNARY_COUNT if way == "unary" else COUNTS[way, durable]))
    lanes = UNARY_LANES if way == "unary" else LANES
    thin_runs, line_runs = [], []
    for number in range(pairs):
        _lab.console.print(f"{'durable' if durable else 'relaxed'}, {way}, to {to}: pair {number + 1} of {pairs}")
        with _lab.lab(durable=durable) as lab:
            line = Line(lab, STATIONS[to])
            line.start()
            if number % 2:
                line_runs.append(run_line(line, to, way, count, lanes))
                thin_runs.append(run_thin(lab, way, count, lanes))
            else:
                thin_runs.append(run_thin(lab, way, count, lanes))
                line_runs.append(run_line(line, to, way, count, lanes))
    ratios = [mine.events_per_s / thin.events_per_s for mine, thin in zip(line_runs, thin_runs, strict=True)]
    names = [*line.stations, "nats", "postgres", "load"]
    return {
        "count": count,
        "thin_events_per_s": round(statistics.median(run.events_per_s for run in thin_runs)),
        "line_events_per_s": round(statistics.median(run.events_per_s for run in line_runs)),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_range": [round(min(ratios), 3), round(max(ratios), 3)],
        "thin_cpu_us": round(statistics.median(run.cpu_us_total for run in thin_runs)),
        "line_cpu_us": round(statistics.median(run.cpu_us_total for run in line_runs)),
        "station_cpu_us": {name: round(statistics.median(run.cpu_us[name] for run in line_runs), 1) for name in names},
        "others_cpu_share": max(run.others for run in thin_runs + line_runs),
    }


def paced(lab: _lab.Lab, rate: float, seconds: float) -> dict[str, Any]:
    """Measure latency from submit to feed at a steady rate, and the memory of the idle services before."""
    line = Line(lab, STATIONS["feed"])
    line.start()
    idle = {name: round(_lab.memory_mb(lab.processes[name]), 1) for name in line.stations}
    run_line(line, "feed", "unary", int(rate * 3), 32, rate)  # Warm.
    run = run_line(line, "feed", "unary", int(rate * seconds), 32, rate)
    lab.stop(*line.stations)
    return {"rate": rate, "p50_ms": run.p50_ms, "p99_ms": run.p99_ms, "idle_mb": idle, "others_cpu_share": run.others}


def figures(found: dict[tuple[bool, str, str], dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Name the figures for the JSON line."""
    for (durable, way, to), each in found.items():
        name = f"{'durable' if durable else 'relaxed'}_{way}_{to}"
        for key in ("ratio", "line_events_per_s", "thin_events_per_s", "line_cpu_us", "thin_cpu_us", "station_cpu_us"):
            yield f"{name}_{key}", each[key]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=3, help="runs of each, in turn")
    parser.add_argument("--ways", default="batch,stream,unary")
    parser.add_argument("--to", default="stitched,feed")
    parser.add_argument("--modes", default="durable,relaxed")
    parser.add_argument("--scale", type=float, default=1.0, help="times the usual number of events")
    parser.add_argument("--rate", type=float, default=200, help="touchpoints a second of the paced run; 0: none")
    parser.add_argument("--seconds", type=float, default=15, help="length of the paced run")
    parser.add_argument("--json", action="store_true", help="end with one JSON object on a line")
    given = parser.parse_args()
    found: dict[tuple[bool, str, str], dict[str, Any]] = {}
    latency: dict[str, Any] = {}
    for mode in given.modes.split(","):
        durable = mode == "durable"
        for to in given.to.split(","):
            for way in given.ways.split(","):
                found[durable, way, to] = compare(durable, to, way, given.pairs, given.scale)
    if given.rate:
        with _lab.lab(durable=True) as lab:
            latency = paced(lab, given.rate, given.seconds)
    _lab.show(
        f"The line against the thin reference ({os.cpu_count()} cores, {given.pairs} pairs in turn)",
        [
            "mode",
            "way",
            "to",
            "thin/s",
            "line/s",
            "ratio",
            "must",
            "CPU µs thin",
            "CPU µs line",
            "by station",
            "others",
        ],
        [
            (
                "durable" if durable else "relaxed",
                way,
                to,
                each["thin_events_per_s"],
                each["line_events_per_s"],
                f"{each['ratio']} ({each['ratio_range'][0]}–{each['ratio_range'][1]})",
                MUST.get((to, durable), "") if way == "batch" else "",
                each["thin_cpu_us"],
                each["line_cpu_us"],
                " ".join(f"{name} {value:.0f}" for name, value in each["station_cpu_us"].items()),
                each["others_cpu_share"],
            )
            for (durable, way, to), each in found.items()
        ],
    )
    if latency:
        rows = [(latency["rate"], latency["p50_ms"], latency["p99_ms"], sum(latency["idle_mb"].values()))]
        _lab.show("Submit to feed, paced", ["touchpoints/s", "p50 ms", "p99 ms", "idle MB of the stations"], rows)
    if given.json:
        print(json.dumps({"name": "line", "cores": os.cpu_count(), **dict(figures(found)), "paced": latency}))


if __name__ == "__main__":
    main()
