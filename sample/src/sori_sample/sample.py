"""The whole sample, made in one call."""

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass

from sori.ee_feedback.v1 import ee_feedback_service_pb2
from sori.ingest.v1 import touchpoint_pb2
from sori_sample import commerce, customers, flaws, staff, truth
from sori_sample.conversations import Conversations
from sori_sample.journal import Journal, reference
from sori_sample.opinions import Opinions
from sori_sample.stories import Plan
from sori_sample.truth import Truth
from sori_sample.window import Window

DEFAULT_SEED = 20260101


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A made-up month of a made-up company."""

    touchpoints: list[touchpoint_pb2.Touchpoint]  # as submitted, by occurred_time
    responses: list[ee_feedback_service_pb2.ImportedResponse]
    truth: Truth


def generate(*, seed: int = DEFAULT_SEED, end: dt.date) -> Sample:
    """Make the 30 days before `end` (exclusive, Korean time); the same arguments give the same bytes."""
    window = Window(end)
    plan = Plan(window)
    people = customers.population(_rng(seed, "customers"))
    journal = Journal(window, _rng(seed, "journal"))
    orders = commerce.trade(people, plan, journal, _rng(seed, "commerce"))
    conversations = Conversations(people, orders, plan, journal)
    conversations.hold()
    Opinions(people, orders, plan, journal).collect()
    entries = journal.close()

    copies = flaws.duplicates(entries, _rng(seed, "duplicates"))
    refused = flaws.invalid(window)
    touchpoints = _in_order([*(entry.touchpoint for entry in entries), *copies, *(bad for bad, _ in refused)])
    heard = staff.listen(plan, _rng(seed, "staff"))
    return Sample(
        touchpoints=touchpoints,
        responses=list(heard.responses),
        truth=Truth(
            notice=truth.NOTICE,
            seed=seed,
            start=window.start.isoformat(),
            end=window.end.isoformat(),
            submitted=len(touchpoints),
            valid_distinct=len(entries),
            duplicates=len(copies),
            invalid=len(refused),
            duplicate_references=[reference(copy) for copy in copies],
            invalid_reasons={reference(bad): reason for bad, reason in refused},
            customers=truth.customers(entries),
            unidentified=[entry.reference for entry in entries if not entry.customer],
            labels=truth.labels(entries),
            threads=conversations.threads,
            stories=truth.stories(entries, conversations.threads, heard, plan),
            unit_weeks=truth.unit_weeks(entries),
            voices=sum(bool(response.text) for response in heard.responses),
            pulses=sum(response.HasField("score") for response in heard.responses),
            responses=len(heard.responses),
            staff_weeks=heard.weeks,
            counts=truth.counts(entries),
        ),
    )


def _rng(seed: int, part: str) -> random.Random:
    """Give each part its own chance, so that a change in one leaves the others alone."""
    return random.Random(f"{seed}:{part}")


def _in_order(touchpoints: Sequence[touchpoint_pb2.Touchpoint]) -> list[touchpoint_pb2.Touchpoint]:
    """Sort by occurred_time; a copy comes right after its original, and what has no time comes first."""
    return sorted(touchpoints, key=lambda one: (one.occurred_time.ToNanoseconds(), reference(one)))
