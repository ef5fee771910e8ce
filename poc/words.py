"""Values as rows and sentences: the same words in the notebooks, the report and the terminal."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from poc.figures.theme import LIGHTS, odds, title_of, unit_of, value_words
from poc.messages import Messages
from poc.room.nextstep import STRETCH_M
from poc.types import GIVEN_OFF, Z90, Check, Measurement, NextMeasurement, Recommendation, ScaleSource, Scene, floored, whole_percent

if TYPE_CHECKING:
    from poc.fuse import JointRoom
    from poc.products.rejections import Rejection

MEASUREMENT_COLUMNS = ("Measurement", "Value (90 %)", "Basis", "Remark")
CHECK_COLUMNS = ("Check", "Found", "Light", "What it means")
REMEDIES = ("crop them away", "save it so", "save it brighter", "correct it for its lens first", "give the camera height")
"""How refusals end that say themselves what to do: to ask for another photo, of a wall's foot, would send people the wrong way."""
SAME = "for the same reason"
PRODUCT_COLUMNS = ("Piece", "Category", "Price", "Fits", "Why")
REJECTION_COLUMNS = ("Category", "Why nothing fits")
_SIGNS = {"CNY": "¥", "RMB": "¥", "EUR": "€", "USD": "$", "GBP": "£"}
_STATUS = {"measured": "", "lower_bound": "at least this", "unknown": ""}


def measurement_rows(measurements: Iterable[Measurement]) -> list[tuple[str, ...]]:
    """MEASUREMENT_COLUMNS of each measurement. Why one cannot be said is not told again of the next."""
    rows, before = [], ""
    for m in measurements:
        told = plain(remark(m))
        rows.append((title_of(m.name), value_words(m), plain(m.basis), SAME if told and told == before else told))
        before = told if m.status == "unknown" else ""
    return rows


def plain(text: str) -> str:
    """Planes as people call them: "wall_2, foot" → "wall 2, foot"."""
    return re.sub(r"\bwall_(\d+)", r"wall \1", text)


def remark(m: Measurement) -> str:
    """What the value does not say by itself, and the reason, in one phrase; empty where it is plainly measured."""
    return ": ".join(part for part in (_STATUS[m.status], m.reason) if part)


def check_rows(checks: Iterable[Check]) -> list[tuple[str, ...]]:
    """CHECK_COLUMNS of each self-test."""
    return [(c.name, _found(c), LIGHTS[c.light][2] if c.light else "not checked", c.meaning) for c in checks]


def tape_first(checks: Iterable[Check], say: Messages = Messages("en")) -> str:
    """What to do about self-tests with a red light, in one sentence; empty where none has."""
    names = ", ".join(say.phrase(c.name) for c in checks if c.light == "red")
    return say("tape_first", names=names) if names else ""


def _found(check: Check) -> str:
    return "–" if check.value is None else f"{check.value:.3g} {unit_of(check.unit)}".strip()


def scale_sentences(scene: Scene) -> list[str]:
    """Where the scale comes from, every opinion on it, and where they disagree."""
    if scene.refusal:
        return [refusal_sentence(scene.refusal)]
    scale = scene.scale
    told = [f"Scale from: {scale.source}. The camera is {scale.camera_height_m:.2f} m above the floor,"
            f" ± {error_percent(scale.sigma_rel)} % (90 %)."]  # fmt: skip
    told += [_opinion_sentence(o) for o in scale.opinions]
    camera = scene.camera
    told.append(f"Focal length {camera.f_px:.0f} px ({camera.f_source}, adjusted within its error to fit the room best); tilt: {camera.gravity_source}.")
    return told + [sentence(note) for note in (*scale.notes, *camera.notes, *scene.notes)]


def _opinion_sentence(opinion: ScaleSource) -> str:
    """What one source says of the camera's height, and how it was read."""
    said = f"{opinion.source[:1].upper()}{opinion.source[1:]}: {opinion.camera_height_m:.2f} m ± {error_percent(opinion.sigma_rel)} %"
    return f"{said} ({opinion.note})." if opinion.note else f"{said}."


def error_percent(sigma_rel: float) -> str:
    """Half of the 90 % interval as `whole_percent`."""
    return whole_percent(100 * Z90 * sigma_rel)


def refusal_sentence(reason: str) -> str:
    """Why no room is measured, as one sentence; most reasons already begin with "no room found"."""
    return sentence(reason if reason.lower().startswith("no room") else f"no room is measured: {reason}")


def of_refusal(what: str, refusal: str, say: Messages) -> str:
    """What a refusal "means", or the "advice" that helps: another photo, another look at what was given with it, or what it says itself."""
    kind = "given_off" if refusal.endswith(GIVEN_OFF) else "remedy" if refusal.endswith(REMEDIES) else "no_room"
    return say(f"{kind}_{what}")


def advice_sentence(advice: NextMeasurement | None, refusal: str | None = None, say: Messages = Messages("en")) -> str:
    """What to measure next, and what it would bring; says so where nothing would help. An action that `say` has no words for
    stays in English, and what it brings with it."""
    if refusal:
        return of_refusal("advice", refusal, say)
    if advice is None:
        return say("no_advice")
    action = say.action(sentence(advice.action))
    if action is None:
        return advice_sentence(advice)
    return say("advice", action=action, gain=_gain(advice, say))


def _gain(advice: NextMeasurement, say: Messages) -> str:
    """From what to what: a narrower interval, a higher bound, or a length where there was only a bound, or nothing."""
    title = say(advice.helps) if say.has(advice.helps) else title_of(advice.helps)
    after = f"{advice.width_after_m / 2:.2f}"
    if math.isfinite(advice.width_now_m):
        return say("gain_narrower", title=title, now=f"{advice.width_now_m / 2:.2f}", after=after)
    if advice.least_after_m is not None:
        return say("gain_higher_bound", title=title, now=floored(advice.least_now_m), after=floored(advice.least_after_m))
    if advice.least_now_m is not None:
        return say("gain_from_bound", title=title, now=floored(advice.least_now_m), after=after)
    if advice.helps == "longest_free_wall":
        return say("gain_free_stretch", title=title, length=f"{STRETCH_M:g}", after=after)
    return say("gain_from_nothing", title=title, after=after)


def product_rows(items: Iterable[Recommendation], currency: str) -> list[tuple[str, ...]]:
    """PRODUCT_COLUMNS of each recommendation."""
    return [(r.product.name, r.product.category, price(r.product.price, currency), odds(r), r.reason) for r in items]


def rejection_rows(rejections: Iterable[Rejection]) -> list[tuple[str, ...]]:
    """REJECTION_COLUMNS of each kind of which nothing fits; none where no place is known at all: that has been said."""
    told = list(rejections)
    if all(r.short == "place" for r in told):
        return []
    return [(r.category, sentence(r.text)) for r in told]


def price(value: float, currency: str) -> str:
    """A price with its currency's sign, or with its code where it has no sign of its own: "¥3,400", "SEK 3,400". One that is whole has
    no decimals, any other two: "$0.49"."""
    return amount(f"{value:,.2f}".removesuffix(".00"), currency)


def amount(number: str, currency: str) -> str:
    """A number with its currency's sign before it, or with its code and a blank where it has no sign of its own."""
    sign = _SIGNS.get(currency.strip().upper(), currency)
    return f"{sign} {number}" if sign[-1:].isalpha() else f"{sign}{number}"


def sentence(text: str) -> str:
    """Text that begins with a capital letter and ends with a full stop; empty stays empty."""
    text = text.strip()
    if text.endswith(("。", "?")):
        return text[:1].upper() + text[1:]
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def measurement_lines(measurements: Iterable[Measurement]) -> list[str]:
    """Measurements for a terminal: name and value in columns, then where it comes from and why it is no more."""
    rows = [(m.name, value_words(m), "; ".join(part for part in (m.basis, m.reason) if part)) for m in measurements]
    wide, wider = (max((len(row[i]) for row in rows), default=0) for i in (0, 1))
    return [f"{name:<{wide}}  {value:<{wider}}  {why}".rstrip() for name, value, why in rows]


def room_lines(scene: Scene, measurements: Iterable[Measurement], advice: NextMeasurement | None = None, photo_notes: Iterable[str] = ()) -> list[str]:
    """A photo's result for a terminal: what was done to it when it was read, the scale, how references were read and where its sources
    disagree, the measurements, and what to measure next."""
    told = [*(sentence(note) for note in photo_notes), *scale_sentences(scene)[:1]]
    if scene.refusal:
        return told
    told += [_opinion_sentence(o) for o in scene.scale.opinions if o.source.startswith("reference")]
    notes = [sentence(note) for note in (*scene.scale.notes, *scene.camera.notes)]
    return [*told, *notes, *measurement_lines(measurements), *([advice_sentence(advice)] if advice is not None else [])]


def _as_seen_alone(joint: JointRoom) -> Scene:
    """The joint scene, its notes on the scale told as those of the one photo they are of: the joint interval is another."""
    scale, anchor = joint.scene.scale, joint.photos[joint.anchor]
    return replace(joint.scene, scale=replace(scale, notes=tuple(f"from {anchor} alone, {note}" for note in scale.notes)))


def joint_lines(joint: JointRoom) -> list[str]:
    """Several photos of one room for a terminal: as `room_lines`, with what disagrees and what could not be matched."""
    if joint.scene.refusal:
        return [" + ".join(joint.photos), refusal_sentence(joint.scene.refusal)]
    told = [f"{words}." for words in (*(c.text for c in joint.conflicts), *joint.remarks)]  # may begin with a file's name: no capital
    lines = room_lines(_as_seen_alone(joint) if len(joint.matched) > 1 else joint.scene, joint.measurements)
    if told and not joint.joined:  # why the values are one photo's is the first thing to know
        return [told[0], *lines, *told[1:]]
    if len(joint.photos) == 1:
        return [*lines, *told]
    photos = "photo" if len(joint.matched) == 1 else "photos"
    seen = f"One room from {len(joint.matched)} {photos} ({', '.join(joint.matched)}), seen from {joint.photos[joint.anchor]}."
    return [seen, *lines, *told]
