"""Depth before and after, beside the truth: errors in colour, in per cent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from poc.figures import theme
from poc.figures.charts import GAP, PANELS_PX, small

if TYPE_CHECKING:
    import plotly.graph_objects as go

ERRORS = [[0.0, "#2c5f8a"], [0.5, "#f6f7f8"], [1.0, "#8a3400"]]
MOST_PERCENT = 50


def comparison_figure(rgb: np.ndarray, true_m: np.ndarray, before_m: np.ndarray, after_m: np.ndarray) -> go.Figure:
    """A photo (uint8 H×W×3) and where two depth maps (H×W metres) are off from the truth (0 where it is missing).

    Blue: the model says nearer than it is; brown: farther. One scale of colours for both.
    """
    from PIL import Image

    picture = Image.fromarray(rgb)
    picture.thumbnail((640, 640))
    known = true_m > 0
    errors = [small(100.0 * (np.where(known, d, 1) / np.where(known, true_m, 1) - 1), known) for d in (before_m, after_m)]
    width = (1.0 - 2 * GAP) / 3
    spans = [(i * (width + GAP), i * (width + GAP) + width) for i in range(3)]
    rows, columns = errors[0].shape
    height = PANELS_PX * width * rows / columns
    layout: dict = {}
    for i, span in enumerate(spans, start=1):
        n = "" if i == 1 else str(i)
        layout[f"xaxis{n}"] = {"visible": False, "domain": span, "range": [-0.5, columns - 0.5], "constrain": "domain"}
        layout[f"yaxis{n}"] = {"visible": False, "range": [rows - 0.5, -0.5], "anchor": f"x{n}", "scaleanchor": f"x{n}", "scaleratio": 1}
    layout["images"] = [{"source": picture, "xref": "x", "yref": "y", "x": -0.5, "y": -0.5, "sizex": columns, "sizey": rows, "sizing": "stretch", "layer": "below"}]
    bar = {"orientation": "h", "x": (spans[1][0] + spans[2][1]) / 2, "len": width, "y": -0.03, "yanchor": "top", "thickness": 10, "outlinewidth": 0,
           "tickfont": {"size": theme.SMALL_PX},
           "title": {"text": "error of the depth, % (blue: too near, brown: too far)", "side": "bottom",
           "font": {"size": theme.SMALL_PX, "color": theme.MUTED}}}
    panels = [
        {"type": "heatmap", "z": z, "zmin": -MOST_PERCENT, "zmax": MOST_PERCENT, "colorscale": ERRORS, "xaxis": f"x{i}", "yaxis": f"y{i}",
         "showscale": i == 3, "colorbar": bar, "hovertemplate": "%{z:+.0f} %<extra></extra>"}
        for i, z in enumerate(errors, start=2)
    ]  # fmt: skip
    typical = [f"{np.nanmedian(np.abs(z)):.0f} % off (median)" for z in errors]
    words = ["photo", f"before: {typical[0]}", f"after: {typical[1]}"]
    notes = [{"text": w, "xref": "paper", "yref": "paper", "x": sum(s) / 2, "xanchor": "center", "y": 1.0, "yanchor": "bottom", "showarrow": False,
              "font": {"size": theme.TEXT_PX, "color": theme.INK}} for w, s in zip(words, spans, strict=True)]
    corners = {"type": "scatter", "x": [0, columns - 1], "y": [0, rows - 1], "mode": "markers", "marker": {"opacity": 0}, "hoverinfo": "skip", "showlegend": False}
    return theme.figure([corners, *panels], theme.layout(int(height) + 110, annotations=notes, margin={"l": 12, "r": 12, "t": 30, "b": 76}, **layout))
