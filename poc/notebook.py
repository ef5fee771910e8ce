"""Helpers for the notebooks' cells: begin a run, choose a photo, show figures, tables and pictures.

Figures are displayed directly in plotly's MIME type. `fig.show()` would do the same, but imports nbformat, which takes four
seconds in every kernel.
"""

from __future__ import annotations

import ast
import html
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poc.errors import PhotoError
from poc.parameters import check_names, check_parameters, did_you_mean, notebook_parameters
from poc.runs import Run, from_project, open_run, project_root
from poc.types import Photo

if TYPE_CHECKING:
    import plotly.graph_objects as go

PLOTLY_MIME = "application/vnd.plotly.v1+json"
FIGURE_CONFIG = {
    "displaylogo": False, "responsive": True, "displayModeBar": "hover",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "hoverClosestCartesian", "hoverCompareCartesian"],
}
SAMPLE = "living_room"
PICTURE_PX = 1000


def begin(name: str, run_id: str) -> Run:
    """The run that a notebook works on. Parameters in the notebook are converted to the types of their defaults.

    Raises ParameterError for a value of another type, for an unknown parameter that papermill let through (`papermill … -p MODLE x` would
    otherwise continue with the default), and for a misspelt one set by hand.
    """
    known, space = notebook_parameters(project_root() / "notebooks" / f"{name}.ipynb"), _namespace()
    cells = [_assigned(cell) for cell in space.get("In", ())]
    by_hand = next((names for names in reversed(cells) if "RUN" in names), [])  # as the cell is now, misspelt before or not
    injected = [name for names, cell in zip(cells, space.get("In", ())) if _is_injected(cell) for name in names]
    check_names([*injected, *(n for n in by_hand if n.isupper() and did_you_mean(n, known))], known)
    values = check_parameters({"RUN": run_id} | {n: space[n] for n in known if n in space}, known)
    space.update((n, value) for n, value in values.items() if n in space)
    return open_run(values["RUN"])


def _is_injected(cell: str) -> bool:
    """Whether papermill inserted the cell."""
    return cell.startswith("# Parameters\n")


def _assigned(cell: str) -> list[str]:
    """Names that a cell assigns at its top level; none where it is not plain Python."""
    try:
        body = ast.parse(cell).body
    except SyntaxError:
        return []
    return [target.id for node in body if isinstance(node, ast.Assign) for target in node.targets if isinstance(target, ast.Name)]


def parameters_of(name: str) -> dict[str, Any]:
    """The present values of a notebook's parameters without RUN, by name in lower case."""
    known = notebook_parameters(project_root() / "notebooks" / f"{name}.ipynb")
    space = _namespace()
    return {key.lower(): space.get(key, default) for key, default in known.items() if key != "RUN"}


def listed(value: str | Sequence[str]) -> list[str]:
    """The items of a parameter that is a list, or text with ";" between the items (which is what `papermill -p` can pass)."""
    parts = value.split(";") if isinstance(value, str) else value
    return [part.strip() for part in parts if part.strip()]


def _namespace() -> dict[str, Any]:
    """The notebook's variables; empty outside IPython."""
    try:
        from IPython import get_ipython
    except ImportError:
        return {}
    shell = get_ipython()
    return {} if shell is None else shell.user_ns


# --- the photo ---------------------------------------------------------------------------------------------------


def sample_photo() -> Path:
    """The sample photo: the living room, else the first one. Raises PhotoError where there is none."""
    photos = sorted((project_root() / "data" / "photos").rglob("*.jpg"))
    if not photos:
        raise PhotoError("no sample photo in data/photos: give a photo of your own")
    return next((p for p in photos if SAMPLE in p.name), photos[0])


def sample_folder() -> Path:
    """The sample rooms with exact depth, as a data folder."""
    return project_root() / "data" / "photos"


def upload_box(photo: str) -> Any:
    """A file chooser, shown where PHOTO is left empty; None where a photo is named."""
    if photo:
        return None
    import ipywidgets
    from IPython.display import display

    box = _namespace().get("box")  # of an earlier run of the cell: a photo chosen there is kept
    if not getattr(box, "value", None):
        box = ipywidgets.FileUpload(accept="image/*,.heic", multiple=False, description="Choose a photo")
    display(box)
    return box


def chosen_photo(photo: str, box: Any = None) -> Photo:
    """The photo from the file chooser, else the one named in PHOTO, else the sample; straightened if its lens bends lines. Raises
    PhotoError as `load_photo` does."""
    from poc.photo import load_photo
    from poc.room.distortion import straightened

    if box is not None and box.value:
        file = box.value[0]
        return straightened(load_photo(bytes(file["content"]), file["name"]))
    return straightened(load_photo(from_project(Path(photo).expanduser()) if photo else sample_photo()))


def mark_box(photo: Photo, reference: str | Sequence[str] = ()) -> Any:
    """A widget to mark known lengths on the photo; None where papermill runs the notebook and nobody can click. reference: those already
    given. Raises ParameterError as `parse_reference` does."""
    space = _namespace()
    if any(map(_is_injected, space.get("In", ()))):
        return None
    from IPython.display import display

    from poc.marker import Marker

    before, box = space.get("marks"), Marker(photo, listed(reference))
    if isinstance(before, Marker) and before.photo.sha256 == photo.sha256:  # of an earlier run of the cell
        box.restore(before.marks)
    display(box)
    return box


def all_references(reference: str | Sequence[str], marks: Any = None) -> list[str]:
    """The references given in the parameter and those marked in the widget."""
    return listed(reference) + (marks.references if marks else [])


# --- showing -----------------------------------------------------------------------------------------------------


def show(fig: go.Figure) -> None:
    """Show an interactive plotly figure, in JupyterLab and in the report."""
    from IPython.display import display

    bundle = json.loads(fig.to_json())
    bundle["config"] = FIGURE_CONFIG
    display({PLOTLY_MIME: bundle, "text/plain": f"figure: {_title(fig)}"}, raw=True)


def _title(fig: go.Figure) -> str:
    """A figure's title, else the types of its traces."""
    return str(fig.layout.title.text or ", ".join(dict.fromkeys(trace.type for trace in fig.data)))


def show_photo(photo: Photo) -> None:
    """Show a photo, scaled down for the screen."""
    from IPython.display import display

    from poc.photo import jpeg_base64

    display({"image/jpeg": jpeg_base64(photo, PICTURE_PX), "text/plain": f"photo: {photo.name}"}, raw=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], none: str = "") -> None:
    """Show a small table, every cell as text; where there are no rows, the sentence `none`."""
    from IPython.display import display

    cells = [[str(cell) for cell in row] for row in rows]
    if not cells:
        return say(none)
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{_escaped(cell)}</td>' for cell in row)}</tr>" for row in cells)
    plain = "\n".join("\t".join(row) for row in [list(columns), *cells])
    markup = f'<table class="poc"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    display({"text/html": markup, "text/plain": plain}, raw=True)


def say(*sentences: str) -> None:
    """Show each sentence as a paragraph; empty ones are skipped, and markup in them is escaped."""
    from IPython.display import display

    kept = [s for s in sentences if s]
    markup = "".join(f"<p>{_escaped(s)}</p>" for s in kept)
    if kept:
        display({"text/html": markup, "text/plain": "\n".join(kept)}, raw=True)


def _escaped(text: str) -> str:
    """Text escaped for HTML, with numbers kept on one line with their units."""
    return html.escape(together(text))


def together(text: str) -> str:
    """Text with a non-breaking space between each number and its sign, unit or percent sign, and no break after a minus: "−¥1"."""
    spaced = re.sub(r"(?<=\d) (?=%|m\b|m²|px\b|s\b)|(?<=[±≥]) (?=\d)", "\u00a0", text)
    return re.sub(r"−(?=[^\s\d])", "−\u2060", spaced)


def warm_figures() -> None:
    """Make plotly load its validators (about a second) in advance, so that the first real figure is quick."""
    import plotly.graph_objects as go

    kinds = ({"type": "scatter"}, {"type": "heatmap"}, {"type": "bar"}, {"type": "scatter3d"}, {"type": "mesh3d"})
    fig = go.Figure([{**kind} for kind in kinds], layout={"template": "plotly_white", "annotations": [{"text": ""}]})
    fig.to_json()
