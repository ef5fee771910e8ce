"""The camera's height in metres, which scales the room: the lengths one may know, and the fusion of what each says.

Sigmas of known objects: door leaves are 2.00–2.10 m in Europe and 2.03 m in North America; A4 is exact; the centre of a
socket stands at 0.25–0.40 m (DIN 18015-3: 0.30 m; Part M: 0.45 m at least in new British homes).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from poc.errors import ParameterError
from poc.room.distortion import straight_pixels
from poc.types import Z90, Photo, Reference, Scale, ScaleSource, whole_percent

KNOWN_OBJECTS = {  # name: (length and one sigma, metres; in words)
    "door": (2.03, 0.03, "a door leaf, bottom to top"),
    "a4": (0.297, 0.001, "the long side of an A4 sheet"),
    "a4_short": (0.210, 0.001, "the short side of an A4 sheet"),
    "socket": (0.30, 0.05, "floor to the centre of a wall socket"),
}
ROOM_LENGTHS = {"height": "the room's height, from the floor up to the ceiling", "wall": "a whole wall, from corner to corner"}
"""Lengths of the room itself, which must be given in metres: name, in words. Said, not guessed: of wardrobes' fronts nine tenths as high as the
room, marked from floor to top, a third would be taken for its height by the surfaces at the ends."""
PRIOR_HEIGHT_M, PRIOR_SIGMA_M = 1.4, 0.2
"""How high cameras are held: at the eyes or, as in NYU's frames (1.2 to 1.5 m) and on estate agents' tripods, at the chest.
With 1.5 ± 0.15 the joined height covered 79 % of NYU's frames at 90 % stated, and was off by 7 % instead of 5 % (median)."""
MODEL, GIVEN_HEIGHT, ASSUMED_HEIGHT = "metric model", "camera height given", "camera height assumed"
"""`ScaleSource.source` of what a depth map in metres says, of the height that was given, and of where cameras are held."""
CLEARLY_SURER = 0.5
"""Given lengths that tell the camera's height to this share of the prior's sigma, or better, leave the prior nothing to say. Vaguer ones
(a socket, a height to ± 0.3 m) are joined with it, or giving one would make the scale less sure; from the prior's own sigma on it counts
in full."""
CONTRADICT_SIGMAS = 3.0
"""Sources of the scale farther apart than this, in sigmas of their difference, contradict each other: one is wrong, nobody knows which.
(Of honest pairs 1 in 370 is so far apart.)"""
DOUBTED_SIGMAS = 2.0
"""From so many sigmas on a note says that two sources are apart, and nothing is green. (Of honest pairs 1 in 22 is.)"""
MODEL_OFF_LOG = 0.25
"""A metric map contradicts no given length that is nearer than this (log), whatever sigma it states: on 109 photos of real and rendered
rooms a network's camera height was off by so much at most (95 %: 0.21)."""
Z80 = 1.2815515655446004
"""Half-width of a two-sided 80 % interval of the normal distribution, in standard deviations."""
WIDENED = 1.1
"""Factor from which on a note tells that disagreement between the sources widens the scale's interval."""
OBJECT = "object"
"""How the name of the cause begins, among a reference's `changes`, that is the error of the known object itself."""
CLICK_SIGMA_PX = 1.5
"""One sigma of where a user's click lands, pixels of a 640-pixel photo."""
LENGTH_SIGMA_REL = 0.003
"""One sigma of a length measured by tape, as a share of it; of one under a metre, as a share of a metre."""
LENGTH_RANGE_M = (0.02, 8.0)
"""Lengths that a reference may have."""


def parse_camera_height(text: str | float) -> tuple[float, float]:
    """"1.5", "1.5±0.05" or "1.5+-0.05" to (metres, one sigma).

    What stands after ± is read as the half-width of a 90 % interval; a bare value gets one sigma of 3 %. Raises
    ParameterError outside 0.2–4 m and on anything that is not a number.
    """
    parts = re.split(r"\s*(?:±|\+-|\+/-)\s*", str(text).strip().removesuffix("m").strip())
    try:
        numbers = [float(p) for p in parts]
    except ValueError:
        raise ParameterError(f"camera height {text!r} is not a number; give metres, like 1.5 or 1.5±0.05") from None
    if len(numbers) not in (1, 2) or not all(np.isfinite(numbers)):
        raise ParameterError(f"camera height {text!r} is not understood; give metres, like 1.5 or 1.5±0.05")
    if not 0.2 <= numbers[0] <= 4.0:
        raise ParameterError(f"camera height {numbers[0]:g} m is out of range; a photo is taken 0.2 to 4 m above the floor")
    if len(numbers) == 1:
        return numbers[0], 0.03 * numbers[0]
    if not 0 < numbers[1] < 0.5 * numbers[0]:
        raise ParameterError(f"camera height ±{numbers[1]:g} m is out of range; give more than 0 and less than half the height")
    return numbers[0], numbers[1] / Z90


def parse_reference(text: str, photo: Photo) -> Reference:
    """"u1,v1,u2,v2=metres" or "door:u1,v1,u2,v2" (also a4, a4_short, socket), in pixels of the photo's file, to a Reference.

    A known object's length may be overruled: "door:u1,v1,u2,v2=1.98". A length of the room itself is said to be one: "height:u1,v1,u2,v2=2.60",
    "wall:u1,v1,u2,v2=4.20". Raises ParameterError on ends outside the photo,
    ends on one spot, lengths that are zero, negative or absurd, and unknown objects.
    """
    body, _, length_text = str(text).partition("=")
    kind, colon, numbers = body.rpartition(":")
    kind = kind.strip().lower() if colon else "length"
    if colon and kind not in (*KNOWN_OBJECTS, *ROOM_LENGTHS):
        raise ParameterError(f"reference {text!r}: unknown object {kind!r}; known are {', '.join((*KNOWN_OBJECTS, *ROOM_LENGTHS))}")
    try:
        u1, v1, u2, v2 = (float(x) for x in numbers.split(","))
        length = float(length_text.strip().removesuffix("m")) if length_text else None
    except ValueError:
        raise ParameterError(f"reference {text!r} is not understood; give u1,v1,u2,v2=metres, "
                             f"or KIND:u1,v1,u2,v2 with KIND one of {', '.join((*KNOWN_OBJECTS, *ROOM_LENGTHS))}") from None
    if length is None and kind not in KNOWN_OBJECTS:
        raise ParameterError(f"reference {text!r} has no length; add =metres, like {body}=2.03")
    return make_reference(kind, ((u1, v1), (u2, v2)), length, photo)


def make_reference(kind: str, ends: Sequence[Sequence[float]], length_m: float | None, photo: Photo) -> Reference:
    """A checked Reference. kind: one of `KNOWN_OBJECTS` or `ROOM_LENGTHS`, or "length". ends: two pixels (u, v) of the photo's file. length_m: metres, None
    for the known object's. Raises ParameterError as `parse_reference` does."""
    nominal, sigma, what = KNOWN_OBJECTS.get(kind, (length_m, None, "the marked length"))
    given = tuple((float(u), float(v)) for u, v in ends)
    for u, v in given:
        if not _on(u, v, *photo.file_size):
            width, height = photo.file_size
            raise ParameterError(f"reference end ({u:g}, {v:g}) lies outside the photo of {width}×{height} pixels")
    if photo.bend_k:
        ends = _onto(straight_pixels(np.array(given), photo), photo)
        if lost := [end for end, (u, v) in zip(given, ends) if not _on(u, v, photo.width, photo.height)]:
            raise ParameterError(f"reference end ({lost[0][0]:g}, {lost[0][1]:g}) is off the photo once its bent lines are straightened: "
                                 "mark one nearer its middle")
    span = float(np.hypot(ends[0][0] - ends[1][0], ends[0][1] - ends[1][1]))
    if span < 4.0:
        raise ParameterError(f"reference ends are {span:.1f} pixels apart; mark two different spots, the farther apart the better")
    value = nominal if length_m is None else length_m
    if value is None or not LENGTH_RANGE_M[0] <= value <= LENGTH_RANGE_M[1]:
        least, most = LENGTH_RANGE_M
        raise ParameterError(f"reference length {value:g} m is out of range ({least:g} to {most:g} m); give metres")
    if kind in KNOWN_OBJECTS and not 0.7 * nominal <= value <= 1.4 * nominal:
        raise ParameterError(f"reference length {value:g} m is absurd for {what}, which is about {nominal:g} m")
    if sigma is None or length_m is not None:
        sigma = LENGTH_SIGMA_REL * max(1.0, value)
    first, second = (tuple(map(float, end)) for end in ends)
    return Reference(kind, (first, second), float(value), float(sigma), given if photo.bend_k else ())


def _on(u: float, v: float, width: int, height: int) -> bool:
    """Whether a pixel lies on a photo of this size."""
    return bool(np.isfinite(u) and np.isfinite(v) and -0.5 <= u <= width - 0.5 and -0.5 <= v <= height - 0.5)


def _onto(uv: np.ndarray, photo: Photo) -> np.ndarray:
    """Pixels (n×2), those that lie off the photo by up to half a pixel (rounding) put back on it."""
    inside = np.clip(uv, -0.5, [photo.width - 0.5, photo.height - 0.5])
    return np.where(np.abs(inside - uv) <= 0.5, inside, uv)


def prior_opinion(given: Sequence[ScaleSource] = ()) -> ScaleSource | None:
    """Where people hold cameras, as an opinion on the camera's height; None beside given lengths that are surer by themselves.

    Its weight falls steadily from that beside lengths no surer than itself, so that a surer one never leads to a wider result.
    """
    sigma, share = PRIOR_SIGMA_M / PRIOR_HEIGHT_M, 1.0
    if given:
        joined = float(sum(o.sigma_rel**-2 for o in given)) ** -0.5
        share = min((joined / sigma - CLEARLY_SURER) / (1.0 - CLEARLY_SURER), 1.0)
    if share <= 0.0:
        return None
    note = "a photo is usually taken 1.1 to 1.75 m above the floor"
    return ScaleSource(ASSUMED_HEIGHT, PRIOR_HEIGHT_M, sigma / share**0.5, note)


def fuse(opinions: Sequence[ScaleSource], changes: Sequence[Mapping[str, float]] = ()) -> Scale:
    """One scale from several opinions (at least one): the inverse-variance mean of log height.

    Where they disagree the sigma grows by the Birge ratio, and where they contradict each other at least so far that the interval reaches
    every rival (`reaching`); a note says so (from `WIDENED` on). changes: for each opinion, by how much (log) its height changes under
    errors that also change other opinions or the room's shape. They are part of its sigma, and do not average out where several opinions
    have them. The result's `changes` holds those that move the room's shape too, thus not a known object's own error (`OBJECT`). Raises
    ParameterError without an opinion.
    """
    if not opinions:
        raise ParameterError("no opinion on the scale")
    log_h = np.log([o.camera_height_m for o in opinions])
    weight = 1.0 / np.square([max(o.sigma_rel, 1e-4) for o in opinions])
    mean = float((weight * log_h).sum() / weight.sum())
    sigma = float(weight.sum() ** -0.5)
    together: dict[str, float] = {}
    for parts, share in zip(changes, weight / weight.sum()):
        sigma = float(np.sqrt(max(sigma**2 - share**2 * sum(x**2 for x in parts.values()), 0.0)))
        for cause, change in parts.items():
            together[cause] = together.get(cause, 0.0) + share * change
    sigma = float(np.sqrt(sigma**2 + sum(x**2 for x in together.values())))
    birge = float(np.sqrt((weight * (log_h - mean) ** 2).sum() / max(sum(map(_counted, opinions)) - 1, 1)))
    wide = max(sigma * max(1.0, birge), reaching(opinions, mean))
    main = [o for o, w in zip(opinions, weight) if w > 0.15 * weight.sum()]
    source = " + ".join(dict.fromkeys(o.source for o in main))
    felt = {cause: change for cause, change in together.items() if not cause.startswith(OBJECT)}
    return Scale(source, float(np.exp(mean)), wide, tuple(opinions), _notes(opinions, sigma, wide), felt)


def _counted(opinion: ScaleSource) -> float:
    """As how many opinions one counts in the Birge ratio: the faded habit (`prior_opinion`) as the share of itself that is left, or its
    mere presence would halve what two others' disagreement weighs."""
    return (PRIOR_SIGMA_M / PRIOR_HEIGHT_M / opinion.sigma_rel) ** 2 if opinion.source == ASSUMED_HEIGHT else 1.0


def contradict(a: ScaleSource, b: ScaleSource) -> bool:
    """Whether two opinions contradict each other: by `CONTRADICT_SIGMAS`, and by more than networks are off where one is a metric map's.
    The habit of photographers, which has exceptions, contradicts nothing."""
    sources = (a.source, b.source)
    if ASSUMED_HEIGHT in sources or sigmas_apart(a, b) <= CONTRADICT_SIGMAS:
        return False
    return MODEL not in sources or _gap(a, b) > MODEL_OFF_LOG


def reaching(opinions: Sequence[ScaleSource], mean: float) -> float:
    """The least sigma (log) with which the 90 % interval about a mean (log height) holds whichever of the contradicting opinions is
    right; 0 where none contradict. Of two equally likely ones that leaves out the outer tenth of each. The Birge ratio alone does not
    reach far enough: a very sure opinion makes the sigma that it multiplies tiny."""
    return max(((abs(float(np.log(o.camera_height_m)) - mean) + Z80 * o.sigma_rel) / Z90 for o in rivals(opinions)), default=0.0)


def rivals(opinions: Sequence[ScaleSource]) -> list[ScaleSource]:
    """The opinions that another one contradicts."""
    return [o for o in opinions if any(contradict(o, other) for other in opinions if other is not o)]


def disagreements(opinions: Sequence[ScaleSource]) -> list[str]:
    """One sentence per pair of opinions more than two sigmas apart."""
    apart = [pair for pair in combinations(opinions, 2) if sigmas_apart(*pair) > DOUBTED_SIGMAS]
    return [f"{_both_say(*pair)}: {100 * np.expm1(_gap(*pair)):.0f} % apart" for pair in apart]


def _notes(opinions: Sequence[ScaleSource], sigma: float, wide: float) -> tuple[str, ...]:
    """Notes on sources that stand apart: which disagree, and from what to what (sigma, wide: one sigma, relative) that widened the
    interval. Where it is widened though no two disagree, that is told of the two farthest apart."""
    told = disagreements(opinions)
    if wide <= WIDENED * sigma:
        return tuple(told)
    before, after = (whole_percent(100 * Z90 * s) for s in (sigma, wide))
    if before == after:
        before, after = (f"{100 * Z90 * s:.1f}" for s in (sigma, wide))
    widened = f"the interval is widened from ± {before} to ± {after} %"
    if told:
        return (*told[:-1], f"{told[-1]}; {widened}")
    farthest = max(combinations(opinions, 2), key=lambda pair: sigmas_apart(*pair))
    return (f"{_both_say(*farthest)}: {widened}",)


def _gap(a: ScaleSource, b: ScaleSource) -> float:
    """Between two opinions' camera heights, log."""
    return float(abs(np.log(a.camera_height_m / b.camera_height_m)))


def sigmas_apart(a: ScaleSource, b: ScaleSource) -> float:
    """Between two opinions' camera heights, in standard deviations of their difference."""
    return _gap(a, b) / max(float(np.hypot(a.sigma_rel, b.sigma_rel)), 1e-6)


def _both_say(a: ScaleSource, b: ScaleSource) -> str:
    """What two opinions have for the camera's height; two of one kind are told apart by their notes."""
    first, second = (f"{o.source} ({o.note})" if a.source == b.source and o.note else o.source for o in (a, b))
    return f"{first} says the camera is {a.camera_height_m:.2f} m up, {second} says {b.camera_height_m:.2f} m"
