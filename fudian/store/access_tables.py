"""Who may come in: accounts, sessions, tokens, wrong passwords, and who looked at which list of customers."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from fudian.store.tables import METADATA, UtcMoment

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("account_id", Integer, primary_key=True),
    Column(
        "name", String(200), nullable=False, unique=True
    ),  # in lower case; names are compared without regard to case
    Column("shown_name", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("unit", String(200)),  # sees only this unit; NULL: all
    Column("password_hash", String(300)),  # NULL: signs in elsewhere
    Column("subject", String(500), unique=True),  # issuer and subject of a sign-in elsewhere
    Column("created_at", UtcMoment, nullable=False),
    Column("disabled_at", UtcMoment),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("session_hash", String(64), primary_key=True),  # SHA-256 of what the cookie holds
    Column("account_id", Integer, ForeignKey("accounts.account_id", ondelete="CASCADE"), nullable=False),
    Column("created_at", UtcMoment, nullable=False),
    Column("seen_at", UtcMoment, nullable=False),
    Column("expires_at", UtcMoment, nullable=False),
    Index(None, "account_id"),
    Index(None, "expires_at"),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("token_id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("token_hash", String(64), nullable=False, unique=True),  # SHA-256 of the token
    Column("scopes", String(200), nullable=False),  # with blanks between
    Column("unit", String(200)),
    Column("created_at", UtcMoment, nullable=False),
    Column("expires_at", UtcMoment),
    Column("used_at", UtcMoment),
    Column("revoked_at", UtcMoment),
)

REFUSALS = Table(
    "sign_in_failures",
    METADATA,
    Column("source", String(100), primary_key=True),  # whose failures are counted: a peer, a name, or both
    Column("failures", Integer, nullable=False),
    Column("first_at", UtcMoment, nullable=False),
    Column("until", UtcMoment, nullable=False),  # forgotten then
    Index(None, "until"),
)

LOOKS = Table(
    "looks",
    METADATA,
    Column("look_id", Integer, primary_key=True),
    Column("at", UtcMoment, nullable=False),
    Column("who", String(200), nullable=False),
    Column("role", String(20), nullable=False),
    Column("peer", String(100), nullable=False),
    Column("list", String(100), nullable=False),  # which list: page and name, or route
    Column("which", Text, nullable=False),  # of which event or plan: what the address names
    Column("form", String(20), nullable=False),  # page, csv, xlsx, html, json
    Column("is_masked", Boolean, nullable=False),
    Column("customers", Integer),
    Index(None, "at"),
    Index(None, "who"),
)
