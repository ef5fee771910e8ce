"""Figures of the business case: money over time, and the influence of each input. Each states how many inputs are given and assumed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from poc.assumptions import INFO, MEASURED, BusinessParameters, money, origin_of, shown
from poc.business import BusinessCase, Swing, net_over_horizon
from poc.figures.theme import BLUE, FAINT, FONT, INK, MUTED, ORANGE, RULE, SMALL_PX, figure, layout, percent, rgba, wrap

if TYPE_CHECKING:
    import plotly.graph_objects as go

SHOWN_SWINGS = 10
BELOW = {"orientation": "h", "x": 0, "xanchor": "left", "y": -0.2, "yanchor": "top"}
SHORT_ORIGIN = {"given by the case": "given", "assumption": "assumed", "set by the analyst": "set", "measured": "measured"}


def cumulative_figure(case: BusinessCase, height: int = 380) -> go.Figure:
    """Money after every month: the base as a line, 90 % of the cases as a band, break-even marked."""
    currency = case.params.currency
    base = [-case.params.build_cost, *case.cumulative_base]
    months = list(range(len(base)))
    band = {"type": "scatter", "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "x": months}
    traces = [
        band | {"y": [case.start_high, *case.cumulative_high], "showlegend": False},
        band | {"y": [case.start_low, *case.cumulative_low], "fill": "tonexty", "fillcolor": rgba(BLUE, 0.15), "name": "90 % of the cases"},
        {
            "type": "scatter", "mode": "lines", "x": months, "y": base, "name": "base", "line": {"color": BLUE, "width": 2.5},
            "customdata": [money(value, currency) for value in base], "hovertemplate": "month %{x}: %{customdata}<extra></extra>",
        },
    ]
    if case.break_even_month is not None:
        traces.append(_mark(case.break_even_month, base[case.break_even_month]))
    look = layout(
        height, margin={"l": 84, "r": 24, "t": 76, "b": 72}, title=_headline(_break_even_words(case), origins_line(case.params)),
        xaxis={"title": _axis_title("month"), "gridcolor": RULE, "zeroline": False, "range": [0, months[-1]]},
        yaxis={"title": _axis_title(f"money since the start ({currency})"), "gridcolor": RULE, "zerolinecolor": FAINT,
               "tickformat": ",.2~s"},
    )
    look["legend"] = look["legend"] | BELOW
    return figure(traces, look)


ROW_PX = 40
"""A row of the tornado: room for a label of two lines."""


def tornado_figure(swings: Sequence[Swing], params: BusinessParameters) -> go.Figure:
    """Net over the horizon when one input alone goes to either end of its plausible range; the widest bar on top."""
    top = [swing for swing in swings if swing.size > 0][:SHOWN_SWINGS][::-1]
    base = net_over_horizon(params)
    labels = [f"{swing.label} ({SHORT_ORIGIN[swing.origin]})" for swing in top]
    ends = (("at the low end", "net_at_low", "low_value", ORANGE), ("at the high end", "net_at_high", "high_value", BLUE))
    traces = [_bars(top, labels, base, params.currency, *end) for end in ends]
    words = f"Net over {params.horizon_months} months: {money(base, params.currency)}; bars: one input changed at a time"
    nets = [net for swing in top for net in (swing.net_at_low, swing.net_at_high)] or [base]
    room = 0.25 * max(max(nets) - min(nets), 1.0)
    look = layout(
        148 + ROW_PX * max(len(top), 1), margin={"l": 12, "r": 24, "t": 76, "b": 72}, barmode="overlay", bargap=0.35,
        title=_headline(words, f"{origins_line(params)} The ranges are assumptions."),
        xaxis={"gridcolor": RULE, "zerolinecolor": MUTED, "tickformat": ",.2~s", "range": [min(nets) - room, max(nets) + room],
               "title": _axis_title(f"net over {params.horizon_months} months ({params.currency})")},
        yaxis={"automargin": True, "ticks": "", "tickvals": labels, "ticktext": [wrap(label, 40) for label in labels]},
    )
    look["legend"] = look["legend"] | BELOW
    return figure(traces, look)


def origins_line(params: BusinessParameters) -> str:
    """How many inputs are given, assumed, set and measured, in a sentence for under a figure."""
    counts = Counter(origin_of(params, name) for name in INFO if INFO[name].cash)
    parts = [f"{counts[origin]} {word}" for origin, word in SHORT_ORIGIN.items() if counts[origin]]
    measured = "" if counts[MEASURED] else "; none measured"
    inputs = f"Of the {sum(counts.values())} inputs that enter the money: {', '.join(parts)}{measured}"
    return f"{inputs}. A calculation from these, not a forecast."


def _bars(top: Sequence[Swing], labels: list[str], base: float, currency: str, name: str, net: str, value: str, colour: str) -> dict:
    """One side of the tornado: bars from the base net to the net at one end of the range."""
    nets = [getattr(swing, net) for swing in top]
    texts = [shown(getattr(swing, value), INFO[swing.name].unit, currency) for swing in top]
    return {
        "type": "bar", "orientation": "h", "name": name, "y": labels, "x": [amount - base for amount in nets], "base": base,
        "marker": {"color": colour}, "text": texts, "textposition": "outside", "cliponaxis": False,
        "textfont": {"size": SMALL_PX, "color": INK}, "customdata": [money(amount, currency) for amount in nets],
        "hovertemplate": "%{y}<br>%{text}: net %{customdata}<extra></extra>",
    }


def _mark(month: int, value: float) -> dict:
    return {
        "type": "scatter", "mode": "markers", "x": [month], "y": [value], "name": "break-even", "showlegend": False,
        "marker": {"size": 11, "color": INK, "symbol": "diamond"}, "hovertemplate": "break-even in month %{x}<extra></extra>",
    }


def _break_even_words(case: BusinessCase) -> str:
    months = case.params.horizon_months
    base = f"in month {case.break_even_month}" if case.break_even_month else "never"
    share = percent(case.pays_back_share)
    return f"{share[:1].upper()}{share[1:]} of the cases break even within {months} months; with every input as stated, {base}"


def _headline(words: str, small: str) -> dict:
    """Title and, below it, the line on what is given and what assumed."""
    return {
        "text": words, "x": 0.0, "xref": "container", "xanchor": "left", "pad": {"l": 12, "t": 12}, "y": 1.0, "yanchor": "top",
        "font": {"family": FONT, "size": 15, "color": INK},
        "subtitle": {"text": wrap(small, 110), "font": {"size": SMALL_PX, "color": MUTED}},
    }


def _axis_title(words: str) -> dict:
    return {"text": words, "standoff": 8, "font": {"size": SMALL_PX, "color": MUTED}}
