"""The value model: what measuring rooms from photos would save, earn and cost, and which inputs decide it.

Per month at full use (reached by a linear ramp): of all orders, the share adoption × usable is measured from a photo. Each of these saves
the stated share of the modelling cost, costs a designer's check, and changes rework by the difference of the two rework shares;
visitors buy diagnoses. Time is given in hours; a customer's hour has a value in money only if the analyst sets one. Nothing here
is a forecast: `poc.assumptions` records for every input whether it was given, assumed, set or measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from poc.assumptions import (
    ASSUMED,
    INFO,
    MEASURED,
    BusinessParameters,
    origin_of,
    parameters_from,
    range_of,
    shown,
    unknown_parameter,
    with_measured_share,
)
from poc.errors import ParameterError
from poc.types import RUNS_THROUGH, UNCOMMON_CEILING, Measurement, whole_percent

__all__ = [
    "AccuracyVerdict", "BreakEven", "BusinessCase", "BusinessParameters", "Month", "Swing", "accuracy_verdict", "break_even",
    "business_case", "key_break_evens", "net_over_horizon", "parameters_from", "sensitivity", "with_measured_share",
]

DRAWS, SEED = 4000, 20240501
"""Number of random draws behind the 90 % bands, and their seed: the same parameters give the same bands."""
KEY_PARAMETERS = (
    "adoption_share", "usable_photo_share", "modelling_saved_share", "orders_per_month", "running_cost_per_month", "build_cost",
    "photo_rework_share", "diagnosis_conversion",
)
DECISION_LENGTHS = ("longest_free_wall", "longest_wall", "ceiling_height")
"""The measurements by which products are chosen; `accuracy_verdict` judges these."""


@dataclass(frozen=True)
class Month:
    """One month. Hours, then money: what is saved and earned is positive, costs are negative; net is their sum."""

    customer_hours_saved: float
    modelling_saved: float
    rework_saved: float
    customer_time_worth: float
    diagnosis_revenue: float
    checking_cost: float
    running_cost: float
    net: float


@dataclass(frozen=True)
class BusinessCase:
    """The business case in numbers; money in the parameters' currency.

    steady: a month at full use. most_modelling_saved, most_hours_saved: the upper limit of what a month can save in modelling (money) and
    in measuring by hand (hours), with every order by photo and every photo usable.
    start_*: money before the first month, when only the build cost has been paid (NaN in a run that did not tell); cumulative_*: after each
    month. Of both, low and high bound 90 % of the cases when every input varies over its plausible range. net_low, net_median, net_high: the
    5, 50 and 95 % quantiles of a month at full use; end_median: the median of the money after the last month. break_even_*: the first month
    in which the money is not negative, or None within the horizon. pays_back_share: share of the drawn cases that break even within it.
    notes: sentences on the sources of measured inputs, and on what the case leaves out; `parameter_rows` lists the inputs themselves.
    """

    params: BusinessParameters
    steady: Month
    most_modelling_saved: float
    most_hours_saved: float
    net_low: float
    net_median: float
    net_high: float
    end_median: float
    cumulative_base: tuple[float, ...]
    cumulative_low: tuple[float, ...]
    cumulative_high: tuple[float, ...]
    break_even_month: int | None
    break_even_month_low: int | None
    break_even_month_high: int | None
    pays_back_share: float
    notes: tuple[str, ...]
    start_low: float = float("nan")
    start_high: float = float("nan")


@dataclass(frozen=True)
class Swing:
    """How far the net over the horizon moves when one parameter goes to either end of its plausible range."""

    name: str
    label: str
    origin: str
    low_value: float
    high_value: float
    net_at_low: float
    net_at_high: float

    @property
    def size(self) -> float:
        return abs(self.net_at_high - self.net_at_low)


@dataclass(frozen=True)
class BreakEven:
    """The value of one parameter at which the net over the horizon is zero while the others stay as they are; None where there is no such
    value in the accepted range. text: the same as a sentence."""

    name: str
    value: float | None
    text: str


@dataclass(frozen=True)
class AccuracyVerdict:
    """Whether this photo's lengths are accurate enough to choose a product by.

    light: green (a product can be chosen), amber (better than measuring by hand at its worst), red (neither), "" (nothing measured).
    half_widths: half of the 90 % interval relative to the value, by measurement. text: the verdict as a sentence. width: the largest
    half-width in per cent, as printed. doubted: one of the lengths may be entirely wrong.
    """

    light: str
    half_widths: dict[str, float]
    text: str
    width: str
    doubted: bool


# --- the model ---------------------------------------------------------------------------------------------------


def _month(v: Mapping[str, np.ndarray | float], use: np.ndarray | float = 1.0) -> dict[str, np.ndarray | float]:
    """The flows of a month at `use` (0…1 of full use), keyed like the fields of `Month`. v: parameters by name; arrays broadcast."""
    tried = v["adoption_share"] * use
    done = v["orders_per_month"] * tried * v["usable_photo_share"]
    buyers = v["visitors_per_month"] * v["diagnosis_conversion"] * use
    minutes = done * v["manual_minutes"] - v["orders_per_month"] * tried * v["photo_minutes"]
    photos = (v["orders_per_month"] * tried + buyers) * v["photos_per_customer"]
    flows = {
        "customer_hours_saved": minutes / 60.0,
        "modelling_saved": done * v["modelling_cost"] * v["modelling_saved_share"],
        "rework_saved": done * (v["manual_rework_share"] - v["photo_rework_share"]) * v["rework_cost"],
        "customer_time_worth": minutes / 60.0 * v["customer_hour_value"],
        "diagnosis_revenue": buyers * v["usable_photo_share"] * v["diagnosis_price"] * (1.0 - v["payment_fee_share"]),
        "checking_cost": -done * v["review_minutes"] / 60.0 * v["staff_cost_per_hour"],
        "running_cost": -(v["running_cost_per_month"] + photos * v["cost_per_photo"]),
    }
    flows["net"] = sum(value for name, value in flows.items() if name != "customer_hours_saved")
    return flows


def _cumulative(v: Mapping[str, np.ndarray | float], months: int) -> np.ndarray:
    """Money after each of the months 1…months, with the build cost paid before the first; shape (…, months)."""
    columns = {name: np.asarray(value, float)[..., None] for name, value in v.items()}
    month = np.arange(1, months + 1)
    use = np.clip(month / np.maximum(columns["ramp_months"], 1e-9), 0.0, 1.0)
    return np.cumsum(_month(columns, use)["net"], axis=-1) - columns["build_cost"]


def net_over_horizon(params: BusinessParameters, **changed: float) -> float:
    """Money after the last month, including the build cost, with some parameters changed."""
    return float(_cumulative({**params.values(), **changed}, params.horizon_months)[-1])


def business_case(params: BusinessParameters) -> BusinessCase:
    """Savings, revenue, cost and break-even: with the inputs as stated, and as 90 % bands over their plausible ranges."""
    values = params.values()
    draws = _draws(params)
    base, many = _cumulative(values, params.horizon_months), _cumulative(draws, params.horizon_months)
    low, high = np.quantile(many, (0.05, 0.95), axis=0)
    start_low, start_high = np.quantile(-draws["build_cost"], (0.05, 0.95))
    net_low, net_median, net_high = np.quantile(_month(draws)["net"], (0.05, 0.5, 0.95))
    return BusinessCase(
        params=params,
        steady=Month(**{name: float(value) for name, value in _month(values).items()}),
        most_modelling_saved=params.orders_per_month * params.modelling_cost * params.modelling_saved_share,
        most_hours_saved=params.orders_per_month * params.manual_minutes / 60.0,
        net_low=float(net_low),
        net_median=float(net_median),
        net_high=float(net_high),
        end_median=float(np.median(many[:, -1])),
        start_low=float(start_low),
        start_high=float(start_high),
        cumulative_base=tuple(map(float, base)),
        cumulative_low=tuple(map(float, low)),
        cumulative_high=tuple(map(float, high)),
        break_even_month=_first_not_negative(base),
        break_even_month_low=_first_not_negative(low),
        break_even_month_high=_first_not_negative(high),
        pays_back_share=float((many >= 0).any(axis=-1).mean()),
        notes=_notes(params),
    )


def _draws(params: BusinessParameters) -> dict[str, np.ndarray]:
    """DRAWS independent triangular draws of every parameter that enters the money, over its plausible range and peaked at its value. For a
    measured parameter, nine in ten lie inside its interval."""
    rng = np.random.default_rng(SEED)
    drawn = {}
    for name, value in params.values().items():
        low, high = range_of(params, name)
        if origin_of(params, name) == MEASURED:  # an interval has a tenth of the cases beyond its ends, a range none
            info = INFO[name]
            low, high = (float(np.clip(value + WIDER * (end - value), info.least, info.most)) for end in (low, high))
        uniform = rng.random(DRAWS)  # drawn for every name, so that one fixed parameter does not reshuffle the others
        fixed = high <= low or not INFO[name].cash
        drawn[name] = np.full(DRAWS, value) if fixed else _triangular(uniform, low, value, high)
    return drawn


WIDER = 1 / (1 - math.sqrt(0.1))
"""Ratio of the half-width of a symmetric triangular distribution to that of its central 90 % interval."""


def _triangular(uniform: np.ndarray, low: float, mode: float, high: float) -> np.ndarray:
    """Inverse distribution function of the triangular distribution."""
    split = (mode - low) / (high - low)
    rising = low + np.sqrt(uniform * (high - low) * (mode - low))
    falling = high - np.sqrt((1 - uniform) * (high - low) * (high - mode))
    return np.where(uniform < split, rising, falling)


def _first_not_negative(series: np.ndarray) -> int | None:
    """The first month (counted from 1) whose value is not negative."""
    found = np.flatnonzero(series >= 0)
    return int(found[0]) + 1 if found.size else None


def _notes(params: BusinessParameters) -> tuple[str, ...]:
    """Where measured inputs come from, and what the case leaves out."""
    sources = [f"{INFO[m.name].label}: {m.source}." for m in params.measured]
    sources.append("One customer measures per order.")
    if not any(origin_of(params, name) == MEASURED for name in INFO):
        sources.append("No input to the money was measured.")
    if params.manual_rework_share == params.photo_rework_share and origin_of(params, "photo_rework_share") == ASSUMED:
        sources.append("The base case counts no gain from fewer wrong sizes, since that was not measured.")
        sources.append("In the band, either of the shares reworked by hand and from a photo may be the larger.")
    return tuple(sources)


# --- what matters ------------------------------------------------------------------------------------------------


def sensitivity(params: BusinessParameters) -> tuple[Swing, ...]:
    """Every cash parameter moved alone over its plausible range, the one that moves the net over the horizon most first."""
    swings = []
    for name, info in INFO.items():
        low, high = range_of(params, name)
        if info.cash and high > low:
            nets = (net_over_horizon(params, **{name: end}) for end in (low, high))
            swings.append(Swing(name, info.label, origin_of(params, name), low, high, *nets))
    return tuple(sorted(swings, key=lambda swing: -swing.size))


def break_even(params: BusinessParameters, name: str) -> BreakEven:
    """The value of parameter `name`, nearest to its present one, at which the net over the horizon is zero.

    Raises ParameterError for an unknown name, or one that does not enter the money.
    """
    info = INFO.get(name)
    if info is None:
        raise ParameterError(unknown_parameter(name))
    if not info.cash:
        raise ParameterError(f"{name} does not enter the money, so it has no break-even")
    now = float(getattr(params, name))
    crossings = _crossings(params, name, info.least, info.most, now)
    value = min(crossings, key=lambda x: abs(x - now), default=None)
    months, now_text = params.horizon_months, shown(now, info.unit, params.currency)
    if value is None:
        side = "positive" if net_over_horizon(params) >= 0 else "negative"
        text = f"{info.label}: no value brings the net over {months} months to zero; it stays {side} (currently {now_text})"
        return BreakEven(name, None, text)
    needed = shown(value, info.unit, params.currency)
    return BreakEven(name, value, f"{info.label}: the net over {months} months is zero at {needed} (currently {now_text})")


def key_break_evens(params: BusinessParameters) -> tuple[BreakEven, ...]:
    """Break-even values of the parameters an analyst asks about first."""
    return tuple(break_even(params, name) for name in KEY_PARAMETERS)


def _crossings(params: BusinessParameters, name: str, least: float, most: float, now: float) -> list[float]:
    """Values in [least, most] at which the net is zero: a scan, finer near `now` (ranges span many orders of magnitude), then bisection."""
    scale = max(abs(now), 1e-6 * most)
    steps = np.concatenate([np.linspace(least, min(most, 4 * scale), 200), np.geomspace(max(scale, 1e-9), most, 100), [now, most]])
    grid = np.unique(np.clip(steps, least, most))
    nets = np.array([net_over_horizon(params, **{name: float(x)}) for x in grid])
    brackets = [i for i in range(len(grid) - 1) if (nets[i] < 0) != (nets[i + 1] < 0)]
    return [_bisect(params, name, float(grid[i]), float(grid[i + 1])) for i in brackets]


def _bisect(params: BusinessParameters, name: str, a: float, b: float) -> float:
    """The zero of the net between a and b, where its sign differs."""
    negative_at_a = net_over_horizon(params, **{name: a}) < 0
    for _ in range(60):
        middle = 0.5 * (a + b)
        if (net_over_horizon(params, **{name: middle}) < 0) == negative_at_a:
            a = middle
        else:
            b = middle
    return 0.5 * (a + b)


# --- accuracy ----------------------------------------------------------------------------------------------------


def accuracy_verdict(measurements: Sequence[Measurement], params: BusinessParameters) -> AccuracyVerdict:
    """This photo's intervals against the error of measuring by hand and the largest error at which a product can be chosen.

    Judged are DECISION_LENGTHS, where they have both ends of an interval (a lower bound has no width). The widest one decides; if another
    is only bounded or unknown, the photo does not settle a purchase, however accurate the rest is.
    """
    judged = [m for m in measurements if m.name in DECISION_LENGTHS]
    widths = {
        m.name: (m.high - m.low) / 2 / m.value
        for m in judged
        if m.status == "measured" and m.value and m.low is not None and m.high is not None
    }
    doubted = next((m for m in judged if m.value is not None and _in_doubt(m)), None)
    doubt = "" if doubted is None else f"the {_in_words(doubted.name)} may be entirely wrong ({doubted.reason}): measure it by tape"
    if not widths:
        none = f"{_listed('Neither', 'nor')} has a full interval in this photo, so there is nothing to judge."
        return AccuracyVerdict("red" if doubt else "", {}, f"{none} In addition, {doubt}." if doubt else none, "", bool(doubt))
    name, widest = max(widths.items(), key=lambda item: item[1])
    width = _printed_width(widest, params)
    light, verdict = _against_limits(widest, params)
    if doubt:
        light = "red"
        verdict += f"; but {doubt}"
    if open_ended := [_in_words(m.name) for m in judged if m.name not in widths]:
        light = "amber" if light == "green" else light
        are = "are" if len(open_ended) > 1 else "is"
        verdict += f"; the {' and the '.join(open_ended)} {are} only bounded from below or unknown: measure by tape there"
    least_certain = f"{_listed('Of', 'and')}, the least certain with a full interval is the {_in_words(name)}"
    caution = "the room was not measured by tape, so this compares the errors that the run states, not errors found"
    text = f"{least_certain}: ± {width} % (90 %, as stated by this run), {verdict}; {caution}."
    return AccuracyVerdict(light, widths, text, width, bool(doubt))


def _in_doubt(m: Measurement) -> bool:
    """Whether a measurement's interval cannot be trusted, for a reason that it states."""
    return RUNS_THROUGH in m.reason or (UNCOMMON_CEILING in m.reason and m.light == "red")


def _printed_width(width: float, params: BusinessParameters) -> str:
    """A relative half-width in per cent, with a decimal where rounding would hide that it exceeds a limit."""
    limits = (params.manual_error_share, params.decision_error_share)
    hidden = any(width > limit and f"{width * 100:.0f}" == f"{limit * 100:.0f}" for limit in limits)
    return f"{math.ceil(width * 1000) / 10:.1f}" if hidden else whole_percent(100 * width)


def _against_limits(width: float, params: BusinessParameters) -> tuple[str, str]:
    """The light of a relative half-width, and how it compares with the two limits, in words."""
    choose, by_hand = (f"± {share * 100:.0f} %" for share in (params.decision_error_share, params.manual_error_share))
    if width <= params.decision_error_share:
        return "green", f"within the {choose} at which a product can be chosen ({origin_of(params, 'decision_error_share')})"
    if width <= params.manual_error_share:
        return "amber", f"wider than the {choose} for choosing a product, narrower than the {by_hand} of measuring by hand at its worst"
    return "red", f"wider than the {by_hand} of measuring by hand at its worst: measure by tape"


def _in_words(name: str) -> str:
    return name.replace("_", " ")


def _listed(before: str, last: str) -> str:
    """DECISION_LENGTHS as the beginning of a sentence: "Of the a, the b and the c"."""
    *names, end = (f"the {_in_words(name)}" for name in DECISION_LENGTHS)
    return f"{before} {', '.join(names)} {last} {end}"
