"""The style shared by all figures: colours, fonts, layout, the photo as a background, and numbers in words.

The colours are those of Okabe and Ito (2008), which can be told apart with any colour vision; where a colour has a meaning, a
symbol, a dash or a word has the same.
"""

from __future__ import annotations

import base64
import io
import re
import textwrap
from typing import TYPE_CHECKING, Any

from poc.types import Measurement, Photo, Recommendation, floored, sure_percent

if TYPE_CHECKING:
    import plotly.graph_objects as go

INK, MUTED, FAINT, RULE, PAPER = "#1f2933", "#5f6b7a", "#98a2ae", "#e1e6eb", "#ffffff"
BLUE, ORANGE, VERMILION, GREEN, PURPLE, SKY = "#0072b2", "#e69f00", "#d55e00", "#009e73", "#b0659a", "#56b4e9"
GREEN_INK, VERMILION_INK = "#00684c", "#a84900"
"""Variants that are dark enough for text."""
PLANE_COLOURS = {"floor": ORANGE, "wall": BLUE, "ceiling": PURPLE}
LIGHTS = {
    "green": (GREEN, "circle", "sound"),
    "amber": (ORANGE, "diamond", "use with care"),
    "red": (VERMILION, "square", "weak"),
    "": (BLUE, "circle", "measured"),
}
"""Traffic light → colour, marker symbol, and the word beside it."""
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'PingFang SC', 'Microsoft YaHei', sans-serif"
TEXT_PX = 13
SMALL_PX = 12

NAMES = {
    "camera_height": "Camera height",
    "ceiling_height": "Ceiling height",
    "longest_wall": "Longest wall seen",
    "longest_free_wall": "Longest free wall seen",
    "floor_area_visible": "Floor area seen",
    "floor_area_free": "Free floor area",
}


def title_of(name: str) -> str:
    """A measurement's or plane's name in words: "wall_2_distance" → "Distance to wall 2"."""
    if name in NAMES:
        return NAMES[name]
    wall = re.fullmatch(r"wall_(\d+)_(distance|length)", name)
    if wall:
        number, what = wall.groups()
        return f"Distance to wall {number}" if what == "distance" else f"Wall {number} length"
    return name.replace("_", " ").capitalize()


def unit_of(unit: str) -> str:
    """The unit as it is printed: "m2" → "m²"."""
    return {"m2": "m²", "m^2": "m²", "deg": "°"}.get(unit, unit)


def value_words(m: Measurement) -> str:
    """The measurement as printed in a drawing: "3.62 m (3.41–3.85)", "≥ 3.41 m" or "cannot say".

    A lower bound is rounded down, so that rounding never makes it larger.
    """
    unit = unit_of(m.unit)
    if m.status == "unknown" or m.value is None:
        return "cannot say"
    if m.status == "lower_bound":
        least = m.low if m.low is not None else m.value
        return f"≥ {floored(least)} {unit}"
    if m.low is None or m.high is None:
        return f"{m.value:.2f} {unit}"
    return f"{m.value:.2f} {unit} ({m.low:.2f}–{m.high:.2f})"


def percent(probability: float) -> str:
    """A probability in words, rounded down and never certain: 0.978 → "97 %", 0.999 → "over 99 %"."""
    if probability > 0.99:
        return "over 99 %"
    return "under 1 %" if probability < 0.01 else f"{sure_percent(probability)} %"


def odds(rec: Recommendation) -> str:
    """The probability that a piece fits, in words: "97 %", "at least 97 %"."""
    return f"{'at least ' if rec.at_least else ''}{percent(rec.probability)}"


def by_name(measurements) -> dict[str, Measurement]:
    """Measurements by their name."""
    return {m.name: m for m in measurements}


def escaped(text: str) -> str:
    """Text for plotly with its markup escaped (names in a catalogue may contain some)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def wrap(text: str, width: int) -> str:
    """Text broken into lines of at most `width` characters, for an annotation; `escaped`."""
    return "<br>".join(map(escaped, textwrap.wrap(text, width, break_long_words=True) or [""]))


def rgba(colour: str, alpha: float) -> str:
    """"#rrggbb" and an opacity as plotly's rgba()."""
    red, green, blue = rgb(colour)
    return f"rgba({red},{green},{blue},{alpha:g})"


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of "#rrggbb"."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def layout(height: int, **extra: Any) -> dict[str, Any]:
    """The layout every figure starts from: white, system type, as wide as its container, `height` pixels high."""
    base = {
        "template": "none",
        "autosize": True,
        "height": height,
        "paper_bgcolor": PAPER,
        "plot_bgcolor": PAPER,
        "font": {"family": FONT, "size": TEXT_PX, "color": INK},
        "margin": {"l": 12, "r": 12, "t": 12, "b": 12},
        "hoverlabel": {"bgcolor": PAPER, "bordercolor": FAINT, "font": {"family": FONT, "color": INK}},
        "legend": {"font": {"size": SMALL_PX, "color": INK}, "bgcolor": "rgba(255,255,255,0)"},
        "dragmode": "pan",
    }
    return base | extra


def footnote(words: str) -> dict[str, Any]:
    """A muted line at the figure's lower left, as an annotation."""
    return {"text": words, "xref": "paper", "yref": "paper", "x": 0.0, "y": 0.0, "xanchor": "left", "yanchor": "bottom",
            "showarrow": False, "align": "left", "font": {"size": SMALL_PX, "color": MUTED}}


def jpeg_uri(rgb, long_side: int = 1200, quality: int = 82) -> str:
    """A uint8 H×W×3 image as a JPEG data URI, scaled down so that its long side is at most `long_side` pixels."""
    from PIL import Image

    image = Image.fromarray(rgb)
    image.thumbnail((long_side, long_side), Image.Resampling.LANCZOS)
    return _uri(image, "JPEG", quality=quality, optimize=True)


def png_uri(rgba_image) -> str:
    """A uint8 H×W×4 image as a PNG data URI."""
    from PIL import Image

    return _uri(Image.fromarray(rgba_image), "PNG", optimize=True)


def _uri(image, kind: str, **options: Any) -> str:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def photo_layout(photo: Photo, long_side: int = 1200) -> dict[str, Any]:
    """Layout entries (images, xaxis, yaxis) that lay the photo under a figure whose axes are the photo's pixels, origin
    at the centre of the top-left one."""
    bare = {"visible": False, "constrain": "domain"}
    image = {
        "source": jpeg_uri(photo.rgb, long_side), "xref": "x", "yref": "y", "x": -0.5, "y": -0.5, "sizex": photo.width,
        "sizey": photo.height, "sizing": "stretch", "layer": "below", "yanchor": "top",
    }
    return {
        "images": [image],
        "xaxis": {"range": [-0.5, photo.width - 0.5], **bare},
        "yaxis": {"range": [photo.height - 0.5, -0.5], "scaleanchor": "x", "scaleratio": 1, **bare},
    }


def photo_corners(photo: Photo) -> dict[str, Any]:
    """An invisible trace: without any trace, plotly draws no axes and no image on them."""
    return {"type": "scatter", "x": [0, photo.width - 1], "y": [0, photo.height - 1], "mode": "markers", "marker": {"opacity": 0},
            "hoverinfo": "skip", "showlegend": False}


def legend_key(name: str, marker: dict[str, Any]) -> dict[str, Any]:
    """A trace that only adds an entry to the legend."""
    return {"type": "scatter", "x": [None], "y": [None], "mode": "markers", "name": name, "marker": marker, "hoverinfo": "skip"}


def nothing(words: str) -> go.Figure:
    """A placeholder for a figure that has nothing to show, with the reason."""
    note = {"text": words, "xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5, "showarrow": False, "font": {"size": 15, "color": MUTED}}
    return figure([], layout(120, annotations=[note], xaxis={"visible": False}, yaxis={"visible": False}))


def refused(reason: str, photo: Photo | None = None, height: int = 460) -> go.Figure:
    """A placeholder for a figure that cannot be drawn: the reason, on the photo if there is one."""
    import plotly.graph_objects as go

    words = reason.strip()
    if not words.lower().startswith("no room"):
        words = f"No room found: {words}"
    note = {
        "xref": "paper", "yref": "paper", "x": 0.5, "y": 0.98, "yanchor": "top", "showarrow": False,
        "text": f"<b>{wrap(words, 96)}</b>", "font": {"size": 16, "color": INK}, "align": "center",
        "bgcolor": "#fdf3dc", "bordercolor": ORANGE, "borderwidth": 1, "borderpad": 10,
    }
    if photo is None:
        hidden = {"visible": False}
        return go.Figure(layout=layout(height // 2, annotations=[note | {"y": 0.5, "yanchor": "middle"}], xaxis=hidden, yaxis=hidden))
    base = photo_layout(photo, long_side=800)
    base["yaxis"]["domain"] = [0.0, 0.80]
    return go.Figure([photo_corners(photo)], layout=layout(height, annotations=[note], **base))


def figure(traces: list[dict[str, Any]], look: dict[str, Any]) -> go.Figure:
    """A figure from plain traces and a layout, so that plotly validates everything only once."""
    import plotly.graph_objects as go

    return go.Figure(data=traces, layout=look)
