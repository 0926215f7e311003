"""Tables and queries of notify; rows never leave this package."""

from sori_notify.store import alerts, chains, customers, deliveries, erasures, outreach, windows
from sori_notify.store.acts import add_acts, load_acts
from sori_notify.store.alerts import add_alerts, claim_alerts, mark_sent, mark_unsent
from sori_notify.store.attainment import Measured, attainment, threads_between
from sori_notify.store.cases import Wanted, add_cases, changed, horizon, key_of, last_crisis, load, page, save
from sori_notify.store.corrections import add_corrections
from sori_notify.store.deadlines import fire_deadlines, keys_of, lease_deadlines, save_deadlines
from sori_notify.store.locks import hold, try_hold
from sori_notify.store.messages import add_messages, cases_of
from sori_notify.store.promises import add_promises, load_promises
from sori_notify.store.tables import METADATA
from sori_notify.store.tally import Tally, count_touchpoints, tally

__all__ = [
    "METADATA",
    "Measured",
    "Tally",
    "Wanted",
    "add_acts",
    "add_alerts",
    "add_cases",
    "add_corrections",
    "add_messages",
    "add_promises",
    "alerts",
    "attainment",
    "cases_of",
    "chains",
    "changed",
    "claim_alerts",
    "count_touchpoints",
    "customers",
    "deliveries",
    "erasures",
    "fire_deadlines",
    "hold",
    "horizon",
    "key_of",
    "keys_of",
    "last_crisis",
    "lease_deadlines",
    "load",
    "load_acts",
    "load_promises",
    "mark_sent",
    "mark_unsent",
    "outreach",
    "page",
    "save",
    "save_deadlines",
    "tally",
    "threads_between",
    "try_hold",
    "windows",
]
