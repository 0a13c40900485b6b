"""The tables, as the newest migration leaves them; `migrations/versions` holds how a database gets there."""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()
SHARED = ""  # the seat of training and validation items, whose one answer everybody changes

# Who may do what; the token itself is nowhere.
PERSON = Table(
    "person",
    METADATA,
    Column("name", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("token_digest", String, unique=True),
    Column("created_at", String, nullable=False),
    Column("closed_at", String),
)
SESSION = Table(
    "session",
    METADATA,
    Column("digest", String, primary_key=True),
    Column("person", String, ForeignKey("person.name"), nullable=False),
    Column("expires_at", String, nullable=False),
)
# A recording that can be decided on.
ITEM = Table(
    "item",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("motor", String, nullable=False, index=True),
    Column("domain", String, nullable=False),
    Column("side", String, nullable=False),
    Column("moment", String),
    Column("recorded_at", Float),
    Column("source", String, nullable=False),
)
# What holds of an item now, for each seat: that of everybody, or on the test side each reviewer's own.
ANSWER = Table(
    "answer",
    METADATA,
    Column("item_id", Integer, ForeignKey("item.id"), primary_key=True),
    Column("seat", String, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("effective", Integer, nullable=False),
    Column("action", String),
    Column("label", String),
    Column("reviewer", String),
)
DECISION = Table(
    "decision",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("request_id", String, nullable=False, unique=True),
    Column("item_id", Integer, ForeignKey("item.id"), nullable=False),
    Column("seat", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("before", Integer, nullable=False),
    Column("action", String, nullable=False),
    Column("label", String),
    Column("reviewer", String, nullable=False),
    Column("decided_at", String, nullable=False),
    Column("seen", Text, nullable=False),
    UniqueConstraint("item_id", "seat", "revision", name="one_decision_a_revision"),
)
# The audit trail: each event holds the digest of the one before it.
EVENT = Table(
    "event",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String, nullable=False),
    Column("digest", String, nullable=False),
)
HEAD = Table(
    "head",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("digest", String, nullable=False),
)
# What is asked of people, in which order and why.
ASKED = Table(
    "asked",
    METADATA,
    Column("queue", String, primary_key=True),
    Column("item_id", Integer, ForeignKey("item.id"), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("iteration", Integer, nullable=False),
    Column("reason", String, nullable=False),
    Column("chance", Float),
    Column("suggestion", Text, nullable=False),
    Column("is_blind", Boolean, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("claimed_by", String),
    Column("claimed_until", String),
    Index("next_in_queue", "queue", "is_open", "position"),
)
# A loop's iterations: what was said of them; their states are derived.
ITERATION = Table(
    "iteration",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("opened_at", String, nullable=False),
    Column("label_set", String),
    Column("closed_at", String),
    Column("verdict", String),
)
# Names of model versions, say champion.
ALIAS = Table(
    "alias",
    METADATA,
    Column("name", String, primary_key=True),
    Column("cell", String, nullable=False),
    Column("iteration", Integer, nullable=False),
    Column("set_at", String, nullable=False),
    Column("set_by", String, nullable=False),
)
# Answers change, and what is asked; these two are only ever added to, which triggers hold.
APPEND_ONLY = (DECISION, EVENT)
