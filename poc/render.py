"""An executed notebook → the pieces of an HTML page: prose, interactive figures, tables, pictures, folded code.

nbconvert would silently drop figures in plotly's MIME type and load scripts from two servers, so outputs are converted
to HTML here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poc.errors import RunError

PLOTLY_MIME = "application/vnd.plotly.v1+json"
HIDDEN_TAGS = {"parameters", "injected-parameters", "setup", "save", "not-in-report", "papermill-error-cell-tag"}
NEEDS_ROOM = "needs-room"
"""Tag of cells that have nothing to show where no room was found."""


@dataclass(frozen=True)
class Piece:
    """Part of a section. kind: "prose", "figure", "html", "image" or "text". content: HTML; for a figure its JSON, for an image its data
    URI, for text the plain text. height: of a figure, in pixels."""

    kind: str
    content: str
    height: int = 0


@dataclass(frozen=True)
class Section:
    """One notebook's part of the report: the pieces to show, and its code."""

    name: str
    pieces: tuple[Piece, ...]
    code: str


def read_section(path: Path, room: bool = True) -> Section:
    """The section of an executed notebook. room: whether a room was found; without one, cells tagged `NEEDS_ROOM` show nothing.

    Its code leaves out the injected parameters, which may hold paths or a database's password and are listed elsewhere in the report, and
    the defaults that they replaced. Raises RunError when the file is missing or not a notebook.
    """
    try:
        cells = json.loads(path.read_text("utf-8"))["cells"]
    except FileNotFoundError:
        raise RunError(f"{path} is missing: run {path.stem} first (notebooks/{path.name})") from None
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} is not a notebook that can be read ({error})") from error
    tags = [cell["metadata"].get("tags", ()) for cell in cells]
    left_out = {"injected-parameters"} | ({"parameters"} if any("injected-parameters" in own for own in tags) else set())
    code = [_text(cell["source"]) for cell, own in zip(cells, tags) if cell["cell_type"] == "code" and not left_out & set(own)]
    return Section(path.stem, tuple(_pieces(cells, HIDDEN_TAGS if room else HIDDEN_TAGS | {NEEDS_ROOM})), "\n\n".join(code))


def _pieces(cells: list[Mapping[str, Any]], hidden: set[str]) -> Iterator[Piece]:
    """The prose and outputs of all cells that have none of the tags in `hidden`."""
    import mistune

    markdown = mistune.create_markdown(escape=True)
    for cell in cells:
        tags = set(cell["metadata"].get("tags", ()))
        if cell["cell_type"] == "markdown" and not tags & hidden:
            yield Piece("prose", _without_title(markdown(_text(cell["source"]))))
        elif cell["cell_type"] == "code" and not tags & hidden:
            for output in cell.get("outputs", ()):
                piece = _piece(output)
                if piece is not None:
                    yield piece


def _without_title(prose: str) -> str:
    """Prose without the notebook's own heading, since the report has headings of its own."""
    if prose.startswith("<h1>"):
        return prose.partition("</h1>")[2].strip()
    return prose.strip()


def _piece(output: Mapping[str, Any]) -> Piece | None:
    """One output in the richest form that works offline; None for what a report does not show (widgets, errors)."""
    if output["output_type"] == "stream":
        return Piece("text", _text(output["text"])) if output.get("name") == "stdout" else None
    data = output.get("data", {})
    if PLOTLY_MIME in data:
        return _figure(data[PLOTLY_MIME])
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            return Piece("image", f"data:{kind};base64,{''.join(_text(data[kind]).split())}")
    if "text/html" in data:
        return Piece("html", _text(data["text/html"]))
    if "application/vnd.jupyter.widget-view+json" in data or "text/plain" not in data:
        return None
    return Piece("text", _text(data["text/plain"]))


def _figure(bundle: Mapping[str, Any]) -> Piece:
    """A figure's JSON, escaped so that no "</script>" or "<!--" in it can end the script element early."""
    kept = {key: bundle[key] for key in ("data", "layout", "config", "frames") if bundle.get(key)}
    text = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
    return Piece("figure", text.replace("<", "\\u003c"), int(bundle.get("layout", {}).get("height") or 450))


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)
