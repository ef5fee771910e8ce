"""For categories in which nothing fits: which length is too small, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from poc.catalog import Catalogue, LeastNeeds, least_needs, names
from poc.products.fit import MARGIN_M, Extent, joint_probability
from poc.products.phrases import between, height_in_words, in_words, probability_in_words, with_article
from poc.products.places import Place
from poc.recommend import FITS, Rule, chosen_categories, known_name, places_or_reason, recommend_or_reason, rule_of
from poc.types import Measurement, Recommendation, Scene
from poc.words import price


@dataclass(frozen=True)
class Rejection:
    """Why nothing of a category is recommended.

    short: what is missing: "width", "depth", "height", "together" (each length alone would do, but no place has them all), "offer" (price
    or style leaves no product) or "place" (no place was found). short_by_m: the need minus the measured length, where one is too small;
    negative where it is large enough as measured, but not with enough certainty. text: the reason in words.
    """

    category: str
    short: str
    short_by_m: float | None
    text: str


def explain_rejections(
    scene: Scene, measurements: Sequence[Measurement], catalogue: Catalogue, *, categories: Sequence[str] | None = None,
    style: str | None = None, max_price: float | None = None, min_probability: float = FITS,
) -> tuple[Rejection, ...]:
    """The reason for every requested category in which nothing is recommended. Arguments and errors as `recommend_or_reason`."""
    chosen = chosen_categories(catalogue, categories)
    styles = None if not style else [known_name(style, names(catalogue, "style"), "style")]
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
        here, why = places_or_reason(scene, measurements, rule.where)
        if not least.count:
            found.append(Rejection(category, "offer", None, _no_offer(category, style, max_price, catalogue.currency)))
        elif not here:
            found.append(Rejection(category, "place", None, f"no place for {with_article(category)} was found ({why})"))
        else:
            shortage = _shortage(category, rule, least, here, min_probability)
            found.append(shortage or _not_at_once(category, rule, least, offer.likeliest, scene, min_probability))
    return tuple(found)


def _no_offer(category: str, style: str | None, max_price: float | None, currency: str) -> str:
    """That the catalogue has no product of a category in this style and at this price."""
    limits = [f"in style {style}"] * bool(style)
    limits += [f"at {price(max_price or 0.0, currency)} or less"] * (max_price is not None)
    return f"the catalogue has no {category} {' '.join(limits)}".rstrip()


@dataclass(frozen=True)
class _Trial:
    """A length of the room compared with the least that any piece of a category needs.

    short: as in `Rejection`. adjective: of the piece that needs least ("narrowest"). more: what the need includes, in words. need_m: the
    need with its margin; shown_m: the need as printed. have: the length; where: what has it, in words. probability: that it is enough.
    """

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
        """Whether measuring by tape cannot help."""
        return _too_small(self.shown_m, self.have)

    def rejection(self, category: str) -> Rejection:
        """This shortage as the reason for a category."""
        guessed = self.have.otherwise is not None or "assumed" in self.have.basis
        has = height_in_words(self.have) if guessed else _has(self.have)
        text = f"the {self.adjective} {category} needs {self.shown_m:.2f} m{self.more}, {self.where} {has}{_close(self.shown_m, self.have)}"
        return Rejection(category, self.short, None if guessed else self.need_m - self.have.value_m, text)


def _too_small(need_m: float, have: Extent) -> bool:
    """Whether a length is too small beyond doubt: both its ends are in view, and even the upper end of its interval is."""
    return not have.at_least and need_m >= have.high_m


def _shortage(category: str, rule: Rule, least: LeastNeeds, places: Sequence[Place], wanted: float) -> Rejection | None:
    """The length that is the main obstacle even for the category's least demanding piece; None where each length is enough.

    If one is too small beyond doubt in all places, it is that one. If every place has a different length that is, it is that of the
    longest place. Otherwise it is the least likely length of the places in which none is too small beyond doubt.
    """
    worst = _worst(_trials(rule, least, places), wanted)
    if worst is None or worst.hopeless:
        return None if worst is None else worst.rejection(category)
    possible = [place for place in places if not any(trial.hopeless for trial in _trials(rule, least, [place]))]
    if possible:
        longest = max(places, key=lambda place: place.length.value_m)
        worst = _worst(_trials(rule, least, possible, "" if longest in possible else "possible"), wanted)
    else:
        worst = _worst(_trials(rule, least, [max(places, key=lambda place: place.length.value_m)], "longest"), wanted)
    return None if worst is None else worst.rejection(category)


def _worst(trials: Sequence[_Trial], wanted: float) -> _Trial | None:
    """The first hopeless trial, else the least likely of those below the wanted probability; None where there is none."""
    short = [trial for trial in trials if trial.probability < wanted]
    return next((trial for trial in short if trial.hopeless), min(short, key=lambda trial: trial.probability, default=None))


def _trials(rule: Rule, least: LeastNeeds, places: Sequence[Place], which: str = "") -> tuple[_Trial, ...]:
    """A trial for every length that the category needs, each at the place that most likely has enough of it; one that is surely too small
    only where all are. which: how the places were selected, for the wording: all of them (""), those without the longest, which is too
    shallow ("possible"), or only the "longest"."""
    def best(need_m: float, what: str, margin_m: float = 0.0) -> Place:
        def merit(place: Place) -> tuple[bool, float, float]:
            have = getattr(place, what)
            return not _too_small(need_m, have), joint_probability([(need_m + margin_m, have)]), have.value_m
        return max(places, key=merit)

    widest, deepest, stood_on = best(least.width_m, "length", MARGIN_M), best(least.depth_m, "depth"), best(least.body_m, "ground")
    is_longest = widest.length.value_m == max(place.length.value_m for place in places)
    longest = f"the longest free {widest.kind}" if is_longest else f"the free {widest.kind} most likely to be long enough"
    floor, shown = f"the free floor{' in front' * (deepest.kind == 'wall')} has", "the photo shows"
    if which == "longest":
        floor, shown = f"along {longest} there is", f"along {longest} the photo shows"
    elif which == "possible":
        longest += " that is not too shallow"
    return (
        _Trial("width", "narrowest", _beside(rule), least.width_m + MARGIN_M, least.width_m, widest.length, f"{longest} has"),
        _Trial("depth", "shallowest", " of floor to stand on", least.body_m, least.body_m, stood_on.ground, shown),
        _Trial("depth", "shallowest", " with its walkway", least.depth_m, least.depth_m, deepest.depth, floor),
        _Trial("height", "lowest", " in height", least.height_m + MARGIN_M, least.height_m, places[0].height, "the room has"),
    )


def _not_at_once(category: str, rule: Rule, least: LeastNeeds, likeliest: Recommendation | None, scene: Scene, wanted: float) -> Rejection:
    """The reason where every length alone would do: the piece most likely to fit, or that no single place is wide and deep enough."""
    if likeliest is not None:
        chance = f"fits with a probability of {probability_in_words(likeliest.probability)}, below the required {wanted:g}"
        return Rejection(category, "together", None, f"the most likely {category}, {likeliest.product.name}, {chance}: measure by tape")
    kinds = [kind for kind in ("window", "door") if any(opening.kind == kind for opening in scene.openings)]
    kept = f" without blocking a {' or a '.join(kinds)}" if kinds else ""
    text = (
        f"one place is wide enough for the narrowest {category} ({least.width_m:.2f} m{_beside(rule)}), one is deep enough for the shallowest "
        f"({least.depth_m:.2f} m with its walkway), but nowhere is there width and depth for the same piece{kept}"
    )
    return Rejection(category, "together", None, text)


def _beside(rule: Rule) -> str:
    """The room needed beside a piece, in words."""
    return f" with {rule.side_m:.2f} m beside it" if rule.side_m else ""


def _has(have: Extent) -> str:
    """A length with its interval, in words."""
    return f"{in_words(have)} ({between(have)})"


def _close(need_m: float, have: Extent) -> str:
    """Advice to measure by tape, where the need lies inside the interval or the length continues out of sight."""
    if have.low_m < need_m < have.high_m:
        return ": too close to call from the photo, measure by tape"
    return ": the photo does not show all of it, measure by tape" if have.at_least and need_m >= have.high_m else ""
