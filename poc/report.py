"""A finished run → one HTML file that works offline: the summary first, then interactive figures, with the code folded away."""

from __future__ import annotations

import html
import importlib.metadata
import importlib.util
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poc.errors import PocError
from poc.messages import LANGUAGES, Messages
from poc.notebook import together
from poc.render import Piece, Section, read_section
from poc.summary import summarise
from poc.words import sentence

if TYPE_CHECKING:
    from poc.runs import Run
    from poc.workbook import StageTime

TEMPLATES = Path(__file__).resolve().parent / "templates"
SOFTWARE = ("poc", "numpy", "onnxruntime", "plotly", "papermill", "scipy", "sqlalchemy")
PHOTO_PX = 900


def build_report(run: Run, stages: Sequence[str], times: Sequence[StageTime], given: Mapping[str, Any], language: str = "en") -> str:
    """The report of a finished run as HTML.

    stages: names of the executed notebooks, in order. times: of the stages. given: parameters that differ from the defaults.
    Raises RunError when a stage is missing or stale, ParameterError for an unknown language.
    """
    import jinja2

    say = Messages(language)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"together": together, "sentence": sentence}
    photo, summary = run.get("01_upload", "photo"), summarise(run, say)
    sections = [read_section(run.folder / f"{name}.ipynb", room=not summary.refusal) for name in stages]
    return environment.get_template("report.html.j2").render(
        say=say, figure_label=_figure_label, languages=LANGUAGES, photo=photo, photo_uri=_photo_uri(photo),
        summary=summary, sections=sections, facts=_facts(run, given, say), times=times,
        whole_s=max((t.ended_s for t in times), default=0.0),
        plotly_js=plotly_script() if any(_figures(section) for section in sections) else "",
    )  # fmt: skip


def plotly_script() -> str:
    """The plotly.js of the installed plotly package, found without importing it. Raises PocError where it is missing."""
    found = importlib.util.find_spec("plotly")
    for place in found.submodule_search_locations if found else ():
        path = Path(place) / "package_data" / "plotly.min.js"
        if path.is_file():
            return path.read_text("utf-8").replace("</script", "<\\/script")
    raise PocError("the plotly package has no plotly.min.js: install it again at the version in constraints.txt")


def _figures(section: Section) -> int:
    return sum(piece.kind == "figure" for piece in section.pieces)


def _figure_label(before: Sequence[Piece]) -> str:
    """A text alternative for a figure: the prose before it."""
    prose = next((piece.content for piece in reversed(before) if piece.kind == "prose"), "")
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", prose)).split())


def _photo_uri(photo: Any) -> str:
    from poc.figures.theme import jpeg_uri

    return jpeg_uri(photo.rgb, PHOTO_PX)


def _facts(run: Run, given: Mapping[str, Any], say: Messages) -> list[tuple[str, str]]:
    """The table of provenance: what went in, and what computed the result."""
    depth, upload = run.load("02_depth"), run.load("01_upload")
    asked = ", ".join(f"{name} = {value}" for name, value in given.items()) or say("defaults")
    return [
        (say("run"), run.id),
        (say("made"), depth.record["made"]),
        (say("file_hash"), upload.facts["sha256"]),
        (say("model"), depth.record["model"]),
        (say("weights"), depth.record["weights"]),
        (say("engine"), depth.facts["engine"]),
        (say("parameters"), asked),
        (say("software"), ", ".join(_versions())),
    ]


def _versions() -> list[str]:
    found = [f"Python {platform.python_version()}"]
    for name in SOFTWARE:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:  # run from the source tree without installing
            continue
    return found
