"""A sheet of paper for the floor plan: polygons, lines, labels that keep apart, dimension lines, a scale bar. Metres."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from poc.figures import theme
from poc.figures.labels import Board, rectangle, text_size

if TYPE_CHECKING:
    import plotly.graph_objects as go

PLAN_PX = (860.0, 640.0)
"""The plot's width and height on a laptop's page, from which the labels' sizes in metres follow."""
TIER_PX = 38
"""Distance between dimension lines outside a wall, on screen."""
CUT_M = 0.35
"""How far what the photo cuts off is drawn on, dashed."""

_ARROWS = {(False, False): "end+start", (True, False): "end", (False, True): "start", (True, True): "none"}
"""Which ends of a line have an arrow, by which of them are open."""
BARS_M, HALF_BAR_PX = (1, 2, 5, 10), 44
"""Lengths of the scale bar, and how long each of its halves must be on a laptop's page for the labels over it to stay apart: half as
much again as they take there, because the plan shrinks with the page and they do not."""


@dataclass
class Sheet:
    """A plan being drawn: its lower left and upper right (x, y), metres per pixel, what labels must keep off, traces and
    annotations."""

    low: np.ndarray
    high: np.ndarray
    m_per_px: float
    board: Board = field(default_factory=Board)
    traces: list[dict] = field(default_factory=list)
    notes: list[dict] = field(default_factory=list)

    @property
    def tier_m(self) -> float:
        return TIER_PX * self.m_per_px

    def polygon(self, points: np.ndarray, name: str = "", **style) -> None:
        """A closed polygon (n×2) as a filled trace; with a name it is in the legend."""
        ring = np.vstack([points, points[:1]]).round(3)
        self.traces.append({"type": "scatter", "x": ring[:, 0], "y": ring[:, 1], "mode": "lines", "fill": "toself", "name": name,
                             "showlegend": bool(name), "hoverinfo": "skip", **style})

    def lines(self, lines: list[np.ndarray], name: str = "", **line) -> None:
        """Polylines (each n×2) as one trace."""
        rows = [row for points in lines for row in (np.asarray(points, float), np.full((1, 2), np.nan))]
        if rows:
            xy = np.concatenate(rows).round(3)
            self.traces.append({"type": "scatter", "x": xy[:, 0], "y": xy[:, 1], "mode": "lines", "line": line, "name": name,
                                 "showlegend": bool(name), "hoverinfo": "skip"})

    def label(self, words: str, places: list[np.ndarray], direction: np.ndarray, font_px: int, colour: str,
               force: bool = False, **style) -> int:
        """A label along `direction`, upright, at the first free of its places, whose number is returned; without one it is
        left out, or put at the first if forced."""
        angle = float(np.arctan2(direction[1], direction[0]))
        angle = (angle + np.pi / 2 - 1e-6) % np.pi - np.pi / 2 + 1e-6
        width, height = text_size(words, font_px)
        size = (width * self.m_per_px, height * self.m_per_px)
        number = self.board.place(rectangle(place, size, angle) for place in places)
        if number is None and not force:
            return 0
        if number is None:
            self.board.block(rectangle(places[0], size, angle))
        x, y = (round(float(c), 3) for c in places[number or 0])
        self.notes.append({"x": x, "y": y, "text": words, "showarrow": False, "textangle": round(-float(np.degrees(angle)), 1),
                            "font": {"size": font_px, "color": colour}, "borderpad": 1, **style})
        return number or 0

    def dimension(self, ends: np.ndarray, words: str, colour: str, out: np.ndarray, open_ends: tuple[bool, bool] = (False, False)) -> None:
        """A dimension line between `ends` (2×2) with its label: an arrow and a tick at each end, or dots going on at an
        end that is open. out: unit 2-vector away from what is measured, where the label goes that is longer than the line."""
        step = ends[1] - ends[0]
        length = max(float(np.linalg.norm(step)), 1e-9)
        closed = [end for end, is_open in zip(ends, open_ends, strict=True) if not is_open]
        beyond = [np.stack([ends[0], ends[0] - step / length * CUT_M]), np.stack([ends[1], ends[1] + step / length * CUT_M])]
        dots = [line for line, is_open in zip(beyond, open_ends, strict=True) if is_open]
        self.lines([np.stack([end - out * 0.06, end + out * 0.06]) for end in closed], color=colour, width=1)
        self.lines(dots, color=colour, width=1, dash="dot")
        (x0, y0), (x1, y1) = ends.round(3).tolist()
        self.notes.append({
            "x": x1, "y": y1, "ax": x0, "ay": y0, "xref": "x", "yref": "y", "axref": "x", "ayref": "y", "text": "", "showarrow": True,
            "arrowhead": 2, "startarrowhead": 2, "arrowwidth": 1.5, "arrowcolor": colour, "arrowside": _ARROWS[open_ends],
        })
        width, height = (side * self.m_per_px for side in text_size(words, theme.SMALL_PX))
        rises = (0.0, 0.95, -0.95, 1.9) if width < 0.9 * length else (0.8, -0.8, 1.7)
        places = [ends[0] + step * t + out * rise * height for rise in rises for t in (0.5, 0.4, 0.6, 0.3, 0.7)]
        self.label(words, places, step, theme.SMALL_PX, colour, bgcolor=theme.PAPER)
        self.board.block(rectangle(ends.mean(0), (length, 4 * self.m_per_px), float(np.arctan2(step[1], step[0]))))

    def figure(self, words: str) -> go.Figure:
        """The drawing with a scale bar, equal scales, the legend beside it and a footnote."""
        self._scale_bar()
        self.notes.append(theme.footnote(words) | {"yanchor": "top", "yshift": -10})
        self.notes.sort(key=lambda note: bool(note["text"]))  # lines first: a label covers what passes under it, its own line or another's
        bare = {"visible": False, "constrain": "domain"}
        x_range, y_range = ([float(a), float(b)] for a, b in zip(self.low, self.high, strict=True))
        return theme.figure(self.traces, theme.layout(
            int(PLAN_PX[1]) + 42, annotations=self.notes, margin={"l": 8, "r": 8, "t": 8, "b": 34}, xaxis={"range": x_range, **bare},
            yaxis={"range": y_range, "scaleanchor": "x", "scaleratio": 1, **bare},
            legend={"x": 1.0, "xanchor": "left", "y": 0.98, "font": {"size": theme.SMALL_PX}}))

    def _scale_bar(self) -> None:
        """A bar in two halves at the lower left, the shortest whose labels stay apart."""
        length = next((bar for bar in BARS_M if bar / 2 >= HALF_BAR_PX * self.m_per_px), BARS_M[-1])
        half, high = length / 2, 6 * self.m_per_px
        x, y = self.low + np.array([14, 12]) * self.m_per_px
        for start, colour in ((x, theme.INK), (x + half, theme.PAPER)):
            bar = np.array([(start, y), (start + half, y), (start + half, y + high), (start, y + high)])
            self.polygon(bar, fillcolor=colour, line={"width": 1, "color": theme.INK})
        for mark, text in ((0.0, "0"), (half, f"{half:g}"), (length, f"{length} m")):
            self.notes.append({"x": x + mark, "y": y, "yshift": 15, "text": text, "showarrow": False, "font": {"size": 11, "color": theme.MUTED}})
