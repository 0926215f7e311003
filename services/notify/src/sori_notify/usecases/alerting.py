"""What rules, chains and messages work with, kept together as it is in force now."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

from sori_notify import domain
from sori_notify.deliveries.links import Links
from sori_notify.usecases.rules import House


def nothing() -> House:
    """Give a house without any rule, chain or target."""
    return House(policies=domain.Policies(opening_kinds=frozenset(), policies=()), settle=dt.timedelta())


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerting:
    """Collaborators of everything that tells somebody something."""

    house: Callable[[], House] = nothing  # as it is in force now
    links: Links = field(default_factory=lambda: Links("", "", lifetime=dt.timedelta()))
    grace: dt.timedelta = dt.timedelta(seconds=30)  # later than that a step is overdue
