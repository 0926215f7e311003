"""How fast one core brings touchpoints into normal form: touchpoints a second of CPU time, by what they hold.

`mixed` is what a line sees: most texts short and without numbers, some with a phone or card number, a few long; it must
reach the figure in MUST. The customers come back, as customers do: one in five is new.
"""

import argparse
import json
import os
import random
import statistics
import time
from collections.abc import Callable, Sequence

import _lab

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import CHANNELS
from sori_ingest.domain.rules import Instant

MUST = 20_000  # touchpoints a second of `mixed`, on one core
NOW = Instant(1_790_000_000, 0)
PLAIN = (
    "배송이 또 늦었어요. 지난주에도 그랬는데 이번에도 이틀이나 늦게 왔습니다.",
    "상담원이 정말 친절해서 감사합니다 😊",
    "The app crashes whenever I open my orders, please fix it.",
    "앱에서 쿠폰이 적용이 안 돼요 ㅠㅠ 결제 직전에 사라집니다",
)
NUMBERED = (
    "010-1234-5678로 연락 주세요. 주문번호 20261102-0001234 입니다.",
    "환불은 국민은행 123456-78-901234 으로 부탁드립니다",
    "카드 4111-1111-1111-1111 로 25,000원 두 번 결제됐어요",
    "운송장 6012345678901 조회가 안 돼요. 1588-1234는 통화 중이에요",
)
LONG = "상품은 마음에 드는데 포장이 아쉬웠어요. 다음에는 상자를 더 단단히 부탁드려요. " * 50


def a_touchpoint(chance: random.Random, number: int, text: str) -> pb.Touchpoint:
    """Make what an adapter would hand over."""
    customer = chance.randrange(50_000, 10**6) if chance.random() < 0.2 else chance.randrange(2_000)
    made = pb.Touchpoint(
        source="benchmark",
        external_id=f"b-{number}",
        channel=pb.CHANNEL_CHAT,
        kind=pb.TOUCHPOINT_KIND_INQUIRY,
        text=text,
        thread_id=f"t-{customer}",
        attributes={"app_version": "3.2.1", "ticket_id": str(10**15 + number), "page": "/orders/123456789012"},
    )
    made.occurred_time.seconds = NOW.seconds - number
    made.identifiers.add(type=pb.IDENTIFIER_TYPE_MEMBER_ID, value=f"M-{customer}")
    made.identifiers.add(type=pb.IDENTIFIER_TYPE_PHONE, value=f"010-{customer % 9000 + 1000}-{customer * 7 % 10000:04}")
    made.identifiers.add(type=pb.IDENTIFIER_TYPE_EMAIL, value=f"Member{customer}@Example.com")
    return made


def mixed(chance: random.Random) -> str:
    """Give a text as a line sees it."""
    draw = chance.random()
    return LONG if draw < 0.01 else chance.choice(NUMBERED if draw < 0.15 else PLAIN)


TEXTS: dict[str, Callable[[random.Random], str]] = {
    "mixed": mixed,
    "plain": lambda chance: chance.choice(PLAIN),
    "numbers": lambda chance: chance.choice(NUMBERED),
    "long": lambda chance: LONG,
}


def measure(touchpoints: Sequence[pb.Touchpoint]) -> float:
    """Bring all into normal form; gives touchpoints a second of this process's CPU time."""
    normalise = CHANNELS["generic"].normalise
    started = time.process_time()
    for each in touchpoints:
        if normalise(each, pb.Touchpoint(), now=NOW):
            raise SystemExit("a touchpoint of the benchmark is wrong")
    return len(touchpoints) / (time.process_time() - started)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="touchpoints of each kind in one run")
    parser.add_argument("--runs", type=int, default=5, help="runs, of which the median counts")
    parser.add_argument("--json", action="store_true", help="one JSON line after the table")
    given = parser.parse_args()
    found: dict[str, list[float]] = {}
    for name, text in TEXTS.items():
        chance = random.Random(1)
        made = [a_touchpoint(chance, number, text(chance)) for number in range(given.count)]
        found[name] = sorted(measure(made) for _ in range(given.runs))
    medians = {name: round(statistics.median(runs)) for name, runs in found.items()}
    _lab.show(
        f"Normal form on one core ({os.cpu_count()} there, median of {given.runs} runs)",
        ["texts", "touchpoints/s", "slowest", "fastest", "µs each", "must"],
        [
            (
                name,
                medians[name],
                round(runs[0]),
                round(runs[-1]),
                round(1e6 / medians[name], 1),
                MUST if name == "mixed" else "",
            )
            for name, runs in found.items()
        ],
    )
    if given.json:
        print(json.dumps({"name": "normalise", "cores": os.cpu_count(), "must": MUST, "touchpoints_per_s": medians}))
    if medians["mixed"] < MUST:
        raise SystemExit(f"mixed: {medians['mixed']:,} touchpoints/s, less than {MUST:,}")


if __name__ == "__main__":
    main()
