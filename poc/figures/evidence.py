"""The basis of the measurements: the surfaces recognised in the photo, and the sources of each measurement's error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from poc.figures import theme
from poc.types import SURFACE_CLASSES, Measurement, Photo, Surfaces, whole_percent

if TYPE_CHECKING:
    import plotly.graph_objects as go

SURFACE_COLOURS = {"floor": theme.ORANGE, "wall": theme.BLUE, "ceiling": theme.PURPLE, "door": theme.GREEN, "window": theme.SKY}
TINT = 0.55
"""Opacity where the model is sure."""
LEAST_SHARE = 0.002
"""A surface that covers a smaller share of the photo is left out of the legend."""
SHOWN_PX = (900.0, 560.0)
CAUSES = {
    "scale": ("scale", theme.BLUE), "focal": ("focal length", theme.SKY), "gravity": ("camera's tilt", theme.GREEN),
    "shift": ("depth's offset", theme.PURPLE), "fit": ("lines and planes", theme.ORANGE), "model": ("network's depth", theme.VERMILION),
    "unseen": ("what is out of sight", theme.FAINT),
}  # fmt: skip
"""Causes of an error budget in words, and their colours."""
ROW_PX = 26


def surface_figure(photo: Photo, surfaces: Surfaces) -> go.Figure:
    """The photo with each pixel tinted by its surface: paler where the model is less certain, not at all for anything else, such as
    furniture."""
    shown = min(SHOWN_PX[0] / photo.width, SHOWN_PX[1] / photo.height)
    base = theme.photo_layout(photo, long_side=900)
    tint = base["images"][0] | {"source": theme.png_uri(_tint(surfaces.probabilities)), "layer": "above"}
    base["images"] = [*base["images"], tint]
    share_of = dict(zip(SURFACE_CLASSES, surfaces.shares(), strict=True))
    keys = [
        theme.legend_key(f"{name}, {100 * share_of[name]:.0f} %", {"symbol": "square", "size": 12, "color": theme.rgba(colour, 0.7)})
        for name, colour in SURFACE_COLOURS.items()
        if share_of[name] > LEAST_SHARE
    ]
    return theme.figure([theme.photo_corners(photo), *keys], theme.layout(
        int(photo.height * shown) + 46, margin={"l": 8, "r": 8, "t": 8, "b": 38},
        legend={"orientation": "h", "x": 0.5, "xanchor": "center", "y": 0.0, "yanchor": "top", "font": {"size": theme.SMALL_PX}}, **base))


def _tint(p: np.ndarray) -> np.ndarray:
    """Class colours with the probability as opacity, uint8 h×w×4."""
    out = np.zeros((*p.shape[:2], 4), np.uint8)
    best = p.argmax(-1)
    for name, colour in SURFACE_COLOURS.items():
        k = SURFACE_CLASSES.index(name)
        cells = best == k
        out[cells, :3] = theme.rgb(colour)
        out[cells, 3] = (255 * TINT * np.clip(p[cells, k], 0, 1) ** 2).astype(np.uint8)
    return out


def budget_chart(measurements) -> go.Figure:
    """The half-width of each measurement's 90 % interval, in per cent of its value, divided by cause in proportion to the
    variance each makes. What has no interval is left out."""
    rows = [m for m in measurements if m.value and m.low and m.budget]
    if not rows:
        return theme.nothing("Nothing was measured, so there is no error to break down.")
    causes = [c for c in CAUSES if any(m.budget.get(c, 0.0) > 0.005 for m in rows)]
    names = [theme.title_of(m.name) for m in rows]
    bars = [_bar(cause, rows, names) for cause in causes]
    label = {"showarrow": False, "xanchor": "left", "xshift": 6, "font": {"size": theme.SMALL_PX, "color": theme.MUTED}}
    total = [
        {"x": _half(m), "y": name, "text": f"{'−' if m.status == 'lower_bound' else '±'} {whole_percent(_half(m))} %", **label}
        for m, name in zip(rows, names, strict=True)
    ]
    most = max(_half(m) for m in rows)
    return theme.figure(bars, theme.layout(
        ROW_PX * len(rows) + 96, barmode="stack", bargap=0.35, annotations=total, dragmode=False, margin={"l": 170, "r": 60, "t": 40, "b": 34},
        xaxis={"range": [0, most * 1.1], "ticksuffix": " %", "gridcolor": theme.RULE, "zeroline": False, "fixedrange": True, "nticks": 8,
               "tickfont": {"size": theme.SMALL_PX, "color": theme.MUTED}},
        yaxis={"autorange": "reversed", "type": "category", "ticks": "", "ticklabelstandoff": 6, "showgrid": False, "fixedrange": True},
        legend={"orientation": "h", "x": 0.0, "y": 1.0, "yanchor": "bottom", "traceorder": "normal", "font": {"size": theme.SMALL_PX}}))


def _half(m: Measurement) -> float:
    """Half-width of the 90 % interval in per cent of the value (of a lower bound: how far it lies below what is seen)."""
    if m.status == "lower_bound" or m.high is None:
        return 100.0 * (1.0 - m.low / m.value)
    return 50.0 * (m.high - m.low) / m.value


def _bar(cause: str, rows: list[Measurement], names: list[str]) -> dict:
    words, colour = CAUSES[cause]
    share = [m.budget.get(cause, 0.0) for m in rows]
    hover = [f"{name}: {words}, {100 * s:.0f} % of the variance" for name, s in zip(names, share, strict=True)]
    return {"type": "bar", "orientation": "h", "y": names, "x": [_half(m) * s for m, s in zip(rows, share, strict=True)], "name": words,
            "marker": {"color": colour}, "hoverinfo": "text", "hovertext": hover}
