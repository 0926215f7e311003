"""How many touchpoints a second can one core ask 50 rules about?

Measured from the event as it arrives to what would fire, counts in memory; the database is another question. Beside it
what the conditions cost when nothing is told cheaply beforehand.
"""

import argparse
import datetime as dt
import json
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.table import Table

from sori.classify.v1 import classification_pb2
from sori.ingest.v1 import touchpoint_pb2
from sori.journey.v1 import position_pb2
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori_kit import ids
from sori_notify.domain.rules import Fact, Keys, Memory, RuleSet, Scopes, holding, settle
from sori_notify.settings import rules
from sori_notify.wire.facts import fact

NOON = dt.datetime(2026, 11, 2, 3, tzinfo=dt.UTC)
CHANNELS = ("app", "web", "kakao", "call_center", "sns", "review", "survey", "email", "chat")
MOODS = (
    classification_pb2.SENTIMENT_NEGATIVE,
    classification_pb2.SENTIMENT_NEUTRAL,
    classification_pb2.SENTIMENT_POSITIVE,
)
KINDS = ("inquiry", "complaint", "praise", "review", "mention", "reply", "purchase", "delivery")


def fifty_rules() -> str:
    """Write rules as a house has them: most about one channel or kind, some that count, some that read the text."""
    found = ["rules:"]
    for number in range(50):
        channel, kind = CHANNELS[number % len(CHANNELS)], KINDS[number % len(KINDS)]
        if number % 10 == 0:
            found.append(
                f"  - name: r{number}\n"
                f"    counts: {{c: {{by: customer, within: 7d}}}}\n"
                f'    if: touchpoint.channel == "{channel}" && classification.sentiment == "negative"'
                f" && counts.c.now >= {number + 3}\n"
                "    do: {tags: [a]}"
            )
        elif number % 10 == 5:
            found.append(
                f"  - name: r{number}\n"
                f'    if: touchpoint.kind == "{kind}" && touchpoint.text.contains("환불{number}")\n'
                "    do: {severity: high}"
            )
        elif number % 10 == 9:
            found.append(
                f"  - name: r{number}\n"
                f'    if: classification.urgency > 0.{number} && "price" in classification.topics\n'
                "    do: {notify: [cx]}"
            )
        else:
            found.append(
                f"  - name: r{number}\n"
                f'    if: touchpoint.channel == "{channel}" && touchpoint.kind == "{kind}"'
                f' && touchpoint.org_unit == "shop-{number}" && classification.urgency >= 0.5\n'
                "    do: {open_case: true}"
            )
    return "\n".join(found) + "\n"


def touchpoints(count: int) -> list[TouchpointStitched]:
    """Make touchpoints of all kinds."""
    chance = random.Random(1)
    found: list[TouchpointStitched] = []
    for number in range(count):
        touchpoint = touchpoint_pb2.Touchpoint(
            touchpoint_id=ids.derived("bench", str(number)),
            source="bench",
            channel=touchpoint_pb2.Channel.Value(f"CHANNEL_{chance.choice(CHANNELS).upper()}"),
            kind=touchpoint_pb2.TouchpointKind.Value(f"TOUCHPOINT_KIND_{chance.choice(KINDS).upper()}"),
            actor=touchpoint_pb2.ACTOR_CUSTOMER,
            text="배송이 또 늦었어요. 환불해 주세요. 몇 번째인지 모르겠네요.",
            org_unit=f"shop-{chance.randrange(60)}",
            product=f"p-{chance.randrange(30)}",
            attributes={"app_version": "1.2"},
        )
        touchpoint.occurred_time.FromDatetime(NOON + dt.timedelta(seconds=number))
        classification = classification_pb2.Classification(
            sentiment=chance.choice(MOODS),
            language="ko",
            topics=chance.sample(["delivery", "price", "staff", "app"], 2),
            urgency=chance.random(),
            keywords=["배송", "환불"],
        )
        position = position_pb2.Position(
            customer_id=ids.derived("customer", str(chance.randrange(2000))), stage=position_pb2.STAGE_RETENTION
        )
        found.append(TouchpointStitched(touchpoint=touchpoint, classification=classification, position=position))
    return found


def ask(ruleset: RuleSet, stitched: list[TouchpointStitched]) -> int:
    """Ask all rules about all touchpoints; gives how many would fire."""
    memory, fired = Memory(), 0
    for each in stitched:
        given = fact(each)
        fired += len(_ask(ruleset, given, memory))
    return fired


def _ask(ruleset: RuleSet, given: Fact, memory: Memory) -> list[Any]:
    scope = Scopes(ruleset.scope).of(given)
    for counter in ruleset.counted(given, scope):
        memory.add(counter, given)
    return settle(given, holding(ruleset.candidates(given), given, scope, memory.count))


def rate(work: Callable[[], int], count: int) -> tuple[float, int]:
    """Say how many a CPU second are done, and what came of it; the best of three."""
    best, result = 0.0, 0
    for _ in range(3):
        start = time.process_time()
        result = work()
        best = max(best, count / (time.process_time() - start))
    return best, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--touchpoints", type=int, default=50_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    ruleset, stitched = rules.parse("bench", fifty_rules()), touchpoints(given.touchpoints)
    keyless = replace(
        ruleset, rules=tuple(replace(each, keys=Keys()) for each in ruleset.rules), _asked={}, _counted={}
    )
    reading, _ = rate(lambda: len([fact(each) for each in stitched]), len(stitched))
    asked, fired = rate(lambda: ask(ruleset, stitched), len(stitched))
    every, _ = rate(lambda: ask(keyless, stitched), len(stitched))
    figures = {
        "rules": len(ruleset.rules),
        "touchpoints": len(stitched),
        "touchpoints_per_cpu_second": round(asked),
        "reading_alone_per_cpu_second": round(reading),
        "every_condition_asked_per_cpu_second": round(every),
        "fired": fired,
    }
    if given.json:
        print(json.dumps(figures))
        return
    table = Table("what", "figure", title="50 rules, one core")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), f"{value:,}")
    Console().print(table)


if __name__ == "__main__":
    main()
