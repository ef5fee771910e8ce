"""The catalogue: sample data, CSV checks, database of any address, SQL filters."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from poc.catalog import CSV_PATH, fitting, import_csv, least_needs, names, open_catalogue
from poc.errors import DataError, ParameterError
from poc.products.catalog_csv import COLUMNS, read_csv

HEADER = ",".join(COLUMNS)
SOFA = "A1,Sofa,sofa,modern,1.80,0.90,0.80,0.60,1999,EUR"
WARDROBE = "A2,Wardrobe,Wardrobe,Nordic,1.00,0.60,2.00,0.70,899.50,EUR"


@pytest.fixture
def own_csv(tmp_path):
    return write(tmp_path / "own.csv", SOFA, WARDROBE)


def write(path: Path, *rows: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


# --- the sample catalogue ----------------------------------------------------------------------------------------


def test_the_sample_catalogue_is_broad_and_plausible():
    content = read_csv(CSV_PATH)
    by_category = Counter(product.category for product in content.products)
    assert len(content.products) >= 180 and len(by_category) == 8 and min(by_category.values()) >= 20
    assert len({product.style for product in content.products}) == 6 and content.currency == "CNY"
    assert len({product.name for product in content.products}) == len(content.products)
    for product in content.products:
        assert 0.3 <= product.width_m <= 3.0 and 0.25 <= product.depth_m <= 2.4 and 0.35 <= product.height_m <= 2.45
        assert 0.45 <= product.clearance_m <= 1.0 and 150 <= product.price <= 10000
        assert product.category != "bed" or product.depth_m > 1.9  # one lies down along it


# --- opening -----------------------------------------------------------------------------------------------------


def test_default_is_built_once_and_rebuilt_when_the_csv_changes(tmp_path, own_csv):
    place = tmp_path / "cat ?#%.sqlite"
    first = open_catalogue(csv_path=own_csv, sqlite_path=place)
    assert (first.count, first.currency) == (2, "EUR") and place.name in first.source
    built = place.stat().st_mtime_ns
    assert open_catalogue(csv_path=own_csv, sqlite_path=place).count == 2 and place.stat().st_mtime_ns == built
    write(own_csv, SOFA)
    assert open_catalogue(csv_path=own_csv, sqlite_path=place).count == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([place.name, "own.csv"])  # nothing half-built is left


def test_a_broken_database_file_is_rebuilt(tmp_path, own_csv):
    place = tmp_path / "cat.sqlite"
    place.write_bytes(b"this is no database" * 100)
    assert open_catalogue(csv_path=own_csv, sqlite_path=place).count == 2


def test_where_nothing_can_be_written_it_stays_in_memory(tmp_path, own_csv):
    catalogue = open_catalogue(csv_path=own_csv, sqlite_path=own_csv / "below a file" / "cat.sqlite")
    assert "in memory" in catalogue.source and len(fitting(catalogue)) == 2


def test_two_processes_may_make_it_at_once(tmp_path):
    place = tmp_path / "cat.sqlite"
    program = (
        "from pathlib import Path; from poc.catalog import *; import sys;"
        "print(open_catalogue(sqlite_path=Path(sys.argv[1])).count, open_catalogue(sys.argv[2]).count)"
    )
    command = [sys.executable, "-c", program, str(place), f"sqlite:///{tmp_path / 'by_url.sqlite'}"]
    (tmp_path / "by_url.sqlite").touch()
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in running]
    expected = str(len(read_csv(CSV_PATH).products))
    assert [out.split() for out, _ in outputs] == [[expected, expected]] * 2, outputs


def test_a_csv_path_is_read_into_memory(own_csv):
    assert open_catalogue(str(own_csv)).count == 2


def test_an_empty_database_is_filled_and_an_imported_one_kept(tmp_path, own_csv):
    url = f"sqlite:///{tmp_path / 'company.sqlite'}"
    with pytest.raises(ParameterError, match="company.sqlite: there is no such database"):
        open_catalogue(url)
    assert not (tmp_path / "company.sqlite").exists()
    (tmp_path / "company.sqlite").touch()
    assert open_catalogue(url).count >= 180
    assert import_csv(own_csv, url) == 2
    again = open_catalogue(url)
    assert again.count == 2 and again.currency == "EUR" and "own.csv" in again.source


def test_a_failed_import_keeps_the_old_products(tmp_path, own_csv):
    url = f"sqlite:///{tmp_path / 'company.sqlite'}"
    import_csv(own_csv, url)
    with pytest.raises(DataError, match="line 2"):
        import_csv(write(tmp_path / "bad.csv", SOFA.replace("1.80", "wide")), url)
    assert open_catalogue(url).count == 2


def foreign_table(path: Path, columns: str, *rows: tuple) -> str:
    with sqlite3.connect(path) as connection:
        connection.execute(f"create table products ({columns})")
        for row in rows:
            connection.execute(f"insert into products values ({','.join('?' * len(row))})", row)
    connection.close()
    return f"sqlite:///{path}"


def test_a_companys_own_table_is_read_and_never_overwritten(tmp_path, own_csv):
    row = ("X", "Desk", "DESK", "Loft", 1.2, 0.6, 0.75, 0.7, 300, "USD")
    unpriced = ("Y", "Desk", "desk", "Loft", 1.2, 0.6, 0.75, 0.7, None, "USD")
    url = foreign_table(tmp_path / "theirs.sqlite", HEADER, row, unpriced)
    catalogue = open_catalogue(url)
    assert [p.sku for p in fitting(catalogue, categories=["Desk"])] == ["X"] and names(catalogue, "style") == ("loft",)
    with pytest.raises(DataError, match="not overwritten"):
        import_csv(own_csv, url)


def test_opening_a_database_takes_no_row_out_of_it(tmp_path, own_csv):
    """A company that put products of its own beside or in place of the sample keeps them, whatever became of the sample since."""
    path = tmp_path / "company.sqlite"
    path.touch()
    assert open_catalogue(f"sqlite:///{path}", csv_path=own_csv).source.startswith("sample catalogue")
    with sqlite3.connect(path) as connection:
        connection.execute("insert into products select 'OWN', name, category, style, width_m, depth_m, height_m, clearance_m, price, currency from products limit 1")
    connection.close()
    own_csv.write_text(own_csv.read_text() + "\n")  # as a newer release has another sample
    catalogue = open_catalogue(f"sqlite:///{path}", csv_path=own_csv)
    assert catalogue.count == 3 and catalogue.source.startswith("products, database") and "OWN" in {p.sku for p in fitting(catalogue)}
    with pytest.raises(DataError, match="not overwritten"):
        import_csv(own_csv, f"sqlite:///{path}")
    url = foreign_table(tmp_path / "theirs.sqlite", HEADER, ("X", "Desk", "desk", "s", 1.2, 0.6, 0.75, 0.7, 300, "USD"))
    with sqlite3.connect(tmp_path / "theirs.sqlite") as connection:
        connection.execute("create table products_facts (name text primary key, value text)")  # as a fill that was interrupted leaves it
    connection.close()
    assert [p.sku for p in fitting(open_catalogue(url))] == ["X"]


def test_what_was_filled_is_known_by_its_products(tmp_path, own_csv):
    """As many rows, but one of the firm's own: not overwritten. What an older version filled holds no list of them, and is believed."""
    path = tmp_path / "company.sqlite"
    url = f"sqlite:///{path}"
    import_csv(own_csv, url)

    def change(statement: str) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute(statement)
        connection.close()

    change("delete from products_facts where name = 'skus'")
    assert import_csv(own_csv, url) == 2 and "own.csv" in open_catalogue(url).source
    change("update products set sku = 'OWN' where sku = (select sku from products limit 1)")
    with pytest.raises(DataError, match="not overwritten"):
        import_csv(own_csv, url)


def test_rows_that_cannot_be_offered_are_left_out(tmp_path):
    good = ("X", "Desk", "desk", "s", 1.2, 0.6, 0.75, 0.7, 300, "USD")
    bad = [("A", *good[1:8], -5, "USD"), ("B", *good[1:7], -0.1, 300, "USD"), (None, *good[1:]), ("C", None, *good[2:]),
           ("D", *good[1:4], "abc", *good[5:]), ("E", *good[1:7], "n/a", 300, "USD")]
    catalogue = open_catalogue(foreign_table(tmp_path / "theirs.sqlite", HEADER, good, *bad))
    assert [p.sku for p in fitting(catalogue)] == ["X"]
    assert least_needs(catalogue, "desk").width_m == 1.2


def test_a_table_that_goes_away_is_told_in_one_line(tmp_path):
    catalogue = open_catalogue(foreign_table(tmp_path / "theirs.sqlite", HEADER, ("X", "Desk", "desk", "s", 1.2, 0.6, 0.75, 0.7, 300, "USD")))
    with sqlite3.connect(tmp_path / "theirs.sqlite") as connection:
        connection.execute("drop table products")
    connection.close()
    for query in (lambda: fitting(catalogue), lambda: least_needs(catalogue, "desk"), lambda: names(catalogue, "style")):
        with pytest.raises(ParameterError, match="cannot use the database .*no such table") as caught:
            query()
        assert "\n" not in str(caught.value)


def test_a_companys_names_are_found_however_they_are_written_and_a_fee_is_no_furniture(tmp_path):
    rows = [(str(k), "Piece", category, "Loft", width, 0.6, 0.75, 0.7, 300, "USD")
            for k, (category, width) in enumerate([("Диван", 1.2), ("sofa ", 1.2), ("Sofa", 1.2), ("sofa", 0)])]
    catalogue = open_catalogue(foreign_table(tmp_path / "theirs.sqlite", HEADER, *rows))
    assert names(catalogue, "category") == ("sofa", "диван")
    assert [p.sku for p in fitting(catalogue, categories=["ДИВАН"])] == ["0"]
    assert [p.sku for p in fitting(catalogue, categories=["sofa"])] == ["2", "1"] and least_needs(catalogue, "sofa").width_m == 1.2
    assert {p.category for p in fitting(catalogue)} == {"sofa", "диван"}


def test_a_company_that_keeps_no_clearance_needs_none(tmp_path):
    rows = [("X", "Desk", "desk", "Loft", 1.2, 0.6, 0.75, None, 300, "USD"), ("Y", "Desk", "desk", "Loft", 1.2, 0.7, 0.75, 0.5, 400, "USD")]
    catalogue = open_catalogue(foreign_table(tmp_path / "theirs.sqlite", HEADER, *rows))
    assert [(p.sku, p.clearance_m) for p in fitting(catalogue)] == [("X", 0.0), ("Y", 0.5)]
    assert [p.sku for p in fitting(catalogue, max_depth_m=0.6, clear_sides=2)] == ["X"]
    assert least_needs(catalogue, "desk", max_price=350).depth_m == least_needs(catalogue, "desk").depth_m == 0.6


def test_a_foreign_table_that_lacks_columns_or_mixes_currencies_is_named(tmp_path):
    with pytest.raises(DataError, match="lacks the column.*depth_m"):
        open_catalogue(foreign_table(tmp_path / "a.sqlite", "sku, name, category, style, width_m"))
    rows = [("X", "D", "desk", "s", 1, 1, 1, 1, 3, "USD"), ("Y", "D", "desk", "s", 1, 1, 1, 1, 3, "EUR")]
    with pytest.raises(DataError, match="EUR, USD"):
        open_catalogue(foreign_table(tmp_path / "b.sqlite", HEADER, *rows))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("catalogue", "neither a database URL"),
        ("postgresql://u:secret@host:port/db", "neither a database URL"),
        ("oracel://u:secret@host/db", "unknown kind of database"),
        ("sqlite:////no/such/folder/x.db", "there is no such database"),
        ("sqlite:////", "cannot use the database"),
        ("mssql+pyodbc://u:secret@host/db", "needs the Python driver “pyodbc”"),
        ("nowhere.csv", "cannot read the catalogue"),
        ("mssql+pyodbc:///?odbc_connect=PWD%3Dsecret", "needs the Python driver “pyodbc”"),
    ],
)
def test_a_wrong_address_gets_one_clear_line_without_the_password(url, message, monkeypatch):
    if "pyodbc" in url:
        monkeypatch.setitem(sys.modules, "pyodbc", None)  # as if it were not installed
    with pytest.raises((ParameterError, DataError), match=message) as caught:
        open_catalogue(url)
    assert "\n" not in str(caught.value) and "secret" not in str(caught.value)


# --- CSV ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (SOFA.replace("1.80", "abc"), "line 2: width_m “abc” is not a number"),
        (SOFA.replace("1.80", "180"), "line 2: width_m 180 is outside .*perhaps 1.8"),
        (SOFA.replace("0.90", "nan"), "line 2: depth_m nan is outside"),
        (SOFA.replace("0.80", "-1"), "line 2: height_m -1 is outside"),
        (SOFA.replace("1999", ""), "line 2: price “” is not a number"),
        (SOFA.replace("Sofa", " "), "line 2: name is empty"),
        (SOFA.replace("Sofa", "S" * 201), "line 2: name has 201 characters"),
        ("A1,Sofa", "line 2: 2 cells"),
        (SOFA + "\n" + SOFA, "line 3: sku A1 is on line 2"),
        (SOFA + "\n\n" + WARDROBE.replace("EUR", "USD"), "line 4: currency USD"),
        ("", "contains no products"),
        ('"A1,' + SOFA, "not proper CSV"),
    ],
)
def test_a_bad_row_is_named_by_line_and_fault(tmp_path, row, message):
    with pytest.raises(DataError, match=message):
        read_csv(write(tmp_path / "bad.csv", row))


def test_all_bad_rows_are_counted_and_five_shown(tmp_path):
    rows = [SOFA.replace("A1", f"A{i}").replace("1.80", "x") for i in range(9)]
    with pytest.raises(DataError, match="9 bad row.*line 6.*and 4 more") as caught:
        read_csv(write(tmp_path / "bad.csv", *rows))
    assert "line 7" not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (HEADER.replace("width_m", "width"), "missing column.*width_m.*unknown: width"),
        (HEADER.replace(",", ";"), "commas, not semicolons"),
        (HEADER.replace("price", "sku,price"), "appear twice"),
        ("", "missing column"),
    ],
)
def test_a_bad_header_is_named(tmp_path, header, message):
    with pytest.raises(DataError, match=message):
        read_csv(write(tmp_path / "bad.csv", SOFA, header=header))


def test_excels_utf8_other_column_order_and_extra_columns_are_accepted(tmp_path):
    path = tmp_path / "own.csv"
    header, row = [*reversed(COLUMNS), "note"], [*reversed(SOFA.replace("Sofa", "沙发").split(",")), "x"]
    path.write_text(",".join(header) + "\r\n" + ",".join(row) + "\r\n", encoding="utf-8-sig")
    (product,) = read_csv(path).products
    assert product.name == "沙发" and product.width_m == 1.80 and product.price == 1999
    path.write_bytes("沙发".encode("gb18030"))
    with pytest.raises(DataError, match="not UTF-8"):
        read_csv(path)


# --- queries -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "skus"),
    [
        ({}, ["A1", "A2"]),
        ({"max_width_m": 1.79}, ["A2"]),
        ({"max_width_m": 1.80}, ["A1", "A2"]),
        ({"max_width_m": 1.49, "side_m": 0.5}, []),
        ({"max_depth_m": 1.30}, ["A2"]),  # 0.60 + 0.70 in front; the sofa needs 1.50
        ({"max_depth_m": 1.29}, []),
        ({"max_depth_m": 2.0, "clear_sides": 2}, ["A2"]),
        ({"max_height_m": 1.9}, ["A1"]),
        ({"max_area_m2": 1.0}, ["A2"]),
        ({"max_price": 900}, ["A2"]),
        ({"categories": ["SOFA"]}, ["A1"]),
        ({"styles": [" nordic "]}, ["A2"]),
        ({"categories": []}, []),
    ],
)
def test_filters(own_csv, limits, skus):
    assert [product.sku for product in fitting(open_catalogue(str(own_csv)), **limits)] == skus


def test_the_database_does_the_filtering(own_csv):
    from sqlalchemy import event

    catalogue, seen = open_catalogue(str(own_csv)), []
    event.listen(catalogue.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    fitting(catalogue, max_width_m=1.2, max_depth_m=1.4, max_price=1000, categories=["wardrobe"])
    statement = seen[-1]  # before it, which names there are
    assert all(term in statement.split("WHERE")[1] for term in ("width_m", "depth_m", "clearance_m", "price", "category"))


def test_least_needs_and_names(own_csv):
    catalogue = open_catalogue(str(own_csv))
    least = least_needs(catalogue, "sofa", side_m=0.2, clear_sides=2)
    assert (least.count, least.width_m, least.depth_m, least.height_m, least.body_m) == pytest.approx((1, 2.0, 2.1, 0.8, 0.9))
    assert least_needs(catalogue, "sofa", max_price=10).width_m is None
    assert names(catalogue, "category") == ("sofa", "wardrobe")
    with pytest.raises(ParameterError, match="not for price"):
        names(catalogue, "price")


def test_the_readme_names_every_category_that_has_a_rule():
    from poc.recommend import RULES

    told = (Path(__file__).parent.parent / "data" / "catalogue" / "README.md").read_text("utf-8")
    assert all(f"`{category}`" in told for category in RULES) and "any other category" in told
