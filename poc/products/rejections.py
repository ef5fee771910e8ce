"""For categories in which nothing fits: what was short, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from poc.catalog import Catalogue, LeastNeeds, least_needs, names
from poc.products.fit import MARGIN_M, Extent, joint_probability
from poc.products.places import Place
from poc.recommend import (
    FITS, Rule, between, chosen_categories, height_in_words, in_words, known_name, places_or_reason, probability_in_words,
    recommend_or_reason, rule_of,
)  # fmt: skip
from poc.types import Measurement, Recommendation, Scene
from poc.words import price


@dataclass(frozen=True)
class Rejection:
    """Why a category is empty. short: "width", "depth", "height", "together" (each alone would do), "offer" (price or
    style leaves nothing) or "place" (nowhere to stand is known). short_by_m: need less what there is, where a measured length is
    short; negative where there is enough as measured, but not surely enough."""

    category: str
    short: str
    short_by_m: float | None
    text: str


def explain_rejections(
    scene: Scene, measurements: Sequence[Measurement], catalogue: Catalogue, *, categories: Sequence[str] | None = None,
    style: str | None = None, max_price: float | None = None, min_probability: float = FITS,
) -> tuple[Rejection, ...]:
    """One sentence for every (asked-for) category of which nothing is recommended; options and errors as in `recommend`."""
    chosen = chosen_categories(catalogue, categories)
    styles = None if not style else [known_name(style, names(catalogue, "style"), "style")]
    places, why = places_or_reason(scene, measurements)
    found = []
    for category in chosen:
        offer = recommend_or_reason(
            scene, measurements, catalogue, categories=[category], style=style, max_price=max_price, limit=1,
            min_probability=min_probability,
        )
        if offer.items:
            continue
        rule = rule_of(category)
        least = least_needs(
            catalogue, category, styles=styles, max_price=max_price, side_m=rule.side_m, clear_sides=rule.clear_sides
        )
        here = [place for place in places if place.kind in rule.where]
        if not least.count:
            found.append(Rejection(category, "offer", None, _no_offer(category, style, max_price, catalogue.currency)))
        elif not here:
            found.append(Rejection(category, "place", None, f"nowhere for a {category} to stand is known ({why})"))
        else:
            found.append(_shortage(category, rule, least, here, min_probability) or _not_at_once(category, rule, least, offer.likeliest, scene, min_probability))
    return tuple(found)


def _no_offer(category: str, style: str | None, max_price: float | None, currency: str) -> str:
    limits = [f"in style {style}"] * bool(style)
    limits += [f"at {price(max_price or 0.0, currency)} or less"] * (max_price is not None)
    return f"the catalogue has no {category} {' '.join(limits)}".rstrip()


def _shortage(category: str, rule: Rule, least: LeastNeeds, places: Sequence[Place], wanted: float) -> Rejection | None:
    """The first length that is not surely enough even for the category's least demanding piece; None where each is."""
    widest, deepest, stood_on = (max(places, key=lambda p, what=what: getattr(p, what).value_m) for what in ("length", "depth", "ground"))
    length, floor = (f"free {widest.kind}", "free floor in front" if deepest.kind == "wall" else "free floor")
    beside = _beside(rule)
    trials = (
        ("width", "narrowest", f"{beside}", least.width_m + MARGIN_M, least.width_m, widest.length, f"the longest {length} has"),
        ("depth", "shallowest", " of floor to stand on", least.body_m, least.body_m, stood_on.ground, "the photo shows"),
        ("depth", "shallowest", " with its walkway", least.depth_m, least.depth_m, deepest.depth, f"the {floor} has"),
        ("height", "lowest", " in height", least.height_m + MARGIN_M, least.height_m, places[0].height, "the room has"),
    )
    for short, adjective, extra, need_m, shown_m, have, where in trials:
        if joint_probability([(need_m, have)]) < wanted:
            guessed = have.otherwise is not None or "assumed" in have.basis
            has = height_in_words(have) if guessed else _has(have)
            text = f"the {adjective} {category} needs {shown_m:.2f} m{extra}, {where} {has}{_close(shown_m, have)}"
            return Rejection(category, short, None if guessed else need_m - have.value_m, text)
    return None


def _not_at_once(category: str, rule: Rule, least: LeastNeeds, likeliest: Recommendation | None, scene: Scene, wanted: float) -> Rejection:
    """Every length would do by itself: the piece that comes nearest, or that there is no one place for any."""
    if likeliest is not None:
        chance = f"fits with a probability of {probability_in_words(likeliest.probability)}, below the {wanted:g} asked for"
        return Rejection(category, "together", None, f"the likeliest {category}, {likeliest.product.name}, {chance}: measure by tape")
    kinds = {opening.kind for opening in scene.openings}
    kept = "".join(words for kind, words in (("window", ", below windows"), ("door", ", away from doors")) if kind in kinds)
    text = (
        f"the narrowest {category} would fit ({least.width_m:.2f} m{_beside(rule)}), so would the shallowest ({least.depth_m:.2f} m with "
        f"its walkway), but at no one place does a piece fit in width and depth at once{kept}"
    )
    return Rejection(category, "together", None, text)


def _beside(rule: Rule) -> str:
    return f" with {rule.side_m:.2f} m beside it" if rule.side_m else ""


def _has(have: Extent) -> str:
    return f"{in_words(have)} ({between(have)})"


def _close(need_m: float, have: Extent) -> str:
    """Where the need lies inside the interval, or the length goes on out of sight, the tape decides."""
    if have.low_m < need_m < have.high_m:
        return ": too close to call from the photo, measure by tape"
    return ": the photo does not show all of it, measure by tape" if have.at_least and need_m >= have.high_m else ""
