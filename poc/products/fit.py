"""The probability that a piece fits: uncertain lengths that share the scale's error.

Every length X = m + s·e, with e = √ρ·g + √(1−ρ)·r: g is the scale's standard normal error, common to width, depth and
height (a photo read 5 % too large makes all of them 5 % too large); r is the length's own. s is taken from the 90 %
interval, below and above the value separately, so that P(X ≥ low) = 0.95 and P(X ≥ high) = 0.05 hold exactly; for a
symmetric interval this is the normal distribution with sd = (high − low) / (2 · 1.645).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from poc.errors import ParameterError
from poc.types import Z90, Measurement, Product, Scene

MARGIN_M = 0.02
"""What a piece needs beyond its own width and height: skirting, uneven walls."""
EDGE_SIGMA_M = 0.05
"""One sigma of where a free stretch or free floor ends, where no measurement of its own covers it (an assumption)."""
USUAL_CEILING_M = (2.4, 2.8)
"""90 % of the ceilings of dwellings (an assumption; 2.40 m is the least that GB 50096 allows in living rooms)."""
MOST_SHARED = 0.98
"""Upper limit of the share ρ: no length has the scale's error alone, and the sum over the common error stays smooth on its grid."""
_GRID = np.linspace(-5.0, 5.0, 121)
"""Values of the common error g, in sigmas; _WEIGHTS are their probabilities."""
_WEIGHTS = np.exp(-0.5 * _GRID**2) / np.exp(-0.5 * _GRID**2).sum()


@dataclass(frozen=True)
class Extent:
    """An uncertain length in metres.

    value_m: the median. below_m, above_m: one sigma to either side. scale_share: the share ρ of the variance that is due to the scale.
    at_least: only this much is visible and the length continues out of sight, so a probability from it is a lower bound. otherwise: the
    usual length assumed for the part that is not visible (for a ceiling), or None. basis: where the length comes from, in words.
    """

    value_m: float
    below_m: float
    above_m: float
    scale_share: float = 0.0
    at_least: bool = False
    otherwise: Extent | None = None
    basis: str = ""

    @property
    def low_m(self) -> float:
        """Lower end of the 90 % interval."""
        return self.value_m - Z90 * self.below_m

    @property
    def high_m(self) -> float:
        """Upper end of the 90 % interval; the larger one where there is also a usual length."""
        high = self.value_m + Z90 * self.above_m
        return high if self.otherwise is None else max(high, self.otherwise.high_m)

    def scaled(self, value_m: float, edge_m: float = EDGE_SIGMA_M) -> Extent:
        """Another length of the same scene, with the same relative error and edge_m of further uncertainty at its ends."""
        ratio = value_m / self.value_m
        below, above = (math.hypot(ratio * side, edge_m) for side in (self.below_m, self.above_m))
        share = self.scale_share * min(1.0, (ratio * self.below_m / below) ** 2) if below > 0 else 0.0
        return Extent(value_m, below, above, share, self.at_least, self.otherwise, self.basis)


def extent(measurement: Measurement | None, scale_sigma_rel: float) -> Extent | None:
    """A measurement as an uncertain length; None where it is unknown, missing or not positive.

    A lower bound stands for the visible part only (its upper sigma equals its lower one): what lies beyond is not relied on.
    """
    m = measurement
    if m is None or m.status == "unknown" or m.value is None or not m.value > 0:
        return None
    one_sided = m.status == "lower_bound" or m.high is None
    low = m.low if m.low is not None else m.value * math.exp(-Z90 * scale_sigma_rel)
    below = max(m.value - low, 0.0) / Z90
    above = below if one_sided else max(m.high - m.value, 0.0) / Z90
    if below <= 0.0:  # a bound equal to its value is still at least as uncertain as the scale
        below = scale_sigma_rel * m.value
        above = above or below
    share = m.budget.get("scale")
    if share is None:
        share = (scale_sigma_rel * m.value / below) ** 2 if below > 0 else 0.0
    return Extent(m.value, below, above, float(np.clip(share, 0.0, 1.0)), one_sided, None, m.basis)


def scale_sigma(scene: Scene) -> float:
    """The relative one-sigma error of the scale; 10 % where the scene has none."""
    return scene.scale.sigma_rel if scene.scale is not None else 0.10


def ceiling_extent(measurements: Sequence[Measurement], scene: Scene) -> Extent:
    """The room's height: as measured; where it is a lower bound, with the usual height as alternative; where unknown, the usual height."""
    low, high = USUAL_CEILING_M
    sigma = (high - low) / (2 * Z90)
    usual = Extent((low + high) / 2, sigma, sigma, 0.0, False, None, "usual ceilings (assumed)")
    seen = extent(find(measurements, "ceiling_height"), scale_sigma(scene))
    if seen is None:
        return usual
    return replace(seen, otherwise=usual) if seen.at_least else seen


def find(measurements: Sequence[Measurement], name: str) -> Measurement | None:
    """The measurement called `name`, or None."""
    return next((m for m in measurements if m.name == name), None)


def joint_probability(needs: Sequence[tuple[float, Extent]]) -> float:
    """Probability, in [0, 1], that every length is at least the need paired with it, given that they share the scale's error."""
    together = np.ones_like(_GRID)
    for need_m, length in needs:
        together *= _exceeds(length, need_m)
    return float(np.clip(_WEIGHTS @ together, 0.0, 1.0))


def _exceeds(length: Extent, need_m: float) -> np.ndarray:
    """P(X ≥ need_m) given each value of the common error on _GRID."""
    from scipy.special import ndtr

    gap = need_m - length.value_m
    side = length.below_m if gap < 0 else length.above_m
    limit = gap / max(side, 1e-6)
    share = min(length.scale_share, MOST_SHARED)
    seen = ndtr((math.sqrt(share) * _GRID - limit) / math.sqrt(1.0 - share))
    if length.otherwise is None:
        return seen
    return 1.0 - (1.0 - seen) * (1.0 - _exceeds(length.otherwise, need_m))


def fit_probability(
    product: Product, width: Extent, depth: Extent | None = None, height: Extent | None = None,
    *, side_m: float = 0.0, clear_sides: int = 1,
) -> float:
    """Probability that one piece fits a stretch `width` long, with `depth` free in front and `height` above (None: not considered).

    It needs its width + side_m + 2 cm, its depth + clear_sides · clearance, and its height + 2 cm. Raises ParameterError for sizes
    that are not positive numbers.
    """
    for name in ("width_m", "depth_m", "height_m"):
        if not (math.isfinite(getattr(product, name)) and getattr(product, name) > 0):
            raise ParameterError(f"{name} of {product.name} must be a positive number of metres, not {getattr(product, name)}")
    if not (math.isfinite(product.clearance_m) and product.clearance_m >= 0):
        raise ParameterError(f"clearance_m of {product.name} must be 0 or more metres, not {product.clearance_m}")
    needs = [(product.width_m + side_m + MARGIN_M, width)]
    if depth is not None:
        needs.append((product.depth_m + clear_sides * product.clearance_m, depth))
    if height is not None:
        needs.append((product.height_m + MARGIN_M, height))
    return joint_probability(needs)
