"""Messages to customers on real engines."""

import datetime as dt
import uuid
from collections.abc import Iterable
from pathlib import Path

import builders
import harness
from engines import Engines
from sori_notify.settings import automation as files
from sori_notify.usecases import automation

AUTOMATIONS = """\
automations:
  - name: cart
    enabled: true
    if: touchpoint.kind == "cart"
    after: 1h
    unless: [purchase]
    purpose: marketing
    target: gateway
"""
ANNA, BORA, CHOI = (f"00000000-0000-4000-8000-{number:012}" for number in (1, 2, 3))


class Agreed:
    """What some customers have agreed to."""

    async def agreed(self, customer_ids: Iterable[uuid.UUID], purpose: str) -> set[uuid.UUID]:
        return {uuid.UUID(ANNA), uuid.UUID(BORA)} if purpose == "marketing" else set()


async def test_a_cart_that_is_left_is_followed_up_once_with_consent_and_each_decision_is_kept(
    engines: Engines, tmp_path: Path
) -> None:
    (tmp_path / "sla.yaml").write_text("policies:\n  - {name: rest, first_response: 24h}\n")
    (tmp_path / "automation.yaml").write_text(AUTOMATIONS)
    env = {"SORI_NOTIFY_POLICY_PATH": str(tmp_path / "sla.yaml"), "SORI_NOTIFY_SWEEP_SECONDS": "60"}
    now = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=30)
    async with harness.serving("notify", engines, env=env) as notify:
        for customer in (ANNA, ANNA, BORA, CHOI):
            await notify.publish(builders.stitched(customer_id=customer, kind="cart", occurred_time=now))
        await notify.publish(builders.stitched(customer_id=BORA, kind="purchase", occurred_time=now))

        async def triggered() -> bool:
            handled = await notify.count("inbox where durable = 'notify-follow'")
            return handled == 5 and await notify.count("outreach") == 4

        await harness.until(triggered)
        read = files.parse("automation.yaml", AUTOMATIONS)
        await automation.decide(notify.db, read, Agreed(), now=now + dt.timedelta(hours=1))
        await automation.decide(notify.db, read, Agreed(), now=now + dt.timedelta(hours=2))

        async with notify.db.transaction() as tx:
            rows = await tx.execute("select customer_id, reason from outreach order by customer_id, reason")
            decided = [(str(row.customer_id), row.reason) for row in rows]
        assert [(ANNA, ""), (ANNA, "too_often"), (BORA, "not_needed_any_more"), (CHOI, "no_consent")] == decided
        assert 1 == await notify.count("delivery where origin = 'automation'")
