"""The first schema: people, items, decisions with their chained trail, and what is asked."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

NEVER = """
CREATE TRIGGER {table}_is_never_{verb}d BEFORE {verb_upper} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is only ever added to'); END
"""
NEVER_ON_POSTGRESQL = """
CREATE TRIGGER {table}_is_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION only_added_to()
"""
REFUSE = """
CREATE FUNCTION only_added_to() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME; END $$
"""


def upgrade() -> None:
    """Make the tables, and let nothing change a decision or an event."""
    _people()
    _items()
    _decisions()
    _trail()
    _asked()
    _append_only("decision", "event")


def _people() -> None:
    op.create_table(
        "person",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("token_digest", sa.String, unique=True),
        sa.Column("created_at", sa.String, nullable=False),
        sa.Column("closed_at", sa.String),
    )
    op.create_table(
        "session",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("person", sa.String, sa.ForeignKey("person.name"), nullable=False),
        sa.Column("expires_at", sa.String, nullable=False),
    )


def _items() -> None:
    op.create_table(
        "item",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False, unique=True),
        sa.Column("motor", sa.String, nullable=False, index=True),
        sa.Column("domain", sa.String, nullable=False),
        sa.Column("side", sa.String, nullable=False),
        sa.Column("moment", sa.String),
        sa.Column("recorded_at", sa.Float),
        sa.Column("source", sa.String, nullable=False),
    )
    op.create_table(
        "answer",
        sa.Column("item_id", sa.Integer, sa.ForeignKey("item.id"), primary_key=True),
        sa.Column("seat", sa.String, primary_key=True),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("effective", sa.Integer, nullable=False),
        sa.Column("action", sa.String),
        sa.Column("label", sa.String),
        sa.Column("reviewer", sa.String),
    )


def _decisions() -> None:
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("request_id", sa.String, nullable=False, unique=True),
        sa.Column("item_id", sa.Integer, sa.ForeignKey("item.id"), nullable=False),
        sa.Column("seat", sa.String, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("before", sa.Integer, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("label", sa.String),
        sa.Column("reviewer", sa.String, nullable=False),
        sa.Column("decided_at", sa.String, nullable=False),
        sa.Column("seen", sa.Text, nullable=False),
        sa.UniqueConstraint("item_id", "seat", "revision", name="one_decision_a_revision"),
    )


def _trail() -> None:
    op.create_table(
        "event",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("actor", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("previous", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
    )
    head = op.create_table(
        "head",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "number": 0, "digest": ""}])


def _asked() -> None:
    op.create_table(
        "asked",
        sa.Column("queue", sa.String, primary_key=True),
        sa.Column("item_id", sa.Integer, sa.ForeignKey("item.id"), primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("iteration", sa.Integer, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("chance", sa.Float),
        sa.Column("suggestion", sa.Text, nullable=False),
        sa.Column("is_blind", sa.Boolean, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("claimed_by", sa.String),
        sa.Column("claimed_until", sa.String),
    )
    op.create_index("next_in_queue", "asked", ["queue", "is_open", "position"])


def _append_only(*tables: str) -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    if on_postgresql:
        op.execute(REFUSE)
    for table in tables:
        if on_postgresql:
            op.execute(NEVER_ON_POSTGRESQL.format(table=table))
            continue
        for verb in ("update", "delete"):
            op.execute(NEVER.format(table=table, verb=verb, verb_upper=verb.upper()))
