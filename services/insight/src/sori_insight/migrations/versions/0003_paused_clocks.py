"""Clocks that stand still."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NAME = op.f("ck_case_latest_clock_state")


def upgrade() -> None:
    op.drop_constraint(_NAME, "case_latest", type_="check")
    op.create_check_constraint(
        _NAME,
        "case_latest",
        "clock_state in ('running', 'fulfilled', 'breached', 'cancelled', 'paused')",
        postgresql_not_valid=True,  # What the old one let through passes the new one: nothing needs to be read.
    )


def downgrade() -> None:
    op.execute("update case_latest set clock_state = 'running' where clock_state = 'paused'")
    op.drop_constraint(_NAME, "case_latest", type_="check")
    op.create_check_constraint(_NAME, "case_latest", "clock_state in ('running', 'fulfilled', 'breached', 'cancelled')")
