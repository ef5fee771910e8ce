"""2D charts: depth beside its photo, the errors of two depth maps, and the measurements with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from poc.figures import theme
from poc.types import Z90, DepthMap, Measurement, Photo
from poc.words import plain

if TYPE_CHECKING:
    import plotly.graph_objects as go

MAP_PX = 260
"""Long side of a drawn map, in cells."""
PANELS_PX = 1060.0
"""Width of all panels together on a laptop's page."""
GAP = 0.035
ROW_PX = 34
MOST_PERCENT = 50
"""Upper end of the colour scale in a comparison of errors."""


# --- depth ---------------------------------------------------------------------------------------------------------


def depth_figure(photo: Photo, depth_map: DepthMap) -> go.Figure:
    """The photo, its depth with a colour bar (metres, or for a relative model only nearer and farther), and the error the model expects,
    if it estimates one. Bright is near; invalid pixels are blank."""
    panels = [_depth_panel(depth_map)]
    if depth_map.sigma_log is not None:
        panels.append(_error_panel(depth_map))
    return _beside(photo, panels)


def comparison_figure(photo: Photo, true_m: np.ndarray, before_m: np.ndarray, after_m: np.ndarray) -> go.Figure:
    """A photo and the errors of two depth maps, on one colour scale: blue where a model is too near, brown where it is too far.

    true_m, before_m, after_m: H×W metres; true_m is 0 where it is unknown."""
    known = true_m > 0
    errors = [small(100.0 * (np.where(known, d, 1) / np.where(known, true_m, 1) - 1), known) for d in (before_m, after_m)]
    return _beside(photo, [
        {"type": "heatmap", "z": z, "zmin": -MOST_PERCENT, "zmax": MOST_PERCENT,
         "colorscale": [[0, "#2c5f8a"], [0.5, "#f6f7f8"], [1, "#8a3400"]],
         "colorbar": _bar("depth error in % (blue: too near)"),
         "hovertemplate": "%{z:+.0f} %<extra></extra>",
         "title": f"{name}: {np.nanmedian(np.abs(z)):.0f} % off (median)"} for name, z in zip(("before", "after"), errors)])


def _beside(photo: Photo, panels: list[dict]) -> go.Figure:
    """The photo and heat maps side by side, each with its title above and its colour bar below. panels: plotly heat maps with a `title`
    each."""
    width = (1.0 - GAP * len(panels)) / (len(panels) + 1)
    height = min(PANELS_PX * width * photo.height / photo.width, 520.0)
    base = theme.photo_layout(photo, long_side=640)
    spans = [(i * (width + GAP), i * (width + GAP) + width) for i in range(len(panels) + 1)]
    base["xaxis"]["domain"] = spans[0]
    titles = ["photo", *(str(panel.pop("title")) for panel in panels)]
    for number, panel in enumerate(panels, start=2):
        panel |= {"xaxis": f"x{number}", "yaxis": f"y{number}"}
        panel["colorbar"] |= {"x": sum(spans[number - 1]) / 2, "len": width * 0.92}
        base[f"xaxis{number}"] = {**_cells(photo.width), "domain": spans[number - 1]}
        base[f"yaxis{number}"] = {**_cells(photo.height, down=True), "anchor": f"x{number}", "scaleanchor": f"x{number}", "scaleratio": 1}
        _spread(panel, photo)
    notes = [{"text": words, "xref": "paper", "yref": "paper", "x": sum(span) / 2, "xanchor": "center", "y": 1.0, "yanchor": "bottom",
              "showarrow": False, "font": {"size": theme.TEXT_PX, "color": theme.INK}} for words, span in zip(titles, spans, strict=True)]
    return theme.figure([theme.photo_corners(photo), *panels], theme.layout(
        int(height) + 110, annotations=notes, margin={"l": 12, "r": 12, "t": 30, "b": 76}, **base))


def _depth_panel(depth_map: DepthMap) -> dict:
    """The depth as a heat map that `_beside` will place."""
    values = small(depth_map.values, depth_map.valid)
    metric = depth_map.kind == "metric"
    low, high = _range(values)
    bar = _bar("metres from the camera") if metric else _bar("not metres: this model gives only the order")
    if not metric:
        bar |= {"tickmode": "array", "tickvals": [low + 0.08 * (high - low), high - 0.08 * (high - low)], "ticktext": ["farther", "nearer"]}
    return {
        "type": "heatmap", "z": values, "zmin": low, "zmax": high, "colorscale": "Viridis", "reversescale": metric, "colorbar": bar,
        "hovertemplate": "%{z:.2f} m<extra></extra>" if metric else "relative %{z:.3g}, not metres<extra></extra>",
        "title": f"depth ({depth_map.model})" if metric else f"relative depth ({depth_map.model})",
    }


def _error_panel(depth_map: DepthMap) -> dict:
    """The error the model expects as a heat map, in per cent of the depth (90 %, like all intervals)."""
    values = small(100.0 * np.expm1(Z90 * np.asarray(depth_map.sigma_log, float)), depth_map.valid)
    return {
        "type": "heatmap", "z": values, "zmin": 0.0, "zmax": max(_range(values)[1], 1.0),
        "colorscale": [[0, "#f6f7f8"], [0.5, "#e8a76b"], [1, "#8a3400"]],
        "colorbar": _bar("expected error (90 %), in % of the depth"), "hovertemplate": "± %{z:.0f} % (90 %)<extra></extra>",
        "title": "error expected by the model",
    }


def small(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """A map (h×w) scaled down to at most MAP_PX cells a side by averaging its valid pixels; float32, NaN where there are none."""
    import cv2

    known = (np.asarray(valid, bool) & np.isfinite(values)).astype(np.float32)
    scale = min(1.0, MAP_PX / max(values.shape))
    size = (max(1, round(values.shape[1] * scale)), max(1, round(values.shape[0] * scale)))
    total = cv2.resize(np.where(known > 0, values, 0).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    weight = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(weight > 0.25, total / weight, np.nan)
    return mean.astype(np.float32)


def _range(values: np.ndarray) -> tuple[float, float]:
    """The range of the colour scale: the 1st to the 99th percentile."""
    known = values[np.isfinite(values)]
    if known.size == 0:
        return 0.0, 1.0
    low, high = (float(q) for q in np.percentile(known, (1, 99)))
    return (low, high) if high > low else (low, low + 1e-3)


def _bar(title: str) -> dict:
    """A flat colour bar under its panel."""
    font = {"size": theme.SMALL_PX, "color": theme.MUTED}
    return {"orientation": "h", "y": -0.03, "yanchor": "top", "thickness": 10, "outlinewidth": 0, "ticks": "outside", "ticklen": 3,
            "tickfont": {"size": theme.SMALL_PX}, "title": {"text": title, "side": "bottom", "font": font}}


def _cells(size: int, down: bool = False) -> dict:
    ends = [-0.5, size - 0.5]
    return {"visible": False, "constrain": "domain", "range": ends[::-1] if down else ends}


def _spread(panel: dict, photo: Photo) -> None:
    """Set the coordinates of a heat map so that its cells cover the photo's pixels."""
    rows, columns = panel["z"].shape
    panel |= {"x0": (photo.width / columns - 1) / 2, "dx": photo.width / columns, "y0": (photo.height / rows - 1) / 2, "dy": photo.height / rows}


# --- intervals -----------------------------------------------------------------------------------------------------


def interval_chart(measurements) -> go.Figure:
    """Every measurement as a dot with its 90 % interval, with separate axes for lengths and areas. A lower bound is a hollow dot with an
    arrow; unknown measurements are listed below, by reason. The colour and shape of a dot show its light."""
    known = [m for m in measurements if m.status != "unknown" and m.value is not None]
    unknown = [m for m in measurements if m.status == "unknown" or m.value is None]
    groups = [[m for m in known if m.unit == unit] for unit in dict.fromkeys(m.unit for m in known)]
    if not known and not unknown:
        return theme.nothing("Nothing was measured.")
    listed = [theme.wrap(f"{', '.join(titles)}: {reason}", 125) for reason, titles in _by_reason(unknown).items()]
    listed_px = sum(_text_px(words) for words in listed) + 28 if unknown else 0
    heights = [ROW_PX * len(group) + 46 for group in groups]
    total = sum(heights) + listed_px
    traces, notes, axes, top = [], [], {}, 1.0
    for number, (group, px) in enumerate(zip(groups, heights, strict=True), start=1):
        domain = [max(0.0, top - (px - 46) / total), top]
        top -= px / total
        group_traces, group_notes, group_axes = _group(group, number, domain)
        traces, notes, axes = [*traces, *group_traces], [*notes, *group_notes], axes | group_axes
    notes += _unknown_rows(listed, top, total)
    if not groups:
        axes = {"xaxis": {"visible": False}, "yaxis": {"visible": False}}
    return theme.figure([*traces, *_light_legend(known)], theme.layout(
        int(total) + 60, annotations=notes, margin={"l": 170, "r": 190, "t": 40, "b": 12}, dragmode=False, **axes,
        legend={"orientation": "h", "x": 0.0, "y": 1.0, "yanchor": "bottom", "font": {"size": theme.SMALL_PX, "color": theme.MUTED}}))


def _by_reason(unknown: list[Measurement]) -> dict[str, list[str]]:
    """The titles of unknown measurements, by reason."""
    out: dict[str, list[str]] = {}
    for m in unknown:
        title, titles = theme.title_of(m.name), out.setdefault(m.reason or "no reason given", [])
        titles.append(title[0].lower() + title[1:] if titles else title)
    return out


def _group(group: list[Measurement], number: int, domain: list[float]) -> tuple[list[dict], list[dict], dict]:
    """Traces, value labels and axes of the measurements of one unit."""
    tail = "" if number == 1 else str(number)
    most = max(m.high if m.high is not None else m.value * 1.12 for m in group)
    traces = [t | {"xaxis": f"x{tail}", "yaxis": f"y{tail}"} for row, m in enumerate(group) for t in _row(m, row, 0.06 * most)]
    notes = [{"text": theme.value_words(m), "xref": "paper", "x": 1.0, "xanchor": "left", "xshift": 10, "yref": f"y{tail}", "y": row,
              "showarrow": False, "font": {"size": theme.TEXT_PX, "color": theme.INK}} for row, m in enumerate(group)]
    unit = theme.unit_of(group[0].unit)
    axes = {
        f"xaxis{tail}": {"range": [0, most * 1.05], "anchor": f"y{tail}", "gridcolor": theme.RULE, "zeroline": False, "ticks": "",
                         "nticks": 8, "ticksuffix": f" {unit}", "tickfont": {"size": theme.SMALL_PX, "color": theme.MUTED}, "fixedrange": True},
        f"yaxis{tail}": {"range": [len(group) - 0.5, -0.5], "domain": domain, "anchor": f"x{tail}", "tickmode": "array",
                         "tickvals": list(range(len(group))), "ticktext": [theme.title_of(m.name) for m in group], "showgrid": False,
                         "zeroline": False, "ticks": "", "fixedrange": True},
    }
    return traces, notes, axes


def _row(m: Measurement, row: int, arrow: float) -> list[dict]:
    """One measurement: its interval as a bar, its value as a dot; a lower bound's bar ends in an arrow."""
    colour, symbol, _ = theme.LIGHTS.get(m.light, theme.LIGHTS[""])
    hover = f"{theme.title_of(m.name)}: {theme.value_words(m)}<br>{theme.wrap('from ' + plain(m.basis) if m.basis else '', 60)}"
    if m.reason:
        hover += f"<br>{theme.wrap(m.reason, 60)}"
    base = {"type": "scatter", "y": [row, row], "showlegend": False, "hoverinfo": "text", "text": hover}
    if m.status == "lower_bound":
        least = m.low if m.low is not None else m.value
        line = {"color": theme.rgba(colour, 0.55), "width": 3, "dash": "dot"}
        ends = {"symbol": ["line-ns", "triangle-right"], "size": [11, 11], "color": colour, "line": {"width": [2, 0], "color": colour}}
        return [
            base | {"x": [least, m.value + arrow], "mode": "lines+markers", "line": line, "marker": ends},
            base | {"x": [m.value], "y": [row], "mode": "markers", "marker": {"symbol": symbol, "size": 12, "color": theme.PAPER,
                                                                            "line": {"width": 2, "color": colour}}},
        ]
    out = [base | {"x": [m.value], "y": [row], "mode": "markers", "marker": {"symbol": symbol, "size": 12, "color": colour}}]
    if m.low is not None and m.high is not None:
        bar = base | {"x": [m.low, m.high], "mode": "lines+markers", "line": {"color": theme.rgba(colour, 0.55), "width": 3},
                      "marker": {"symbol": "line-ns", "size": 11, "line": {"width": 2, "color": colour}}}
        out.insert(0, bar)
    return out


def _light_legend(known: list[Measurement]) -> list[dict]:
    """One legend entry per light and kind of dot that occurs."""
    out = []
    for light in dict.fromkeys(m.light if m.light in theme.LIGHTS else "" for m in known):
        colour, symbol, words = theme.LIGHTS[light]
        out.append(theme.legend_key(words, {"symbol": symbol, "size": 11, "color": colour}))
    if any(m.status == "lower_bound" for m in known):
        out.append(theme.legend_key("at least", {"symbol": "triangle-right", "size": 11, "color": theme.MUTED}))
    return out


def _text_px(words: str) -> int:
    """Height on screen of a listed reason."""
    return 8 + 17 * (1 + words.count("<br>"))


def _unknown_rows(listed: list[str], top: float, total: float) -> list[dict]:
    """The unknown measurements and their reasons as lines of text below the chart."""
    base = {"xref": "paper", "x": 0.0, "xanchor": "left", "xshift": -160, "yref": "paper", "yanchor": "top", "showarrow": False, "align": "left"}
    rows, down = [], 0
    for words, colour in [("<b>Cannot say</b>", theme.INK), *((words, theme.MUTED) for words in listed)] if listed else []:
        rows.append(base | {"y": top - down / total, "text": words, "font": {"size": theme.TEXT_PX, "color": colour}})
        down += _text_px(words)
    return rows
