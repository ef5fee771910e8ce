"""Every way a photo file can be wrong or unusual: what is accepted comes out right, what is not is refused in one line."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from poc.errors import PhotoError
from poc.photo import load_photo, photo_from_array

W, H = 96, 72


def _pixels():
    """Left red, right blue, upper half bright: orientation and channel order show."""
    rgb = np.zeros((H, W, 3), np.uint8)
    rgb[:, : W // 2, 0] = 200
    rgb[:, W // 2 :, 2] = 200
    rgb[: H // 2, :, 1] = 100
    return rgb


def _bytes(image, fmt="PNG", **options):
    out = io.BytesIO()
    image.save(out, fmt, **options)
    return out.getvalue()


def _exif(**values):
    """EXIF with named tags of the camera block."""
    tags = {"f35": 0xA405, "focal": 0x920A, "zoom": 0xA404, "plane_x": 0xA20E, "unit": 0xA210, "px": 0xA002, "py": 0xA003}
    exif = Image.Exif()
    for name, value in values.items():
        if name == "orientation":
            exif[0x0112] = value
        elif name == "make":
            exif[0x010F] = value
        else:
            exif.get_ifd(0x8769)[tags[name]] = value
    return exif


def _photo(size=(1200, 900), fmt="JPEG", **tags):
    return load_photo(_bytes(Image.new("RGB", size, (120, 130, 140)), fmt, exif=_exif(**tags)))


def _refused(source, *words):
    with pytest.raises(PhotoError) as caught:
        load_photo(source)
    text = str(caught.value)
    assert "\n" not in text and len(text) < 300
    for word in words:
        assert word in text, text
    assert caught.value.exit_code == 2


# --- refused -------------------------------------------------------------------------------------------------------


def test_missing_folder_empty_and_text(tmp_path):
    _refused(tmp_path / "none.jpg", "no such file", "none.jpg")
    _refused(str(tmp_path), "folder")
    (tmp_path / "empty.jpg").write_bytes(b"")
    _refused(tmp_path / "empty.jpg", "empty.jpg is empty")
    (tmp_path / "notes.jpg").write_text("this is a shopping list\n" * 50)
    _refused(tmp_path / "notes.jpg", "notes.jpg is not a photo")
    _refused("a\0b.jpg", "cannot be read")
    _refused("/dev/null", "not a regular file")


@pytest.mark.parametrize("fmt,options", [("JPEG", {"quality": 90}), ("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {}),
                                         ("TIFF", {}), ("GIF", {})])
def test_cut_short(fmt, options):
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    whole = _bytes(Image.fromarray(noise), fmt, **options)
    for share in (0.3, 0.6, 0.95):
        _refused(whole[: int(len(whole) * share)], "photo")
    assert load_photo(whole).rgb.shape == (200, 300, 3)


def test_too_small():
    _refused(_bytes(Image.new("RGB", (20, 20))), "20 × 20", "64 × 64")
    _refused(_bytes(Image.new("RGB", (400, 63))), "400 × 63")
    assert load_photo(_bytes(Image.new("RGB", (64, 64)))).rgb.shape == (64, 64, 3)


def _png_header(width, height):
    """A PNG whose header promises width × height, with no pixels behind it: decoding it would fail differently."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    ihdr = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("width,height,megapixels", [(20_000, 10_000, "200"), (12_000, 10_000, "120"), (100_000, 100_000, "10000")])
def test_bomb_is_refused_before_decoding(width, height, megapixels, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    _refused(_png_header(width, height), f"{megapixels} megapixels", "at most 100")


def test_not_photos():
    _refused(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n", "not a photo")
    _refused(b"<svg xmlns='x'></svg>", "not a photo")
    with pytest.raises(PhotoError, match="raw camera file"):
        load_photo(b"II*\0whatever", name="IMG_1.DNG")
    _refused(_bytes(Image.fromarray(np.ones((80, 80), np.float32)), "TIFF"), "floating-point")


# --- accepted ------------------------------------------------------------------------------------------------------


def test_plain_rgb_is_exact_and_hashed(tmp_path):
    path = tmp_path / "room.png"
    path.write_bytes(_bytes(Image.fromarray(_pixels())))
    photo = load_photo(path)
    assert np.array_equal(photo.rgb, _pixels()) and photo.rgb.dtype == np.uint8
    assert photo.name == "room.png" and photo.notes == () and photo.f_px is None and len(photo.sha256) == 64
    assert (photo.width, photo.height) == (W, H)
    again = load_photo(path.read_bytes(), name="other")
    assert again.sha256 == photo.sha256 and again.name == "other"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation):
    upright = Image.fromarray(_pixels())
    stored = {1: [], 2: [0], 3: [3], 4: [1], 5: [5], 6: [2], 7: [6], 8: [4]}[orientation]  # how the camera had stored it
    image = upright
    for turn in stored:
        image = image.transpose(turn)
    photo = load_photo(_bytes(image, "PNG", exif=_exif(orientation=orientation, f35=27)))
    assert np.array_equal(photo.rgb, _pixels())
    assert photo.f_px == pytest.approx(27 / 36 * W)


def test_greyscale_and_palette():
    grey = Image.fromarray(_pixels()).convert("L")
    photo = load_photo(_bytes(grey))
    assert np.array_equal(photo.rgb, np.repeat(np.array(grey)[..., None], 3, 2)) and "greyscale" in photo.notes[0]
    palette = Image.fromarray(_pixels()).convert("P", palette=Image.Palette.ADAPTIVE)
    assert np.abs(load_photo(_bytes(palette)).rgb.astype(int) - _pixels()).max() <= 3


def test_cmyk():
    cmyk = Image.fromarray(_pixels()).convert("CMYK")
    photo = load_photo(_bytes(cmyk, "JPEG", quality=98))
    assert np.abs(photo.rgb[10:30, 10:30].astype(int) - _pixels()[10:30, 10:30]).mean() < 4
    assert "CMYK" in photo.notes[0]


def test_sixteen_bit_is_scaled_by_its_full_range():
    import cv2

    values = np.full((80, 90), 32768, np.uint16)
    values[:40] = 65535
    photo = load_photo(cv2.imencode(".png", values)[1].tobytes())
    assert photo.rgb[0, 0].tolist() == [255] * 3 and photo.rgb[79, 0].tolist() == [128] * 3
    dark = load_photo(cv2.imencode(".png", np.full((80, 90), 2570, np.uint16))[1].tobytes())
    assert dark.rgb[0, 0].tolist() == [10] * 3
    colour = np.zeros((80, 90, 3), np.uint16)
    colour[..., 2] = 51400  # OpenCV writes BGR: this is red 200
    for suffix in (".png", ".tif"):
        read = load_photo(cv2.imencode(suffix, colour)[1].tobytes())
        assert read.rgb[0, 0].tolist() == [200, 0, 0] and read.notes == ("16-bit values scaled to 8-bit",)
    assert load_photo(cv2.imencode(".png", (colour >> 8).astype(np.uint8))[1].tobytes()).notes == ()


def test_alpha_over_white():
    rgba = np.dstack([_pixels(), np.full((H, W), 255, np.uint8)])
    opaque = load_photo(_bytes(Image.fromarray(rgba)))
    assert opaque.notes == () and opaque.transparent == 0.0
    rgba[:10, :, 3] = 0
    rgba[10:20, :, 3] = 128
    photo = load_photo(_bytes(Image.fromarray(rgba)))
    assert photo.rgb[0, 0].tolist() == [255] * 3 and photo.rgb[50, 0].tolist() == [200, 0, 0]
    assert photo.rgb[15, 0].tolist() == [227, 177, 127] and "white" in photo.notes[0]
    assert photo.transparent == pytest.approx(10 / H)  # what is half see-through is still seen
    grey_alpha = np.dstack([np.full((H, W), 90, np.uint8), np.zeros((H, W), np.uint8)])
    assert (load_photo(_bytes(Image.fromarray(grey_alpha, "LA"))).rgb == 255).all()


def test_animations_give_their_first_frame():
    frames = [Image.fromarray(_pixels()), Image.new("RGB", (W, H), (0, 255, 0)), Image.new("RGB", (W, H))]
    for fmt in ("GIF", "WEBP"):
        options = {"lossless": True} if fmt == "WEBP" else {}
        photo = load_photo(_bytes(frames[0], fmt, save_all=True, append_images=frames[1:], **options))
        assert np.abs(photo.rgb.astype(int) - _pixels()).max() <= 3
        assert photo.notes[0] == f"only the first of 3 frames of an animated {fmt} is used"


def test_an_animation_cut_off_after_its_first_frame_is_that_frame():
    frames = [Image.fromarray(_pixels()), *(Image.fromarray(np.roll(_pixels(), k, 1)) for k in (1, 2))]
    for fmt in ("GIF", "TIFF"):
        whole, first = (_bytes(frames[0], fmt, save_all=True, append_images=more) for more in (frames[1:], []))
        seen = set()
        for share in (0.45, 0.6, 0.8):
            try:
                photo = load_photo(whole[: int(share * len(whole))])
            except PhotoError:  # the first frame itself is cut: said in one line
                continue
            seen.add(photo.notes[0])
            assert np.abs(photo.rgb.astype(int) - load_photo(first).rgb).max() <= 3
        assert seen and all("only the first of" in note for note in seen)


def test_a_name_that_is_no_text_is_made_one(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    path.write_bytes(_bytes(Image.fromarray(_pixels())))
    assert load_photo(path).name == "caf\ufffd.jpg"


def test_webp_heic_and_their_focal():
    photo = load_photo(_bytes(Image.new("RGB", (400, 300), (10, 200, 30)), "WEBP", exif=_exif(f35=26)))
    assert photo.f_px == pytest.approx(26 / 36 * 400)
    pillow_heif = pytest.importorskip("pillow_heif")
    out = io.BytesIO()
    stored = Image.fromarray(_pixels()).transpose(Image.Transpose.ROTATE_90)
    pillow_heif.from_pillow(stored).save(out, quality=95, exif=_exif(orientation=6, f35=26).tobytes())
    photo = load_photo(out.getvalue(), name="IMG_0001.HEIC")
    assert photo.rgb.shape == (H, W, 3) and photo.f_px == pytest.approx(26 / 36 * W)
    assert photo.rgb[60, 10, 0] > 150 > photo.rgb[60, 80, 0]
    _refused(out.getvalue()[: len(out.getvalue()) // 2], "photo")


def test_panorama_and_wide_frame():
    assert "panorama" in load_photo(_bytes(Image.new("RGB", (1000, 300)))).notes[0]
    assert load_photo(_bytes(Image.new("RGB", (300, 699)))).notes == ()
    stitched = _photo((3000, 900), f35=26)
    assert stitched.f_px is None and "stitched" in stitched.notes[1]


# --- focal length --------------------------------------------------------------------------------------------------


def test_focal_from_35mm_equivalent():
    assert _photo(f35=26).f_px == pytest.approx(26 / 36 * 1200)
    assert _photo((900, 1200), f35=26).f_px == pytest.approx(26 / 36 * 1200)
    assert _photo().f_px is None


def test_focal_from_sensor():
    """A 4.25 mm lens over 4032 pixels of 1.4 µm, downsized to 1200: f = 4.25 / 0.0014 · 1200 / 4032."""
    tags = {"focal": 4.25, "plane_x": 1 / 0.0014, "unit": 4, "px": 4032, "py": 3024}
    assert _photo(**tags).f_px == pytest.approx(4.25 / 0.0014 * 1200 / 4032, rel=1e-4)
    inches = _photo(**{**tags, "plane_x": 25.4 / 0.0014, "unit": 2})
    assert inches.f_px == pytest.approx(4.25 / 0.0014 * 1200 / 4032, rel=1e-4)
    assert _photo(focal=4.25).f_px is None


@pytest.mark.parametrize("stated", [{"px": 1600, "py": 1067}, {}])
def test_a_sensors_density_is_not_used_with_the_width_of_a_smaller_copy(stated):
    """A 24 mm lens on a 36 mm sensor of 5616 pixels, saved smaller with the new width or none: it would be three times too long."""
    smaller = _photo((1600, 1067), focal=24.0, plane_x=3954.23, unit=2, **stated)
    assert smaller.f_px is None and "scaled down?" in smaller.notes[0]
    kept = _photo((1600, 1067), focal=24.0, plane_x=3954.23, unit=2, px=5616, py=3744)
    assert kept.f_px == pytest.approx(24 / 36.07 * 1600, rel=0.01)


@pytest.mark.parametrize(("size", "taken", "crop_px"), [
    ((960, 720), (1280, 960), 26 / 36 * 1280),
    ((720, 960), (1280, 960), 26 / 36 * 1280),  # a portrait out of a landscape
    ((816, 1088), (1280, 960), 26 / 36 * 1280),  # pixels turned by the program that cropped them, EXIF's size not
    ((1280, 960), (1280, 960), None),
    ((960, 1280), (1280, 960), None),  # only turned
    ((1270, 952), (1280, 960), None),  # next to nothing cut off
    ((600, 450), (1280, 960), None),  # too small for a crop
    ((1600, 1200), (1280, 960), None),
])
def test_a_smaller_file_of_the_same_shape_is_a_copy_or_a_crop(size, taken, crop_px):
    """Which of the two EXIF does not say, so both focal lengths are kept."""
    photo = _photo(size, f35=26, px=taken[0], py=taken[1])
    assert photo.f_px == pytest.approx(26 / 36 * max(size)) and photo.notes == ()
    assert photo.cropped_px == (crop_px and pytest.approx(crop_px))


def test_a_crops_note_names_the_sides_as_the_photo_is_seen():
    cut = _photo((700, 960), f35=26, px=1280, py=960)
    assert cut.cropped_px is None and cut.notes[0].endswith("(1280 × 960 then, 700 × 960 now)")
    on_its_side = _photo((960, 700), f35=26, px=1280, py=960, orientation=6)
    assert (on_its_side.width, on_its_side.height) == (700, 960)
    assert on_its_side.notes[0].endswith("(960 × 1280 then, 700 × 960 now)")


def test_focal_with_digital_zoom():
    assert _photo(f35=52, zoom=2.0, make="Apple").f_px == pytest.approx(52 / 36 * 1200)
    assert _photo(f35=26, zoom=1.0).f_px == pytest.approx(26 / 36 * 1200)
    unclear = _photo(f35=26, zoom=2.0, make="Other")
    assert unclear.f_px is None and "digital zoom" in unclear.notes[0]
    sensor = {"focal": 4.25, "plane_x": 1 / 0.0014, "unit": 4, "px": 4032, "py": 3024}
    assert _photo(zoom=2.0, **sensor).f_px == pytest.approx(2 * 4.25 / 0.0014 * 1200 / 4032, rel=1e-4)


@pytest.mark.parametrize("tags,word", [
    ({"f35": 3}, "implausible"),
    ({"f35": 5000}, "implausible"),
    ({"focal": 4.25, "plane_x": 3.0, "unit": 2}, "implausible"),
    ({"f35": 26, "px": 4000, "py": 1800}, "cropped"),
])
def test_focal_not_used_is_said(tags, word):
    photo = _photo(**tags)
    assert photo.f_px is None and word in photo.notes[0]


def test_focal_of_zero_is_unknown_and_of_a_square_crop_unused():
    assert _photo(f35=0).f_px is None and _photo(f35=0).notes == ()
    square = _photo((800, 800), f35=26)
    assert square.f_px is None and "crop" in square.notes[0]


@pytest.mark.filterwarnings("error")
def test_damaged_exif_does_not_cost_the_photo():
    data = _bytes(Image.fromarray(_pixels()), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    assert load_photo(data).rgb.shape == (H, W, 3)


# --- arrays --------------------------------------------------------------------------------------------------------


def test_photo_from_array():
    photo = photo_from_array(_pixels(), f_px=80, name="drawn")
    assert photo.f_px == 80.0 and photo.name == "drawn" and len(photo.sha256) == 64
    for bad in (_pixels()[..., 0], _pixels().astype(float), _pixels()[:10]):
        with pytest.raises(PhotoError):
            photo_from_array(bad)
    for f_px in (0, -5, float("nan")):
        with pytest.raises(PhotoError, match="focal"):
            photo_from_array(_pixels(), f_px=f_px)
