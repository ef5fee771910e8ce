"""Finds a model's weights, or downloads them from the official release, and verifies them.

The search order is: the folder given, the folder in POC_WEIGHTS, the project's `data/weights`, the user's cache,
and the cache of torch.hub (where MiDaS used to store them). Downloads go into the first of these that belongs to the user.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

from poc.errors import ModelError
from poc.models.fetch import download
from poc.models.presets import Preset
from poc.runs import project_root

WEIGHTS_ENV = "POC_WEIGHTS"
UNVERIFIED_ENV = "POC_UNVERIFIED_WEIGHTS"
SHIPPED = project_root() / "data" / "weights"


def cache_folder() -> Path:
    """The user's cache folder for downloaded weights."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "poc" / "weights"


def own_folder(weights_dir: str | Path | None = None) -> Path:
    """The folder into which weights are downloaded, and into which a user is asked to put them by hand."""
    return Path(weights_dir or os.environ.get(WEIGHTS_ENV) or cache_folder()).expanduser()


def search_folders(weights_dir: str | Path | None = None) -> list[Path]:
    """All folders that are searched, in order."""
    hub = Path(os.environ.get("TORCH_HOME") or Path.home() / ".cache" / "torch") / "hub" / "checkpoints"
    named = [weights_dir, os.environ.get(WEIGHTS_ENV), SHIPPED, cache_folder(), hub]
    return [Path(folder).expanduser() for folder in named if folder]


def find_weights(preset: Preset, weights_dir: str | Path | None = None) -> Path | None:
    """The first file with one of the names of the weights, or None. It is not verified yet."""
    for folder in search_folders(weights_dir):
        for name in (preset.weights_file, *preset.other_names):
            path = folder / name
            try:
                if path.is_file():
                    return path
            except OSError:  # a folder that must not be read is skipped
                continue
    return None


def obtain_weights(preset: Preset, weights_dir: str | Path | None = None) -> tuple[Path, str]:
    """The verified weights file, downloaded if necessary, and its identity ("NAME sha256:…").

    Raises ModelError where the file cannot be obtained or is not the expected one, WriteError where it cannot be stored.
    """
    path = find_meant(preset, weights_dir)
    if path is None:
        path = fetch_weights(preset, weights_dir)
    return path, verify_weights(preset, path)


def find_meant(preset: Preset, weights_dir: str | Path | None = None) -> Path | None:
    """`find_weights`, unless what it finds are others than those that POC_WEIGHTS was to name: then ModelError."""
    path = find_weights(preset, weights_dir)
    if path is not None and not weights_dir:
        _check_named(preset, path)
    return path


def _check_named(preset: Preset, path: Path) -> None:
    """Raises ModelError where POC_WEIGHTS is a folder that does not exist, or one with ONNX files of other names only: the weights found
    elsewhere would silently be used instead of those meant."""
    named = os.environ.get(WEIGHTS_ENV)
    folder = Path(named or ".").expanduser()
    if not named or path.parent == folder:
        return
    if not folder.is_dir():
        raise ModelError(f"{WEIGHTS_ENV} is {named}, but there is no such folder: correct it or unset it")
    if preset.weights_file.endswith(".onnx") and (others := sorted(p.name for p in folder.glob("*.onnx"))):
        wanted = Path(preset.weights_file)
        rename = f"rename it to {wanted}, and the .json beside it to {wanted.with_suffix('.json')}, or unset {WEIGHTS_ENV}"
        raise ModelError(f"{WEIGHTS_ENV} is {named}, which holds {', '.join(others[:3])} but no {wanted}: {rename}")


def fetch_weights(preset: Preset, weights_dir: str | Path | None = None, url: str | None = None) -> Path:
    """Download into `own_folder`, resuming an earlier attempt; the file appears only when it is complete and verified."""
    folder = own_folder(weights_dir)
    url = url or preset.url
    if not url:
        raise ModelError(f"{preset.weights_file} is missing: it comes with {preset.source}, so restore it there or put it in {folder}")
    target = folder / preset.weights_file

    def check(part: Path) -> None:
        trouble = f"what {url} sent is not {preset.weights_file}"
        _check_identity(preset, part, trouble, "nothing was kept, try again or fetch it by hand", may_be_other=False)

    download(url, target, check, by_hand=f"download it from {preset.source} ({url}) and put it in {folder}")
    return target


def verify_weights(preset: Preset, path: Path) -> str:
    """The file's identity, "NAME sha256:…". Raises ModelError where it is not the known file (unless POC_UNVERIFIED_WEIGHTS=1)."""
    again = "delete it so that it is fetched again" if preset.url else f"restore it from {preset.source}"
    remedy = f"{again}, or set {UNVERIFIED_ENV}=1 to use it as it is"
    return _check_identity(preset, path, f"{path} is not the official {preset.weights_file}", remedy)


def known_sha256(preset: Preset, path: Path) -> str:
    """The expected sha256 or a prefix of it: from the preset, else from the sidecar NAME.json beside the file."""
    if preset.sha256:
        return preset.sha256
    return str(read_sidecar(path).get("sha256", ""))


def read_sidecar(path: Path) -> dict[str, object]:
    """The JSON sidecar of weights trained by this project (embedded.json beside embedded.onnx). Raises ModelError where it cannot be
    read."""
    sidecar = path.with_suffix(".json")
    try:
        facts = json.loads(sidecar.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{sidecar} is missing: {path.name} cannot be used without it, restore both files") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{sidecar} cannot be read ({type(error).__name__}): restore it") from None
    if not isinstance(facts, dict):
        raise ModelError(f"{sidecar} does not hold a JSON object: restore it")
    return facts


def _check_identity(preset: Preset, path: Path, trouble: str, remedy: str, may_be_other: bool = True) -> str:
    """The file's identity, after comparing it with the known git blob id or sha256 (or the known prefix of it). may_be_other: whether
    POC_UNVERIFIED_WEIGHTS applies; it does not to downloads, which may be anything, such as a login page. Raises ModelError."""
    sha256, git_blob = _digests(path)
    identity = f"{preset.weights_file} sha256:{sha256}"
    known = known_sha256(preset, path)
    if (preset.git_blob and git_blob == preset.git_blob) or (known and sha256.startswith(known)):
        return identity
    if may_be_other and os.environ.get(UNVERIFIED_ENV) == "1":
        return f"{identity} (unverified)"
    raise ModelError(f"{trouble} (sha256 begins {sha256[:8]}, {known[:8] or 'unknown'} expected): {remedy}")


def _digests(path: Path) -> tuple[str, str]:
    """sha256, and git's blob id: sha1 of "blob SIZE\\0" + content."""
    sha256 = hashlib.sha256()
    try:
        git = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                sha256.update(block)
                git.update(block)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from None
    return sha256.hexdigest(), git.hexdigest()
