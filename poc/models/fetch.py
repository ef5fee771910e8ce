"""Downloads one file, of whatever kind: with a progress bar, resuming, a check, and an atomic rename at the end.

The part already received is kept in NAME.part, so that an interrupted download continues where it stopped.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from poc.errors import ModelError, WriteError

TIMEOUT_S = 15.0
TRIES = 2
BLOCK_BYTES = 1 << 18

log = logging.getLogger(__name__)


class DownloadStopped(ModelError):
    """The network failed; the part already received is kept for the next attempt."""


class _Interrupted(Exception):
    """The connection ended before the file was complete; trying again may help."""


def download(url: str, target: Path, check: Callable[[Path], object], by_hand: str) -> None:
    """Download `url` to `target`. check: called with the downloaded file; it raises if the content is wrong, and then nothing is kept.

    Raises ModelError where the network fails, with by_hand as what the user can do instead, and WriteError where the disk does.
    """
    part = target.with_name(target.name + ".part")
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(_locked(part, by_hand))
        while not part.exists() or not os.path.samestat(os.fstat(file.fileno()), part.stat()):
            if target.exists():
                return  # another process fetched it while this one waited for the lock
            file = stack.enter_context(_locked(part, by_hand))  # that process deleted it, because its content was wrong
        try:
            _fetch_all(url, file, target.name, by_hand)
            check(part)
        except DownloadStopped:
            if not file.tell():
                part.unlink(missing_ok=True)
            raise
        except (ModelError, WriteError):  # wrong content, or a full disk that wants its space back
            part.unlink(missing_ok=True)
            raise
        with _writing(target.parent, by_hand):
            part.replace(target)
    log.info("saved %s", target)


def _locked(part: Path, by_hand: str) -> BinaryIO:
    """The partial file, open for appending and locked, once no other process is using it."""
    with _writing(part.parent, by_hand):
        part.parent.mkdir(parents=True, exist_ok=True)
        file = part.open("ab", buffering=0)
    _lock(file)
    return file


def _fetch_all(url: str, file: BinaryIO, name: str, by_hand: str) -> None:
    """Retry until the file is complete; give up after TRIES attempts in a row without progress."""
    failures = 0
    while True:
        before = file.tell()
        try:
            _fetch_rest(url, file, name, by_hand)
            return
        except (OSError, http.client.HTTPException, _Interrupted) as error:
            if isinstance(error, urllib.error.HTTPError) and error.code < 500:
                raise DownloadStopped(f"{name} is not here and the server refused it ({error.code} {error.reason}): {by_hand}") from None
            failures = failures + 1 if file.tell() == before else 1
            if failures >= TRIES:
                raise _stopped(name, file.tell(), error, by_hand) from None
            log.info("%s: %s, trying again", name, error)


def _stopped(name: str, have_bytes: int, error: Exception, by_hand: str) -> DownloadStopped:
    reason = " ".join(str(getattr(error, "reason", "") or error).split()) or type(error).__name__
    if not have_bytes:
        return DownloadStopped(f"{name} is not here and could not be fetched ({reason}): {by_hand}")
    return DownloadStopped(
        f"{name}: the download stopped after {have_bytes / 1e6:.1f} MB ({reason}): run again to go on from there, or {by_hand}")


def _fetch_rest(url: str, file: BinaryIO, name: str, by_hand: str) -> None:
    """One request for what is missing. Returns when the file is whole."""
    have = file.tell()
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_S)  # noqa: S310 - the address comes from our table
    except urllib.error.HTTPError as error:
        if error.code != 416 or not have:
            raise
        if _range_total(error.headers.get("Content-Range", "")) == have:
            return  # the earlier try had got everything
        _restart(file)
        raise _Interrupted("the server has a different file now") from None
    with response:
        if have and not _continues(response, have):
            _restart(file)
        _copy(response, file, name, by_hand)


def _restart(file: BinaryIO) -> None:
    file.truncate(0)
    file.seek(0)


def _continues(response: http.client.HTTPResponse, have: int) -> bool:
    """Whether the answer goes on at byte `have` (a server that ignores Range sends the file from its start)."""
    return response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _range_total(content_range: str) -> int | None:
    match = re.search(r"/(\d+)$", content_range)
    return int(match.group(1)) if match else None


def _copy(response: http.client.HTTPResponse, file: BinaryIO, name: str, by_hand: str) -> None:
    from tqdm.auto import tqdm

    start = file.tell()
    length = response.headers.get("Content-Length")
    total = start + int(length) if length and length.isdigit() else None
    with tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=name, mininterval=0.3) as bar:
        while block := response.read(BLOCK_BYTES):
            with _writing(Path(file.name).parent, by_hand):
                _write_all(file, block)
            bar.update(len(block))
    if total is not None and file.tell() < total:
        raise _Interrupted(f"the connection closed at {file.tell()} of {total} bytes")


def _write_all(file: BinaryIO, block: bytes) -> None:
    """Unbuffered, so that a full disk shows here and not when the file is closed."""
    view = memoryview(block)
    while view:
        view = view[file.write(view) :]


@contextlib.contextmanager
def _writing(folder: Path, by_hand: str) -> Iterator[None]:
    """Turn a failing disk into one line."""
    try:
        yield
    except OSError as error:
        raise WriteError(f"cannot write to {folder} ({error.strerror or error}): name another folder in POC_WEIGHTS, or {by_hand}") from None


def _lock(file: BinaryIO) -> None:
    """One download at a time: a second process waits here. Where locks are not to be had, the check at the end still guards."""
    try:
        import fcntl
    except ImportError:
        return
    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_EX)
    file.seek(0, 2)
