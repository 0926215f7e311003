"""Touchpoints of rules are kept as they came; counts have one way in, which is the one that reads least."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rule_fact", sa.Column("kind", sa.Text(), server_default="", nullable=False))
    op.add_column("rule_fact", sa.Column("stitched", sa.LargeBinary(), nullable=True))
    op.alter_column("rule_fact", "fact", nullable=True)
    op.create_table(
        "rule_counter",
        sa.Column("counter_id", sa.Text(), nullable=False),
        sa.Column("since_time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("counter_id", name=op.f("pk_rule_counter")),
    )
    op.execute("insert into rule_counter select counter_id, min(occurred_time) from rule_count group by counter_id")
    with op.get_context().autocommit_block():
        for table in ("rule_fact", "rule_count"):
            op.create_index(
                f"ix_{table}_time",
                table,
                ["occurred_time"],
                postgresql_using="brin",
                postgresql_concurrently=True,
                if_not_exists=True,
            )
            op.drop_index(f"ix_{table}_occurred_time", table_name=table, postgresql_concurrently=True, if_exists=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for table, columns in (("rule_fact", ["occurred_time"]), ("rule_count", ["counter_id", "occurred_time"])):
            name = f"ix_{table}_occurred_time"
            op.create_index(name, table, columns, postgresql_concurrently=True, if_not_exists=True)
            op.drop_index(f"ix_{table}_time", table_name=table, postgresql_concurrently=True, if_exists=True)
    op.drop_table("rule_counter")
    op.execute("delete from rule_fact where fact is null")
    op.alter_column("rule_fact", "fact", nullable=False)
    op.drop_column("rule_fact", "stitched")
    op.drop_column("rule_fact", "kind")
