"""Alerts and what is said of them."""

import datetime as dt
import uuid

import orjson

from sori.notify.v1 import alert_events_pb2
from sori_kit import ids
from sori_notify import domain
from sori_notify.wire.words import timestamp


def clock_reason(clock: domain.Clock, *, percent: int = 0) -> str:
    """Say that a promise is broken, or that so much of its time is used up."""
    which = clock.metric.value if clock.instance == 1 else f"{clock.metric.value}.{clock.instance}"
    return f"{which}.warned.{percent}" if percent else f"{which}.breached"


def alert(given: domain.Case, clock: domain.Clock, *, percent: int = 0) -> domain.Alert:
    """Write the alert of a breach or warning: what to look for and where, no words and nobody's identifiers."""
    reason = clock_reason(clock, percent=percent)
    case_id = str(given.case_id)
    alert_id = ids.derived("alert", case_id, reason)
    body = {
        "alert_id": alert_id,
        "reason": reason,
        "case_id": case_id,
        "channel": given.channel,
        "org_unit": given.org_unit,
        "policy": clock.policy,
        "due_time": clock.due_time and clock.due_time.isoformat(),
        "source": given.source,
        "thread_id": given.thread_id,
        "severity": given.severity,
    }
    return domain.Alert(
        alert_id=uuid.UUID(alert_id),
        case_id=given.case_id,
        reason=reason,
        org_unit=given.org_unit,
        body=orjson.dumps(body).decode(),
    )


def alert_sent(given: domain.Alert, *, target: str, now: dt.datetime) -> alert_events_pb2.AlertSent:
    """Say that an alert was delivered."""
    return alert_events_pb2.AlertSent(
        alert_id=str(given.alert_id),
        case_id=str(given.case_id),
        reason=given.reason,
        target=target,
        org_unit=given.org_unit,
        sent_time=timestamp(now),
        attempt_count=given.attempts,
    )
