"""Where floor gives way to wall in a panorama, and walls found from it."""

from __future__ import annotations

import numpy as np
import pytest

from poc.room import feet
from poc.room.view import CEILING, FLOOR, WALL, Panorama

STEP = 1 / 230
AZIMUTH = np.arange(-0.5, 0.5, STEP)
SLOPE = np.arange(-1.2, 0.8, STEP)


def panorama(e: float, ceiling: float | None = None, gap_cells: int = 0) -> Panorama:
    """A wall facing the camera (psi 0) at nearness e on a bare floor; `gap_cells` of other between the two (skirting)."""
    foot = -e * np.cos(AZIMUTH)
    floor = np.clip((foot[None] - SLOPE[:, None]) / STEP + 0.5, 0, 1)
    wall = np.clip((SLOPE[:, None] - foot[None]) / STEP - gap_cells + 0.5, 0, 1)
    p = np.zeros((len(SLOPE), len(AZIMUTH), 6))
    p[..., FLOOR], p[..., WALL] = floor, wall
    if ceiling is not None:
        above = np.clip((SLOPE[:, None] - ceiling * e * np.cos(AZIMUTH)[None]) / STEP + 0.5, 0, 1)
        p[..., CEILING], p[..., WALL] = above, wall * (1 - above)
    p[..., 0] = 1 - p[..., 1:].sum(-1)
    u, v = np.meshgrid(np.arange(len(AZIMUTH), dtype=np.float32), np.arange(len(SLOPE), dtype=np.float32))
    return Panorama(AZIMUTH, SLOPE, np.ones(u.shape, bool), p, u, v, np.ones(u.shape))


@pytest.mark.parametrize("e", [0.25, 0.4, 0.7])
def test_a_foot_is_placed_within_a_cell(e):
    cut = feet.foot_crossing(panorama(e), e * np.cos(AZIMUTH) + 2 * STEP)
    assert cut.direct.all()
    assert np.abs(cut.slope + e * np.cos(AZIMUTH)).max() < 0.6 * STEP


@pytest.mark.parametrize("gap, direct", [(3, True), (12, False)])
def test_skirting_may_lie_between_but_not_a_sofa(gap, direct):
    cut = feet.foot_crossing(panorama(0.4, gap_cells=gap), 0.4 * np.cos(AZIMUTH))
    assert cut.direct.mean() == float(direct)


def test_nothing_is_found_far_from_where_it_is_expected():
    cut = feet.foot_crossing(panorama(0.4), 0.6 * np.cos(AZIMUTH))
    assert not cut.direct.any()


def test_a_ceiling_line_is_placed_within_a_cell():
    cut = feet.ceiling_crossing(panorama(0.4, ceiling=0.7), 0.3 * np.cos(AZIMUTH))
    assert cut.direct.all() and np.abs(cut.slope - 0.28 * np.cos(AZIMUTH)).max() < 0.6 * STEP


def slanted(psi: float, e: float) -> feet.Crossing:
    """The foot of a wall whose normal is at azimuth psi, seen all along."""
    return feet.Crossing(-e * np.cos(AZIMUTH - psi), np.ones(len(AZIMUTH), bool))


def test_a_slanted_wall_is_not_a_staircase_of_walls_along_the_axes():
    """Short walls along the axes that explain its foot column by column do not hide it; one wall that explains it does."""
    foot = slanted(0.8, 0.5)
    steps = [feet.WallLine(0.0, float(-s / np.cos(a))) for s, a in zip(foot.slope[::20], AZIMUTH[::20])]
    (found,) = feet.slanted_lines(panorama(0.4), foot, steps, 0.35)
    assert found.psi == pytest.approx(0.8, abs=0.02) and found.nearness == pytest.approx(0.5, rel=0.02) and not found.along_axes
    assert feet.slanted_lines(panorama(0.4), foot, [feet.WallLine(0.8, 0.5)], 0.35) == []
    assert feet.slanted_lines(panorama(0.4), slanted(0.2, 0.5), steps, 0.35) == [], "too near to the room's own axes"
    few = feet.Crossing(foot.slope, np.arange(len(AZIMUTH)) < feet.LINE_COLUMNS - 1)
    assert feet.slanted_lines(panorama(0.4), few, [], 0.35) == []


def test_a_wall_is_found_at_its_distance_and_takes_all_columns():
    pan = panorama(0.4)
    evidence = feet.gather_evidence(pan, None, 0.1)
    found, *_ = feet.find_walls(pan, evidence, np.array([-np.pi / 2, 0.0, np.pi / 2]))
    assert found.psi == 0.0 and abs(found.nearness / 0.4 - 1) < 0.03 and found.along_axes
    assert (feet.assign_columns(pan, evidence, [found, feet.WallLine(0.0, 0.8)]) == 0).all()
