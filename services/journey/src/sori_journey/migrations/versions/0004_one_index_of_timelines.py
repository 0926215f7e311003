"""One index of timelines for pages and watchers."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_timeline_place",
            "timeline",
            ["customer_id", "occurred_time", "touchpoint_id"],
            unique=False,
            postgresql_include=["arrival"],
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        for name in ("ix_timeline_page", "ix_timeline_arrival"):  # The old code finds its way by the new one.
            op.drop_index(name, table_name="timeline", postgresql_concurrently=True, if_exists=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name, columns in (
            ("ix_timeline_arrival", ["customer_id", "arrival"]),
            ("ix_timeline_page", ["customer_id", "occurred_time", "touchpoint_id"]),
        ):
            op.create_index(name, "timeline", columns, unique=False, postgresql_concurrently=True, if_not_exists=True)
        op.drop_index("ix_timeline_place", table_name="timeline", postgresql_concurrently=True, if_exists=True)
