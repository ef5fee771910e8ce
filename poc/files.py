"""Files that are either complete or not there: write beside, then rename."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from poc.errors import WriteError

Content = bytes | Callable[[BinaryIO], None]
"""What goes into a file: its bytes, or a function that writes them to an open binary file."""


def write_file(path: Path, content: Content) -> Path:
    """Write one file atomically. Raises WriteError; then the old file, if any, is untouched."""
    write_together({path: content})
    return path


def write_together(files: Mapping[Path, Content]) -> None:
    """Write several files so that a full disk or a missing right leaves all of them as they were.

    All are written beside their places first; only when every one is complete are they renamed, in order.
    Raises WriteError with the path and the system's reason.
    """
    written: list[tuple[Path, Path]] = []
    try:
        for path, content in files.items():
            written.append((_write_beside(path, content), path))
        for temporary, path in written:
            _named(path, lambda t=temporary, p=path: os.replace(t, p))
    finally:
        for temporary, _ in written:
            temporary.unlink(missing_ok=True)


def make_folder(path: Path) -> Path:
    """Create a folder (and its parents) and check that files can be written there. Raises WriteError."""
    _named(path, lambda: path.mkdir(parents=True, exist_ok=True))
    if not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
        raise WriteError(f"cannot write to {path}: choose another folder or change its permissions")
    return path


@contextmanager
def output_chosen_by_caller() -> Iterator[None]:
    """Around writes to a place the caller chose: if it cannot be written, that is the caller's mistake, so the exit code is 2."""
    try:
        yield
    except WriteError as error:
        error.exit_code = 2
        raise


def probe_folder(path: Path) -> None:
    """Find out whether files could be written in `path`, leaving nothing behind. Raises WriteError where they could not."""
    missing = [p for p in (path, *path.parents) if not os.path.lexists(p)]
    try:
        make_folder(path)
        with _named(path, lambda: tempfile.TemporaryFile(dir=path)) as file:
            _named(path, lambda: file.write(b"x"))
    finally:
        for folder in missing:
            try:
                folder.rmdir()
            except OSError:  # not made, or someone else is already using it
                break


def probe_file(path: Path) -> None:
    """Find out whether `path` could be written as a file, leaving nothing behind. Raises WriteError where it could not."""
    _check_no_folder(path)
    probe_folder(path.parent)


def _check_no_folder(path: Path) -> None:
    if os.path.isdir(path):  # where pathlib's own raises for a name too long, this is False
        raise WriteError(f"cannot write {path}: a folder has that name")


def _write_beside(path: Path, content: Content) -> Path:
    """Write `content` to a temporary file in the folder of `path` and return it."""
    make_folder(path.parent)
    _check_no_folder(path)
    handle, name = _named(path, lambda: tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content)
            file.flush()
        os.chmod(temporary, 0o666 & ~_umask())
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _cannot_write(path, error) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _umask() -> int:
    """The process's file mode mask; the system lets one read it only by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _named(path: Path, action: Callable):
    try:
        return action()
    except OSError as error:
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> WriteError:
    return WriteError(f"cannot write {path} ({error.strerror or error}): choose another location or free some space")
