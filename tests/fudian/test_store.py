"""The store keeps what it was given, all of it or nothing, in SQLite and in PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, func, insert, inspect, select, update
from sqlalchemy.exc import IntegrityError, StatementError

from fudian.store import Store, store_of, url_beside
from fudian.store.access_tables import ACCOUNTS, LOOKS, SESSIONS
from fudian.store.database import IN_MEMORY
from fudian.store.schema import METADATA
from fudian.store.upgrade import configuration
from network import FudianError

NOON = datetime(2022, 10, 9, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    store = store_of(store_url)
    yield store
    store.close()


def new_account(connection: Connection, name: str) -> int:
    row = {"name": name, "shown_name": name, "role": "viewer", "created_at": NOON}
    return int(connection.execute(insert(ACCOUNTS).values(row).returning(ACCOUNTS.c.account_id)).scalar_one())


def accounts_in(store: Store) -> int:
    with store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(ACCOUNTS)).scalar_one())


def tables_in(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


def test_the_migrations_make_what_is_declared(store: Store) -> None:
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []
    assert tables_in(store.engine) == {*METADATA.tables, "alembic_version"}


def test_the_migrations_lead_back_and_forth(store: Store) -> None:
    with store.writing() as connection:
        command.downgrade(configuration(connection), "base")
    assert tables_in(store.engine) == {"alembic_version"}
    with store.writing() as connection:
        command.upgrade(configuration(connection), "head")
    assert tables_in(store.engine) >= set(METADATA.tables)


def test_every_migration_stands_in_one_line(store: Store) -> None:
    with store.reading() as connection:
        scripts = ScriptDirectory.from_config(configuration(connection))
        steps = [step.revision for step in scripts.walk_revisions()]
    assert len(scripts.get_heads()) == 1
    assert steps == [f"{number:04}" for number in range(len(steps), 0, -1)]


def test_what_was_kept_is_there_when_the_store_is_opened_again(store_url: str) -> None:
    first = store_of(store_url)
    with first.writing() as connection:
        new_account(connection, "li")
    first.close()
    second = store_of(store_url)
    assert accounts_in(second) == 1
    second.close()


def test_moments_keep_their_meaning(store: Store) -> None:
    china = NOON.astimezone(timezone(timedelta(hours=8))) + timedelta(microseconds=1)
    row = {"who": "li", "role": "dispatcher", "peer": "::1", "list": "dispatch", "which": "", "form": "page"}
    with store.writing() as connection:
        connection.execute(insert(LOOKS).values(row | {"at": china, "is_masked": True}))
    with store.reading() as connection:
        (at,) = connection.execute(select(LOOKS.c.at)).scalars()
        assert connection.execute(select(LOOKS.c.who).where(LOOKS.c.at <= china)).scalars().all() == ["li"]
    assert (at, at.tzinfo) == (china, UTC)
    with pytest.raises(StatementError, match="moments with a zone"), store.writing() as connection:
        connection.execute(insert(LOOKS).values(row | {"at": datetime(2022, 1, 1), "is_masked": True}))


def test_a_write_is_kept_whole_or_not_at_all(store: Store) -> None:
    def write(*names: str) -> None:
        with store.writing() as connection:
            for name in names:
                new_account(connection, name)

    with pytest.raises(IntegrityError):
        write("li", "wang", "li")
    assert accounts_in(store) == 0
    write("li", "wang")
    assert accounts_in(store) == 2


def test_what_refers_to_nothing_is_refused(store: Store) -> None:
    row = {"session_hash": "0", "account_id": 7, "created_at": NOON, "seen_at": NOON, "expires_at": NOON}
    with pytest.raises(IntegrityError), store.writing() as connection:
        connection.execute(insert(SESSIONS).values(row))


def test_who_reads_sees_one_state_while_another_writes(store: Store) -> None:
    with store.writing() as writer:
        new_account(writer, "li")
        assert accounts_in(store) == 0
    assert accounts_in(store) == 1


@pytest.mark.parametrize("url", ["file", IN_MEMORY])
def test_many_threads_lose_nothing(url: str, tmp_path: Path) -> None:
    store = store_of(tmp_path / "a folder" / "店 store" if url == "file" else url)
    with store.writing() as connection:
        account = new_account(connection, "0")

    def add(_: int) -> None:
        with store.writing() as connection:
            number = int(connection.execute(select(ACCOUNTS.c.shown_name)).scalar_one())
            new_name = update(ACCOUNTS).where(ACCOUNTS.c.account_id == account).values(shown_name=str(number + 1))
            connection.execute(new_name)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(200)))
    with store.reading() as connection:
        assert connection.execute(select(ACCOUNTS.c.shown_name)).scalar_one() == "200"
    store.close()


def test_two_servers_that_start_at_once_make_one_store(store_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(store_of, [store_url] * 4))
    assert tables_in(stores[0].engine) == {*METADATA.tables, "alembic_version"}
    for store in stores:
        store.close()


KILLED = """
    import os, signal
    from datetime import UTC, datetime
    from sqlalchemy import insert
    from fudian.store import store_of
    from fudian.store.access_tables import ACCOUNTS

    def row(name):
        return {"name": name, "shown_name": name, "role": "viewer", "created_at": datetime.now(UTC)}

    store = store_of(os.environ["STORE"])
    with store.writing() as connection:
        connection.execute(insert(ACCOUNTS), [row("kept")])
    with store.writing() as connection:
        connection.execute(insert(ACCOUNTS), [row(f"lost {number}") for number in range(1000)])
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_server_that_is_killed_leaves_what_was_written_and_no_half(store_url: str) -> None:
    told = {**os.environ, "STORE": store_url}
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED)], env=told, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    store = store_of(store_url)
    with store.reading() as connection:
        assert connection.execute(select(ACCOUNTS.c.name)).scalars().all() == ["kept"]
    store.close()


def test_a_store_of_a_newer_program_is_left_alone(store_url: str) -> None:
    store = store_of(store_url)
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    with pytest.raises(FudianError, match="newer Fudian"):
        store_of(store_url)


def test_the_store_stands_beside_the_workspace_for_its_owner_alone(tmp_path: Path) -> None:
    place = tmp_path / "county.fudian" / "store.sqlite"
    assert url_beside(tmp_path / "county") == f"sqlite:///{place}"
    store = store_of(url_beside(tmp_path / "county"))
    with store.writing() as connection:
        new_account(connection, "li")
    modes = {path.name: path.stat().st_mode & 0o777 for path in place.parent.iterdir()}
    assert modes["store.sqlite"] == 0o600
    assert set(modes.values()) == {0o600}
    assert place.parent.stat().st_mode & 0o777 == 0o700
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://li:secret@localhost/fudian",
        "://secret",
        "oracle+nothing://li:secret@localhost/fudian",
        "postgresql://li:secret@127.0.0.1:1/fudian?connect_timeout=1",
        "/dev/null/store",
    ],
)
def test_a_store_that_cannot_be_had_is_told_without_its_password(url: str) -> None:
    with pytest.raises(FudianError) as refused:
        store_of(url)
    assert "--store" in str(refused.value.hint)
    assert "secret" not in f"{refused.value} {refused.value.hint}"


def test_what_is_no_store_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "outages.csv"
    file.write_text("outage_id,start\n" * 200, "utf-8")
    with pytest.raises(FudianError, match="cannot be opened"):
        store_of(file)
    assert file.read_text("utf-8") == "outage_id,start\n" * 200
