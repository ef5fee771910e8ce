"""Results as table rows and sentences, so that the notebooks, the report and the terminal use the same words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
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
"""Endings of refusals that already say what to do; the usual advice, to take another photo, would be wrong for these."""
SAME = "for the same reason"
PRODUCT_COLUMNS = ("Piece", "Category", "Price", "Fits", "Why")
REJECTION_COLUMNS = ("Category", "Why nothing fits")
_SIGNS = {"CNY": "¥", "RMB": "¥", "EUR": "€", "USD": "$", "GBP": "£"}
_STATUS = {"measured": "", "lower_bound": "at least this", "unknown": ""}


def measurement_rows(measurements: Iterable[Measurement]) -> list[tuple[str, ...]]:
    """One row of MEASUREMENT_COLUMNS per measurement. The reason of an unknown one is not repeated for the next with the same reason."""
    rows, before = [], ""
    for m in measurements:
        note = plain(remark(m))
        rows.append((title_of(m.name), value_words(m), plain(m.basis), SAME if note and note == before else note))
        before = note if m.status == "unknown" else ""
    return rows


def plain(text: str) -> str:
    """Text with plane ids as a reader would write them: "wall_2, foot" → "wall 2, foot"."""
    return re.sub(r"\bwall_(\d+)", r"wall \1", text)


def remark(m: Measurement) -> str:
    """What a measurement's status means, and its reason, as one phrase; empty where it is simply measured."""
    return ": ".join(part for part in (_STATUS[m.status], m.reason) if part)


def check_rows(checks: Iterable[Check]) -> list[tuple[str, ...]]:
    """One row of CHECK_COLUMNS per self-test."""
    return [(c.name, _found(c), LIGHTS[c.light][2] if c.light else "not checked", c.meaning) for c in checks]


def tape_first(checks: Iterable[Check], say: Messages = Messages("en")) -> str:
    """A warning that names the self-tests with a red light; empty where there are none."""
    names = say("list").join(say.phrase(c.name) for c in checks if c.light == "red")
    return say("tape_first", names=names) if names else ""


def _found(check: Check) -> str:
    """What a self-test found, with its unit; standard deviations in words."""
    if check.value is not None and check.unit == "σ":
        return f"{check.value:.1f} × their error"
    return "–" if check.value is None else f"{check.value:.3g} {unit_of(check.unit)}".strip()


def scale_sentences(scene: Scene) -> list[str]:
    """Where the scale comes from, every opinion on it, and where they disagree; for a refused scene only the refusal."""
    if scene.refusal:
        return [refusal_sentence(scene.refusal)]
    scale = scene.scale
    sentences = [f"Scale from: {scale.source}. The camera is {scale.camera_height_m:.2f} m above the floor,"
            f" ± {error_percent(scale.sigma_rel)} % (90 %)."]  # fmt: skip
    sentences += [_opinion_sentence(o) for o in scale.opinions]
    camera = scene.camera
    focal = f"{camera.f_px:.0f} px ({camera.f_source}, adjusted within its error to fit the room best)"
    sentences.append(f"Focal length {focal}; tilt: {camera.gravity_source}.")
    return sentences + [sentence(note) for note in (*scale.notes, *camera.notes, *scene.notes)]


def _opinion_sentence(opinion: ScaleSource) -> str:
    """The camera height according to one source, and the note on how it was derived."""
    said = f"{opinion.source[:1].upper()}{opinion.source[1:]}: {opinion.camera_height_m:.2f} m ± {error_percent(opinion.sigma_rel)} %"
    return f"{said} ({opinion.note})." if opinion.note else f"{said}."


def error_percent(sigma_rel: float) -> str:
    """Half-width of the 90 % interval of a relative one-sigma error, in per cent (as `whole_percent` prints it)."""
    return whole_percent(100 * Z90 * sigma_rel)


def refusal_sentence(reason: str) -> str:
    """Why no room was measured, as one sentence; most reasons already begin with "no room found"."""
    return sentence(reason if reason.lower().startswith("no room") else f"no room is measured: {reason}")


def of_refusal(what: str, refusal: str, say: Messages) -> str:
    """What follows from a refusal (what="means"), or what to do about it (what="advice"): take another photo, check the value that was
    given, or do what the refusal itself says."""
    kind = "given_off" if refusal.endswith(GIVEN_OFF) else "remedy" if refusal.endswith(REMEDIES) else "no_room"
    return say(f"{kind}_{what}")


def advice_sentence(advice: NextMeasurement | None, refusal: str | None = None, say: Messages = Messages("en")) -> str:
    """What to measure next and how much it would help, as sentences, or that nothing would help much.

    refusal: the scene's, which has advice of its own. An action that has no translation is given in English as a whole.
    """
    if refusal:
        return of_refusal("advice", refusal, say)
    if advice is None:
        return say("no_advice")
    action = say.action(sentence(advice.action))
    if action is None:
        return advice_sentence(advice)
    return say("advice", action=action, gain=_gain(advice, say))


def _gain(advice: NextMeasurement, say: Messages) -> str:
    """What the advice improves: a narrower interval, a higher bound, or a value where there was only a bound or nothing."""
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
    """One row of PRODUCT_COLUMNS per recommendation; a piece that is not at a wall is called free-standing."""
    return [(r.product.name, r.product.category, price(r.product.price, currency), odds(r), "free-standing: " * (r.placement.wall_id is None) + r.reason) for r in items]


def rejection_rows(rejections: Iterable[Rejection], any_fits: bool) -> list[tuple[str, ...]]:
    """One row of REJECTION_COLUMNS per category in which nothing fits; no rows if no place was found at all, which is reported
    elsewhere. any_fits: whether a piece of another category has a place."""
    rejections = list(rejections)
    if not any_fits and all(r.short == "place" for r in rejections):
        return []
    return [(r.category, sentence(r.text)) for r in rejections]


def no_rejections(any_fits: bool) -> str:
    """What there is to say where `rejection_rows` has no rows: that every category has a piece, or that there is no place at all."""
    return "Every category has a piece that fits." if any_fits else "There is no place for any piece, for the reason given above."


def price(value: float, currency: str) -> str:
    """A price with its currency's sign or code: "¥3,400", "SEK 3,400"; with two decimals unless it is whole: "$0.49"."""
    return amount(f"{value:,.2f}".removesuffix(".00"), currency)


def amount(number: str, currency: str) -> str:
    """A number after its currency's sign, or after the currency's code and a space where it has no sign of its own."""
    sign = _SIGNS.get(currency.strip().upper(), currency)
    return f"{sign} {number}" if sign[-1:].isalpha() else f"{sign}{number}"


def sentence(text: str) -> str:
    """Text with a capital letter at the beginning and a full stop at the end; empty text stays empty."""
    text = text.strip()
    if text.endswith(("。", "?")):
        return text[:1].upper() + text[1:]
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def measurement_lines(measurements: Iterable[Measurement]) -> list[str]:
    """Measurements for a terminal, one line each: name, value, then basis and reason."""
    rows = [(m.name, value_words(m), "; ".join(part for part in (m.basis, m.reason) if part)) for m in measurements]
    wide, wider = (max((len(row[i]) for row in rows), default=0) for i in (0, 1))
    return [f"{name:<{wide}}  {value:<{wider}}  {why}".rstrip() for name, value, why in rows]


def room_lines(
    scene: Scene, measurements: Iterable[Measurement], advice: NextMeasurement | None = None, photo_notes: Iterable[str] = ()
) -> list[str]:
    """The result of one photo as lines for a terminal: notes on the photo, the scale, references and disagreements, the measurements, and
    what to measure next. For a refused scene only the notes and the refusal."""
    lines = [*(sentence(note) for note in photo_notes), *scale_sentences(scene)[:1]]
    if scene.refusal:
        return lines
    lines += [_opinion_sentence(o) for o in scene.scale.opinions if o.source.startswith("reference")]
    notes = [sentence(note) for note in (*scene.scale.notes, *scene.camera.notes)]
    return [*lines, *notes, *measurement_lines(measurements), *([advice_sentence(advice)] if advice is not None else [])]


def joint_lines(joint: JointRoom) -> list[str]:
    """The result of several photos of one room as lines for a terminal: as `room_lines`, with contradictions and photos left out."""
    if joint.scene.refusal:
        return [" + ".join(joint.photos), refusal_sentence(joint.scene.refusal)]
    remarks = [f"{text}." for text in (*(c.text for c in joint.conflicts), *joint.remarks)]  # may begin with a file's name: no capital
    lines = room_lines(joint.scene, joint.measurements)
    if remarks and not joint.joined:  # the first thing to know is why the values come from one photo only
        return [remarks[0], *lines, *remarks[1:]]
    if len(joint.photos) == 1:
        return [*lines, *remarks]
    photos = "photo" if len(joint.matched) == 1 else "photos"
    seen = f"One room from {len(joint.matched)} {photos} ({', '.join(joint.matched)}), seen from {joint.photos[joint.anchor]}."
    return [seen, *lines, *remarks]
