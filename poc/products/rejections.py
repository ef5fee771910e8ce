"""For categories in which nothing fits: what was short, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from poc.catalog import Catalogue, LeastNeeds, least_needs, names
from poc.products.fit import MARGIN_M, Extent, joint_probability
from poc.products.phrases import between, height_in_words, in_words, probability_in_words
from poc.products.places import Place
from poc.recommend import FITS, Rule, chosen_categories, known_name, places_or_reason, recommend_or_reason, rule_of
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
            found.append(Rejection(category, "place", None, f"no place for a {category} was found ({why})"))
        else:
            found.append(_shortage(category, rule, least, here, min_probability) or _not_at_once(category, rule, least, offer.likeliest, scene, min_probability))
    return tuple(found)


def _no_offer(category: str, style: str | None, max_price: float | None, currency: str) -> str:
    limits = [f"in style {style}"] * bool(style)
    limits += [f"at {price(max_price or 0.0, currency)} or less"] * (max_price is not None)
    return f"the catalogue has no {category} {' '.join(limits)}".rstrip()


@dataclass(frozen=True)
class _Trial:
    """One length against the least that any piece of a category needs of it. need_m: with its margin, shown_m: as it is told; more: what
    the need is for, in words; where: what has the length; probability: that it is enough."""

    short: str
    adjective: str
    more: str
    need_m: float
    shown_m: float
    have: Extent
    where: str

    @property
    def probability(self) -> float:
        return joint_probability([(self.need_m, self.have)])

    @property
    def hopeless(self) -> bool:
        """Whether no tape can help, as far as the photo shows: the length ends in sight, and the upper end of its interval is too short."""
        return not self.have.at_least and self.shown_m >= self.have.high_m

    def told(self, category: str) -> Rejection:
        guessed = self.have.otherwise is not None or "assumed" in self.have.basis
        has = height_in_words(self.have) if guessed else _has(self.have)
        text = f"the {self.adjective} {category} needs {self.shown_m:.2f} m{self.more}, {self.where} {has}{_close(self.shown_m, self.have)}"
        return Rejection(category, self.short, None if guessed else self.need_m - self.have.value_m, text)


def _shortage(category: str, rule: Rule, least: LeastNeeds, places: Sequence[Place], wanted: float) -> Rejection | None:
    """The length that stands most in the way even of the category's least demanding piece; None where each is surely enough. Where no
    tape can help, that is told: of all places, or, where each has something else against it, of the longest one. Otherwise it is the
    least likely length of the places that have nothing against them for sure."""
    worst = _worst(_trials(rule, least, places), wanted)
    if worst is None or worst.hopeless:
        return None if worst is None else worst.told(category)
    possible = [place for place in places if not any(trial.hopeless for trial in _trials(rule, least, [place]))]
    if possible:
        worst = _worst(_trials(rule, least, possible, "" if len(possible) == len(places) else "possible"), wanted)
    else:
        worst = _worst(_trials(rule, least, [max(places, key=lambda place: place.length.value_m)], "longest"), wanted)
    return None if worst is None else worst.told(category)


def _worst(trials: Sequence[_Trial], wanted: float) -> _Trial | None:
    """The first that is hopeless, else the least likely of those that are not surely enough."""
    short = [trial for trial in trials if trial.probability < wanted]
    return next((trial for trial in short if trial.hopeless), min(short, key=lambda trial: trial.probability, default=None))


def _trials(rule: Rule, least: LeastNeeds, places: Sequence[Place], which: str = "") -> tuple[_Trial, ...]:
    """Every length that the category needs, each at the place that has most of it. which: all places there are (""), those "possible", or
    the "longest" alone; it sets the words."""
    widest, deepest, stood_on = (max(places, key=lambda p, what=what: getattr(p, what).value_m) for what in ("length", "depth", "ground"))
    longest, floor, shown = f"the longest free {widest.kind}", f"the free floor{' in front' * (deepest.kind == 'wall')} has", "the photo shows"
    if which == "longest":
        floor, shown = f"along {longest} there is", f"along {longest} the photo shows"
    elif which == "possible":
        longest += " with depth enough"
    return (
        _Trial("width", "narrowest", _beside(rule), least.width_m + MARGIN_M, least.width_m, widest.length, f"{longest} has"),
        _Trial("depth", "shallowest",  " of floor to stand on", least.body_m, least.body_m, stood_on.ground, shown),
        _Trial("depth", "shallowest", " with its walkway", least.depth_m, least.depth_m, deepest.depth, floor),
        _Trial("height", "lowest", " in height", least.height_m + MARGIN_M, least.height_m, places[0].height, "the room has"),
    )


def _not_at_once(category: str, rule: Rule, least: LeastNeeds, likeliest: Recommendation | None, scene: Scene, wanted: float) -> Rejection:
    """Every length would do by itself: the piece that comes nearest, or that there is no one place for any."""
    if likeliest is not None:
        chance = f"fits with a probability of {probability_in_words(likeliest.probability)}, below the required {wanted:g}"
        return Rejection(category, "together", None, f"the most likely {category}, {likeliest.product.name}, {chance}: measure by tape")
    kinds = {opening.kind for opening in scene.openings}
    kept = "".join(words for kind, words in (("window", ", below windows"), ("door", ", away from doors")) if kind in kinds)
    text = (
        f"the narrowest {category} would fit ({least.width_m:.2f} m{_beside(rule)}), so would the shallowest ({least.depth_m:.2f} m with "
        f"its walkway), but no single place has enough width and depth at once{kept}"
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
