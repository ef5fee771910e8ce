"""The report's first page: what was measured and how certain it is, what fits, what it is worth, and what to measure next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from poc.figures.theme import odds, percent, unit_of
from poc.messages import Messages
from poc.types import Measurement, Scene, floored
from poc.words import advice_sentence, amount, error_percent, of_refusal, price, sentence, tape_first

if TYPE_CHECKING:
    from poc.assumptions import BusinessParameters
    from poc.business import AccuracyVerdict, BusinessCase
    from poc.recommend import Recommendations
    from poc.runs import Run

CARDS = ("ceiling_height", "longest_wall", "longest_free_wall", "floor_area_free")
"""The measurements that get a card."""
SHOWN_PIECES = 3
"""Number of recommended products on the first page."""


@dataclass(frozen=True)
class Card:
    """One measurement in large type. value: with its unit, or in words. note: its interval, or why it has none. light: "green", "amber",
    "red" or ""; light_word: what it means."""

    label: str
    value: str
    note: str
    light: str
    light_word: str


@dataclass(frozen=True)
class Summary:
    """The text of the first page in one language. refusal: why no room was measured, or ""; meaning: what follows from that. The tuples
    hold the lines of each section; without a room only `worth` has any."""

    refusal: str
    meaning: str
    cards: tuple[Card, ...]
    measured: tuple[str, ...]
    sure: tuple[str, ...]
    fits: tuple[str, ...]
    worth: tuple[str, ...]
    advice: str


def summarise(run: Run, say: Messages) -> Summary:
    """The summary of a finished run, in the language of `say`. Raises RunError when a stage is missing or stale."""
    room, found = run.load("03_measurements").values, run.get("05_recommendation", "found")
    money = run.load("06_business_case").values
    scene: Scene = room["scene"]
    measurements: tuple[Measurement, ...] = room["measurements"]
    named = {m.name: m for m in measurements}
    return Summary(
        refusal=say.refusal(scene.refusal or ""),
        meaning=of_refusal("means", scene.refusal, say) if scene.refusal else "",
        cards=() if scene.refusal else tuple(_card(named[name], say) for name in CARDS if name in named),
        measured=() if scene.refusal else _measured(measurements, say),
        sure=() if scene.refusal else _sure(scene, room["checks"], _verdict(money["verdict"], measurements, money["case"].params, say), say),
        fits=() if scene.refusal else _fits(found, tape_first(room["checks"], say), say),
        worth=_worth(money["case"], money["swings"], found.currency if found.items else "", say),
        advice=advice_sentence(room["advice"], scene.refusal, say),
    )


def _card(m: Measurement, say: Messages) -> Card:
    """The card of a measurement: its value and interval, its lower bound, or the reason why it is unknown."""
    unit = unit_of(m.unit)
    light = m.light if m.status != "unknown" else ""
    word = say(f"light_{light}") if light else ""
    if m.status == "unknown" or m.value is None:
        return Card(say(m.name), say("cannot_say"), say.phrase(m.reason), "", "")
    if m.status == "lower_bound":
        least = floored(m.low if m.low is not None else m.value)
        return Card(say(m.name), f"≥ {least} {unit}", say.phrase(m.reason) or say("hidden_end"), light, word)
    note = "" if m.low is None or m.high is None else say("interval", low=f"{m.low:.2f}", high=f"{m.high:.2f}", unit=unit)
    notes = say("joint").join(part for part in (note, say.phrase(m.reason)) if part)
    return Card(say(m.name), f"{m.value:.2f} {unit}", notes, light, word)


def _measured(measurements: Sequence[Measurement], say: Messages) -> tuple[str, ...]:
    """How many of the room's dimensions (without the camera's height) are measured, bounded or unknown."""
    room = [m for m in measurements if m.name != "camera_height"]
    counts = {status: sum(m.status == status for m in room) for status in ("measured", "lower_bound", "unknown")}
    told = say("list").join(say(f"count_{status}", count=count) for status, count in counts.items() if count)
    return (say("measured_count", counts=told),) if told else ()


def _sure(scene: Scene, checks: Sequence[Any], verdict: str, say: Messages) -> tuple[str, ...]:
    """How certain the result is: source and error of the scale, outcome of the self-tests, and the accuracy verdict."""
    given = scene.solution is not None and scene.solution.known
    error = say("scale_error_given" if given else "scale_error", percent=error_percent(scene.scale.sigma_rel))
    lines = [say("scale_from", source=say.phrase(scene.scale.source)), error]
    lines += [sentence(say("scale_note", note=say.phrase(note))) for note in scene.scale.notes]
    if checks:
        lights = {light: sum(c.light == light for c in checks) for light in ("green", "amber", "red")}
        unmade = len(checks) - sum(lights.values())
        lines.append(say("checks", **lights) if not unmade else say("checks_unmade", unmade=unmade, **lights))
    return (*lines, verdict)


def _verdict(verdict: AccuracyVerdict, measurements: Sequence[Measurement], params: BusinessParameters, say: Messages) -> str:
    """The accuracy verdict in short: which of the lengths that decide are known, and what follows; the business case tells the whole."""
    from poc.business import DECISION_LENGTHS

    status = {m.name: m.status for m in measurements}
    known = [name for name in DECISION_LENGTHS if name in verdict.half_widths]
    bounded = [name for name in DECISION_LENGTHS if name not in known and status.get(name) == "lower_bound"]
    neither = [name for name in DECISION_LENGTHS if name not in (*known, *bounded)]
    many = [f"{what}_{'more' if len(names) > 1 else 'one'}" for what, names in (("known", known), ("bounded", bounded))]
    groups = zip((*many, "not_known"), (known, bounded, neither), strict=True)
    parts = [say(key, names=_listed(names, say), worst=verdict.width) for key, names in groups if names]
    follows = say("verdict_doubted" if verdict.doubted else f"verdict_{verdict.light}", choose=f"{100 * params.decision_error_share:.0f}")
    told = say("joint").join(parts)
    return say("verdict", known=told[:1].upper() + told[1:], follows=follows)


def _listed(names: Sequence[str], say: Messages) -> str:
    """Measurements as part of a sentence: "the ceiling height, the longest wall and the longest free wall"."""
    *others, last = (say(f"the_{name}") for name in names)
    return say("and").join(part for part in (say("list").join(others), last) if part)


def _fits(found: Recommendations, caution: str, say: Messages) -> tuple[str, ...]:
    """The best products, or why there are none. caution: a warning to put first, or ""."""
    if not found.items:
        return (say("nothing_fits", reason=say.phrase(say.refusal(found.reason)).rstrip(".。")),)
    lines = [caution] if caution else []
    key = "fit_line_if" if caution else "fit_line"
    for r in found.items[:SHOWN_PIECES]:
        lines.append(say(key, name=r.product.name, price=price(r.product.price, found.currency), percent=say.phrase(odds(r))))
    if len(found.items) > SHOWN_PIECES:
        lines.append(say("more_pieces", count=len(found.items) - SHOWN_PIECES, all=found.sure))
    if len(found.items) > 1:
        lines.append(say("alone"))
    return tuple(lines)


def _worth(case: BusinessCase, swings: Sequence[Any], prices_in: str, say: Messages) -> tuple[str, ...]:
    """When and how likely it pays back, the net of a month at full use, and the input that matters most. prices_in: the currency of the
    products on the page, or ""; a line says where it is another."""
    from poc.assumptions import money

    currency, horizon = case.params.currency, case.params.horizon_months
    amounts = {"net": case.steady.net, "low": case.net_low, "median": case.net_median, "high": case.net_high}
    amounts["build"] = case.params.build_cost
    chances = {"horizon": horizon, "share": say.phrase(percent(case.pays_back_share)), "end": money(case.end_median, currency)}
    pays = say("pays_never", **chances) if case.break_even_month is None else say("pays_in", month=case.break_even_month, **chances)
    lines = [pays, say("net", **{name: money(value, currency) for name, value in amounts.items()})]
    if swings:
        name = say.phrase(swings[0].label)
        lines.append(say("decides", name=name[:1].lower() + name[1:]))
    if prices_in and amount("", prices_in) != amount("", currency):
        lines.append(say("two_currencies", products=prices_in, case=currency))
    return (*lines, say("calculation"))
