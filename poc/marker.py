"""A widget to mark known lengths on the photo with the mouse, as an alternative to typing pixels into `REFERENCE`.

It runs in JupyterLab through anywidget (`poc/templates/marker.js`). The picture is sent to the browser only when the user opens the widget,
so that it costs nothing otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from poc.errors import ParameterError
from poc.photo import jpeg_base64
from poc.room.distortion import file_pixels
from poc.room.scale import KNOWN_OBJECTS, ROOM_LENGTHS, parse_reference
from poc.types import Photo

TEMPLATES = Path(__file__).resolve().parent / "templates"
MOST_PX = 1600
"""Longest side of the picture in the widget: about a third of a megabyte, with enough detail for the magnifier."""


class Marker(anywidget.AnyWidget):
    """Marks on one photo.

    marks: [{"kind": "length" or one of KNOWN_OBJECTS and ROOM_LENGTHS, "ends": [[u, v], [u, v]] in pixels of the photo, "metres": number or None}]. said:
    the line of code that would keep the marks in the notebook, and what is still wrong with any of them.
    """

    _esm = TEMPLATES / "marker.js"
    _css = TEMPLATES / "marker.css"
    picture = traitlets.Unicode().tag(sync=True)
    size = traitlets.List().tag(sync=True)
    objects = traitlets.Dict().tag(sync=True)
    given = traitlets.List().tag(sync=True)
    marks = traitlets.List().tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)

    def __init__(self, photo: Photo, given: Sequence[str] = ()):
        """given: references that are already known, as text for `parse_reference`. Raises ParameterError as that does."""
        objects = {name: [metres, what] for name, (metres, _, what) in KNOWN_OBJECTS.items()}
        objects |= {name: [None, what] for name, what in ROOM_LENGTHS.items()}
        ends = [[list(end) for end in parse_reference(text, photo).ends] for text in given]
        super().__init__(size=[photo.width, photo.height], objects=objects, given=ends)
        self.photo, self.before = photo, list(given)
        self.on_msg(self._asked)
        self.observe(self._changed, "marks")

    def send_picture(self) -> None:
        """Send the picture to the browser."""
        self.picture = f"data:image/jpeg;base64,{jpeg_base64(self.photo, MOST_PX)}"

    def restore(self, marks: list[dict]) -> None:
        """Restore marks from an earlier widget, except those that are now given as references."""
        self.marks = [m for m in marks if as_reference(m, self.photo) not in self.before]
        if self.marks:
            self.send_picture()

    def _asked(self, _widget: object, content: dict, _buffers: object) -> None:
        if content.get("open"):
            self.send_picture()

    def _changed(self, _change: object) -> None:
        texts, problems = [], []
        for number, mark in enumerate(self.marks, start=1):
            text = as_reference(mark, self.photo)
            try:
                parse_reference(text, self.photo)
                texts.append(text)
            except ParameterError as error:
                unfinished = mark["kind"] not in KNOWN_OBJECTS and mark["metres"] is None
                problems.append(f"mark {number}: " + ("how long is it, in metres?" if unfinished else str(error)))
        kept = f"Now run the next cells. To keep this: REFERENCE = {self.before + texts!r}" if texts else ""
        self.said = " · ".join([*problems, kept] if kept else problems)

    @property
    def references(self) -> list[str]:
        """The marks as text for `parse_reference`, without those that still lack a length."""
        return [as_reference(m, self.photo) for m in self.marks if m["kind"] in KNOWN_OBJECTS or m["metres"] is not None]


def as_reference(mark: dict, photo: Photo) -> str:
    """A mark as text for `parse_reference`, in pixels of the photo's file (before any straightening)."""
    (u1, v1), (u2, v2) = file_pixels(np.array(mark["ends"]), photo).round(1).tolist() if photo.bend_k else mark["ends"]
    kind = "" if mark["kind"] == "length" else f"{mark['kind']}:"
    length = "" if mark["metres"] is None else f"={mark['metres']:.15g}"
    return f"{kind}{u1:.15g},{v1:.15g},{u2:.15g},{v2:.15g}{length}"
