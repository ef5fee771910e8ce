"""Lengths of the room itself that are given: its height, or a wall from corner to corner.

Such a length scales the room, and tells more: how far the ceiling's line, or the wall, was off. With unit normal errors e under each of
which the length's log changes by q, and the length given to ± τ (log), e is corrected by q·d / (q·q + τ²), where d is by how much (log) the
given length is greater, and what is left has the covariance I − q·qᵀ / (q·q + τ²): linear regression. The length itself then is as given, a
quantity that errs alike is as sure, and none becomes less sure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from poc.errors import ContradictionError
from poc.room.propagate import Errors, Learnt, MovedRoom, Shape, log_changes, wall_length
from poc.room.scale import CONTRADICT_SIGMAS, DOUBTED_SIGMAS
from poc.types import Z90, Scale

MOST_TURN, MOST_LOG = 0.2, 0.5
"""What one error moves a wall's direction (radians), and the log of a distance, by at most when the room is corrected."""


@dataclass(frozen=True)
class GivenLength:
    """The room's height (wall None), or the length of a wall, by its index in the layout, from corner to corner. length_m, sigma_rel: metres,
    and one relative sigma. named, place: the reference it comes from, and where in the room that is, in words."""

    wall: int | None
    length_m: float
    sigma_rel: float
    named: str
    place: str

    def of(self, shape: Shape) -> float | None:
        """The same length in a room; None where it has no such length: its ceiling is not seen, or not level."""
        if self.wall is not None:
            return wall_length(shape, self.wall)
        return shape.ceiling if shape.climb is None else None


def with_given(errors: Errors, scale: Scale, given: Sequence[GivenLength]) -> tuple[Errors, Scale]:
    """The room and its scale once these lengths are known; as they are without any. Raises ContradictionError for a length that is
    `CONTRADICT_SIGMAS` or more from what the photo, and the lengths before it, leave.

    How sure the lengths are is taken as independent of the scale, though the clicks that mark them have told of it too: their own
    error, some 0.3 %, is hardly any of the scale's.
    """
    for length in given:
        base = length.of(errors.base)
        if base is None or not base > 0:
            continue
        along = log_changes(errors, length.of)
        off, expected = float(np.log(length.length_m / base)), float(np.hypot(np.linalg.norm(along), length.sigma_rel))
        sigmas, beside = abs(off) / expected, _beside(length, base, along)
        if sigmas > CONTRADICT_SIGMAS:
            raise ContradictionError(f"{beside}: check its ends and its length in metres, or leave it out")
        after = _corrected(errors, along * off / expected**2, length.of, base * np.exp(off * (along @ along) / expected**2))
        errors = replace(after, known=(*errors.known, Learnt.of(along, length.sigma_rel, sigmas)))
        scale = _scale_after(scale, errors, length, beside if sigmas > DOUBTED_SIGMAS else None)
    return errors, scale


def _beside(length: GivenLength, seen_m: float, along: np.ndarray) -> str:
    """A length beside what the room had for it (seen_m, metres), which does not fit."""
    wide = np.exp(Z90 * np.linalg.norm(along))
    return (f"{length.named} ({length.length_m:.2f} m, {length.place}) contradicts the photo and what else is given, by which it is {seen_m:.2f} m "
            f"({seen_m / wide:.2f}–{seen_m * wide:.2f})")


def _scale_after(scale: Scale, errors: Errors, length: GivenLength, note: str | None) -> Scale:
    """The scale of the corrected room, whose error is all shared with the rest of it."""
    sigma = float(np.linalg.norm(log_changes(errors, lambda shape: shape.camera_height)))
    source = scale.source if length.named in scale.source else f"{length.named} + {scale.source}"
    return replace(scale, source=source, camera_height_m=errors.base.camera_height, sigma_rel=sigma,
                   changes={"given lengths": sigma}, notes=(*scale.notes, note) if note else scale.notes)


def _corrected(errors: Errors, by: np.ndarray, quantity: Callable[[Shape], float], value: float) -> Errors:
    """The room, and with it every moved one, with its errors corrected `by` so many sigmas each (n, of those that are left), and scaled
    so that a quantity comes to a value exactly."""
    for learnt in reversed(errors.known):
        by = learnt.left(by)
    lift = float(by @ [np.log(move.up.camera_height / move.down.camera_height) / 2 for move in errors.moved])
    shift = by @ [_half_change(move, errors.base) for move in errors.moved]
    moved = _from_numbers(_numbers(errors.base) + shift, errors.base, np.exp(lift))
    factor = float(np.exp(lift)) * value / quantity(moved)
    base, *rest = (_from_numbers(_numbers(shape) + shift, shape, factor)
                   for shape in (errors.base, *(shape for move in errors.moved for shape in (move.up, move.down))))
    return Errors(base, tuple(MovedRoom(move.cause, *rest[2 * k: 2 * k + 2]) for k, move in enumerate(errors.moved)))


def _numbers(shape: Shape) -> np.ndarray:
    """A room in camera heights as numbers that can be added up: directions of walls, ends in plan, and logs of the rest."""
    logs = [*shape.distance, *(x for x in (shape.ceiling, shape.top) if x is not None), *(shape.climb or ())]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.concatenate([shape.psi, shape.ends.ravel() / shape.camera_height, np.log(np.array(logs) / shape.camera_height)])


def _from_numbers(numbers: np.ndarray, like: Shape, factor: float) -> Shape:
    """The room of these numbers, whose camera stands so many times as high as another's, which has the same parts."""
    k, height = len(like.psi), like.camera_height * factor
    ends, rest = numbers[k: 5 * k].reshape(-1, 2, 2) * height, list(np.exp(numbers[5 * k:]) * height)
    distance, rest = np.array(rest[:k]), [float(x) for x in rest[k:]]
    ceiling, top = (None if x is None else rest.pop(0) for x in (like.ceiling, like.top))
    return Shape(numbers[:k], distance, ends, float(height), ceiling, top, tuple(rest) or None)


def _half_change(move: MovedRoom, base: Shape) -> np.ndarray:
    """What an error changes of a room's numbers; nothing of what cannot be placed under it."""
    k = len(base.psi)
    reach = np.repeat(np.linalg.norm(base.ends, axis=-1).ravel(), 2) / base.camera_height
    half = np.nan_to_num((_numbers(move.up) - _numbers(move.down)) / 2, posinf=0.0, neginf=0.0)
    most = np.concatenate([np.full(k, MOST_TURN), MOST_LOG * reach, np.full(len(half) - 5 * k, MOST_LOG)])
    return np.clip(half, -most, most)
