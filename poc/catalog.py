"""The product catalogue: a database behind SQLAlchemy, and the queries that filter it.

By default it is an SQLite file beside the sample data, built on first use from `data/catalogue/products.csv` and
rebuilt when that file changes (its hash is stored). Any other database is given by its URL: an empty one is filled with the
sample catalogue, one that has products is only read. A CSV file is read into memory.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from poc.errors import DataError, ParameterError
from poc.products.catalog_csv import CLEARANCE_RANGE_M, COLUMNS, PRICE_RANGE, SIZE_RANGE_M, CatalogueFile, file_hash, read_csv
from poc.products.catalog_db import (
    create,
    database_errors,
    engine_at,
    fill,
    first_line,
    owner_of,
    read_only,
    shown,
    sqlite_url,
    stored_facts,
    tables,
)
from poc.runs import from_project, project_root
from poc.types import Product

if TYPE_CHECKING:
    from sqlalchemy import Engine

log = logging.getLogger(__name__)

DATA = project_root() / "data"
CSV_PATH = DATA / "catalogue" / "products.csv"
SQLITE_PATH = DATA / "catalogue.sqlite"
BUILT_IN = "sample catalogue"


@dataclass(frozen=True)
class Catalogue:
    """An open catalogue. currency: of all its prices. count: number of products. source: where it is, in words, without a password."""

    engine: Engine
    currency: str
    count: int
    source: str


# --- opening -----------------------------------------------------------------------------------------------------


def open_catalogue(
    url: str | None = None, *, csv_path: Path | None = None, sqlite_path: Path | None = None
) -> Catalogue:
    """Open a catalogue. url: a database URL or the path of a CSV file; None or "" for the default SQLite file.

    csv_path and sqlite_path replace the two files of the default. Raises ParameterError (wrong address or driver, database that cannot be
    reached) and DataError (file or table without valid products).
    """
    url = (url or "").strip()
    if is_csv(url):
        return _in_memory(read_csv(from_project(Path(url))), f"{Path(url).name}, read into memory")
    if url:
        return _open_url(url, csv_path or CSV_PATH)
    return _open_default(csv_path or CSV_PATH, sqlite_path or SQLITE_PATH)


def is_csv(address: str) -> bool:
    """Whether an address is the path of a CSV file, not the URL of a database."""
    return address.lower().endswith(".csv") and "://" not in address


def shown_address(address: str) -> str:
    """The address as it may be printed: a database URL without its password."""
    return address if is_csv(address) or not address else shown(address)


def from_here(address: str) -> str:
    """The address with a relative path of a CSV or SQLite file made absolute, since a notebook's kernel runs in another folder."""
    if is_csv(address):
        return str(Path(address).resolve())
    path = _sqlite_file(address)
    return address if path is None else _at(address, path)


def import_csv(path: str | Path, url: str) -> int:
    """Check a CSV file and store it in the database at `url`, replacing what was imported there before.

    It is one transaction, so on any error the old products stay. A table `products` that this program did not create is never
    overwritten. Returns the number of products. Raises DataError and ParameterError.
    """
    content = read_csv(path)
    engine = engine_at(url)
    with database_errors(url):
        if owner_of(engine) == "foreign":
            raise DataError(f"{shown(url)} already has a table “products” from elsewhere, which is not overwritten; name another database")
        fill(engine, content, f"products imported from {Path(path).name}")
    return len(content.products)


def _open_default(csv_path: Path, sqlite_path: Path) -> Catalogue:
    """The default SQLite file, rebuilt first if it is out of date; in memory where it cannot be written."""
    from sqlalchemy.exc import SQLAlchemyError

    wanted = file_hash(csv_path)
    if _stored_hash(sqlite_path) != wanted:
        content = read_csv(csv_path)
        try:
            _build_file(content, sqlite_path)
        except (OSError, SQLAlchemyError) as error:  # a read-only install or a full disk must not stop a report
            log.info("catalogue kept in memory: cannot write %s (%s)", sqlite_path, first_line(error))
            return _in_memory(content, f"{BUILT_IN}, in memory ({sqlite_path.parent} cannot be written)")
    return _describe(read_only(sqlite_path), f"{BUILT_IN}, SQLite file {sqlite_path.name}")


def _build_file(content: CatalogueFile, sqlite_path: Path) -> None:
    """Build the file beside its target and move it there in one step, so that other processes see either the old file or the new one."""
    part = sqlite_path.with_name(f"{sqlite_path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.part")
    try:
        engine = create(sqlite_url(str(part)))
        fill(engine, content, BUILT_IN)
        engine.dispose()
        os.replace(part, sqlite_path)
    finally:
        part.unlink(missing_ok=True)


def _stored_hash(sqlite_path: Path) -> str | None:
    """The hash stored in an SQLite file; None where the file is missing or damaged (it is then rebuilt)."""
    from sqlalchemy.exc import DBAPIError

    if not sqlite_path.is_file():
        return None
    try:
        return stored_facts(read_only(sqlite_path)).get("sha256")
    except DBAPIError as error:
        log.info("catalogue %s is rebuilt: %s", sqlite_path.name, first_line(error))
        return None


def _in_memory(content: CatalogueFile, source: str) -> Catalogue:
    from sqlalchemy.pool import StaticPool

    engine = create("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    fill(engine, content, source)
    return _describe(engine, source)


def _open_url(url: str, csv_path: Path) -> Catalogue:
    """A database given by its URL. It is filled if it has no products; otherwise it is only read, even if it holds an older sample, since
    opening a database must not remove rows. An SQLite file must exist: a misspelt name would otherwise create a new sample catalogue."""
    engine = engine_at(_existing(url))
    with database_errors(url):
        if owner_of(engine) == "nobody":
            log.warning("%s: filled with the %s", shown(url), BUILT_IN)
            _fill_shared(engine, read_csv(csv_path))
        owner = owner_of(engine)
        return _describe(engine, f"{'products' if owner == 'foreign' else owner}, database {shown(url)}")


def _existing(url: str) -> str:
    """The address; an SQLite file that does not exist is looked for in the project's folder. Raises ParameterError where it is not
    found."""
    path = _sqlite_file(url)
    if path is None or path.exists():
        return url
    if not (found := from_project(path)).exists():
        raise ParameterError(f"{path}: there is no such database; give an existing SQLite file, or a CSV file")
    return _at(url, found)


def _sqlite_file(address: str) -> Path | None:
    """The file of an SQLite address; None for any other database, or one in memory."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        database = make_url(address).database if address.startswith("sqlite") else None
    except (ArgumentError, ValueError):  # reported when it is opened
        return None
    return Path(database) if database and database != ":memory:" and not database.startswith("file:") else None


def _at(address: str, path: Path) -> str:
    """An SQLite address with its file replaced."""
    from sqlalchemy.engine import make_url

    return make_url(address).set(database=str(path.resolve())).render_as_string(hide_password=False)


def _fill_shared(engine: Engine, content: CatalogueFile) -> None:
    """Fill a database that another process may be filling with the same products at the same time."""
    from sqlalchemy.exc import DBAPIError

    try:
        fill(engine, content, BUILT_IN)
    except DBAPIError:
        if stored_facts(engine).get("sha256") != content.sha256:
            fill(engine, content, BUILT_IN)


def _describe(engine: Engine, source: str) -> Catalogue:
    """The catalogue in an engine, with count and currency from queries. Raises DataError for no products or several currencies."""
    from sqlalchemy import func, select

    products, _ = tables()
    _check_columns(engine, source)
    with engine.connect() as connection:
        count = connection.execute(select(func.count()).select_from(products)).scalar_one()
        currencies = [c or "" for (c,) in connection.execute(select(products.c.currency).distinct())]
    if not count:
        raise DataError(f"the catalogue ({source}) contains no products: give a CSV file instead")
    if len(currencies) > 1:
        raise DataError(f"the catalogue ({source}) mixes currencies ({', '.join(sorted(currencies))}): keep one")
    return Catalogue(engine, currencies[0], int(count), source)


def _check_columns(engine: Engine, source: str) -> None:
    from sqlalchemy import inspect

    have = {column["name"].lower() for column in inspect(engine).get_columns("products")}
    missing = [column for column in COLUMNS if column not in have]
    if missing:
        raise DataError(f"the table “products” ({source}) lacks the column(s) {', '.join(missing)}")


# --- queries -----------------------------------------------------------------------------------------------------


def fitting(
    catalogue: Catalogue,
    *,
    max_width_m: float | None = None,
    max_depth_m: float | None = None,
    max_height_m: float | None = None,
    categories: Sequence[str] | None = None,
    styles: Sequence[str] | None = None,
    max_price: float | None = None,
    max_area_m2: float | None = None,
    side_m: float = 0.0,
    clear_sides: int = 1,
) -> tuple[Product, ...]:
    """Products within the limits, filtered by the database; ordered by category, price and sku.

    Needed width is width_m + side_m; needed depth is depth_m + clear_sides · clearance_m (free floor in front, and
    behind as well for 2); area is the piece's own. None sets no limit; an empty list of names matches nothing.
    """
    from sqlalchemy import select

    products, _ = tables()
    limits = (
        (products.c.width_m + side_m, max_width_m),
        (_deep(clear_sides), max_depth_m),
        (products.c.height_m, max_height_m),
        (products.c.width_m * products.c.depth_m, max_area_m2),
    )
    query = _chosen(catalogue, select(products), categories, styles, max_price)
    query = query.where(*[need <= limit for need, limit in limits if limit is not None])
    query = query.order_by(products.c.category, products.c.price, products.c.sku)
    return tuple(_product(row) for row in _rows(catalogue, query))


def on_offer(catalogue: Catalogue, categories: Sequence[str], styles: Sequence[str] | None, max_price: float | None) -> int:
    """The number of products of these categories and styles, at this price or less, of any size. Arguments as in `fitting`."""
    from sqlalchemy import func, select

    products, _ = tables()
    ((count,),) = _rows(catalogue, _chosen(catalogue, select(func.count(products.c.sku)), categories, styles, max_price))
    return int(count)


@dataclass(frozen=True)
class LeastNeeds:
    """The least that any of `count` products needs, in metres: width, depth with clearance, height, and depth without clearance. None where
    count is 0."""

    count: int
    width_m: float | None
    depth_m: float | None
    height_m: float | None
    body_m: float | None


def least_needs(
    catalogue: Catalogue,
    category: str,
    *,
    styles: Sequence[str] | None = None,
    max_price: float | None = None,
    side_m: float = 0.0,
    clear_sides: int = 1,
) -> LeastNeeds:
    """The smallest width, depth and height needed in a category, each on its own. Arguments as in `fitting`."""
    from sqlalchemy import func, select

    products, _ = tables()
    least = (func.count(), func.min(products.c.width_m + side_m), func.min(_deep(clear_sides)), func.min(products.c.height_m),
             func.min(products.c.depth_m))
    (row,) = _rows(catalogue, _chosen(catalogue, select(*least), [category], styles, max_price))
    return LeastNeeds(*row)


def _deep(clear_sides: int):
    """The depth needed, as an SQL expression; a missing clearance counts as 0."""
    from sqlalchemy import func

    products, _ = tables()
    return products.c.depth_m + clear_sides * func.coalesce(products.c.clearance_m, 0.0)


def _chosen(catalogue: Catalogue, query, categories: Sequence[str] | None, styles: Sequence[str] | None, max_price: float | None):
    """The query narrowed to categories, styles (in any case) and price. A row of a company's own table that lacks a name, price or size, or
    has an impossible number (a fee, a misprint, or text, which SQLite accepts in any column), is left out."""
    from sqlalchemy import func

    products, _ = tables()
    query = query.where(products.c.sku.is_not(None), products.c.name.is_not(None))
    query = query.where(*[size.between(*SIZE_RANGE_M) for size in (products.c.width_m, products.c.depth_m, products.c.height_m)])
    query = query.where(func.coalesce(products.c.clearance_m, 0.0).between(*CLEARANCE_RANGE_M), products.c.price.between(*PRICE_RANGE))
    if max_price is not None:
        query = query.where(products.c.price <= max_price)
    for column, wanted in (("category", categories), ("style", styles)):
        if wanted is not None:
            folded = {_folded(name) for name in wanted}
            query = query.where(products.c[column].in_([name for name in _as_written(catalogue, column) if _folded(name) in folded]))
    return query


def _folded(name: str) -> str:
    """A name in the form in which names are compared; done here, since databases differ in lower case and keep surrounding blanks."""
    return name.strip().lower()


def _as_written(catalogue: Catalogue, column: str) -> list[str]:
    """The distinct values of a column as the database has them."""
    from sqlalchemy import select

    return [str(name) for (name,) in _rows(catalogue, select(tables()[0].c[column]).distinct()) if name]


def _rows(catalogue: Catalogue, query) -> list:
    """All rows of a query. Raises ParameterError of one line where the database fails."""
    with database_errors(catalogue.engine.url), catalogue.engine.connect() as connection:
        return list(connection.execute(query))


def names(catalogue: Catalogue, column: str) -> tuple[str, ...]:
    """The distinct values of `category` or `style`, in order."""
    if column not in ("category", "style"):
        raise ParameterError(f"names are kept for category and style, not for {column}")
    return tuple(sorted({_folded(name) for name in _as_written(catalogue, column)} - {""}))


def _product(row) -> Product:
    sizes = {name: float(getattr(row, name)) for name in ("width_m", "depth_m", "height_m", "price")}
    clearance_m = float(row.clearance_m or 0.0)
    return Product(str(row.sku), str(row.name), _folded(str(row.category)), _folded(str(row.style)), clearance_m=clearance_m, **sizes)
