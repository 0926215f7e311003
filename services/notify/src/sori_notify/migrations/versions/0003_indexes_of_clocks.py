"""Indexes for threads, followers, leases and groups."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_deadline_unleased",
            "deadline",
            ["fire_time"],
            unique=False,
            postgresql_where=sa.text("state = 'armed' and leased_until is null"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.create_index(
            "ix_matter_change_xid",
            "matter",
            ["change_xid", "case_id"],
            unique=False,
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.create_index(
            op.f("ix_matter_thread_key"),
            "matter",
            ["thread_key"],
            unique=False,
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.create_index(
            "ix_thread_event_grouped",
            "thread_event",
            ["customer_id"],
            unique=False,
            postgresql_where=sa.text("grouped"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(
            "ix_thread_event_grouped",
            table_name="thread_event",
            postgresql_where=sa.text("grouped"),
            postgresql_concurrently=True,
            if_exists=True,
        )
        op.drop_index(op.f("ix_matter_thread_key"), table_name="matter", postgresql_concurrently=True, if_exists=True)
        op.drop_index("ix_matter_change_xid", table_name="matter", postgresql_concurrently=True, if_exists=True)
        op.drop_index(
            "ix_deadline_unleased",
            table_name="deadline",
            postgresql_where=sa.text("state = 'armed' and leased_until is null"),
            postgresql_concurrently=True,
            if_exists=True,
        )
