"""The inputs of the business case: every parameter with its unit, origin and plausible range.

The origin of a value is "given by the case", "assumption" (to be replaced), "set by the analyst" or "measured".
Defaults marked as assumptions are placeholders of a plausible size, not findings. The plausible ranges are assumptions too.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from poc.errors import ParameterError
from poc.types import Z90
from poc.words import amount

GIVEN, ASSUMED, ANALYST, MEASURED = "given by the case", "assumption", "set by the analyst", "measured"
LEAST_PHOTOS = 10
"""Fewer photos than this are too few to estimate the share of usable ones."""


@dataclass(frozen=True)
class Info:
    """What is known about a parameter. origin: one of the four above. low, high: its plausible range. least, most: the range that is
    accepted at all. cash: whether it enters the money (otherwise it is only used to judge accuracy)."""

    label: str
    unit: str
    origin: str
    low: float
    high: float
    least: float
    most: float
    cash: bool = True


@dataclass(frozen=True)
class Measured:
    """A parameter whose value was measured: its 90 % interval, and how it was measured."""

    name: str
    low: float
    high: float
    source: str


def _given(default: float, label: str, unit: str, low: float, high: float, most: float, cash: bool = True):
    return field(default=default, metadata={"info": Info(label, unit, GIVEN, low, high, 0.0, most, cash)})


def _assumed(default: float, label: str, unit: str, low: float, high: float, most: float, least: float = 0.0, cash: bool = True):
    return field(default=default, metadata={"info": Info(label, unit, ASSUMED, low, high, least, most, cash)})


@dataclass(frozen=True)
class BusinessParameters:
    """All inputs of the value model. Shares are 0…1, money is in `currency`, counts are per month at full use.

    Raises ParameterError for a value that is not a number or out of range.
    """

    # given by the case
    manual_minutes: float = _given(20.0, "Manual measuring, per customer", "min", 15, 25, 600)
    manual_error_share: float = _given(0.30, "Error of manual measuring, up to", "share", 0.2, 0.4, 1, cash=False)
    modelling_cost: float = _given(80.0, "Designer's modelling cost, per order", "money", 60, 100, 1e5)
    modelling_saved_share: float = _given(0.60, "Modelling cost saved, per order done from a photo", "share", 0.4, 0.7, 1)
    orders_per_month: float = _given(5000.0, "Orders per month", "count", 4000, 6000, 1e8)
    diagnosis_price: float = _given(9.9, "Price of a room diagnosis", "money", 5.9, 14.9, 1e5)
    diagnosis_conversion: float = _given(0.05, "Visitors who buy a diagnosis", "share", 0.02, 0.08, 1)
    # assumptions: use
    adoption_share: float = _assumed(0.50, "Orders in which measuring from a photo is tried", "share", 0.2, 0.8, 1)
    usable_photo_share: float = _assumed(0.70, "Attempts that give a usable measurement", "share", 0.4, 0.9, 1)
    ramp_months: float = _assumed(6.0, "Months until full use", "months", 3, 12, 60)
    visitors_per_month: float = _assumed(20000.0, "Visitors offered a diagnosis, per month", "count", 5000, 40000, 1e9)
    photo_minutes: float = _assumed(3.0, "Taking and sending photos, per customer", "min", 2, 6, 600)
    photos_per_customer: float = _assumed(2.0, "Photos per customer", "count", 1, 4, 1000)
    # assumptions: cost
    build_cost: float = _assumed(500000.0, "Build cost, once", "money", 250000, 1000000, 1e10)
    running_cost_per_month: float = _assumed(40000.0, "Running cost, per month", "money", 20000, 80000, 1e9)
    cost_per_photo: float = _assumed(0.05, "Computing cost, per photo", "money", 0.01, 0.2, 1e4)
    review_minutes: float = _assumed(5.0, "Designer's check, per order done from a photo", "min", 2, 10, 600)
    staff_cost_per_hour: float = _assumed(60.0, "Designer's cost per hour", "money", 40, 100, 1e5)
    payment_fee_share: float = _assumed(0.006, "Payment fee", "share", 0.006, 0.02, 1)
    # assumptions: wrong measurements; equal shares by default: no gain is claimed that was not measured
    manual_rework_share: float = _assumed(0.05, "Orders reworked for a wrong size, measured by hand", "share", 0.03, 0.08, 1)
    photo_rework_share: float = _assumed(0.05, "Orders reworked for a wrong size, measured from a photo", "share", 0.03, 0.10, 1)
    rework_cost: float = _assumed(200.0, "Cost of rework or return, per wrong size", "money", 100, 400, 1e6)
    # assumptions: worth
    customer_hour_value: float = _assumed(0.0, "Value of a customer's hour to the company", "money", 0, 20, 1e5)
    decision_error_share: float = _assumed(0.10, "Largest error at which a product can be chosen", "share", 0.05, 0.15, 1, cash=False)

    horizon_months: int = 24
    currency: str = "¥"
    measured: tuple[Measured, ...] = ()

    def __post_init__(self) -> None:
        for name, info in INFO.items():
            _check_number(name, getattr(self, name), info.least, info.most)
        _check_number("horizon_months", self.horizon_months, 1, 120)
        if self.horizon_months != int(self.horizon_months):
            raise ParameterError(f"horizon_months must be a whole number of months, not {self.horizon_months}")
        object.__setattr__(self, "horizon_months", int(self.horizon_months))
        if not isinstance(self.currency, str) or not self.currency.strip():
            raise ParameterError("currency must be a symbol or code such as ¥ or CNY")
        for entry in self.measured:
            if entry.name not in INFO:
                raise ParameterError(unknown_parameter(entry.name))

    def values(self) -> dict[str, float]:
        """Every numeric parameter of `INFO` by name."""
        return {name: float(getattr(self, name)) for name in INFO}


INFO: dict[str, Info] = {f.name: f.metadata["info"] for f in fields(BusinessParameters) if "info" in f.metadata}
COUNTS = ("photos_tried", "photos_usable")
"""Parameters that count photos: those an analyst tried, and those of them that gave a usable measurement."""
DEFAULTS: dict[str, float] = {f.name: f.default for f in fields(BusinessParameters) if f.name in INFO}


def parameters_from(values: Mapping[str, object]) -> BusinessParameters:
    """Business parameters from names and values. If photos were counted (`COUNTS`), the share of usable ones is taken from the counts.
    Raises ParameterError for an unknown name (with the nearest known one) or a value out of range."""
    allowed = {f.name for f in fields(BusinessParameters)} - {"measured"} | set(COUNTS)
    for name in values:
        if name not in allowed:
            raise ParameterError(unknown_parameter(name))
    params = BusinessParameters(**{name: value for name, value in values.items() if name not in COUNTS})
    tried, usable = (values.get(name, 0) for name in COUNTS)
    return with_measured_share(params, usable, tried, "tried by the analyst") if tried or usable else params


def with_measured_share(params: BusinessParameters, usable: int, total: int, source: str = "runs") -> BusinessParameters:
    """`params` with the share of usable photos as measured on `total` photos, and Wilson's 90 % interval as its range.

    Raises ParameterError for impossible counts, and for fewer than LEAST_PHOTOS photos.
    """
    for name, count in (("usable", usable), ("total", total)):
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise ParameterError(f"{name} must be a whole number of photos, not {count}")
    if usable > total:
        raise ParameterError(f"{usable} usable photos of {total}: there cannot be more usable than tried")
    if total < LEAST_PHOTOS:
        instead = f"run at least {LEAST_PHOTOS}, or keep the assumption"
        raise ParameterError(f"{total} photo(s) are too few to estimate the usable share: {instead}")
    low, high = wilson_interval(usable, total)
    entry = Measured("usable_photo_share", low, high, f"{usable} of {total} photos, {source}")
    others = tuple(m for m in params.measured if m.name != entry.name)
    return replace(params, usable_photo_share=usable / total, measured=(*others, entry))


def wilson_interval(successes: int, total: int) -> tuple[float, float]:
    """90 % interval of a share (Wilson, 1927)."""
    share, z2 = successes / total, Z90**2
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = Z90 / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True)
class ParameterRow:
    """One line of the table of inputs, ready to print."""

    name: str
    label: str
    value: str
    plausible: str
    origin: str


def parameter_rows(params: BusinessParameters) -> tuple[ParameterRow, ...]:
    """A table row for every input: label, value, plausible range and origin."""
    rows = []
    for name, info in INFO.items():
        low, high = (shown(end, info.unit, params.currency) for end in range_of(params, name))
        value = shown(float(getattr(params, name)), info.unit, params.currency)
        rows.append(ParameterRow(name, info.label, value, f"{low} to {high}", origin_of(params, name)))
    return tuple(rows)


def origin_of(params: BusinessParameters, name: str) -> str:
    """The origin of a parameter's present value."""
    if _measured(params, name) is not None:
        return MEASURED
    return INFO[name].origin if getattr(params, name) == DEFAULTS[name] else ANALYST


def range_of(params: BusinessParameters, name: str) -> tuple[float, float]:
    """The present plausible range: as measured, else the default one, scaled in proportion to a value that the analyst has set."""
    info, value, measured = INFO[name], float(getattr(params, name)), _measured(params, name)
    if measured is not None:
        low, high = measured.low, measured.high
    else:
        # a default of 0 has no ratio: its range applies once a value is set
        factor = value / DEFAULTS[name] if DEFAULTS[name] else float(value > 0)
        low, high = info.low * factor, info.high * factor
    return max(info.least, min(low, value)), min(info.most, max(high, value))


def shown(value: float, unit: str, currency: str) -> str:
    """A parameter's value as printed: "¥80", "60 %", "20 min", "5,000"."""
    if unit == "share":
        return f"{value * 100:.3g} %"
    if unit == "money":
        return money(value, currency) if abs(value) >= 100 else amount(f"{value:,.4g}", currency)
    number = f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return number if unit == "count" else f"{number} {unit}"


def money(value: float, currency: str) -> str:
    """An amount rounded to three significant figures, since it is an estimate: "−¥1,240,000"."""
    if not value:
        return amount("0", currency)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    factor = 10 ** (2 - math.floor(math.log10(abs(value))))
    rounded = round(abs(value) * factor) / factor
    return ("−" if value < 0 else "") + amount(f"{rounded:,.{digits}f}", currency)


def _measured(params: BusinessParameters, name: str) -> Measured | None:
    return next((m for m in params.measured if m.name == name), None)


def _check_number(name: str, value: object, least: float, most: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ParameterError(f"{name} must be a number, not {value!r}")
    if not least <= value <= most:
        hint = f" (a share: write {value / 100:g} for {value:g} %)" if most == 1 and 1 < value <= 100 else ""
        raise ParameterError(f"{name} must be {least:g} to {most:g}, not {value:g}{hint}")


def unknown_parameter(name: str) -> str:
    """The error message for an unknown parameter, with the nearest known name, else all of them."""
    known = [*(f.name for f in fields(BusinessParameters) if f.name != "measured"), *COUNTS]
    near = difflib.get_close_matches(str(name), known, 1)
    return f"unknown business parameter “{name}”: " + (f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}")
