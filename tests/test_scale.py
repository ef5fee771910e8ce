"""Lengths one may know, how they are read, and how they are joined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from poc.errors import ParameterError
from poc.room.scale import (
    KNOWN_OBJECTS, MODEL_OFF_LOG, contradict, disagreements, fuse, make_reference, parse_camera_height, parse_reference, prior_opinion,
)  # fmt: skip
from poc.types import Z90, Photo, Scale, ScaleSource

PHOTO = Photo(np.zeros((480, 640, 3), np.uint8))


def opinion(height: float, sigma: float, source: str = "camera height given") -> ScaleSource:
    return ScaleSource(source, height, sigma)


# --- camera height --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["1.5±0.05", "1.5 ± 0.05", "1.5+-0.05", "1.5 +/- 0.05 m"])
def test_a_height_with_its_interval(text):
    assert parse_camera_height(text) == (1.5, pytest.approx(0.05 / Z90))


def test_a_bare_height_is_known_to_three_percent():
    assert parse_camera_height("1.6") == parse_camera_height(1.6) == (1.6, pytest.approx(0.048))


@pytest.mark.parametrize("text", ["", "tall", "1.5±", "1.5±x", "1.5±0.1±0.1", "nan", "inf"])
def test_a_height_that_is_not_understood(text):
    with pytest.raises(ParameterError, match="camera height"):
        parse_camera_height(text)


@pytest.mark.parametrize("text", ["0.1", "9", "-1.5", "1.5±0", "1.5±0.8", "1.5±-0.1"])
def test_a_height_out_of_range(text):
    with pytest.raises(ParameterError, match="out of range"):
        parse_camera_height(text)


# --- references -----------------------------------------------------------------------------------------------------


def test_a_marked_length():
    assert parse_reference("10,20,110,20=2.5 m", PHOTO) == parse_reference("10,20,110,20=2.5", PHOTO)
    ref = parse_reference("10,20,110,20=2.5", PHOTO)
    assert (ref.kind, ref.ends, ref.length_m) == ("length", ((10, 20), (110, 20)), 2.5)
    assert ref.sigma_m == pytest.approx(0.0075)


@pytest.mark.parametrize("kind", KNOWN_OBJECTS)
def test_a_known_object_has_its_size(kind):
    ref = parse_reference(f"{kind}:10,20,10,220", PHOTO)
    assert (ref.length_m, ref.sigma_m) == KNOWN_OBJECTS[kind][:2]


def test_a_known_objects_size_may_be_given():
    ref = parse_reference("door:10,20,10,220=1.98", PHOTO)
    assert ref.kind == "door" and ref.length_m == 1.98 and ref.sigma_m < KNOWN_OBJECTS["door"][1]


@pytest.mark.parametrize(("text", "why"), [
    ("10,20,110,20", "no length"),
    ("10,20,110=2", "not understood"),
    ("cow:10,20,110,20", "unknown object 'cow'"),
    ("10,20,700,20=2", "outside the photo"),
    ("10,20,12,20=2", "pixels apart"),
    ("10,20,110,20=0", "out of range"),
    ("10,20,110,20=-2", "out of range"),
    ("10,20,110,20=90", "out of range"),
    ("door:10,20,10,220=9", "out of range"),
    ("door:10,20,10,220=4", "absurd"),
    ("10,nan,110,20=2", "outside the photo"),
])  # fmt: skip
def test_a_bad_reference_is_one_clear_line(text, why):
    with pytest.raises(ParameterError, match=why) as caught:
        parse_reference(text, PHOTO)
    assert "\n" not in str(caught.value)


def test_ends_on_the_photos_last_pixels_count_as_inside():
    assert make_reference("length", ((0, 0), (639, 479)), 3.0, PHOTO).length_m == 3.0


# --- fusion -----------------------------------------------------------------------------------------------------------


def test_one_opinion_stays_as_it_is():
    scale = fuse([opinion(1.42, 0.03)])
    assert scale.camera_height_m == pytest.approx(1.42) and scale.sigma_rel == pytest.approx(0.03)
    assert scale.source == "camera height given" and scale.notes == ()


def test_agreeing_opinions_sharpen_each_other():
    scale = fuse([opinion(1.50, 0.04), opinion(1.50, 0.03, "metric model")])
    assert scale.camera_height_m == pytest.approx(1.5)
    assert scale.sigma_rel == pytest.approx((0.04**-2 + 0.03**-2) ** -0.5)
    assert scale.source == "camera height given + metric model" and len(scale.opinions) == 2


def test_the_surer_opinion_weighs_more():
    scale = fuse([opinion(1.4, 0.01), opinion(1.6, 0.10, "metric model")])
    assert np.log(scale.camera_height_m / 1.4) == pytest.approx(np.log(1.6 / 1.4) / 101, rel=1e-6)
    assert scale.source == "camera height given", "what weighs next to nothing is not named"


def test_disagreement_is_told_and_widens():
    alike = fuse([opinion(1.50, 0.02), opinion(1.51, 0.02, "reference length")])
    apart = fuse([opinion(1.50, 0.02), opinion(2.00, 0.02, "reference length")])
    assert alike.notes == () and len(apart.notes) == 1
    assert "camera height given says the camera is 1.50 m up, reference length says 2.00 m: 33 % apart" in apart.notes[0]
    assert np.log(2.0 / 1.5) / 2 == pytest.approx(apart.sigma_rel, rel=0.02), "the interval reaches both"
    assert apart.sigma_rel > 5 * alike.sigma_rel


def interval(scale: Scale) -> tuple[float, float]:
    return tuple(scale.camera_height_m * np.exp(sign * Z90 * scale.sigma_rel) for sign in (-1, 1))


@pytest.mark.parametrize(("height", "sigma"), [(2.2, 0.0055), (2.4, 0.0013), (1.2, 0.005), (1.0, 0.0001), (1.51 * np.exp(3.2 * 0.04), 0.005)])
def test_of_two_given_lengths_that_contradict_each_other_the_interval_holds_both(height, sigma):
    """However sure one says it is: one of them is wrong, and nobody knows which."""
    given, reference, model = opinion(height, sigma), opinion(1.51, 0.04, "reference length"), opinion(1.55, 0.11, "metric model")
    for said in ([given, reference], [given, reference, model]):
        low, high = interval(fuse(said))
        assert low < min(height, 1.50) and high > max(height, 1.50)


def test_what_is_sure_stays_sure_beside_what_is_vague_and_a_little_off():
    """A network that errs by a quarter is no reason to doubt a tape; one that is off by more than any is, and so is another tape."""
    tape, sigma = opinion(1.50, 0.008), {}
    for off in (0.05, 0.20, 0.99 * MODEL_OFF_LOG, 0.32, 0.36, 0.45):
        sigma[off] = fuse([tape, opinion(1.50 * np.exp(off), 0.11, "metric model")]).sigma_rel
    assert all(sigma[off] < 3 * 0.008 for off in sigma if off < 0.33)
    assert all(sigma[off] > off / Z90 for off in sigma if off > 0.33)
    sure_of_itself = opinion(1.50 * np.exp(0.99 * MODEL_OFF_LOG), 0.05, "metric model")
    assert not contradict(tape, sure_of_itself) and contradict(tape, replace(sure_of_itself, source="reference door"))
    assert not contradict(opinion(2.9, 0.02), prior_opinion()), "a habit has exceptions"


@pytest.mark.parametrize(("height", "sigma", "told"), [
    (1.19, 0.12, "camera height given says the camera is 1.50 m up, metric model says 1.19 m: the interval is widened from ± 5 to ± 9 %"),
    (1.70, 0.03, "camera height given says the camera is 1.50 m up, metric model says 1.70 m: 13 % apart; the interval is widened from ± 3 to ± 10 %"),
    (1.58, 0.032, "camera height given says the camera is 1.50 m up, metric model says 1.58 m: the interval is widened from ± 3.6 to ± 4.3 %"),
    (1.55, 0.12, None)])  # fmt: skip
def test_an_interval_wider_than_its_sources_says_why(height, sigma, told):
    """Also where no two disagree: who gave ± 5 % is not to find ± 9 % without a word."""
    scale = fuse([opinion(1.50, 0.03), opinion(height, sigma, "metric model")])
    assert scale.notes == (() if told is None else (told,))


def test_the_widening_is_told_of_the_two_farthest_apart():
    three = [opinion(1.50, 0.10), opinion(1.52, 0.10, "metric model"), opinion(1.98, 0.10, "reference door")]
    (note,) = fuse(three).notes
    assert note.startswith("camera height given says the camera is 1.50 m up, reference door says 1.98 m: the interval is widened")


@pytest.mark.parametrize("sigma", [0.24, 0.17, 0.143, 0.12, 0.10, 0.08, 0.07, 0.03])
def test_a_vague_reference_that_agrees_never_makes_the_height_less_sure(sigma):
    """A socket: the habit of photographers is joined with it, or nothing marked would be surer."""
    for model in (opinion(height, own, "metric model") for height in (0.9, 1.2, 1.4, 1.9) for own in (0.06, 0.12, 0.25)):
        nothing = fuse([model, prior_opinion()])
        socket = opinion(nothing.camera_height_m, sigma, "reference socket")
        given = fuse([o for o in (socket, model, prior_opinion([socket])) if o is not None])
        assert given.sigma_rel <= nothing.sigma_rel + 1e-9


def test_the_prior_fades_as_references_become_sure():
    """No step: a reference a little surer never gives a wider result, nor a height far from that of one a little vaguer."""
    def joined(height, sigma):
        socket = opinion(height, sigma, "reference socket")
        return fuse([o for o in (socket, opinion(height, 0.14, "metric model"), prior_opinion([socket])) if o is not None])

    sigmas = np.linspace(0.03, 0.25, 200)
    heights = [joined(2.2, sigma).camera_height_m for sigma in sigmas]
    assert heights[0] == pytest.approx(2.2) and np.abs(np.diff(np.log(heights))).max() < 0.01
    assert (np.diff([joined(prior_opinion().camera_height_m, sigma).sigma_rel for sigma in sigmas]) > 0).all()


def test_the_fading_prior_does_not_hide_a_disagreement():
    """No step where it comes in: next to nothing of a third opinion must not halve what two others' disagreement weighs."""
    def sigma(own: float) -> float:
        given, model = opinion(1.4, own), opinion(1.74, 0.11, "metric model")
        return fuse([o for o in (given, model, prior_opinion([given])) if o is not None]).sigma_rel

    sigmas = np.array([sigma(own) for own in np.linspace(0.06, 0.25, 200)])
    assert np.abs(np.diff(np.log(sigmas))).max() < 0.015
    assert sigmas.max() < fuse([opinion(1.74, 0.11, "metric model"), prior_opinion()]).sigma_rel


def test_a_sure_reference_is_not_doubted_for_an_unusual_height():
    assert prior_opinion([opinion(2.2, 0.02, "reference door")]) is None
    assert prior_opinion([opinion(1.4, 0.17, "reference socket"), opinion(2.2, 0.03)]) is None
    assert prior_opinion([opinion(2.2, 0.17, "reference socket")]) == prior_opinion()


def test_three_opinions_name_every_pair_that_disagrees():
    three = [opinion(1.5, 0.01), opinion(1.5, 0.01, "door"), opinion(2.0, 0.01, "a4")]
    assert [line.split(" says")[0] for line in disagreements(three)] == ["camera height given", "door"]


def test_what_opinions_have_in_common_does_not_average_out():
    """As two lengths on one wall: its error is in both."""
    said = [opinion(1.50, 0.05, "reference length"), opinion(1.50, 0.05, "reference door"), opinion(1.50, 0.05)]
    apart = fuse(said[:2]).sigma_rel
    assert apart == pytest.approx(0.05 / 2**0.5) == pytest.approx(fuse(said[:2], [{"wall 1": 0.04}, {"wall 2": 0.04}]).sigma_rel)
    assert fuse(said[:2], [{"wall 1": 0.05}] * 2).sigma_rel == pytest.approx(0.05)
    assert apart < fuse(said[:2], [{"wall 1": 0.03}] * 2).sigma_rel < 0.05
    assert fuse(said, [{"wall 1": 0.05}] * 2 + [{}]).sigma_rel < 0.05
    assert fuse(said[:2], [{"wall 1": 0.03}, {"wall 1": -0.03}]).sigma_rel < apart  # what cancels


def test_what_else_moves_is_told_apart_from_the_scales_own_error():
    scale = fuse([opinion(1.50, 0.05, "metric model"), opinion(1.50, 0.05)], [{"gravity 1": 0.03, "model 4": 0.04}, {}])
    assert dict(scale.changes) == pytest.approx({"gravity 1": 0.015, "model 4": 0.02})
    assert scale.sigma_rel == pytest.approx(0.05 / 2**0.5)
    assert scale.own_sigma_rel == pytest.approx(0.025)


def test_order_does_not_matter():
    a, b, c = opinion(1.4, 0.03), opinion(1.5, 0.02, "door"), prior_opinion()
    assert fuse([a, b, c]).camera_height_m == pytest.approx(fuse([c, a, b]).camera_height_m)


def test_no_opinion_is_an_error():
    with pytest.raises(ParameterError, match="no opinion"):
        fuse([])
