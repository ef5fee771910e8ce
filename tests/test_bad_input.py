"""What users send, through the command line: refused in one line with nothing written, or accepted and measured upright."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
import room_values as room
from PIL import Image

from poc import cli

SIZE = (480, 360)


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    return Image.fromarray(room.photo().rgb).resize(SIZE)


@pytest.fixture(scope="module")
def photo_file(picture, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "room.jpg"
    picture.save(path, quality=92)
    return path


def refused(capsys, arguments: list[object], out: Path | None = None) -> str:
    """Run a command that must be refused: exit code 2, one line on stderr, nothing on stdout, nothing written."""
    before = sorted(out.parent.rglob("*")) if out else None
    code = cli.run([str(a) for a in arguments])
    stdout, stderr = capsys.readouterr()
    assert (code, stdout) == (2, ""), stderr
    assert stderr.count("\n") == 1 and stderr.startswith("poc: ")
    if out:
        assert sorted(out.parent.rglob("*")) == before
    return stderr


def bomb() -> bytes:
    """A PNG of 200 megapixels in a few kilobytes of header; decoding it would take 600 MB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20000, 10000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def bad_file(kind: str, folder: Path, picture: Image.Image) -> Path:
    path = folder / {"truncated png": "cut.png", "bomb": "bomb.png"}.get(kind, "bad.jpg")
    if kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("this is not a photo\n" * 20)
    elif kind.startswith("truncated"):
        picture.save(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "tiny":
        picture.resize((20, 20)).save(path)
    elif kind == "bomb":
        path.write_bytes(bomb())
    return path


@pytest.mark.parametrize("command", ["report", "measure", "depth"])
@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "text", "truncated jpeg", "truncated png", "tiny", "bomb"])
def test_bad_files(capsys, tmp_path, runs_folder, picture, kind, command):
    path = bad_file(kind, tmp_path, picture)
    out = tmp_path / "out" / "result.png"
    options = [] if command == "measure" else ["-o", out]
    line = refused(capsys, [command, path, *options], tmp_path / "out")
    assert path.name in line
    assert not runs_folder.exists()


def test_a_decompression_bomb_is_refused_before_decoding(capsys, tmp_path):
    (tmp_path / "bomb.png").write_bytes(bomb())
    began = time.perf_counter()
    assert "megapixels" in refused(capsys, ["measure", tmp_path / "bomb.png"])
    assert time.perf_counter() - began < 2.0


@pytest.mark.parametrize("height", ["-1", "0", "40", "tall", "1.5±", "nan", "1.5±9"])
def test_bad_camera_heights(capsys, photo_file, tmp_path, runs_folder, height):
    for command in ("report", "measure"):
        out = ["-o", tmp_path / "out"] if command == "report" else []
        assert "camera height" in refused(capsys, [command, photo_file, *out, f"--camera-height={height}"], tmp_path / "out")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--model", "midas-smal"], "did you mean midas-small"),
        (["--focal-px", "-3"], "focal length -3 px"),
        (["--reference", "door"], "reference 'door'"),
        (["-p", "STILE=modern"], "unknown parameter STILE. Did you mean STYLE?"),
        (["-p", "ORDERS_PER_MONTH=many", "-p", "MAX_PRICE=50"], "ORDERS_PER_MONTH must be a number"),
        (["-p", "CATALOGUE=none.csv"], "none.csv"),
        (["-p", "MAX_PRICE=cheap"], "MAX_PRICE must be a number"),
        (["-p", "HORIZON_MONTHS=2.5"], "horizon_months"),
        (["--lang", "klingon"], "unknown report language"),
    ],
)
def test_bad_options(capsys, photo_file, tmp_path, runs_folder, arguments, line):
    assert line in refused(capsys, ["report", photo_file, "-o", tmp_path / "out", *arguments], tmp_path / "out")
    assert not runs_folder.exists()


@pytest.mark.parametrize(
    ("reference", "line"),
    [
        ("10,10,900,300=2", "lies outside the photo of 480×360 pixels"),
        ("-20,10,300,300=2", "lies outside the photo"),
        ("100,300,300,300=0", "length 0 m is out of range"),
        ("100,300,300,300=-2", "length -2 m is out of range"),
        ("200,200,200,200=1", "0.0 pixels apart"),
        ("200,200,202,201=1", "two different spots"),
        ("door:60,100,60,300=9", "out of range"),
        ("door:60,100,60,300=4", "absurd for a door leaf"),
        ("100,300,300,300", "has no length"),
        ("dor:60,100,60,300", "unknown object 'dor'"),
        ("100,300,300=2", "is not understood"),
        ("100,300,300,300=nan", "out of range"),
        ("nan,300,300,300=1", "lies outside the photo"),
    ],
)
@pytest.mark.parametrize("command", ["report", "measure"])
def test_bad_references(capsys, photo_file, tmp_path, runs_folder, command, reference, line):
    out = ["-o", tmp_path / "out"] if command == "report" else []
    assert line in refused(capsys, [command, photo_file, *out, f"--reference={reference}"], tmp_path / "out")


@pytest.mark.parametrize("command", ["report", "depth"])
def test_an_output_folder_that_cannot_be_written(capsys, photo_file, tmp_path, runs_folder, command):
    (tmp_path / "file").write_text("in the way")
    line = refused(capsys, [command, photo_file, "-o", tmp_path / "file" / "out" / "x.png"], tmp_path / "file")
    assert "cannot write" in line and "choose another location" in line


@pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_FSIZE")
def test_a_full_disk_leaves_nothing(photo_file, tmp_path):
    """The system refuses to let a file grow beyond 20 kB, in the middle of writing, as a full disk does."""
    limit = "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)); "
    code = limit + "from poc.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "depth", str(photo_file), "-o", str(tmp_path / "d.png")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "free some space" in done.stderr, done.stderr
    assert list(tmp_path.iterdir()) == []


# --- accepted ----------------------------------------------------------------------------------------------------


def saved(kind: str, folder: Path, picture: Image.Image) -> Path:
    """The same room as a file of an unusual kind."""
    if kind == "cmyk":
        picture.convert("CMYK").save(path := folder / "x.jpg")
    elif kind == "palette":
        picture.convert("P", palette=Image.Palette.ADAPTIVE).save(path := folder / "x.png")
    elif kind == "16 bit":
        grey = np.asarray(picture.convert("L")).astype(np.uint16) * 257
        Image.fromarray(grey).save(path := folder / "x.png")
    elif kind == "alpha":
        rgba = picture.copy()
        rgba.putalpha(255)
        rgba.save(path := folder / "x.png")
    elif kind == "grey":
        picture.convert("L").save(path := folder / "x.jpg")
    elif kind == "webp":
        picture.save(path := folder / "x.webp", quality=90)
    elif kind == "gif":
        frames = [picture.convert("P", palette=Image.Palette.ADAPTIVE), Image.new("P", SIZE)]
        frames[0].save(path := folder / "x.gif", save_all=True, append_images=frames[1:])
    else:
        heif = pytest.importorskip("pillow_heif")
        heif.from_pillow(picture).save(path := folder / "x.heic", quality=90)
    return path


@pytest.fixture(scope="module")
def plain_record(photo_file) -> dict:
    return measured(photo_file)


def measured(path: Path, *options: str) -> dict:
    """`poc measure --json`, in this process; without options, with the picture's true focal length and height."""
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert cli.run(["measure", str(path), "--json", *(options or ("--focal-px", "320", "--camera-height", "1.5"))]) == 0
    return json.loads(out.getvalue())


def distances(record: dict) -> list[float]:
    """Distances of the walls of a photo that was measured, from left to right."""
    assert record["refusal"] is None
    return [m["value"] for m in record["measurements"] if m["name"].endswith("_distance")]


@pytest.mark.parametrize("kind", ["cmyk", "palette", "16 bit", "alpha", "grey", "webp", "gif", "heic"])
def test_unusual_files_are_measured(tmp_path, picture, plain_record, kind):
    """Without its colours the network may take a side of the chest for a wall too: then the room's walls are looked for among them."""
    found, wanted = distances(measured(saved(kind, tmp_path, picture))), distances(plain_record)
    if kind == "grey":
        found = [min(found, key=lambda d: abs(d - w)) for w in wanted]
    assert found == pytest.approx(wanted, rel=0.2)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(tmp_path, picture, plain_record, orientation):
    """Stored turned, with the flag that turns it back: the floor is down again and the measurements agree."""
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}.get(orientation)
    stored = picture if turn is None else picture.transpose(Image.Transpose(turn))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(path := tmp_path / "x.png", exif=exif)
    record = measured(path)
    assert distances(record) == pytest.approx(distances(plain_record), rel=0.02)
    for found, wanted in zip(record["planes"], plain_record["planes"], strict=True):
        assert found["kind"] == wanted["kind"] and np.dot(found["normal_cam"], wanted["normal_cam"]) > 0.99


def test_an_animation_says_that_one_frame_is_used(tmp_path, picture):
    from poc.photo import load_photo

    assert any("first" in note for note in load_photo(saved("gif", tmp_path, picture)).notes)


# --- photos that are no plain view of a room -------------------------------------------------------------------------


def warped(photo: Image.Image, f_px: float, fisheye_px: float, size: tuple[int, int]) -> Image.Image:
    """A pinhole photo as an equidistant fisheye of that focal length would have taken it; black where there is no photo."""
    import cv2

    rgb = np.asarray(photo)
    h, w = rgb.shape[:2]
    v, u = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    x, y = (u - (size[0] - 1) / 2) / fisheye_px, (v - (size[1] - 1) / 2) / fisheye_px
    angle = np.minimum(np.hypot(x, y), 1.5)
    stretch = np.tan(angle) / np.maximum(angle, 1e-6) * f_px
    return Image.fromarray(cv2.remap(rgb, x * stretch + (w - 1) / 2, y * stretch + (h - 1) / 2, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT))


def floor_plan() -> Image.Image:
    """A drawn floor plan, as a screenshot of one."""
    import cv2

    image = np.full((700, 1000, 3), 255, np.uint8)
    cv2.rectangle(image, (100, 80), (900, 620), (0, 0, 0), 8)
    cv2.line(image, (500, 80), (500, 400), (0, 0, 0), 8)
    for text, at in (("Bedroom 12.4 m2", (560, 250)), ("Living room 24.1 m2", (150, 350)), ("3.60", (650, 60))):
        cv2.putText(image, text, at, 0, 0.9, (40, 40, 40), 2)
    return Image.fromarray(image)


def straight_down() -> Image.Image:
    """The camera pitched 80° down: floor, and the foot of a wall at the top."""
    from tests.views import Place, photograph, rectangle

    return Image.fromarray(photograph(rectangle(4.0, 5.0), Place(2.0, 4.0, 0.0, pitch_deg=80.0)).photo.rgb)


def odd_view(kind: str, sample: Path) -> Image.Image:
    with Image.open(sample) as file:
        photo = file.convert("RGB")
    focal = 26 / 36 * photo.width  # the samples are taken at 26 mm equivalent
    if kind.startswith("fisheye"):
        return warped(photo, focal, 0.55 * photo.width, (photo.height, photo.height) if "round" in kind else photo.size)
    if kind == "panorama":
        return photo.resize((4 * photo.height, photo.height))
    if kind == "portrait":
        return photo.crop((photo.width // 3, 0, photo.width // 3 + round(0.7 * photo.height), photo.height))
    return floor_plan() if kind == "floor plan" else straight_down()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("fisheye", "fisheye"), ("fisheye, round", "fisheye"), ("panorama", "panorama"), ("floor plan", "floor plan"), ("pitch of 80°", "no")],
)
def test_no_plain_view_is_refused_in_one_line(tmp_path, sample_photo, kind, reason):
    """Exit code 0 and a reason: the photo is sound, but there is nothing in it to measure."""
    odd_view(kind, sample_photo).save(path := tmp_path / "odd.png")
    record = measured(path, "--camera-height", "1.5")
    assert record["refusal"].startswith("no room found: ") and reason in record["refusal"] and "\n" not in record["refusal"]
    assert record["planes"] == [] and {m["status"] for m in record["measurements"]} == {"unknown"}


def test_a_portrait_photo_is_measured(tmp_path, sample_photo):
    """A crop from the middle of a sample, taller than wide: the floor stays down, and the intervals are wider or bounds."""
    odd_view("portrait", sample_photo).save(path := tmp_path / "portrait.jpg", quality=92)
    record = measured(path, "--camera-height", "1.5")
    assert record["refusal"] is None and record["camera"]["source"] != "exif"
    floor = next(p for p in record["planes"] if p["kind"] == "floor")
    assert floor["normal_cam"][1] < -0.8
    walls = [m for m in record["measurements"] if m["name"].endswith("_distance")]
    assert walls and all(0.3 < m["low"] < m["value"] < m["high"] < 20 for m in walls)


def floor_stretch(sample: Path) -> tuple[str, float]:
    """Two floor pixels of a sample on one row, as a reference's text, and their true distance in metres."""
    folder = sample.parents[1]
    label, depth = (np.asarray(Image.open(folder / kind / f"{sample.stem}.png")) for kind in ("label", "depth_mm"))
    with Image.open(sample) as file:
        width, height = file.size
    row = round(0.9 * label.shape[0])
    runs = np.split(np.arange(label.shape[1]), np.flatnonzero(np.diff((label[row] == 1).astype(int))) + 1)
    run = max((r for r in runs if label[row, r[0]] == 1), key=len)
    ends = (run[len(run) // 8], run[-len(run) // 8])
    z = [depth[row * depth.shape[0] // label.shape[0], e * depth.shape[1] // label.shape[1]] / 1000 for e in ends]
    focal = 26 / 36 * label.shape[1]
    x = [(e - (label.shape[1] - 1) / 2) / focal * d for e, d in zip(ends, z)]
    v = row * height / label.shape[0]
    (u1, u2) = (e * width / label.shape[1] for e in ends)
    return f"{u1:.0f},{v:.0f},{u2:.0f},{v:.0f}", float(np.hypot(x[1] - x[0], z[1] - z[0]))


def test_a_reference_that_contradicts_the_height_by_far_is_said(sample_photo, capsys):
    """A stretch of floor marked as half as long again, beside a height given to ± 2 cm: both are told, and the interval is wide."""
    ends, length = floor_stretch(sample_photo)
    given = ["measure", str(sample_photo), "--camera-height", "1.5±0.02"]
    assert cli.run([*given, f"--reference={ends}={1.5 * length:.2f}"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"Reference length says the camera is \d\.\d\d m up, camera height given says 1\.50 m: \d\d % apart", out)
    low, high = map(float, re.search(r"camera_height +[\d.]+ m \(([\d.]+)–([\d.]+)\)", out).groups())
    assert high - low > 3 * 0.04


def test_no_two_lengths_that_contradict_each_other_give_a_green_light(sample_photo, capsys):
    """One of them is wrong, however sure it is said to be: every interval holds what either says."""
    given = ["measure", str(sample_photo.with_name("living_room.jpg")), "--json", "--reference=100,660,1180,840=4.677"]
    heights = ("1.5±0.02", "2.2±0.02", "2.4±0.005", "1.2±0.01")
    assert not any(cli.run([*given, "--camera-height", height]) for height in heights)
    agree, *differ = map(json.loads, capsys.readouterr().out.splitlines())
    assert "green" in {m["light"] for m in agree["measurements"]} and 1.48 < agree["scale"]["low"] < agree["scale"]["high"] < 1.53
    for told, height in zip(differ, heights[1:], strict=True):
        assert "green" not in {m["light"] for m in told["measurements"]}
        assert told["scale"]["low"] < min(1.5, float(height[:3])) and told["scale"]["high"] > max(1.5, float(height[:3]))


@pytest.mark.parametrize(("given", "line"), [
    (["--camera-height", "0.9"], "the camera height given, 0.90 m, cannot be this photo's"),
    (["--camera-height", "3.0"], "the camera height given, 3.00 m, cannot be this photo's"),
    (["--reference=door:100,100,100,500"], "the reference door (2.03 m, standing on the floor) implies a camera 0.87 m"),
    (["--reference=door:100,100,100,500", "--camera-height", "1.5"], "the reference door"),
])  # fmt: skip
def test_a_length_that_cannot_be_the_photos_is_a_mistake_in_the_call(capsys, sample_photo, given, line):
    told = refused(capsys, ["measure", sample_photo, *given])
    assert sample_photo.name in told and line in told and "or leave it out" in told


def test_of_several_photos_one_that_the_height_cannot_be_of_does_not_cost_the_others(capsys, sample_photo):
    """Every photo has its line, in order; then the mistake is told, with its exit code."""
    office, bedroom = sample_photo.with_name("office.jpg"), sample_photo
    assert cli.run(["measure", str(bedroom), str(office), "--json", "--camera-height", "0.9"]) == 2
    out, err = capsys.readouterr()
    first, second = map(json.loads, out.splitlines())
    assert (first["photo"], second["photo"]) == (bedroom.name, office.name) and err.count("\n") == 1
    assert "cannot be this photo's" in first["refusal"] and first["refusal"] in err and bedroom.name in err and second["refusal"] is None
    assert cli.run(["measure", str(bedroom), str(office), "--same-room", "--camera-height", "0.9"]) == 0
    assert f"{bedroom.name} is left out: the camera height given, 0.90 m" in capsys.readouterr().out
    assert cli.run(["measure", str(bedroom), str(office), "--same-room", "--camera-height", "0.6"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "the camera height given, 0.60 m" in err


@pytest.mark.parametrize("share", [0.3, 0.97, 1.0])
def test_depth_with_holes(share):
    """A third of the depth missing: measured all the same; nearly all or all of it: a refusal, never a crash."""
    from dataclasses import replace

    from poc.scene import build_scene
    from tests.synthetic import correlated, make_room

    room_seen = make_room(3, "rectangle", pitch_deg=8.0, furnished=False)
    field = correlated(np.random.default_rng(0), room_seen.depth.values.shape, 20.0)
    holes = field < np.quantile(field, share) if share < 1 else np.ones_like(field, bool)
    depth = replace(room_seen.depth, values=np.where(holes, 0, room_seen.depth.values).astype(np.float32), valid=~holes)
    scene = build_scene(room_seen.photo, depth, room_seen.surfaces, room_seen.camera, camera_height=(room_seen.camera_height_m, 0.02))
    if share < 0.5:
        found = [p.offset_m for p in scene.planes if p.kind == "wall"]
        true = np.array([w.offset_m for w in room_seen.walls])
        assert len(found) >= 2 and all(np.abs(true / d - 1).min() < 0.02 for d in found)
    else:
        assert scene.refusal is None or scene.refusal.startswith("no room found")


# --- several photos ---------------------------------------------------------------------------------------------------


def test_one_bad_photo_among_several_is_found_before_anything_is_printed(capsys, photo_file, tmp_path):
    (tmp_path / "empty.jpg").write_bytes(b"")
    for more in ([], ["--same-room"]):
        assert "empty.jpg" in refused(capsys, ["measure", photo_file, tmp_path / "empty.jpg", *more, "--json"])


def test_what_is_said_in_pixels_is_said_of_one_photo(capsys, photo_file, tmp_path):
    smaller = tmp_path / "smaller.jpg"
    with Image.open(photo_file) as image:
        image.resize((image.width // 2, image.height // 2)).save(smaller)
    assert "one photo" in refused(capsys, ["measure", photo_file, smaller, "--reference", "10,20,10,90=2.0"])
    for more in ([], ["--same-room"]):
        assert "smaller.jpg" in refused(capsys, ["measure", photo_file, smaller, "--focal-px", "300", *more])


def test_photos_of_one_room_give_one_object(capsys, sample_photo, photo_file):
    """A sample and a hand-made room that has nothing to do with it: one object, and what cannot be matched is said."""
    assert cli.run(["measure", str(sample_photo), str(photo_file), "--same-room", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    record = json.loads(out)
    assert record["photos"] == [sample_photo.name, photo_file.name] and isinstance(record["conflicts"], list)
    assert record["matched"] == [sample_photo.name] and photo_file.name in record["remarks"][0]
    assert "nothing was joined" in record["remarks"][0] and record["photo"] == sample_photo.name


# --- interruption ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_ctrl_c_in_the_middle_and_again(photo_file, tmp_path):
    """One line, exit code 130, no report, no process left; starting again gives the report."""
    environment = os.environ | {"POC_RUNS": str(tmp_path / "runs")}
    command = [sys.executable, "-m", "poc.cli", "report", str(photo_file), "-o", str(tmp_path / "out")]
    heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a test run in the background would hand down "ignore"
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True, preexec_fn=heed)
    first = process.stderr.readline()
    assert first.startswith("[1/6] 01_upload")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and out == ""
    assert re.findall(r"^poc: .*", err, flags=re.M) == ["poc: stopped; no unfinished files are left behind, so it can simply be started again"]
    assert "Traceback" not in err and not (tmp_path / "out").exists()
    again = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=400)
    assert again.returncode == 0, again.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["measurements.json", "report.html"]
