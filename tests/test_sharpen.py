"""Soft steps of a depth map are made steep, and nothing else is touched."""

from __future__ import annotations

import numpy as np
import pytest

from poc.models.sharpen import sharpen_steps

ROWS = 40


def soft_step(width: int, near: float = 0.5, far: float = 0.25) -> np.ndarray:
    """Inverse depth that falls from near to far over so many columns in the middle of 80."""
    ramp = np.clip((np.arange(80) - 40 + width / 2) / width, 0, 1)
    return np.tile(near + (far - near) * ramp, (ROWS, 1))


@pytest.mark.parametrize("width", [2, 3, 4])
def test_a_soft_step_becomes_one_between_two_columns(width):
    sharp = sharpen_steps(soft_step(width))
    jumps = np.abs(np.diff(np.log(sharp[ROWS // 2])))
    assert jumps.max() == pytest.approx(np.log(2), abs=0.02)
    assert np.argmax(jumps) == pytest.approx(40, abs=1)
    assert (jumps > 0.02).sum() == 1


@pytest.mark.parametrize("slope", [(0.004, 0.0), (0.0, 0.012), (-0.003, 0.008)])
def test_planes_stay_as_they_are(slope):
    v, u = np.mgrid[:ROWS, :80]
    plane = 0.6 + slope[0] * (u - 40) + slope[1] * (v - 20)
    assert np.abs(sharpen_steps(plane) / plane - 1).max() < 1e-6


def test_small_waves_stay_as_they_are():
    wave = 0.4 * np.exp(0.05 * np.sin(np.arange(80) / 3.0))[None].repeat(ROWS, 0)
    assert np.abs(sharpen_steps(wave) / wave - 1).max() < 1e-6


def test_no_new_values_beyond_the_old():
    rng = np.random.default_rng(0)
    x = np.exp(rng.normal(0, 0.4, (30, 40)))
    sharp = sharpen_steps(x)
    assert sharp.min() >= x.min() * 0.999999 and sharp.max() <= x.max() * 1.000001 and sharp.dtype == x.dtype
