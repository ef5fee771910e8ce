"""Surfaces on the photo and the error budget: what is drawn is what was measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import room_values as room

from poc.figures.evidence import CAUSES, _tint, budget_chart, surface_figure
from poc.room.propagate import CAUSES as KNOWN_CAUSES
from poc.types import SURFACE_CLASSES, Surfaces


def _surfaces() -> Surfaces:
    """Ceiling above, wall in the middle, floor below; the lowest row is furniture."""
    p = np.full((12, 16, len(SURFACE_CLASSES)), 0.02, np.float32)
    for rows, name in ((slice(0, 3), "ceiling"), (slice(3, 8), "wall"), (slice(8, 11), "floor"), (slice(11, 12), "other")):
        p[rows, :, SURFACE_CLASSES.index(name)] = 0.9
    return Surfaces(p)


def test_each_surface_is_tinted_and_named_with_its_share():
    fig = surface_figure(room.photo(), _surfaces())
    named = [trace.name for trace in fig.data if trace.name]
    assert named == ["floor, 25 %", "wall, 42 %", "ceiling, 25 %"]
    assert [image.source[:15] for image in fig.layout.images] == ["data:image/jpeg", "data:image/png;"]
    assert {(image.sizex, image.sizey) for image in fig.layout.images} == {(room.WIDTH, room.HEIGHT)}


def test_furniture_stays_bare_and_doubt_is_pale():
    sure, unsure = _surfaces().probabilities, _surfaces().probabilities * 0.5
    assert (_tint(sure)[-1, :, 3] == 0).all()
    assert (_tint(sure)[:11, :, 3] > 2 * _tint(unsure)[:11, :, 3]).all()


def test_a_budget_adds_up_to_half_the_interval():
    budgets = [{"scale": 0.6, "gravity": 0.4}, {"scale": 0.25, "fit": 0.25, "unseen": 0.5}]
    measured = [replace(m, budget=b) for m, b in zip(room.measurements()[:2], budgets)]
    fig = budget_chart(measured)
    total = np.sum([bar.x for bar in fig.data], axis=0)
    assert total == pytest.approx([50 * (m.high - m.low) / m.value for m in measured])
    assert [bar.name for bar in fig.data] == ["scale", "camera's tilt", "lines and planes", "what is out of sight"]


def test_the_budget_of_a_lower_bound_is_how_far_it_lies_below_what_is_seen():
    """Never more than all of it: 5.4 m² of which 1.5 are sure are 72 % less, not 128."""
    bound = replace(room.measurements()[0], value=5.4, low=1.5, high=None, status="lower_bound", budget={"scale": 1.0})
    fig = budget_chart([bound])
    assert fig.data[0].x[0] == pytest.approx(100 * (1 - 1.5 / 5.4)) and "− 72 %" in [a.text for a in fig.layout.annotations]


def test_every_cause_has_its_words():
    assert set(CAUSES) == set(KNOWN_CAUSES)


def test_nothing_measured_is_said():
    fig = budget_chart([m for m in room.measurements() if m.status == "unknown"])
    assert "Nothing was measured" in fig.layout.annotations[0].text
