"""Data folders: what is read, and each thing that can be wrong with one (no torch)."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from poc.errors import DataError
from poc.training.folder import IGNORE, list_frames, load_frame, read_names, select_frames
from tests.data_folder import load_all, write_folder


def test_a_good_folder_loads(tmp_path):
    write_folder(tmp_path, n=2)
    loaded = load_all(tmp_path)
    assert len(loaded) == 2
    assert loaded[0].rgb.shape == (48, 64, 3) and loaded[0].depth_m.dtype == np.float32
    assert set(np.unique(loaded[0].surface)) <= {0, 1, 2, IGNORE}
    assert 1 < loaded[0].depth_m.max() < 6


def test_truth_outside_the_crop_is_missing(tmp_path):
    write_folder(tmp_path, n=1)
    meta = json.loads((tmp_path / "meta.json").read_text())
    meta["crop"] = {"rows": [10, 40], "cols": [5, 60]}
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    (loaded,) = load_all(tmp_path)
    assert not loaded.depth_m[:10].any() and not loaded.depth_m[:, 60:].any() and loaded.depth_m[10:40, 5:60].all()
    assert (loaded.surface[40:] == IGNORE).all()


def test_surfaces_are_learnt_beyond_the_crop_up_to_the_photos_edge(tmp_path):
    """Where scores do not look the photo goes on; a frame around it without labels is what it frames, not a class of its own."""
    write_folder(tmp_path)
    meta = json.loads((tmp_path / "meta.json").read_text())
    (tmp_path / "meta.json").write_text(json.dumps({**meta, "crop": {"rows": [12, 40], "cols": [8, 60]}}))
    label = np.zeros((48, 64), np.uint8)  # wall
    label[:8], label[30:], label[20, 30] = 21, 1, 39  # ceiling, floor, and a hole
    label[:4], label[:, :3] = 39, 39  # the frame
    cv2.imwrite(str(tmp_path / "label" / "frame_00.png"), label)
    frame = list_frames(tmp_path)[0]
    scored, learnt = load_frame(frame), load_frame(frame, to_learn=True)
    assert (scored.surface[:12] == IGNORE).all() and (scored.surface[:, :8] == IGNORE).all()
    assert (scored.surface[12:40, 8:60] == learnt.surface[12:40, 8:60]).all() and learnt.surface[20, 30] == IGNORE
    assert (learnt.surface[:8] == 3).all() and (learnt.surface[8:20] == 2).all() and (learnt.surface[30:] == 1).all()
    assert (learnt.depth_m == scored.depth_m).all(), "depth is known in the crop alone"
    cv2.imwrite(str(tmp_path / "label" / "frame_00.png"), np.full((48, 64), 39, np.uint8))
    assert (load_frame(frame, to_learn=True).surface == IGNORE).all()


def test_frames_may_be_listed_by_name(tmp_path):
    names = write_folder(tmp_path, n=2)
    meta = json.loads((tmp_path / "meta.json").read_text())
    own = {**meta["intrinsics"], "fx": 77.0}
    (tmp_path / "meta.json").write_text(json.dumps({**meta, "frames": {names[0]: {"intrinsics": own}, names[1]: {}}}))
    assert [(f.name, f.fx) for f in list_frames(tmp_path)] == [(names[0], 77.0), (names[1], 60.0)]


def spoil_missing(p):
    p.unlink()


def spoil_shape(p):
    cv2.imwrite(str(p), np.full((48, 96), 2000, np.uint16))


def spoil_zero(p):
    cv2.imwrite(str(p), np.zeros((48, 64), np.uint16))


def spoil_metres(p):
    cv2.imwrite(str(p), np.full((48, 64), 3, np.uint16))


def spoil_centimetres(p):
    cv2.imwrite(str(p), np.full((48, 64), 251, np.uint16))


def spoil_tenths(p):
    cv2.imwrite(str(p), np.full((48, 64), 25_100, np.uint16))


def spoil_no_value(p):
    cv2.imwrite(str(p), np.full((48, 64), 65535, np.uint16))


def spoil_colour(p):
    cv2.imwrite(str(p), np.full((48, 64, 3), 200, np.uint8))


def spoil_bits(p):
    cv2.imwrite(str(p), np.full((48, 64), 200, np.uint8))


def spoil_text(p):
    p.write_text("not a picture")


def spoil_speck(path):
    depth = np.zeros((48, 64), np.uint16)
    depth[20, 20] = 2000
    cv2.imwrite(str(path), depth)


def spoil_sign(path):
    """As a TIFF has it, whatever its name says."""
    depth = np.full((48, 64), 2000, np.float32)
    depth[:4] = -500
    path.write_bytes(cv2.imencode(".tiff", depth)[1])


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (spoil_missing, "no such depth"), (spoil_shape, "does not fit"), (spoil_zero, "zero everywhere"),
        (spoil_metres, "look like metres"), (spoil_centimetres, "median would be 251 mm; the values look like centimetres"),
        (spoil_tenths, "look like tenths of a millimetre"), (spoil_no_value, "zero everywhere.*65535"), (spoil_colour, "channels"), (spoil_speck, "depth at only 1 pixels"), (spoil_sign, "below zero"), (spoil_bits, "8 bits a pixel"), (spoil_text, "cannot be read"),
    ],
)  # fmt: skip
def test_bad_depth_is_named(tmp_path, spoil, says):
    names = write_folder(tmp_path, n=2)
    bad = tmp_path / "depth_mm" / f"{names[1]}.png"
    spoil(bad)
    with pytest.raises(DataError, match=says) as error:
        load_all(tmp_path)
    assert str(bad) in str(error.value)


def test_a_sensors_word_for_no_value_is_no_depth(tmp_path):
    write_folder(tmp_path, n=1)
    where = tmp_path / "depth_mm" / "frame_00.png"
    depth = cv2.imread(str(where), cv2.IMREAD_UNCHANGED)
    depth[:40] = 65535
    cv2.imwrite(str(where), depth)
    (loaded,) = load_all(tmp_path)
    assert not loaded.depth_m[:40].any() and np.allclose(loaded.depth_m[40:], 2.0)


@pytest.mark.parametrize("mm", [251, 25_100])
def test_a_networks_depth_may_be_of_anything(tmp_path, mm):
    """What a teacher says of a photo of one thing, or of a street, is no mistake of units."""
    write_folder(tmp_path, n=1)
    meta = tmp_path / "meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"measured": False}))
    cv2.imwrite(str(tmp_path / "depth_mm" / "frame_00.png"), np.full((48, 64), mm, np.uint16))
    assert load_all(tmp_path)[0].depth_m.max() == pytest.approx(mm / 1000)


@pytest.mark.parametrize("listed", [True, False])
def test_two_photos_of_one_name_are_named(tmp_path, listed):
    """Which of them the depth is of cannot be told; where meta.json lists no frames, it would count twice."""
    write_folder(tmp_path, n=2)
    meta = tmp_path / "meta.json"
    if not listed:
        meta.write_text(json.dumps({"intrinsics": json.loads(meta.read_text())["intrinsics"]}))
    cv2.imwrite(str(tmp_path / "rgb" / "frame_01.png"), np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(DataError, match=r"frame_01\.jpg: frame_01\.png is beside it"):
        list_frames(tmp_path)


@pytest.mark.parametrize(("listed", "says"), [(True, "though meta.json lists the frame"), (False, r"though rgb/frame_01\.jpg is there")])
def test_a_missing_depth_is_told_by_what_asks_for_it(tmp_path, listed, says):
    write_folder(tmp_path, n=2)
    meta = tmp_path / "meta.json"
    if not listed:
        meta.write_text(json.dumps({"intrinsics": json.loads(meta.read_text())["intrinsics"]}))
    (tmp_path / "depth_mm" / "frame_01.png").unlink()
    with pytest.raises(DataError, match=says):
        list_frames(tmp_path)


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        list_frames(tmp_path)
    (tmp_path / "meta.json").write_text("{")
    with pytest.raises(DataError, match="not valid JSON"):
        list_frames(tmp_path)
    (tmp_path / "meta.json").write_bytes(b'{"frames": "\xff"}')
    with pytest.raises(DataError, match="not valid JSON"):
        list_frames(tmp_path)


@pytest.mark.parametrize(("change", "says"), [
    (lambda meta: [], r'expected an object with "intrinsics" \(fx, fy, cx, cy, width, height, in pixels\) and "frames" .*, not \[\]'),
    (lambda meta: meta | {"frames": [{}]}, r'its frame 1 is \{\}, expected a name, or an object with "name"'),
    (lambda meta: meta | {"frames": {"a": None}}, r'its frame 1 is \{"a": null\}, expected'),
    (lambda meta: meta | {"frames": ["frame_00", ["frame_01"]]}, r'its frame 2 is \["frame_01"\], expected'), (lambda meta: meta | {"frames": 2}, "its frames are 2, expected"),
])  # fmt: skip
def test_a_meta_json_of_another_layout_is_named(tmp_path, change, says):
    """With what is expected instead, in words that do not come from Python."""
    write_folder(tmp_path, n=2)
    where = tmp_path / "meta.json"
    where.write_text(json.dumps(change(json.loads(where.read_text()))))
    with pytest.raises(DataError, match=f"meta.json: does not have the layout of a data folder: {says}") as error:
        list_frames(tmp_path)
    assert "Error" not in str(error.value) and "object has no" not in str(error.value)


@pytest.mark.parametrize(("crop", "says"), [
    ([0, 10], r'its crop is \[0, 10\], expected \{"rows": \[first, end\], "cols": \[first, end\]\} in pixels'), ({"rows": 3, "cols": [0, 9]}, "its crop is .* expected"),
    ({"rows": [30, 80], "cols": [0, 64]}, "its crop .* is not inside a photo of 64×48"), ({"rows": [10.5, 40.5], "cols": [0, 64]}, "its crop .* is not in whole pixels"),
])  # fmt: skip
def test_a_crop_that_is_none_is_named(tmp_path, crop, says):
    write_folder(tmp_path, n=2)
    where = tmp_path / "meta.json"
    where.write_text(json.dumps(json.loads(where.read_text()) | {"crop": crop}))
    with pytest.raises(DataError, match=f"meta.json: frame 'frame_00': {says}"):
        list_frames(tmp_path)


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize(("value", "says"), [
    (None, "fx is null, expected a number of pixels"), ("many", 'fx is "many", expected a number of pixels'), ([60], r"fx is \[60\], expected a number of pixels"),
    (True, "fx is true, expected a number of pixels"), (10**400, "fx is 1000.*…, expected a number of pixels"),
])  # fmt: skip
def test_an_intrinsic_that_is_no_number_is_named_with_its_frame(tmp_path, value, says, own):
    """Of the whole folder, and of one frame's own camera."""
    first, second = write_folder(tmp_path, n=2)
    where = tmp_path / "meta.json"
    meta = json.loads(where.read_text())
    camera = meta["intrinsics"] | {"fx": value}
    where.write_text(json.dumps(meta | ({"frames": [first, {"name": second, "intrinsics": camera}]} if own else {"intrinsics": camera})))
    with pytest.raises(DataError, match=f"meta.json: frame '{second if own else first}': {says}$"):
        list_frames(tmp_path)


def test_intrinsics_that_are_no_object_are_named(tmp_path):
    write_folder(tmp_path, n=2)
    where = tmp_path / "meta.json"
    where.write_text(json.dumps(json.loads(where.read_text()) | {"intrinsics": [60, 60, 32, 24]}))
    with pytest.raises(DataError, match=r"frame 'frame_00': its intrinsics are \[60, 60, 32, 24\], expected an object of fx, fy, cx, cy, width, height in pixels"):
        list_frames(tmp_path)


@pytest.mark.parametrize(("name", "value", "says"), [
    ("fx", 0, "fx is 0, which no camera has"), ("fy", -60, "fy is -60, which no camera has"), ("cx", float("nan"), "cx is nan, which no camera has"),
    ("width", 0, "width is 0, which no camera has"), ("fx", 0.01, "focal length 0.01 px does not suit"), ("cx", -5000, "its principal point -5000,24 is outside"),
])  # fmt: skip
def test_a_camera_that_there_cannot_be_is_named(tmp_path, name, value, says):
    write_folder(tmp_path, n=2)
    where = tmp_path / "meta.json"
    meta = json.loads(where.read_text())
    where.write_text(json.dumps(meta | {"intrinsics": meta["intrinsics"] | {name: value}}))
    with pytest.raises(DataError, match=f"meta.json: frame 'frame_00': {says}"):
        list_frames(tmp_path)


def test_a_frame_listed_twice_is_named_and_a_byte_order_mark_is_none(tmp_path):
    names = write_folder(tmp_path, n=2)
    where = tmp_path / "meta.json"
    meta = json.loads(where.read_text())
    where.write_bytes(b"\xef\xbb\xbf" + json.dumps(meta).encode())
    assert [frame.name for frame in list_frames(tmp_path)] == names
    where.write_text(json.dumps(meta | {"frames": [*names, names[1]]}))
    with pytest.raises(DataError, match="lists frame_01 more than once"):
        list_frames(tmp_path)


@pytest.mark.parametrize(("part", "suffix"), [("rgb", "jpg"), ("depth_mm", "png")])
def test_a_picture_cut_short_is_named(tmp_path, capfd, part, suffix):
    """Of which OpenCV makes up the rest, with a line of its own."""
    names = write_folder(tmp_path, n=1, size=(640, 480), f_px=600.0)
    where = tmp_path / part / f"{names[0]}.{suffix}"
    if part == "rgb":
        cv2.imwrite(str(where), np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8))
    where.write_bytes(where.read_bytes()[: where.stat().st_size // 2])
    with pytest.raises(DataError, match=f"{names[0]}.{suffix}: cannot be read as"):
        load_all(tmp_path)
    assert capfd.readouterr().err == ""


def test_what_does_not_lie_on_the_photo_is_named(tmp_path):
    """Labels of another shape, depth outside the crop alone, a photo that is shown turned."""
    first, second, third = write_folder(tmp_path, n=3)
    cv2.imwrite(str(tmp_path / "label" / f"{first}.png"), np.ones((20, 64), np.uint8))
    depth = np.zeros((48, 64), np.uint16)
    depth[:4] = 2000
    cv2.imwrite(str(tmp_path / "depth_mm" / f"{second}.png"), depth)
    where = tmp_path / "rgb" / f"{third}.jpg"
    turned = Image.open(where)
    exif = turned.getexif()
    exif[274] = 3
    turned.save(where, exif=exif)
    meta = tmp_path / "meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"crop": {"rows": [8, 48], "cols": [0, 64]}}))
    frames = list_frames(tmp_path)
    for frame, says in zip(frames, ("label.*is 64×20, which does not fit", "depth_mm.*no depth inside the crop", r"rgb.*stored turned \(EXIF orientation 3\)")):
        with pytest.raises(DataError, match=says):
            load_frame(frame)


def test_a_folder_that_lists_no_frames_has_those_of_its_photos(tmp_path):
    first, second = write_folder(tmp_path, n=2)
    (tmp_path / "rgb" / f"{first}.jpg").rename(tmp_path / "rgb" / f"{first}.JPEG")
    meta = tmp_path / "meta.json"
    meta.write_text(json.dumps({"intrinsics": json.loads(meta.read_text())["intrinsics"]}))
    assert [f.name for f in list_frames(tmp_path)] == [first, second]


def test_a_frame_whose_name_is_a_number_can_be_named(tmp_path):
    (name,) = write_folder(tmp_path, n=1)
    for file in [path for path in tmp_path.rglob("*.*g") if path.stem == name]:
        file.rename(file.with_stem("7"))
    where = tmp_path / "meta.json"
    where.write_text(json.dumps(json.loads(where.read_text()) | {"frames": [{"name": 7}]}))
    assert [frame.name for frame in list_frames(tmp_path)] == ["7"]
    assert [frame.name for frame in select_frames(tmp_path, ["7"])] == ["7"]


def test_a_list_of_frames_that_is_no_text(tmp_path):
    (tmp_path / "names.txt").write_bytes(b"\xff\xd8 a photo")
    with pytest.raises(DataError, match="it is not text"):
        read_names(tmp_path / "names.txt")
