"""The camera of ray-cast rooms is found again; without lines nothing is claimed; whoever overrules is obeyed, and told."""

from pathlib import Path

import cv2
import eval_camera
import numpy as np
import pytest
from synthetic import make_room, noisy_depth

from poc import geometry as geo
from poc.camera import FOCAL_SIGMA, LEVEL_SIGMA_RAD, PHONE_F35_MM, estimate_camera
from poc.errors import ParameterError
from poc.photo import load_photo
from poc.room import vanishing
from poc.types import Z90, DepthMap, Photo, Surfaces

SAMPLES = Path(__file__).resolve().parents[1] / "data/photos/rgb"
DATA_HERE = pytest.mark.skipif(not (eval_camera.DATA / "meta.json").exists(), reason=f"no data set at {eval_camera.DATA}")


def degrees(a, b):
    return float(np.degrees(geo.angle_between(a, b)))


@pytest.fixture(scope="module")
def rooms():
    return [make_room(seed) for seed in range(8)]


@pytest.fixture(scope="module")
def found(rooms):
    return [estimate_camera(room.photo, focal_px=room.camera.f_px) for room in rooms]


@pytest.fixture(scope="module")
def samples():
    """Sample photos, and their focal lengths in pixels."""
    return [(p, p.f_px) for p in (load_photo(SAMPLES / f"{name}.jpg") for name in ("bedroom", "kitchen", "dining_room"))]


def clutter(seed=0, size=(480, 640)):
    """Strokes in all directions: the lines of a forest."""
    rng = np.random.default_rng(seed)
    rgb = np.full((*size, 3), 120, np.uint8)
    for _ in range(150):
        centre, angle, half = rng.uniform((0, 0), size[::-1]), rng.uniform(0, np.pi), rng.uniform(12, 35)
        step = half * np.array([np.cos(angle), np.sin(angle)])
        ends = np.round([centre - step, centre + step]).astype(int)
        cv2.line(rgb, tuple(map(int, ends[0])), tuple(map(int, ends[1])), (int(rng.integers(0, 255)),) * 3, 2, cv2.LINE_AA)
    return rgb


def test_gravity_of_rooms_with_a_known_focal(rooms, found):
    errors = [degrees(c.gravity, r.camera.gravity) for r, c in zip(rooms, found)]
    assert np.median(errors) < 0.15 and max(errors) < 0.5
    assert all(c.gravity_source == "lines" and c.f_source == "given" and np.isclose(np.linalg.norm(c.gravity), 1) for c in found)


def test_sigmas_hold_and_are_not_useless(rooms, found):
    errors = np.array([geo.angle_between(c.gravity, r.camera.gravity) for r, c in zip(rooms, found)])
    sigmas = np.array([c.gravity_sigma_rad for c in found])
    assert np.all(errors < 3 * sigmas) and np.median(sigmas) < np.radians(1.0)


def test_axes_are_right_forward_up_along_the_walls(rooms, found):
    for room, cam in zip(rooms, found):
        axes = cam.manhattan
        assert np.allclose(axes @ axes.T, np.eye(3), atol=1e-9) and np.isclose(np.linalg.det(axes), 1)
        assert np.allclose(axes[2], -cam.gravity) and axes[1, 2] > abs(axes[0, 2]) - 1e-9
        off = [min(degrees(s * a, w.normal_cam) for a in axes[:2] for s in (1, -1)) for w in room.walls]
        assert min(off) < 0.5


def test_the_principal_point_stays_where_it_is_known_and_near_the_centre_else(rooms, found):
    room = rooms[0]
    assert all(abs(c.cx - (c.width - 1) / 2) < 5 and abs(c.cy - (c.height - 1) / 2) < 5 for c in found)
    cut = np.ascontiguousarray(room.photo.rgb[:, 40:])
    known = estimate_camera(Photo(cut), focal_px=room.camera.f_px, principal_point=(room.camera.cx - 40, room.camera.cy))
    assert (known.cx, known.cy) == pytest.approx((room.camera.cx - 40, room.camera.cy), abs=0.5)
    assert degrees(known.gravity, room.camera.gravity) < 0.5


def test_an_unknown_focal_is_solved_from_the_room_within_its_sigma(rooms):
    cams = [estimate_camera(Photo(r.photo.rgb)) for r in rooms]
    off = np.array([np.log(c.f_px / r.camera.f_px) for r, c in zip(rooms, cams)])
    sigma = np.array([c.f_sigma_rel for c in cams])
    assert np.median(np.abs(off)) < 0.03 and np.all(np.abs(off) < 2.5 * sigma)
    assert {c.f_source for c in cams} <= {"solved", "assumed"} and sum(c.f_source == "solved" for c in cams) >= 3
    assert all(c.f_sigma_rel < 0.08 for c in cams if c.f_source == "solved")
    assert np.median([degrees(c.gravity, r.camera.gravity) for r, c in zip(rooms, cams)]) < 0.5


def test_the_tilt_goes_with_the_focal_that_is_used(rooms, monkeypatch):
    """The focal is a mean over rival solutions; the axes told with it are refined with it, not those of the best rival."""
    room = rooms[0]
    real, pinned = vanishing.refine, []

    def refine(segments, axes, prior, *rest, **more):
        fits = real(segments, axes, prior, *rest, **more)
        if not prior.guess and len(axes) == 1:
            pinned.append((prior.f_px, fits[0]))
        return fits

    monkeypatch.setattr(vanishing, "refine", refine)
    camera = estimate_camera(Photo(room.photo.rgb, None, "no EXIF"))
    f_px, fit = pinned[-1]
    assert camera.f_px == pytest.approx(f_px) and fit.f_px == pytest.approx(f_px, rel=0.002)
    assert np.allclose(camera.gravity, fit.axes[2])


def test_exif_is_used_and_a_crop_that_makes_it_wrong_is_told(rooms):
    room = rooms[5]
    right = estimate_camera(Photo(room.photo.rgb, f_px=room.camera.f_px))
    assert (right.f_px, right.f_source, right.notes) == (room.camera.f_px, "exif", ())
    wrong = estimate_camera(Photo(room.photo.rgb, f_px=1.2 * room.camera.f_px))
    assert wrong.f_px == 1.2 * room.camera.f_px and "EXIF" in wrong.notes[0]
    assert wrong.f_sigma_rel > 2 * right.f_sigma_rel


def middle(photo, share):
    """The middle of a photo, as a crop that keeps this share of both sides, and that share as whole pixels have it."""
    h, w = round(photo.height * share), round(photo.width * share)
    y, x = (photo.height - h) // 2, (photo.width - w) // 2
    return np.ascontiguousarray(photo.rgb[y : y + h, x : x + w]), w / photo.width


@pytest.mark.parametrize("share", [0.85, 0.75, 0.65])
@pytest.mark.parametrize("told", [True, False])
def test_a_centred_crop_that_keeps_its_exif_is_not_taken_for_a_smaller_copy(samples, share, told):
    """Where EXIF still has the size of before, its interval always reaches the truth; else where the lines are sure, from 0.75 on."""
    for photo, f_px in samples:
        rgb, kept = middle(photo, share)
        camera = estimate_camera(Photo(rgb, kept * f_px, cropped_px=f_px if told else None))
        if told or share < 0.8:
            assert abs(np.log(camera.f_px / f_px)) <= Z90 * camera.f_sigma_rel + 1e-9
            assert sum(f"{kept * f_px:.0f} px" in note for note in camera.notes) == 1


@pytest.mark.parametrize("share", [0.85, 0.75, 0.65])
def test_a_smaller_copy_keeps_its_focal_length(samples, share):
    for photo, f_px in samples:
        size = round(photo.width * share), round(photo.height * share)
        copy = cv2.resize(photo.rgb, size, interpolation=cv2.INTER_AREA)
        camera = estimate_camera(Photo(copy, share * f_px, cropped_px=f_px))
        assert (camera.f_px, camera.f_source, camera.f_sigma_rel, camera.notes) == (share * f_px, "exif", FOCAL_SIGMA["exif"], ())


def test_a_smaller_file_without_lines_may_be_either():
    blank = np.full((480, 640, 3), 128, np.uint8)
    camera = estimate_camera(Photo(blank, 500.0, cropped_px=650.0))
    assert camera.f_px == 500.0 and Z90 * camera.f_sigma_rel == pytest.approx(np.log(1.3), rel=0.05)
    assert "copy has a focal length of 500 px, a crop one of 650 px; the first is used" in camera.notes[0]
    whole = estimate_camera(Photo(blank, 500.0))
    assert whole.f_sigma_rel == FOCAL_SIGMA["exif"] and len(whole.notes) == len(camera.notes) - 1


def test_a_given_focal_length_may_be_either_of_the_files():
    blank = np.full((480, 640, 3), 128, np.uint8)
    for f_px in (500.0, 650.0):
        camera = estimate_camera(Photo(blank, 500.0, cropped_px=650.0), focal_px=f_px)
        assert camera.f_against is None and camera.f_sigma_rel == FOCAL_SIGMA["given"]
    assert estimate_camera(Photo(blank, 500.0), focal_px=650.0).f_against == (650.0, 500.0, 0.0)


@pytest.mark.parametrize("kind", ["metric", "relative"])
def test_a_depth_map_that_is_not_flat_is_refused_in_one_line(rooms, kind):
    room = rooms[0]
    values = np.ones((*room.photo.rgb.shape[:2], 2), np.float32)
    for valid in (values > 0, values[..., 0] > 0):
        with pytest.raises(ParameterError, match="depth must be 2-D"):
            estimate_camera(room.photo, room.surfaces, DepthMap(values, kind, valid, "model"))


@pytest.mark.parametrize("factor", [0.8, 1.19])
def test_a_given_focal_that_the_file_contradicts_is_told_and_widened(rooms, factor):
    """One of the two is wrong: the given one is used, with an interval that reaches the other."""
    room, blank = rooms[5], Photo(np.full((480, 640, 3), 128, np.uint8), f_px=500.0)
    f_px = room.camera.f_px
    agreed = estimate_camera(Photo(room.photo.rgb, f_px=1.03 * f_px), focal_px=f_px)
    assert agreed.notes == () and agreed.f_sigma_rel == FOCAL_SIGMA["given"]
    for photo in (Photo(room.photo.rgb, f_px=f_px), blank):
        camera = estimate_camera(photo, focal_px=factor * photo.f_px)
        assert camera.f_px == pytest.approx(factor * photo.f_px) and camera.f_source == "given"
        assert camera.notes[0].startswith(f"You gave a focal length of {factor * photo.f_px:.0f} px, the file says {photo.f_px:.0f} px")
        assert Z90 * camera.f_sigma_rel >= abs(np.log(factor)) - 1e-9


@pytest.mark.parametrize("factor", [0.5, 1.4, 1.6, 2.6, 3.5])
def test_a_focal_far_from_the_rooms_is_not_believed(rooms, factor):
    """As of a copy made smaller, with the focal length of the original. From the file: found again from the lines. Given: told and widened, and
    far beyond that refused."""
    mended = told = refusals = 0
    for room in rooms:
        wrong = factor * room.camera.f_px
        exif = estimate_camera(Photo(room.photo.rgb, f_px=wrong))
        mended += bool(exif.notes) and abs(np.log(exif.f_px / room.camera.f_px)) < 3 * exif.f_sigma_rel
        try:
            given = estimate_camera(room.photo, focal_px=wrong)
            told += bool(given.notes) and given.f_px == pytest.approx(wrong) and given.f_sigma_rel > 0.1
        except ParameterError as refused:
            refusals += 1
            assert "cannot be this photo's, whose lines ask for" in str(refused)
    assert min(mended, told + refusals) >= 0.75 * len(rooms)
    least, most = (0, 0) if 0.4 < factor < 2.2 else (0, len(rooms)) if factor < 3 else (len(rooms) // 2, len(rooms))
    assert least <= refusals <= most


def test_portrait_photo():
    room = make_room(3, size=(360, 480), f_px=380.0, pitch_deg=8.0)
    cam = estimate_camera(Photo(room.photo.rgb), focal_px=380.0)
    assert degrees(cam.gravity, room.camera.gravity) < 0.5


def test_a_large_photo_gives_the_same_answer_in_its_own_pixels(rooms, found):
    room = rooms[1]
    big = cv2.resize(room.photo.rgb, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    cam = estimate_camera(Photo(big), focal_px=4 * room.camera.f_px)
    assert degrees(cam.gravity, room.camera.gravity) < 0.4
    assert abs(cam.cx - (4 * 480 - 1) / 2) < 20


def test_the_same_photo_gives_the_same_numbers(rooms, found):
    again = estimate_camera(rooms[2].photo, focal_px=rooms[2].camera.f_px)
    assert np.array_equal(again.gravity, found[2].gravity) and again.gravity_sigma_rad == found[2].gravity_sigma_rad


def test_given_tilt_is_joined_with_the_lines_and_pins_the_axes(rooms):
    """A phone's tilt is off by a degree: where the lines agree with it within their errors, both count."""
    room = rooms[6]
    pitch, roll = np.degrees(geo.pitch_roll_from_gravity(room.camera.gravity))
    for off in (0.0, 1.0, 2.5):
        given = geo.gravity_from_pitch_roll(*np.radians((pitch + off, roll)))
        alone = estimate_camera(room.photo, focal_px=room.camera.f_px)
        cam = estimate_camera(room.photo, focal_px=room.camera.f_px, pitch_roll_deg=(pitch + off, roll))
        apart = np.radians(degrees(given, alone.gravity)) / np.hypot(alone.gravity_sigma_rad, np.radians(1.0))
        assert cam.gravity_source == "given + lines" and cam.notes == ()
        assert degrees(cam.gravity, given) + degrees(cam.gravity, alone.gravity) == pytest.approx(degrees(given, alone.gravity), abs=0.01)
        assert cam.gravity_sigma_rad == pytest.approx(max(1, apart) * (alone.gravity_sigma_rad**-2 + np.radians(1.0) ** -2) ** -0.5)
        assert degrees(cam.gravity, room.camera.gravity) < 0.3 + 0.6 * off
    assert np.allclose(cam.manhattan[2], -cam.gravity)
    off = [min(degrees(s * a, w.normal_cam) for a in cam.manhattan[:2] for s in (1, -1)) for w in room.walls]
    assert min(off) < 0.5


def test_given_tilt_that_the_lines_contradict_is_told_and_widened_or_refused(rooms):
    """It is used, with an interval that reaches what the lines say; a slip of a sign on a photo that looks far down is nobody's tilt."""
    room = rooms[6]
    pitch, roll = np.degrees(geo.pitch_roll_from_gravity(room.camera.gravity))
    cam = estimate_camera(room.photo, focal_px=room.camera.f_px, pitch_roll_deg=(pitch + 15, roll))
    assert np.allclose(cam.gravity, geo.gravity_from_pitch_roll(*np.radians((pitch + 15, roll))))
    assert any("pitch and roll differ by 15°" in note for note in cam.notes) and not any(note.endswith(".") for note in cam.notes) and Z90 * cam.gravity_sigma_rad == pytest.approx(np.radians(15), rel=0.05)
    with pytest.raises(ParameterError, match=r"\(.+°, .+°\) are 4\d° from what the lines of the room say \(.+°, .+°\)"):
        estimate_camera(room.photo, focal_px=room.camera.f_px, pitch_roll_deg=(pitch, roll + 45))


def test_a_given_focal_many_times_the_files_is_refused(rooms):
    f_px = rooms[5].camera.f_px
    with pytest.raises(ParameterError, match="too far apart for one photo"):
        estimate_camera(Photo(rooms[5].photo.rgb, f_px=f_px / 4), focal_px=f_px)


@pytest.mark.parametrize("tilt", [(80, 0), (-61, 0), (float("nan"), 0), (0, 200)])
def test_absurd_tilt_is_refused(rooms, tilt):
    with pytest.raises(ParameterError, match="out of range"):
        estimate_camera(rooms[0].photo, pitch_roll_deg=tilt)


@pytest.mark.parametrize("focal", [0.0, -3.0, float("nan"), float("inf"), 12.0, 1e6])
def test_absurd_focal_is_refused(rooms, focal):
    with pytest.raises(ParameterError, match="focal length"):
        estimate_camera(rooms[0].photo, focal_px=focal)


@pytest.mark.parametrize("size", [(480, 640), (16, 12), (3, 900)])
def test_a_blank_photo_is_taken_as_level_and_says_so(size):
    cam = estimate_camera(Photo(np.full((*size, 3), 128, np.uint8)))
    assert cam.gravity_source == "assumed" and np.array_equal(cam.gravity, [0, 1, 0])
    assert cam.gravity_sigma_rad == LEVEL_SIGMA_RAD and cam.manhattan is None and cam.notes[0].endswith("taken as level")
    assert cam.f_source == "assumed" and cam.f_px == pytest.approx(PHONE_F35_MM / 36 * max(size)) and cam.f_sigma_rel >= 0.1


@pytest.mark.parametrize("seed", range(6))
def test_clutter_never_gives_a_confident_gravity(seed):
    cam = estimate_camera(Photo(clutter(seed)), focal_px=500.0)
    assert cam.gravity_sigma_rad > np.radians(3)


def flat_room(pitch_deg=-25.0):
    """A photo without lines over the exact depth of a floor."""
    gravity = geo.gravity_from_pitch_roll(np.radians(pitch_deg), 0.03)
    room = make_room(0)
    rays = geo.pixel_rays(room.camera, 60, 80)
    down = rays @ gravity
    z = np.where(down > 0.05, 1.4 / np.maximum(down, 0.05), 5.0)
    share = np.zeros((60, 80, 6), np.float32)
    share[..., 1], share[..., 2] = down > 0.05, down <= 0.05
    photo = Photo(np.full_like(room.photo.rgb, 128))
    return photo, Surfaces(share), DepthMap(z.astype(np.float32), "metric", np.ones(z.shape, bool), "test"), gravity, room.camera.f_px


def test_without_lines_the_floor_of_a_metric_depth_map_helps():
    photo, surfaces, depth, gravity, f_px = flat_room()
    cam = estimate_camera(photo, surfaces, depth, focal_px=f_px)
    assert cam.gravity_source == "planes" and cam.manhattan is None and cam.notes[0].endswith("floor's slope in the depth map")
    assert degrees(cam.gravity, gravity) < 12 < degrees([0, 1, 0], gravity)  # between the floor's 25° and level
    assert np.radians(2) < cam.gravity_sigma_rad < LEVEL_SIGMA_RAD
    relative = DepthMap(1 / depth.values, "relative_inverse", depth.valid, "test")
    assert estimate_camera(photo, surfaces, relative, focal_px=f_px).gravity_source == "assumed"


def test_depth_and_surfaces_do_not_spoil_what_lines_know(rooms, found):
    for seed, (room, lone) in enumerate(zip(rooms[:3], found)):
        cam = estimate_camera(room.photo, room.surfaces, noisy_depth(room, 0.1, seed), focal_px=room.camera.f_px)
        assert degrees(cam.gravity, lone.gravity) < 0.01


def test_refine_finds_the_axes_from_ten_degrees_off():
    rng = np.random.default_rng(0)
    truth = np.stack([*geo.rotation_from_gravity(geo.gravity_from_pitch_roll(-0.2, 0.03), [0.4, 0, 1])[:2], geo.gravity_from_pitch_roll(-0.2, 0.03)])
    mid = rng.uniform((-300, -220), (300, 220), (60, 2))
    towards = 500 * truth[np.arange(60) % 3, :2] - mid * truth[np.arange(60) % 3, 2:]
    tangent = towards / np.linalg.norm(towards, axis=1, keepdims=True)
    s = vanishing.CentredSegments(mid, tangent, np.full(60, 60.0), 1.0)
    options = vanishing.FitOptions()
    start = truth @ geo.rotation_from_vector([0.1, -0.1, 0.1]).T
    fit = vanishing.refine(s, start[None], vanishing.Prior(500.0, 0.01, 1.0), options, vanishing.weights(s, options))[0]
    assert np.allclose(fit.axes, truth, atol=2e-4) and fit.gain > 50 and np.all(fit.shares.sum(1) > 0.85)
    assert fit.f_px == pytest.approx(500, rel=1e-3)


def test_three_witnesses_tell_how_far_each_is_off():
    """The truth's own noise is told without a better truth: each witness's from how it differs from both others."""
    rng, truth = np.random.default_rng(3), np.linspace(-20, 5, 4000)
    good, fair, poor = (truth + rng.normal(0, sigma, truth.size) for sigma in (0.3, 0.6, 1.2))
    assert np.allclose(eval_camera.own_errors(good, fair, poor), [0.3, 0.6, 1.2], atol=0.1)
    assert eval_camera.own_errors(good, good, poor)[:2] == [0.0, 0.0]


@pytest.mark.slow
@pytest.mark.data
@DATA_HERE
def test_gravity_on_real_photos():
    meta = eval_camera.read_meta()
    rows = []
    for name in eval_camera.frame_names(meta, 40):
        frame = eval_camera.load_frame(name, meta)
        rows.append(eval_camera.score_frame(frame, eval_camera.true_planes(frame), focal_px=frame.f_px, principal_point=frame.centre))
    score = eval_camera.summary(rows)
    assert score["gravity_vs_joint"]["median_deg"] < 1.4 and score["gravity_vs_joint"]["under_2deg"] > 0.65
    assert 0.75 < score["tilt_coverage90_truth_noise_0.8"] < 0.99


@pytest.mark.parametrize("guess", [False, True])
def test_the_focal_lengths_prior_pulls_as_its_likelihood_falls(guess):
    """On either side of it; where a phone's usual focal length is only a guess, much less so towards wide angles."""
    prior = vanishing.Prior(500.0, 0.1, 1.0, guess=guess)
    off, step, still = np.array([-0.6, -0.2, -0.05, 0.05, 0.2, 0.6]), 1e-6, np.zeros((6, 2))
    slope = (prior.loglik(off + step, still) - prior.loglik(off - step, still)) / (2 * step)
    assert slope == pytest.approx(-prior.focal_precision(off) * off, rel=1e-4)
    wide, long = prior.loglik(np.array([-0.6, 0.6]), still[:2])
    assert bool(wide > long + 10) is guess
