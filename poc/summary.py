"""The report's first page: what was measured and how certain it is, what fits, what it is worth, and what to measure next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from poc.figures.theme import odds, percent, unit_of
from poc.messages import Messages
from poc.types import Measurement, Scene, floored
from poc.words import advice_sentence, error_percent, of_refusal, price, sentence, tape_first

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
        sure=() if scene.refusal else _sure(scene, room["checks"], _verdict(money["verdict"], money["case"].params, say), say),
        fits=() if scene.refusal else _fits(found, tape_first(room["checks"], say), say),
        worth=_worth(money["case"], money["swings"], say),
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
    line = say("measured_count", measured=counts["measured"], bounds=counts["lower_bound"], unknown=counts["unknown"], all=len(room))
    return (line,)


def _sure(scene: Scene, checks: Sequence[Any], verdict: str, say: Messages) -> tuple[str, ...]:
    """How certain the result is: source and error of the scale, outcome of the self-tests, and the accuracy verdict."""
    lines = [say("scale_from", source=say.phrase(scene.scale.source)), say("scale_error", percent=error_percent(scene.scale.sigma_rel))]
    lines += [sentence(say("scale_note", note=say.phrase(note))) for note in scene.scale.notes]
    if checks:
        lights = {light: sum(c.light == light for c in checks) for light in ("green", "amber", "red")}
        unmade = len(checks) - sum(lights.values())
        lines.append(say("checks", **lights) if not unmade else say("checks_unmade", unmade=unmade, **lights))
    return (*lines, verdict)


def _verdict(verdict: AccuracyVerdict, params: BusinessParameters, say: Messages) -> str:
    """The accuracy verdict in short; the business case tells the whole of it."""
    doubt = "doubted" if verdict.half_widths else "nothing_doubted"
    key = f"verdict_{doubt if verdict.doubted else verdict.light}"
    return say(key, worst=verdict.width, choose=f"{100 * params.decision_error_share:.0f}")


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


def _worth(case: BusinessCase, swings: Sequence[Any], say: Messages) -> tuple[str, ...]:
    """When and how likely it pays back, the net of a month at full use, and the input that matters most."""
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
    return (*lines, say("calculation"))
