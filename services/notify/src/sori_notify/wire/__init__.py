"""Domain to proto and back, nothing else."""

from sori_notify.wire import alerting, facts
from sori_notify.wire.alerts import alert, alert_sent, clock_reason
from sori_notify.wire.cases import (
    as_field,
    attainment,
    case,
    case_changed,
    case_message,
    case_state,
    channel,
    clock_breached,
    clock_state,
    clock_warned,
    log_entry,
    metric,
    severity,
    tally,
)
from sori_notify.wire.clocks import clock, evidence, turn
from sori_notify.wire.customers import corrected, erased, merge, named, split
from sori_notify.wire.touchpoints import flag, message
from sori_notify.wire.words import timestamp

__all__ = [
    "alert",
    "alert_sent",
    "alerting",
    "as_field",
    "attainment",
    "case",
    "case_changed",
    "case_message",
    "case_state",
    "channel",
    "clock",
    "clock_breached",
    "clock_reason",
    "clock_state",
    "clock_warned",
    "corrected",
    "erased",
    "evidence",
    "facts",
    "flag",
    "log_entry",
    "merge",
    "message",
    "metric",
    "named",
    "severity",
    "split",
    "tally",
    "timestamp",
    "turn",
]
