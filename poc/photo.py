"""A file or its bytes → `Photo`: upright 8-bit RGB, with the focal length in pixels where EXIF has it.

Everything that can be wrong with a user's file is caught here, before any network runs, as a `PhotoError` of one line.
The focal length is read by `poc.exif`, so that this file is about pixels only.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import re
import stat
import struct
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from poc.errors import ParameterError, PhotoError
from poc.exif import PANORAMA_ASPECT, focal_from_exif, orientation_from_exif
from poc.types import Photo

if TYPE_CHECKING:
    from PIL import Image

MIN_SIDE_PX = 64
MAX_PIXELS = 100_000_000
MAX_FILE_BYTES = 512 * 2**20

_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG2000", "PPM")
"""Only photo formats: Pillow would also run an interpreter for EPS, and open icon, font and plot files."""
_READABLE = "JPEG, PNG, HEIC, WebP, TIFF, GIF or BMP"
_RAW_SUFFIXES = {".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2"}
_DNG_VERSION_TAG = 0xC612
DEEP = "16-bit values scaled to 8-bit"
_HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_DECODE_ERRORS = (
    OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, RuntimeError, OverflowError,
    struct.error, zlib.error,
)
"""What Pillow's various decoders raise on damaged files."""


def load_photo(source: str | Path | bytes, name: str | None = None) -> Photo:
    """Read a photo from a path or from a file's bytes.

    The result is upright (EXIF orientation 1–8 applied), 8-bit RGB (CMYK, palette, greyscale and 16-bit converted,
    transparency laid over white), first frame of an animation; `notes` says what was done, `transparent` how much of it shows
    nothing. `f_px` is from EXIF or None.
    Raises PhotoError, one line, for anything that is not such a photo; sizes are checked before decoding.
    """
    data, label = _read(source, name)
    if Path(label).suffix.lower() in _RAW_SUFFIXES:
        raise PhotoError(f"{label} is a raw camera file: export it as JPEG or PNG and use that")
    image = _open(data, label)
    _refuse_bad_size(*image.size, label)
    pixels = _decode(image, label)
    with _quiet():
        focal = focal_from_exif(image)
    height, width = pixels.rgb.shape[:2]
    notes = (*_frame_notes(image), *pixels.notes, *_shape_notes(width, height), *focal.notes)
    return Photo(rgb=pixels.rgb, f_px=focal.f_px, name=label, notes=notes, sha256=hashlib.sha256(data).hexdigest(),
                 transparent=pixels.transparent, cropped_px=focal.cropped_px)


def check_focal_px(focal_px: float, width: int, height: int) -> float:
    """`focal_px` (pixels of the photo) as a float. Raises ParameterError for a value no lens would have with a photo of this size."""
    long_side = max(width, height)
    if not 0.2 * long_side <= focal_px <= 10 * long_side:  # False for NaN too
        raise ParameterError(f"focal length {focal_px:g} px does not suit a photo of {width}×{height}: give a value from "
                             f"{0.2 * long_side:.0f} to {10 * long_side:.0f} px")
    return float(focal_px)


def photo_from_array(rgb: np.ndarray, f_px: float | None = None, name: str = "array") -> Photo:
    """Wrap pixels that are already decoded: uint8 H×W×3 RGB, H and W at least 64. f_px: pixels of this image, or None."""
    rgb = np.asarray(rgb)
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise PhotoError(f"{name}: expected uint8 H×W×3 RGB, got {rgb.dtype} {'×'.join(map(str, rgb.shape))}")
    height, width = rgb.shape[:2]
    _refuse_bad_size(width, height, name)
    if f_px is not None and not (np.isfinite(f_px) and f_px > 0):
        raise PhotoError(f"{name}: focal length must be a positive number of pixels, got {f_px}")
    rgb = np.ascontiguousarray(rgb)
    return Photo(rgb=rgb, f_px=None if f_px is None else float(f_px), name=name, notes=_shape_notes(width, height),
                 sha256=hashlib.sha256(rgb).hexdigest())


def jpeg_base64(photo: Photo, longest_px: int) -> str:
    """The photo as a JPEG in base64, scaled down to `longest_px` where it is larger."""
    from PIL import Image

    picture = Image.fromarray(photo.rgb)
    picture.thumbnail((longest_px, longest_px))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85)
    return base64.b64encode(file.getvalue()).decode()


def _read(source: str | Path | bytes, name: str | None) -> tuple[bytes, str]:
    """The file's bytes and the label for messages."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        data, label = bytes(source), name or "photo"
    else:
        path = Path(source)
        data, label = _read_file(path), name or path.name
    label = re.sub("[\ud800-\udfff]", "\ufffd", label)  # bytes of a file's name that are not valid text
    if not data:
        raise PhotoError(f"{label} is empty (0 bytes): copy or download the photo again")
    return data, label


def _read_file(path: Path) -> bytes:
    try:
        info = path.stat()
        if stat.S_ISDIR(info.st_mode):
            raise PhotoError(f"{path} is a folder: name one photo in it")
        if not stat.S_ISREG(info.st_mode):
            raise PhotoError(f"{path} is not a regular file: name a photo")
        if info.st_size > MAX_FILE_BYTES:
            raise PhotoError(f"{path} is {info.st_size / 2**20:.0f} MB: a photo of at most 512 MB is expected")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise PhotoError(f"no such file: {path}") from None
    except PermissionError:
        raise PhotoError(f"{path} cannot be read: permission denied") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise PhotoError(f"{path} cannot be read: {_one_line(error)}") from None


def _open(data: bytes, label: str) -> Image.Image:
    """Parse the header; no pixels are decoded yet."""
    from PIL import Image, UnidentifiedImageError

    formats = (*_FORMATS, *_heif_format(data, label))
    try:
        with _quiet():
            image = Image.open(io.BytesIO(data), formats=formats)
    except Image.DecompressionBombError as error:
        pixels = re.search(r"\d+", str(error))  # Pillow's own limit (179 megapixels) acts before it gives us the size
        raise _too_many_pixels(label, int(pixels.group()) if pixels else None) from None
    except UnidentifiedImageError:
        raise PhotoError(f"{label} is not a photo, whatever its name says: give {_READABLE}") from None
    except _DECODE_ERRORS as error:
        raise PhotoError(f"{label} is damaged ({_one_line(error)}): copy or download the photo again") from None
    if image.format == "TIFF" and _DNG_VERSION_TAG in getattr(image, "tag_v2", {}):
        raise PhotoError(f"{label} is a raw camera file: export it as JPEG or PNG and use that")
    return image


def _heif_format(data: bytes, label: str) -> tuple[str, ...]:
    """Pillow's name of the HEIC format if the bytes are HEIC; its reader is imported only then, since that takes 0.4 s."""
    if data[4:8] != b"ftyp" or data[8:12] not in _HEIC_BRANDS:
        return ()
    try:
        import pillow_heif
    except ImportError:
        raise PhotoError(f"{label} is HEIC, and the reader for it (pillow-heif) is not installed: save it as JPEG") from None
    pillow_heif.register_heif_opener()
    return ("HEIF",)


@contextlib.contextmanager
def _quiet():
    """Suppress Pillow's warnings (pictures over 89 megapixels, damaged EXIF), which our own limit and notes replace."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _refuse_bad_size(width: int, height: int, label: str) -> None:
    if width * height > MAX_PIXELS:
        raise _too_many_pixels(label, width * height)
    if min(width, height) < MIN_SIDE_PX:
        raise PhotoError(f"{label} is {width} × {height} pixels: too small, at least {MIN_SIDE_PX} × {MIN_SIDE_PX} are needed")


def _too_many_pixels(label: str, pixels: int | None) -> PhotoError:
    size = f"{pixels / 1e6:.0f} megapixels" if pixels else "more than 100 megapixels"
    return PhotoError(f"{label} has {size}: at most {MAX_PIXELS // 1_000_000} are read, save a smaller copy")


def _frame_notes(image: Image.Image) -> tuple[str, ...]:
    """A note where a file has several frames or pages."""
    try:
        with _quiet():
            frames = int(getattr(image, "n_frames", 1)) if image.format in ("GIF", "WEBP", "PNG", "TIFF", "AVIF") else 1
    except _DECODE_ERRORS:  # damaged after the first frame, which is complete
        return (f"only the first of several {_kind_of_frames(image)} is used; the file is damaged after it",)
    if frames <= 1:
        return ()
    return (f"only the first of {frames} {_kind_of_frames(image)} is used",)


def _kind_of_frames(image: Image.Image) -> str:
    return "pages of a TIFF" if image.format == "TIFF" else f"frames of an animated {image.format}"


def _shape_notes(width: int, height: int) -> tuple[str, ...]:
    """A note where a photo is too long to be a single view."""
    aspect = max(width, height) / min(width, height)
    if aspect <= PANORAMA_ASPECT:
        return ()
    return (f"the photo's long side is {aspect:.1f} times its short side, as in a stitched panorama, in which straight lines are"
            " bent: measurements from it would be wrong",)


class _Pixels(NamedTuple):
    """Decoded pixels (uint8 H×W×3), notes on what was done for them, and `Photo.transparent`."""

    rgb: np.ndarray
    notes: tuple[str, ...] = ()
    transparent: float = 0.0


def _decode(image: Image.Image, label: str) -> _Pixels:
    """Upright pixels. Pillow decodes lazily, so a truncated file is noticed here."""
    try:
        with _quiet():
            # Pillow's name of the raw mode in which pixels are stored
            deep = any(re.search(";16[BLNS]", str(tile[-1])) for tile in getattr(image, "tile", ()))
            image.load()
            pixels = _to_rgb(_upright(image), label)
            return pixels._replace(notes=(*pixels.notes, DEEP)) if deep and DEEP not in pixels.notes else pixels
    except MemoryError:
        raise PhotoError(f"{label} does not fit in memory ({image.size[0]} × {image.size[1]}): save a smaller copy") from None
    except _DECODE_ERRORS as error:
        raise PhotoError(f"{label} is damaged or cut short ({_one_line(error)}): copy or download the photo again") from None


def _upright(image: Image.Image) -> Image.Image:
    from PIL.Image import Transpose as T

    turns = (None, T.FLIP_LEFT_RIGHT, T.ROTATE_180, T.FLIP_TOP_BOTTOM, T.TRANSPOSE, T.ROTATE_270, T.TRANSVERSE, T.ROTATE_90)
    turn = turns[orientation_from_exif(image) - 1]
    return image if turn is None else image.transpose(turn)


def _to_rgb(image: Image.Image, label: str) -> _Pixels:
    """An image of any Pillow mode as uint8 H×W×3, and a note where the user should know of the conversion."""
    mode = image.mode
    if mode in ("I", "F") or mode.startswith("I;16"):
        return _deep_grey(image, label)
    if "transparency" in image.info or mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        return _over_white(image)
    if mode == "CMYK":
        return _Pixels(np.array(_from_cmyk(image)), ("converted from CMYK",))
    notes = {"1": ("black and white photo",), "L": ("greyscale photo",)}.get(mode, ())
    try:
        return _Pixels(np.array(image.convert("RGB")), notes)
    except ValueError:
        raise PhotoError(f"{label} stores colours as {mode}, which is not read: save it as JPEG or PNG") from None


def _from_cmyk(image: Image.Image) -> Image.Image:
    """Through the embedded colour profile where there is one, else by the plain formula."""
    profile = image.info.get("icc_profile")
    if profile:
        from PIL import ImageCms

        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            pass  # the pixels may be fine even if the profile is damaged
    return image.convert("RGB")


def _deep_grey(image: Image.Image, label: str) -> _Pixels:
    """16-bit grey, scaled by its full range (65535 → 255), not by what happens to be in the picture."""
    values = np.asarray(image)
    if image.mode == "F" or values.max() > 65535 or values.min() < 0:
        raise PhotoError(f"{label} holds floating-point or 32-bit values, not a photo's colours: save it as 8-bit JPEG or PNG")
    grey = ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    return _Pixels(np.repeat(grey[..., None], 3, axis=2), ("greyscale photo", DEEP))


def _over_white(image: Image.Image) -> _Pixels:
    """A transparent image laid over white. Without a note where its transparency is not used."""
    rgba = np.asarray(image.convert("RGBA"))
    if (rgba[..., 3] == 255).all():
        return _Pixels(np.ascontiguousarray(rgba[..., :3]))
    alpha = rgba[..., 3:].astype(np.uint16)
    blend = (rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return _Pixels(blend.astype(np.uint8), ("transparent parts are shown white",), float((alpha < 128).mean()))


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 120 else text[:117] + "..."
