"""Rules, chains, schedules and messages, as callers see them."""

from collections import Counter
from collections.abc import Iterable, Sequence

from sori.notify.v1 import chain_pb2, delivery_pb2, outreach_pb2, rule_pb2, schedule_pb2
from sori_kit.errors import InvalidInput
from sori_notify.domain.automation import Outreach, OutreachState
from sori_notify.domain.chains import ChainState, Flaw, Recipient, RecipientKind, stand
from sori_notify.domain.delivery import Delivery, DeliveryState
from sori_notify.domain.rules import Firing, RuleSet
from sori_notify.domain.schedules import Shift
from sori_notify.store.chains import Chain
from sori_notify.wire.words import timestamp

_CHAIN_STATES = {each: chain_pb2.ChainState.Value(f"CHAIN_STATE_{each.name}") for each in ChainState}
_DELIVERY_STATES = {each: delivery_pb2.DeliveryState.Value(f"DELIVERY_STATE_{each.name}") for each in DeliveryState}
_OUTREACH_STATES = {each: outreach_pb2.OutreachState.Value(f"OUTREACH_STATE_{each.name}") for each in OutreachState}
_STATES = {number: each for each, number in _DELIVERY_STATES.items()}


def chain(given: Chain) -> chain_pb2.Chain:
    """Write a chain with its log."""
    standing = stand(given.plan, given.log)
    made = chain_pb2.Chain(
        chain_id=str(given.chain_id),
        case_id=str(given.case_id),
        name=given.plan.name,
        entries=[
            chain_pb2.ChainEntry(
                kind=each.kind.value,
                entry_time=timestamp(each.time),
                round=each.round,
                step=each.step,
                reason=each.reason,
                actor=each.by,
                until_time=timestamp(each.until),
            )
            for each in given.log
        ],
    )
    if standing:
        made.state = _CHAIN_STATES[standing.state]
        made.round, made.step, made.acknowledged_by = standing.round, standing.step, standing.by
        if standing.due_time:
            made.due_time.FromDatetime(standing.due_time)
    return made


def flaw(given: Chain, found: Flaw) -> chain_pb2.ChainFlaw:
    """Write why a chain has no future step."""
    return chain_pb2.ChainFlaw(
        chain_id=str(given.chain_id), case_id=str(given.case_id), name=given.plan.name, reason=found.value
    )


def recipient(given: chain_pb2.ChainRecipient) -> Recipient:
    """Read whom somebody tells."""
    kind = given.WhichOneof("recipient")
    name = getattr(given, kind) if kind else ""
    if not kind or not name:
        raise InvalidInput.of_field("recipient", "is missing")
    return Recipient(kind=RecipientKind(kind), name=name)


def delivery(given: Delivery) -> delivery_pb2.Delivery:
    """Write a message without what it says."""
    return delivery_pb2.Delivery(
        delivery_id=str(given.delivery_id),
        target=given.target,
        origin=given.origin.value,
        reason=given.reason,
        case_id=str(given.case_id or ""),
        state=_DELIVERY_STATES[given.state],
        attempt_count=given.attempts,
        problem=given.problem,
        created_time=timestamp(given.created_time),
        next_attempt_time=timestamp(given.next_attempt_time if given.state is DeliveryState.PENDING else None),
        sent_time=timestamp(given.sent_time),
        digest_id=str(given.digest_id or ""),
    )


def delivery_state(number: int) -> DeliveryState | None:
    """Read a state of a request; None means all."""
    if number and number not in _STATES:
        raise InvalidInput.of_field("state", "is unknown")
    return _STATES.get(delivery_pb2.DeliveryState.ValueType(number))


def outreach(given: Outreach) -> outreach_pb2.Outreach:
    """Write a message to a customer."""
    return outreach_pb2.Outreach(
        outreach_id=str(given.outreach_id),
        automation=given.automation,
        customer_id=str(given.customer_id),
        touchpoint_id=str(given.touchpoint_id),
        triggered_time=timestamp(given.triggered_time),
        due_time=timestamp(given.due_time),
        state=_OUTREACH_STATES[given.state],
        reason=given.reason,
        decided_time=timestamp(given.decided_time),
    )


def outreach_state(number: int) -> OutreachState | None:
    """Read a state of a request; None means all."""
    found = {value: each for each, value in _OUTREACH_STATES.items()}
    if number and number not in found:
        raise InvalidInput.of_field("state", "is unknown")
    return found.get(outreach_pb2.OutreachState.ValueType(number))


def shift(given: Shift) -> schedule_pb2.Shift:
    """Write somebody's turn."""
    return schedule_pb2.Shift(
        person=given.person, start_time=timestamp(given.start_time), end_time=timestamp(given.end_time)
    )


def firing(given: Firing) -> rule_pb2.RuleFiring:
    """Write a rule that held."""
    return rule_pb2.RuleFiring(
        rule=given.rule.name,
        touchpoint_id=str(given.fact.touchpoint_id),
        occurred_time=timestamp(given.fact.occurred_time),
        actions=given.rule.actions.names,
        suppressed_by=given.suppressed_by,
        counts=[
            rule_pb2.RuleCount(name=name, now=each.now, usual=each.usual) for name, each in sorted(given.counts.items())
        ],
    )


def tallies(ruleset: RuleSet, firings: Iterable[Firing]) -> list[rule_pb2.RuleTally]:
    """Count how often each rule held, in their order."""
    counted = Counter((each.rule.name, bool(each.suppressed_by)) for each in firings)
    return [
        rule_pb2.RuleTally(
            rule=each.name,
            fired_count=counted[each.name, False],
            suppressed_count=counted[each.name, True],
            reads_text=each.reads_text,
        )
        for each in ruleset.rules
    ]


def mistakes(found: Sequence[tuple[int, int, str, str]]) -> list[rule_pb2.RuleMistake]:
    """Write where a file of rules is wrong."""
    return [
        rule_pb2.RuleMistake(line=line, column=column, where=where, description=why)
        for line, column, where, why in found
    ]
