"""The catalogue's storage: its two tables, engines for SQLite and other databases, and database errors as one line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from poc.errors import ParameterError
from poc.products.catalog_csv import COLUMNS, TEXT_LENGTHS, CatalogueFile

if TYPE_CHECKING:
    from sqlalchemy import Engine, Table
    from sqlalchemy.engine import URL

LOCK_WAIT_S = 30
"""How long a process waits while another one writes to the same SQLite file."""


@cache
def tables() -> tuple[Table, Table]:
    """The tables of products and of facts about them (hash, source). Built on first use, since importing SQLAlchemy takes a while."""
    from sqlalchemy import Column, Float, MetaData, String, Table

    meta = MetaData()
    kinds = {name: String(TEXT_LENGTHS[name]) if name in TEXT_LENGTHS else Float for name in COLUMNS}
    columns = [Column(name, kind, primary_key=name == "sku", nullable=False) for name, kind in kinds.items()]
    facts = Table("products_facts", meta, Column("name", String(64), primary_key=True), Column("value", String(200)))
    return Table("products", meta, *columns), facts


def fill(engine: Engine, content: CatalogueFile, source: str) -> None:
    """Replace all products and facts in one transaction; missing tables are created."""
    products, facts = tables()
    for table in (facts, products):  # facts first: a table of products without facts counts as somebody else's
        table.create(engine, checkfirst=True)
    columns = [column for column in COLUMNS if column != "currency"]
    rows = [{c: getattr(product, c) for c in columns} | {"currency": content.currency} for product in content.products]
    with engine.begin() as connection:
        connection.execute(facts.delete())
        connection.execute(products.delete())
        connection.execute(products.insert(), rows)
        known = {"sha256": content.sha256, "source": source, "skus": _digest(p.sku for p in content.products)}
        connection.execute(facts.insert(), [{"name": name, "value": value} for name, value in known.items()])


def stored_facts(engine: Engine) -> dict[str, str]:
    """The facts that `fill` stored, by name; empty where there are none."""
    from sqlalchemy import inspect, select

    facts = tables()[1]
    if not inspect(engine).has_table(facts.name):
        return {}
    with engine.connect() as connection:
        return dict(connection.execute(select(facts.c.name, facts.c.value)).all())


def owner_of(engine: Engine) -> str:
    """Where the products of a database come from: "nobody" (there are none), the source given to `fill`, or "foreign" (not put there by
    `fill`, or changed since). A database filled by an older version has no list of skus and is trusted."""
    from sqlalchemy import inspect, select

    products, facts = tables()
    if not inspect(engine).has_table(products.name):
        return "nobody"
    with engine.connect() as connection:
        skus = [str(sku) for (sku,) in connection.execute(select(products.c.sku))]
    if not skus and inspect(engine).has_table(facts.name):
        return "nobody"
    known = stored_facts(engine)
    return known.get("source", "foreign") if known.get("skus", _digest(skus)) == _digest(skus) else "foreign"


def _digest(skus: Iterable[str]) -> str:
    """Hash of a set of skus."""
    return hashlib.sha256("\n".join(sorted(skus)).encode()).hexdigest()


def create(url: str | URL, **options) -> Engine:
    """An engine; for SQLite one that waits LOCK_WAIT_S for another process's write."""
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url

    if make_url(url).get_backend_name() == "sqlite":
        options["connect_args"] = {"timeout": LOCK_WAIT_S, **options.get("connect_args", {})}
    return create_engine(url, **options)


def read_only(path: Path) -> Engine:
    """An engine that only reads an SQLite file and keeps no connection open, since the file may be replaced meanwhile."""
    from sqlalchemy.pool import NullPool

    url = sqlite_url(f"file:{quote(str(path.resolve()))}", mode="ro", uri="true")
    return create(url, poolclass=NullPool)


def sqlite_url(database: str, **query: str) -> URL:
    """An SQLite URL built from its parts, so that no character of a file name is taken for syntax."""
    from sqlalchemy.engine import URL

    return URL.create("sqlite", database=database, query=query)


def engine_at(url: str) -> Engine:
    """An engine for any database URL. Raises ParameterError where the URL, the kind of database or the driver is wrong."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        make_url(url)
    except (ArgumentError, ValueError):
        raise ParameterError(
            "the catalogue's address is neither a database URL (sqlite:///FILE, postgresql://USER@HOST/NAME) nor a .csv file"
        ) from None
    with database_errors(url):
        return create(url, pool_pre_ping=True)


@contextmanager
def database_errors(url: str | URL) -> Iterator[None]:
    """Turn errors of SQLAlchemy and its drivers into a ParameterError of one line that says what to do, without the password."""
    from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError

    try:
        yield
    except NoSuchModuleError:
        raise ParameterError(f"unknown kind of database in {shown(url)}: try sqlite:///FILE or postgresql://…") from None
    except ImportError as error:
        raise ParameterError(f"{shown(url)} needs the Python driver “{error.name}”: install it and try again") from None
    except DBAPIError as error:
        raise ParameterError(f"cannot use the database {shown(url)}: {first_line(error.orig)}") from None
    except SQLAlchemyError as error:
        raise ParameterError(f"cannot use the database {shown(url)}: {first_line(error)}") from None


def shown(url: str | URL) -> str:
    """The URL as it may be printed: without its password and its options, which may hold one; "the database" where it cannot be parsed."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(url).set(query={}).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return "the database"


def first_line(error: BaseException | None) -> str:
    """The first line of an error's message, or its type where it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
