"""The product catalogue: a database behind SQLAlchemy, and the queries that filter it.

Without an address it is an SQLite file beside the sample data, built on first use from `data/catalogue/products.csv` and
rebuilt when that file changes (its hash is stored). Any other database goes by its URL; an empty one is filled with the
sample catalogue, one that holds products is only read. A path to a CSV file is read into memory.
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
    """An open catalogue. currency: of all its prices. count: products in it. source: where it is, in words, no password."""

    engine: Engine
    currency: str
    count: int
    source: str


# --- opening -----------------------------------------------------------------------------------------------------


def open_catalogue(
    url: str | None = None, *, csv_path: Path | None = None, sqlite_path: Path | None = None
) -> Catalogue:
    """Open the catalogue: None is the default SQLite file, else a database URL or the path of a CSV file.

    csv_path and sqlite_path replace the default's two files. Raises ParameterError (address or driver wrong, database
    out of reach) and DataError (file or table does not hold what it should).
    """
    url = (url or "").strip()
    if is_csv(url):
        return _in_memory(read_csv(from_project(Path(url))), f"{Path(url).name}, read into memory")
    if url:
        return _open_url(url, csv_path or CSV_PATH)
    return _open_default(csv_path or CSV_PATH, sqlite_path or SQLITE_PATH)


def is_csv(address: str) -> bool:
    """Whether an address is a CSV file's path, not a database's URL."""
    return address.lower().endswith(".csv") and "://" not in address


def shown_address(address: str) -> str:
    """The address as it may be told: a database's without its password."""
    return address if is_csv(address) or not address else shown(address)


def from_here(address: str) -> str:
    """The address with a relative path of a CSV or SQLite file made absolute: a notebook's kernel stands in another folder."""
    if is_csv(address):
        return str(Path(address).resolve())
    path = _sqlite_file(address)
    return address if path is None else _at(address, path)


def import_csv(path: str | Path, url: str) -> int:
    """Check a company's CSV and put it into the database at `url` in place of what was imported there before.

    One transaction: on any error the old products stay. A table `products` that this program did not make is never
    overwritten. Returns the number of products. Raises DataError, ParameterError.
    """
    content = read_csv(path)
    engine = engine_at(url)
    with database_errors(url):
        if owner_of(engine) == "foreign":
            raise DataError(f"{shown(url)} already has a table “products” from elsewhere, which is not overwritten; name another database")
        fill(engine, content, f"products imported from {Path(path).name}")
    return len(content.products)


def _open_default(csv_path: Path, sqlite_path: Path) -> Catalogue:
    """The SQLite file if it is up to date, else built now; where it cannot be written, the same in memory."""
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
    """Build beside the target and move it there in one step: a second process sees the old file or the new, whole."""
    part = sqlite_path.with_name(f"{sqlite_path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.part")
    try:
        engine = create(sqlite_url(str(part)))
        fill(engine, content, BUILT_IN)
        engine.dispose()
        os.replace(part, sqlite_path)
    finally:
        part.unlink(missing_ok=True)


def _stored_hash(sqlite_path: Path) -> str | None:
    """Hash stored in an SQLite file; None where there is no file, or no sound one (it is then rebuilt)."""
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
    """Another database: filled where it holds no products, else only read, be it an older sample: who opens a database has not
    asked for a row of it to go. An SQLite file has to be there: a misspelt one would be made, and the sample recommended from it."""
    engine = engine_at(_existing(url))
    with database_errors(url):
        if owner_of(engine) == "nobody":
            log.warning("%s: filled with the %s", shown(url), BUILT_IN)
            _fill_shared(engine, read_csv(csv_path))
        owner = owner_of(engine)
        return _describe(engine, f"{'products' if owner == 'foreign' else owner}, database {shown(url)}")


def _existing(url: str) -> str:
    """The address; of an SQLite file in the project's folder where it is not here. Raises ParameterError where it is nowhere."""
    path = _sqlite_file(url)
    if path is None or path.exists():
        return url
    if not (found := from_project(path)).exists():
        raise ParameterError(f"{path}: there is no such database; give an existing SQLite file, or a CSV file")
    return _at(url, found)


def _sqlite_file(address: str) -> Path | None:
    """The file that an SQLite address names; None for any other database, and one in memory."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        database = make_url(address).database if address.startswith("sqlite") else None
    except (ArgumentError, ValueError):  # told when it is opened
        return None
    return Path(database) if database and database != ":memory:" and not database.startswith("file:") else None


def _at(address: str, path: Path) -> str:
    """An SQLite address with another file."""
    from sqlalchemy.engine import make_url

    return make_url(address).set(database=str(path.resolve())).render_as_string(hide_password=False)


def _fill_shared(engine: Engine, content: CatalogueFile) -> None:
    """Fill a database that another process may be filling at the same moment with the same products."""
    from sqlalchemy.exc import DBAPIError

    try:
        fill(engine, content, BUILT_IN)
    except DBAPIError:
        if stored_facts(engine).get("sha256") != content.sha256:
            fill(engine, content, BUILT_IN)


def _describe(engine: Engine, source: str) -> Catalogue:
    """Count and currency by query. Raises DataError for no product or several currencies."""
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
    """How many products are of these kinds and styles, at this price or less, whatever their size; terms as in `fitting`."""
    from sqlalchemy import func, select

    products, _ = tables()
    ((count,),) = _rows(catalogue, _chosen(catalogue, select(func.count(products.c.sku)), categories, styles, max_price))
    return int(count)


@dataclass(frozen=True)
class LeastNeeds:
    """The least that any of `count` products needs: width, depth with clearance, height, and depth of its own (metres; None
    where count is 0)."""

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
    """Smallest width, depth and height needed in a category (each on its own), by the database; terms as in `fitting`."""
    from sqlalchemy import func, select

    products, _ = tables()
    least = (func.count(), func.min(products.c.width_m + side_m), func.min(_deep(clear_sides)), func.min(products.c.height_m),
             func.min(products.c.depth_m))
    (row,) = _rows(catalogue, _chosen(catalogue, select(*least), [category], styles, max_price))
    return LeastNeeds(*row)


def _deep(clear_sides: int):
    """The depth needed, in SQL; a company's own row without a clearance needs none."""
    from sqlalchemy import func

    products, _ = tables()
    return products.c.depth_m + clear_sides * func.coalesce(products.c.clearance_m, 0.0)


def _chosen(catalogue: Catalogue, query, categories: Sequence[str] | None, styles: Sequence[str] | None, max_price: float | None):
    """The query narrowed to names (any case) and price. A row of a company's own table without a name, a price or a size, or with a
    number that cannot be (a fee, a misprint, text: SQLite keeps any in any column, and sorts it after all numbers) is not offered."""
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
    """A name as it is compared: databases differ in what they take for lower case, and keep blanks around it."""
    return name.strip().lower()


def _as_written(catalogue: Catalogue, column: str) -> list[str]:
    from sqlalchemy import select

    return [str(name) for (name,) in _rows(catalogue, select(tables()[0].c[column]).distinct()) if name]


def _rows(catalogue: Catalogue, query) -> list:
    """All rows of a query; ParameterError of one line where the database fails it."""
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
