"""The one thing worth measuring next: which length, or which further photo, would shrink the most important interval most."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from poc.types import Measurement, NextMeasurement, Scene

IMPORTANT = ("longest_free_wall", "longest_wall", "ceiling_height")
"""What decides which furniture fits, in this order."""
TAPE_SIGMA_REL = 0.01
WORTH_SHARE = 0.9
"""A proposal must leave at most this share of the interval, or it is not worth anybody's time."""


def next_measurement(scene: Scene, measurements: Iterable[Measurement]) -> NextMeasurement | None:
    """The best next step, or None where there is no room or nothing would help by a tenth."""
    if scene.refusal or scene.scale is None:
        return None
    by_name = {m.name: m for m in measurements}
    for name in IMPORTANT:
        m = by_name.get(name)
        if m is None:
            continue
        if m.status == "measured":
            step = _best(scene, m)
        elif m.status == "lower_bound" or name == "ceiling_height":
            step = _photo(scene, m)
        else:
            step = None
        if step is not None:
            return step
    return None


def _width(m: Measurement) -> float:
    return float(m.high - m.low)


def _best(scene: Scene, m: Measurement) -> NextMeasurement | None:
    """The better of a length for the scale and the wall itself by tape."""
    now = _width(m)
    sigma = scene.scale.sigma_rel
    share = m.budget.get("scale", 0.0)
    left = 1.0 - share * (1.0 - min(1.0, (TAPE_SIGMA_REL / max(sigma, 1e-9)) ** 2))
    options = [(now * float(np.sqrt(left)), _scale_action(scene))]
    if m.name != "longest_free_wall":
        tape = 2 * 1.645 * TAPE_SIGMA_REL * m.value
        what = "the room's height" if m.name == "ceiling_height" else "the longest wall"
        if left > 0.5:  # the scale is not what limits it: the length itself is
            options.append((tape, f"measure {what} with a tape, or mark it as a reference"))
    after, action = min(options)
    return NextMeasurement(action, m.name, now, after) if after <= WORTH_SHARE * now else None


def _scale_action(scene: Scene) -> str:
    """The length that fixes the scale: the camera's height where it is not given, else a length marked on the photo."""
    if "camera height given" not in scene.scale.source:
        return "measure how high the camera was above the floor (to 1 %)"
    if any(o.kind == "door" for o in scene.openings):
        return "measure the door's height and mark it on the photo as a reference"
    return "measure one length that stands or lies on the floor and mark it on the photo as a reference"


def _photo(scene: Scene, m: Measurement) -> NextMeasurement:
    """A further photo, for what this one does not show; the width before is the value seen, for want of an upper end."""
    sigma = float(np.hypot(scene.scale.sigma_rel, 0.02))
    value = float(m.value if m.value is not None else scene.camera_height_m * 1.7)
    action = "take a photo tilted up, so that the ceiling is in it" if m.name == "ceiling_height" else _missing_end(scene)
    return NextMeasurement(action, m.name, value, 2 * 1.645 * sigma * value)


def _missing_end(scene: Scene) -> str:
    """Where the longest wall's missing end is."""
    longest = max(scene.walls, key=lambda w: w.length_m, default=None)
    if longest is None:
        return "take a photo that shows a whole wall, with both of its ends"
    left, right = longest.end_kinds
    if left == "frame" and right != "frame":
        return "take a photo further to the left, so that the wall's left end is in it"
    if right == "frame" and left != "frame":
        return "take a photo further to the right, so that the wall's right end is in it"
    return "take a photo from further back or from the other side, so that both ends of the wall are in it"
