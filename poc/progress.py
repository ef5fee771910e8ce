"""Progress of the stages: a bar with stage and time on a terminal, plain lines in a log."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO


class Progress:
    """A progress bar over `total` stages on a terminal, one line per finished stage elsewhere, nothing if quiet. Use as a context
    manager."""

    def __init__(self, total: int, stream: TextIO | None = None, quiet: bool = False):
        self._total = total
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._began = time.perf_counter()
        self._running: dict[str, float] = {}
        self._done = 0
        self._bar = None
        if not quiet and self._stream.isatty():
            from tqdm import tqdm

            layout = "{bar:24} {n}/{total} {desc} {elapsed}"
            size = shutil.get_terminal_size()
            self._bar = tqdm(total=total, bar_format=layout, file=self._stream, leave=False, ncols=min(size.columns, 100), nrows=size.lines)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def start(self, stage: str) -> None:
        """Note that a stage has started."""
        self._running[stage] = time.perf_counter()
        self.tick()

    def finish(self, stage: str) -> None:
        """Note that a stage has finished."""
        took = time.perf_counter() - self._running.pop(stage)
        self._done += 1
        if self._bar is not None:
            self._bar.update(1)
            self.tick()
        elif not self._quiet:
            print(f"[{self._done}/{self._total}] {stage:<18} {took:5.1f} s", file=self._stream, flush=True)

    def tick(self) -> None:
        """Redraw the bar, so that the elapsed time advances while a stage runs."""
        if self._bar is not None:
            idle = "starting" if self._done == 0 else "report" if self._done == self._total else ""
            self._bar.set_description_str(", ".join(self._running) or idle, refresh=True)
