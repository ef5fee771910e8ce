"""Atomic file writing: a file is written beside its target and renamed when complete, so it is either whole or absent.

Files that belong together are renamed together, or not at all.
"""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from poc.errors import WriteError

_MASK = threading.Lock()
Content = bytes | Callable[[BinaryIO], None]
"""The content of a file: its bytes, or a function that writes them to an open binary file."""


def write_file(path: Path, content: Content) -> Path:
    """Write one file atomically and return its path. On a WriteError, the old file, if any, is unchanged."""
    write_together({path: content})
    return path


def write_together(files: Mapping[Path, Content]) -> None:
    """Write several files, or none of them if the disk is full or a permission is missing.

    All are first written beside their targets; only when every one is complete are they renamed, in order. Where a rename fails, the files
    renamed before it get their old content back. Of two processes that write into one folder, the second renames after the first has done
    (where the system can lock a folder). Raises WriteError with the path and the system's reason.
    """
    written: list[tuple[Path, Path]] = []
    try:
        for path, content in files.items():
            written.append((_write_beside(path, content), path))
        with _locked(path.parent for path in files):
            _rename_all(written)
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
    """Check that files can be written in `path`, leaving nothing behind. Raises WriteError if not."""
    missing = [p for p in (path, *path.parents) if not os.path.lexists(p)]
    try:
        make_folder(path)
        with _named(path, lambda: tempfile.TemporaryFile(dir=path)) as file:
            _named(path, lambda: file.write(b"x"))
    finally:
        for folder in missing:
            try:
                folder.rmdir()
            except OSError:  # it was not created, or somebody else is already using it
                break


def probe_file(path: Path) -> None:
    """Check that `path` can be written as a file, leaving nothing behind. Raises WriteError if not."""
    _check_no_folder(path)
    probe_folder(path.parent)


def _check_no_folder(path: Path) -> None:
    """Raises WriteError where a folder has the name of the file."""
    if os.path.isdir(path):  # unlike Path.is_dir, False for a name that is too long
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


def _rename_all(written: Sequence[tuple[Path, Path]]) -> None:
    """Rename each (temporary file, target), or none of them. Raises WriteError."""
    renamed: list[tuple[Path, Path | None]] = []  # each target, and where its old content is kept
    try:
        for number, (temporary, path) in enumerate(written, 1):
            if number < len(written):  # the last one is unchanged where its own rename fails
                renamed.append((path, _keep_old(path, temporary.with_suffix(".old"))))
            _named(path, lambda t=temporary, p=path: os.replace(t, p))
    except BaseException:
        for path, old in reversed(renamed):
            with suppress(OSError):  # then its old content stays beside it
                _put_back(path, old)
        raise
    for _, old in renamed:
        if old is not None:
            old.unlink(missing_ok=True)


def _keep_old(path: Path, aside: Path) -> Path | None:
    """Keep the present file under the name `aside`, and return that; None where there is none."""
    if not os.path.lexists(path):
        return None
    try:
        os.link(path, aside)
    except OSError:  # a file system without hard links
        _named(path, lambda: os.replace(path, aside))
    return aside


def _put_back(path: Path, old: Path | None) -> None:
    """Undo a rename: the old file under its name again, or none where there was none."""
    if old is None:
        path.unlink(missing_ok=True)
        return
    os.replace(old, path)
    old.unlink(missing_ok=True)  # still there where both names were one file's


@contextmanager
def _locked(folders: Iterable[Path]) -> Iterator[None]:
    """Hold a lock on each folder; without one where the system cannot lock folders."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with ExitStack() as locks:
        for folder in sorted({os.path.realpath(folder) for folder in folders}):  # in one order, so that no two wait for each other
            with suppress(OSError):
                handle = os.open(folder, os.O_RDONLY)
                locks.callback(os.close, handle)
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _umask() -> int:
    """The process's file mode mask, which can only be read by setting it: by one thread at a time, and to what lets nobody else read."""
    with _MASK:
        mask = os.umask(0o077)
        os.umask(mask)
    return mask


def _named(path: Path, action: Callable):
    """The result of `action`; an OSError becomes a WriteError that names `path`."""
    try:
        return action()
    except OSError as error:
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> WriteError:
    or_space = " or free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else ""
    return WriteError(f"cannot write {path} ({error.strerror or error}): choose another location{or_space}")
