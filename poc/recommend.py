"""Measurements and catalogue → products that fit, where they go, and why.

The database drops what cannot fit even at the upper end of the intervals (SQL). For the rest, the probability that
a piece fits follows from the measured intervals (`poc.products.fit`), and a position free of obstacles from the visible floor
(`poc.products.places`). Each recommendation is made on its own: two of them may need the same place.
"""

from __future__ import annotations

import difflib
import math
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from poc.catalog import Catalogue, fitting, names, on_offer
from poc.errors import ParameterError
from poc.products.fit import MARGIN_M, Extent, find, fit_probability
from poc.products.phrases import between, counted, height_in_words, in_words
from poc.products.places import Place, Spot, find_spot, floor_places, placement_at, wall_places
from poc.types import Measurement, Product, Recommendation, Scene

FITS = 0.8
"""A piece is recommended from this probability on; below it, measuring by tape first is better advice."""
UNSEEN_FREE = 0.9
"""Assumed probability that floor just beyond the photo's edge is free where a walkway needs it; the reason says so."""
AS_DRAWN = {"wall": 0.91, "floor": 0.89}
"""How often a place is as free as it is drawn, by its kind: no furniture was missed there, and no wall misplaced. Of pieces that fitted by
their measurements with 0.97 or more in 182 rendered photos not learnt from, so many stood clear of everything within 0.15 m of the place
drawn, with their real size in the real room: of 1063 at walls, and of 626 on the floor (`tests/eval_places.py`)."""
PLACE_WEIGHT = 0.1
"""How much likelier a piece must be to fit at an unsuitable place than at the most suitable one, to be put there."""
NO_OFFER = "nothing in the catalogue matches the requested kind, style and price"
TALL_M = 1.5
"""For pieces from this height on, the reason mentions the ceiling."""


@dataclass(frozen=True)
class Rule:
    """How pieces of a category are placed.

    where: "wall", "floor" or both. share: the share of the wall's length (of the floor's area) at which a piece looks right. clear_sides:
    number of sides that need the clearance. side_m: free room beside the piece. corner: placed at the end of a stretch, not its middle.
    """

    where: tuple[str, ...]
    share: float
    clear_sides: int = 1
    side_m: float = 0.0
    corner: bool = False

    def setback_m(self, product: Product) -> float:
        """Free floor behind a piece that is used from both sides."""
        return (self.clear_sides - 1) * product.clearance_m


RULES = {
    "sofa": Rule(("wall",), 0.67),
    "bed": Rule(("wall", "floor"), 0.60, side_m=0.50),
    "wardrobe": Rule(("wall",), 0.75, corner=True),
    "desk": Rule(("wall",), 0.50, corner=True),
    "dining table": Rule(("floor",), 0.35, clear_sides=2),
    "shelf": Rule(("wall",), 0.60, corner=True),
    "tv stand": Rule(("wall",), 0.67),
    "armchair": Rule(("floor", "wall"), 0.30, corner=True),
}
"""By category. The shares follow the usual rule that a sofa takes two thirds of its wall; they only order the list."""
OTHER = Rule(("wall", "floor"), 0.60)
"""For any other category."""


@dataclass(frozen=True)
class Recommendations:
    """The products recommended, or the reason why there are none.

    items: the best of those that fit. reason: the outcome in words. sure: number of products that fit with
    the required probability. undecided: number of those that have a place but a lower probability; likeliest: the most likely of them.
    basis: what they were fitted to, in words.
    """

    items: tuple[Recommendation, ...]
    reason: str
    sure: int
    undecided: int
    basis: str
    currency: str
    likeliest: Recommendation | None = None


@dataclass(frozen=True, eq=False)
class Candidate:
    """A product at its best place. taken: the share of the wall (of the floor) that it takes up. use: 0…1, how well that suits its
    category, and how good the place is."""

    product: Product
    place: Place
    spot: Spot
    probability: float
    taken: float
    use: float


def recommend(
    scene: Scene, measurements: Sequence[Measurement], catalogue: Catalogue, *, categories: Sequence[str] | None = None,
    style: str | None = None, max_price: float | None = None, limit: int = 12,
) -> tuple[Recommendation, ...]:
    """The products that fit, best of each category first; empty where none does. Arguments and errors as `recommend_or_reason`."""
    return recommend_or_reason(
        scene, measurements, catalogue, categories=categories, style=style, max_price=max_price, limit=limit
    ).items


def recommend_or_reason(
    scene: Scene, measurements: Sequence[Measurement], catalogue: Catalogue, *, categories: Sequence[str] | None = None,
    style: str | None = None, max_price: float | None = None, limit: int = 12, min_probability: float = FITS,
) -> Recommendations:
    """The products that fit with at least min_probability, or the reason why there are none.

    categories, style, max_price: which products are considered; None for all. limit: the number of products listed.
    Raises ParameterError for a category or style that the catalogue lacks, a limit below 1, or a price or probability out of range.
    """
    chosen = chosen_categories(catalogue, categories)
    styles = None if not style else [known_name(style, names(catalogue, "style"), "style")]
    check_options(max_price, limit, min_probability)
    places, why = places_or_reason(scene, measurements, {kind for category in chosen for kind in rule_of(category).where})
    if not places:
        return Recommendations((), why, 0, 0, "", catalogue.currency)
    if not on_offer(catalogue, chosen, styles, max_price):
        return Recommendations((), NO_OFFER, 0, 0, _basis(places), catalogue.currency)
    candidates = _candidates(places, catalogue, chosen, styles, max_price, min_probability)
    sure = [c for c in candidates if c.probability >= min_probability]
    undecided = [c for c in candidates if c not in sure and c.probability >= 0.05]
    nearest = max(undecided, key=lambda c: (c.probability, c.product.sku), default=None)
    items = tuple(_recommendation(c) for c in _diverse(sure, limit))
    return Recommendations(
        items, _outcome(len(sure), len(items), len(undecided), min_probability, why), len(sure), len(undecided), _basis(places),
        catalogue.currency, None if nearest is None else _recommendation(nearest),
    )


def chosen_categories(catalogue: Catalogue, categories: Sequence[str] | None) -> tuple[str, ...]:
    """The requested categories as the catalogue writes them; all for None. categories: names, or text with commas between them. Raises
    ParameterError for an unknown name (with the nearest known one) and for an empty list."""
    known = names(catalogue, "category")
    if categories is None:
        return known
    asked = [name for name in (categories.split(",") if isinstance(categories, str) else categories) if name.strip()]
    if not asked:
        raise ParameterError(f"the list of categories is empty: choose from {', '.join(known)}, or leave it out for all")
    return tuple(dict.fromkeys(known_name(name, known, "category") for name in asked))


def rule_of(category: str) -> Rule:
    """How pieces of a category are placed."""
    return RULES.get(category, OTHER)


# --- candidates --------------------------------------------------------------------------------------------------


def places_or_reason(
    scene: Scene, measurements: Sequence[Measurement], kinds: Collection[str] = ("wall", "floor")
) -> tuple[tuple[Place, ...], str]:
    """All places of these kinds where a piece could stand, and why there are none along walls or on the floor; "" where there are all."""
    if scene.refusal:
        return (), scene.refusal
    walls, floors = wall_places(scene, measurements), floor_places(scene, measurements)
    missing = []
    for found, name, kind in ((walls, "longest_free_wall", "wall"), (floors, "floor_area_free", "floor")):
        if kind in kinds and not found:
            missing.append(f"free {kind}: {_why_no_place(find(measurements, name))}")
    return tuple(place for place in (*walls, *floors) if place.kind in kinds), "; ".join(missing)


def _why_no_place(m: Measurement | None) -> str:
    """Why nothing can be placed by a free length or area. The reason of one that is known, if only as a bound, does not explain that."""
    if m is not None and m.status != "unknown":
        return "the visible part is too small to place anything"
    return m.reason if m is not None and m.reason else "not seen well enough to place anything"


def _candidates(
    places: Sequence[Place], catalogue: Catalogue, categories: Sequence[str], styles: Sequence[str] | None,
    max_price: float | None, min_probability: float,
) -> list[Candidate]:
    """Every product that has a free spot at some place: at the most suitable place of those where it fits with min_probability, else at the
    place where it fits most probably."""
    best: dict[str, Candidate] = {}
    for place, rule, group in _queries(places, categories):
        products = fitting(
            catalogue, categories=group, styles=styles, max_price=max_price, side_m=rule.side_m,
            clear_sides=rule.clear_sides, max_width_m=place.length.high_m, max_depth_m=place.depth.high_m,
            max_height_m=place.height.high_m,
        )
        for product in products:
            new, old = _candidate(product, place, rule), best.get(product.sku)
            if new is not None and (old is None or _merit(new, min_probability) > _merit(old, min_probability)):
                best[product.sku] = new
    return list(best.values())


def _queries(places: Sequence[Place], categories: Sequence[str]) -> Iterator[tuple[Place, Rule, list[str]]]:
    """One query per place and rule: categories with the same rule are queried together."""
    for place in places:
        groups: dict[tuple, list[str]] = defaultdict(list)
        for category in categories:
            rule = rule_of(category)
            if place.kind in rule.where:
                groups[rule].append(category)
        for rule, group in groups.items():
            yield place, rule, group


def _candidate(product: Product, place: Place, rule: Rule) -> Candidate | None:
    """A product at the best position of one place, with the probability that it fits there; None where it has no free spot."""
    width_m = product.width_m + rule.side_m + MARGIN_M
    depth_m = product.depth_m + rule.clear_sides * product.clearance_m
    spot = find_spot(place, product, width_m, depth_m, corner=rule.corner, side_m=rule.side_m,
                     setback_m=rule.setback_m(product))
    if spot is None:
        return None
    probability = fit_probability(
        product, run_extent(place, spot), place.spread.scaled(max(spot.depth_m, 0.01)), place.height,
        side_m=rule.side_m, clear_sides=rule.clear_sides,
    )
    probability *= AS_DRAWN[place.kind] * (UNSEEN_FREE if spot.unseen_m > 0 else 1.0)
    taken = product.width_m / spot.run_m if place.kind == "wall" else product.width_m * product.depth_m / _area(place)
    suits = max(0.0, 1.0 - abs(taken - rule.share) / max(rule.share, 1.0 - rule.share))
    use = suits * place.rank * (0.9 if place.length.at_least else 1.0)  # the longest wall first, and seen whole rather than in part
    return Candidate(product, place, spot, probability, taken, use)


def run_extent(place: Place, spot: Spot) -> Extent:
    """The usable length at a spot, with its uncertainty: the whole stretch as measured, or the part of it that is deep enough."""
    whole = abs(spot.run_m - place.length.value_m) < 1e-6
    return place.length if whole else place.spread.scaled(spot.run_m)


def _area(place: Place) -> float:
    return max(place.length.value_m * place.depth.value_m, 1e-6)


def _merit(c: Candidate, enough: float) -> tuple[bool, float]:
    """Sort key between places for one product: whether it fits with probability `enough`, and how likely and suitable."""
    sure = c.probability >= enough
    return sure, c.probability + (PLACE_WEIGHT * c.use if sure else 0.0)


# --- choosing ----------------------------------------------------------------------------------------------------


def _diverse(candidates: Sequence[Candidate], limit: int) -> list[Candidate]:
    """The best candidate of every category, then the second best of each, and so on up to `limit`; styles alternate within a category."""
    by_category: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_category[candidate.product.category].append(candidate)
    ranked = [_rank(group) for group in by_category.values()]
    rounds = max((len(group) for group in ranked), default=0)
    chosen = [
        scored
        for number in range(rounds)
        for scored in sorted((group[number] for group in ranked if number < len(group)), key=_lead)
    ]
    return [scored.candidate for scored in chosen[:limit]]


class _Scored(NamedTuple):
    """A candidate with its score within its category."""

    score: float
    candidate: Candidate


def _lead(scored: _Scored) -> tuple[int, int, str]:
    """Sort key between categories: pieces that use more of the room first; near ties in the order of RULES."""
    c = scored.candidate
    order = list(RULES).index(c.product.category) if c.product.category in RULES else len(RULES)
    return -round(20 * scored.score * (0.6 + 0.4 * min(1.0, c.taken / 0.67))), order, c.product.sku


def _rank(group: Sequence[Candidate]) -> list[_Scored]:
    """One category, best first, by probability, use of the wall and price; a style that is listed already loses a tenth each time."""
    prices = sorted(c.product.price for c in group)
    score = {
        c.product.sku: c.probability * (0.55 + 0.35 * c.use + 0.10 * (1 - prices.index(c.product.price) / len(prices)))
        for c in group
    }
    left, shown, ranked = list(group), defaultdict(int), []
    while left:
        best = max(
            (_Scored(score[c.product.sku] * 0.9 ** shown[c.product.style], c) for c in left),
            key=lambda scored: (scored.score, scored.candidate.product.sku),
        )
        ranked.append(best)
        shown[best.candidate.product.style] += 1
        left.remove(best.candidate)
    return ranked


# --- words -------------------------------------------------------------------------------------------------------


def _recommendation(c: Candidate) -> Recommendation:
    setback_m = rule_of(c.product.category).setback_m(c.product)
    placement = placement_at(c.place, c.spot, c.product, setback_m)
    return Recommendation(c.product, placement, c.probability, reason_for(c), _at_least(c))


def _at_least(c: Candidate) -> bool:
    """Whether the probability is a lower bound: the place continues out of sight, which can only help."""
    return run_extent(c.place, c.spot).at_least and 0.01 <= c.probability <= 0.99


def reason_for(c: Candidate) -> str:
    """“1.80 m wide on 2.41 m of free wall (90 %: 2.25–2.60); 0.60 m walkway kept”."""
    product, rule = c.product, rule_of(c.product.category)
    run, deep = run_extent(c.place, c.spot), c.place.spread.scaled(max(c.spot.depth_m, 0.01))
    if c.place.kind == "wall":
        part = "" if run is c.place.length else " that is clear in front"
        size = f"{product.width_m:.2f} m wide on {in_words(run)} of free wall{part} ({between(run)})"
    else:
        floor = f"{run.value_m:.2f} × {deep.value_m:.2f} m of free floor"
        size = f"{product.width_m:.2f} × {product.depth_m:.2f} m on {floor} (width 90 %: {run.low_m:.2f}–{run.high_m:.2f})"
    side = f"; {rule.side_m:.2f} m beside it" if rule.side_m else ""
    need = product.depth_m + rule.clear_sides * product.clearance_m
    sides = " on both long sides" if rule.clear_sides > 1 else ""
    room = f"; {product.clearance_m:.2f} m walkway kept{sides} ({need:.2f} of {deep.value_m:.2f} m depth)"
    if c.spot.unseen_m > 0:
        room = f"; {product.clearance_m:.2f} m walkway, {c.spot.unseen_m:.2f} m of it out of the photo (assumed free)"
    height = c.place.height
    tall = f"; {product.height_m:.2f} m high under {height_in_words(height)}" if product.height_m >= TALL_M else ""
    return f"{size}{side}{room}{tall}"


def _outcome(sure: int, shown: int, undecided: int, min_probability: float, missing: str) -> str:
    """How many pieces fit, how many might, and which places are missing, as one phrase."""
    found = f"{counted(sure, 'piece')} {'fits' if sure == 1 else 'fit'} with a probability of {min_probability:g} or more" if sure else (
        f"no piece in the catalogue fits with a probability of {min_probability:g} or more")
    found += f", the best {shown} of them are shown" if shown < sure else ""
    maybe = f"; {undecided} {'more ' if sure else ''}may fit: measure by tape first" if undecided else ""
    return found + maybe + (f"; {missing}" if missing else "")


def _basis(places: Sequence[Place]) -> str:
    """What the products were fitted to: longest free wall, other stretches, free floor, height."""
    walls = [place for place in places if place.kind == "wall"]
    floors = [place for place in places if place.kind == "floor"]
    parts = []
    if walls:
        longest = walls[0].length
        parts.append(f"longest free wall {in_words(longest)} ({between(longest)})")
        parts += [f"{len(walls) - 1} shorter free stretch{'es' if len(walls) > 2 else ''} of wall"] * (len(walls) > 1)
    if floors:
        parts.append(f"free floor {floors[0].length.value_m:.2f} × {floors[1].length.value_m:.2f} m")
    return "; ".join([*parts, f"height {height_in_words(places[0].height)}"])


def known_name(name: str, known: Sequence[str], what: str) -> str:
    """`name` as the catalogue writes it. Raises ParameterError with the nearest known name. what: "category" or "style"."""
    wanted = name.strip().lower()
    if wanted in known:
        return wanted
    near = difflib.get_close_matches(wanted, known, 1)
    hint = f"did you mean “{near[0]}”?" if near else f"it has {', '.join(known)}"
    raise ParameterError(f"the catalogue has no {what} “{name.strip()}”: {hint}")


def check_options(max_price: float | None, limit: int, min_probability: float) -> None:
    """Raises ParameterError for an option of `recommend_or_reason` that is out of range."""
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise ParameterError(f"limit must be a whole number of 1 or more, not {limit}")
    if max_price is not None and not (isinstance(max_price, (int, float)) and 0 <= max_price < math.inf):
        raise ParameterError(f"max_price must be 0 or more, not {max_price}")
    if not (isinstance(min_probability, (int, float)) and 0 < min_probability <= 1):
        raise ParameterError(f"min_probability must be above 0 and at most 1, not {min_probability}")
