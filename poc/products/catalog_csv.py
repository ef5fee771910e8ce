"""Reads a catalogue from a CSV file and checks it. Every bad row is reported with its line number and what is wrong with it."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from dataclasses import dataclass
from pathlib import Path

from poc.errors import DataError
from poc.types import Product

COLUMNS = ("sku", "name", "category", "style", "width_m", "depth_m", "height_m", "clearance_m", "price", "currency")
TEXT_LENGTHS = {"sku": 64, "name": 200, "category": 64, "style": 64, "currency": 16}
"""Maximum number of characters in each text column."""
SIZE_RANGE_M = (0.05, 6.0)
"""Accepted sizes of a piece of furniture. Sizes given in centimetres fall outside and are refused with a hint."""
CLEARANCE_RANGE_M = (0.0, 3.0)
PRICE_RANGE = (0.0, 1e9)
SHOWN_ERRORS = 5
"""Number of bad rows that an error message lists."""
SCHEMA = "products 1"
"""Layout of the database table; part of the stored hash, so that a new layout rebuilds the database as a new CSV does."""


@dataclass(frozen=True)
class CatalogueFile:
    """A checked CSV file: its products, their common currency, and the hash of its bytes and the table layout."""

    products: tuple[Product, ...]
    currency: str
    sha256: str


def file_hash(path: Path) -> str:
    """Hash that changes with the file's bytes and with the table layout. Raises DataError where it cannot be read."""
    return hashlib.sha256(SCHEMA.encode() + _read_bytes(path)).hexdigest()


def read_csv(path: str | Path) -> CatalogueFile:
    """Read and check a catalogue. Columns: `COLUMNS`, in any order; others are ignored; metres; one currency, any code.

    Raises DataError: unreadable, not UTF-8, a column missing, no rows, or bad rows (the first five, each with its line).
    """
    path = Path(path)
    data = _read_bytes(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path.name} is not UTF-8 text: save it as “CSV UTF-8” and try again") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    products, currency, errors = _read_rows(reader, path.name)
    if errors:
        more = f"; and {len(errors) - SHOWN_ERRORS} more" if len(errors) > SHOWN_ERRORS else ""
        raise DataError(f"{path.name}: {len(errors)} bad row(s): " + "; ".join(errors[:SHOWN_ERRORS]) + more)
    if not products:
        raise DataError(f"{path.name} contains no products below its header")
    return CatalogueFile(tuple(products), currency, hashlib.sha256(SCHEMA.encode() + data).hexdigest())


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the catalogue {path}: {error.strerror or error}") from None


def _read_rows(reader, name: str) -> tuple[list[Product], str, list[str]]:
    """Products, currency, and the errors of all bad rows. Raises DataError for a header that lacks a column."""
    products: list[Product] = []
    errors: list[str] = []
    first_line: dict[str, int] = {}
    currency = ""
    try:
        index = _column_index(next(reader, []), name)
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            line = reader.line_num
            try:
                product, row_currency = _parse_row(row, index)
                _check_unique(product.sku, line, first_line)
                currency = _check_currency(row_currency, currency)
                products.append(product)
            except ValueError as error:
                errors.append(f"line {line}: {error}")
    except csv.Error as error:
        raise DataError(f"{name}, line {reader.line_num}: not proper CSV ({error})") from None
    return products, currency, errors


def _column_index(header: list[str], name: str) -> dict[str, int]:
    """Position of each column. Raises DataError naming the missing columns and the unknown ones found instead."""
    found = [cell.strip().lower() for cell in header]
    missing = [column for column in COLUMNS if column not in found]
    if missing:
        hint = " (separate the columns by commas, not semicolons)" if any(";" in cell for cell in header) else ""
        there = ", ".join(cell for cell in found if cell and cell not in COLUMNS)
        raise DataError(
            f"{name}, line 1: missing column(s) {', '.join(missing)}{hint}" + (f"; unknown: {there}" if there else "")
        )
    doubled = [column for column in COLUMNS if found.count(column) > 1]
    if doubled:
        raise DataError(f"{name}, line 1: column(s) {', '.join(doubled)} appear twice")
    return {column: found.index(column) for column in COLUMNS}


def _parse_row(row: list[str], index: dict[str, int]) -> tuple[Product, str]:
    """One row as a product and its currency. Raises ValueError with what is wrong."""
    if len(row) <= max(index.values()):
        raise ValueError(f"{len(row)} cells where the header has at least {max(index.values()) + 1}")
    cell = {column: row[i].strip() for column, i in index.items()}
    for column, longest in TEXT_LENGTHS.items():
        if not cell[column]:
            raise ValueError(f"{column} is empty")
        if len(cell[column]) > longest:
            raise ValueError(f"{column} has {len(cell[column])} characters, at most {longest} fit")
    sizes = {column: _number(cell[column], column, *SIZE_RANGE_M) for column in ("width_m", "depth_m", "height_m")}
    product = Product(
        sku=cell["sku"],
        name=cell["name"],
        category=cell["category"].lower(),
        style=cell["style"].lower(),
        clearance_m=_number(cell["clearance_m"], "clearance_m", *CLEARANCE_RANGE_M),
        price=_number(cell["price"], "price", *PRICE_RANGE),
        **sizes,
    )
    return product, cell["currency"].upper()


def _number(text: str, column: str, low: float, high: float) -> float:
    """A finite number between low and high. Raises ValueError with a hint."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{column} “{text}” is not a number (write 1.80, without a unit)") from None
    if math.isfinite(value) and low <= value <= high:
        return value
    hint = f"; sizes are in metres, so perhaps {value / 100:g}?" if column.endswith("_m") and low <= value / 100 <= high else ""
    raise ValueError(f"{column} {text} is outside {low:g} to {high:g}{hint}")


def _check_unique(sku: str, line: int, first_line: dict[str, int]) -> None:
    if sku in first_line:
        raise ValueError(f"sku {sku} is on line {first_line[sku]} already")
    first_line[sku] = line


def _check_currency(found: str, before: str) -> str:
    """The common currency. Raises ValueError for another one than before: prices are compared as plain numbers."""
    if before and found != before:
        raise ValueError(f"currency {found}, but the rows before have {before}: one catalogue, one currency")
    return found
