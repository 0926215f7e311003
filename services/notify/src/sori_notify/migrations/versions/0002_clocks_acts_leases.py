"""Clocks, acts, leases."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _replace_check(table: str, column: str, values: str) -> None:
    op.drop_constraint(column, table, type_="check")
    op.create_check_constraint(column, table, f"{column} in ({values})")


def upgrade() -> None:
    op.create_table(
        "calendar_version",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_calendar_version")),
    )
    op.create_table(
        "promise_version",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_promise_version")),
    )
    op.create_table(
        "case_act",
        sa.Column("act_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("act_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=True),
        sa.Column("tags", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "kind in ('assign', 'set_severity', 'tag', 'acknowledge', 'reopen', 'resume', 'set_pending', 'set_on_hold', 'resolve', 'close')",
            name=op.f("ck_case_act_kind"),
        ),
        sa.CheckConstraint("severity in ('low', 'normal', 'high', 'critical')", name=op.f("ck_case_act_severity")),
        sa.ForeignKeyConstraint(["case_id"], ["matter.case_id"], name=op.f("fk_case_act_case_id_matter")),
        sa.PrimaryKeyConstraint("act_id", name=op.f("pk_case_act")),
    )
    op.create_index(op.f("ix_case_act_case_id"), "case_act", ["case_id"], unique=False)
    op.create_table(
        "case_clock",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("instance", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("promise_version", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("start_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("target", sa.Interval(), nullable=False),
        sa.Column("used", sa.Interval(), nullable=False),
        sa.Column("warnings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("breach_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fulfilled_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("declared", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "metric in ('first_response', 'next_response', 'first_resolution', 'total_resolution')",
            name=op.f("ck_case_clock_metric"),
        ),
        sa.CheckConstraint(
            "state in ('running', 'fulfilled', 'breached', 'cancelled', 'paused')", name=op.f("ck_case_clock_state")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["matter.case_id"], name=op.f("fk_case_clock_case_id_matter")),
        sa.PrimaryKeyConstraint("case_id", "metric", "instance", name=op.f("pk_case_clock")),
    )
    op.create_index("ix_case_clock_start_time", "case_clock", ["start_time"], unique=False)
    op.add_column("deadline", sa.Column("token", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("deadline", sa.Column("leased_by", sa.Text(), nullable=True))
    op.add_column("deadline", sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("matter", sa.Column("thread_key", sa.Uuid(), nullable=True))
    op.add_column(
        "matter", sa.Column("segments", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False)
    )
    op.add_column("matter", sa.Column("severity", sa.Text(), server_default="normal", nullable=False))
    op.add_column(
        "matter", sa.Column("tags", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False)
    )
    op.add_column("matter", sa.Column("team", sa.Text(), server_default="", nullable=False))
    op.add_column("matter", sa.Column("person", sa.Text(), server_default="", nullable=False))
    op.add_column("matter", sa.Column("change_xid", sa.BigInteger(), nullable=True))
    op.add_column("thread_event", sa.Column("promise_version", sa.Text(), nullable=True))
    op.add_column("thread_event", sa.Column("public", sa.Boolean(), server_default=sa.text("true"), nullable=False))
    op.add_column("thread_event", sa.Column("severity", sa.Text(), server_default="normal", nullable=False))
    op.add_column(
        "thread_event",
        sa.Column("segments", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
    )
    op.add_column("thread_event", sa.Column("grouped", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.alter_column("deadline", "metric", server_default="first_response")
    for table in ("matter", "thread_event"):
        op.create_check_constraint("severity", table, "severity in ('low', 'normal', 'high', 'critical')")
    _replace_check("matter", "state", "'new', 'open', 'resolved', 'pending', 'on_hold', 'closed', 'reopened'")
    _replace_check("matter", "clock_state", "'running', 'fulfilled', 'breached', 'cancelled', 'paused'")
    op.execute(
        "insert into case_act (act_id, case_id, kind, act_time, actor, team, person, tags)"
        " select cast(md5(cast(case_id as text) || 'acknowledge') as uuid), case_id, 'acknowledge', acknowledged_time, acknowledged_by, '', '', '[]'"
        " from matter where acknowledged_time is not null"
    )
    op.execute(
        "insert into case_act (act_id, case_id, kind, act_time, actor, team, person, tags)"
        " select cast(md5(cast(case_id as text) || 'resolve') as uuid), case_id, 'resolve', closed_time, closed_by, '', '', '[]'"
        " from matter where closed_time is not null"
    )
    op.execute("update matter set closed_time = null where closed_time is not null")  # It says something else now.
    op.execute(
        "insert into case_clock (case_id, metric, instance, policy, promise_version, state, start_time, due_time, target,"
        " used, warnings, breach_time, fulfilled_time, declared)"
        " select m.case_id, 'first_response', 1, m.policy, '', m.clock_state, m.opened_time, m.due_time,"
        " m.due_time - m.opened_time, interval '0', '[]', case when m.clock_state = 'breached' then m.due_time end,"
        " case when m.clock_state = 'fulfilled' then m.answered_time end, coalesce(d.state = 'fired', false)"
        " from matter m left join deadline d using (case_id) where m.policy is not null and m.due_time is not null"
    )


def downgrade() -> None:
    _replace_check("matter", "clock_state", "'running', 'fulfilled', 'breached', 'cancelled'")
    _replace_check("matter", "state", "'new', 'open', 'resolved'")
    for table in ("matter", "thread_event"):
        op.drop_constraint("severity", table, type_="check")
    op.alter_column("deadline", "metric", server_default=None)
    op.drop_column("thread_event", "grouped")
    op.drop_column("thread_event", "segments")
    op.drop_column("thread_event", "severity")
    op.drop_column("thread_event", "public")
    op.drop_column("thread_event", "promise_version")
    op.drop_column("matter", "change_xid")
    op.drop_column("matter", "person")
    op.drop_column("matter", "team")
    op.drop_column("matter", "tags")
    op.drop_column("matter", "severity")
    op.drop_column("matter", "segments")
    op.drop_column("matter", "thread_key")
    op.drop_column("deadline", "leased_until")
    op.drop_column("deadline", "leased_by")
    op.drop_column("deadline", "token")
    op.drop_index("ix_case_clock_start_time", table_name="case_clock")
    op.drop_table("case_clock")
    op.drop_index(op.f("ix_case_act_case_id"), table_name="case_act")
    op.drop_table("case_act")
    op.drop_table("promise_version")
    op.drop_table("calendar_version")
