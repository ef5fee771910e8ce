"""Kernels started ahead of the notebooks that will use them, and the papermill engine that uses them.

Starting a kernel takes half a second or more, its imports and first figure one to three. A thread starts all kernels, in
order, while the first notebooks already run; on Linux they are forked from one process that has already done the imports.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from poc.workbook.nursery import Nursery

_log = logging.getLogger(__name__)
_silent = logging.getLogger(f"{__name__}.manager")
_silent.setLevel(logging.CRITICAL + 1)  # jupyter_client and nbclient also log what is raised, and handled here
ENGINE = "poc-warm"
START_TIMEOUT_S = 120
_LAUNCH = "from ipykernel.kernelapp import launch_new_instance; launch_new_instance()"
SLOW_IMPORT = "rfc3987_syntax"
"""jsonschema's optional check of URI syntax builds a grammar for 3.5 s on import; no notebook needs it."""


@contextlib.contextmanager
def without_slow_import() -> Iterator[None]:
    """Make jsonschema use its fallback instead of importing `SLOW_IMPORT`, while something that imports jsonschema is imported."""
    if SLOW_IMPORT in sys.modules:
        yield
        return
    sys.modules[SLOW_IMPORT] = None  # type: ignore[assignment]  # Python's documented way to say "not there"
    try:
        yield
    finally:
        sys.modules.pop(SLOW_IMPORT, None)


class KernelPool:
    """Kernels for stages that are known in advance. Use as a context manager: on leaving, kernels still running are ended.

    needs: by stage, what its kernel imports before its notebook starts, as "module" or "module:function" (which is then called). fork:
    whether kernels are forked from a `Nursery`.
    """

    def __init__(self, needs: Mapping[str, Sequence[str]], cwd: Path, fork: bool = sys.platform == "linux"):
        self._needs = dict(needs)
        self._cwd = str(cwd)
        self._fork = fork
        self._managers: dict[str, Any] = {}
        self._failure: Exception | None = None
        self._closing = False
        self._changed = threading.Condition()

    def __enter__(self) -> KernelPool:
        self._folder = tempfile.TemporaryDirectory(prefix="poc-kernels-")
        self._nursery = Nursery(self._path("nursery.log")) if self._fork else None
        import jupyter_client.manager  # noqa: F401 - here, since two threads must not meet in its circular imports
        import jupyter_client.provisioning  # noqa: F401

        self._starter = threading.Thread(target=self._start_all, name="kernels", daemon=True)
        self._starter.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closing = True
            managers, self._managers = dict(self._managers), {}
        for manager in managers.values():
            _end(manager)
        if self._nursery is not None:
            self._nursery.close()  # also ends a start that is under way
        self._starter.join(timeout=5)
        self._folder.cleanup()

    def take(self, stage: str) -> Any:
        """The manager of a stage's kernel, once its process has started. Raises RuntimeError where that fails."""
        with self._changed:
            self._changed.wait_for(lambda: stage in self._managers or self._failure or self._closing, START_TIMEOUT_S)
            if stage in self._managers:
                return self._managers[stage]
        raise RuntimeError(f"no kernel for {stage}: {self._failure or 'stopped'}")

    def end(self, stage: str) -> None:
        """End a stage's kernel; it is no longer needed."""
        with self._changed:
            manager = self._managers.pop(stage, None)
        if manager is not None:
            _end(manager)

    def _start_all(self) -> None:
        try:
            for stage in self._needs:
                if self._closing:
                    return
                manager = self._start(stage)
                with self._changed:
                    self._managers[stage] = manager
                    self._changed.notify_all()
                if self._closing:
                    self.end(stage)
        except Exception as error:  # noqa: BLE001 - whatever it is, the waiting notebook must hear of it
            with self._changed:
                self._failure = error
                self._changed.notify_all()

    def _start(self, stage: str) -> Any:
        from jupyter_client.kernelspec import KernelSpec
        from jupyter_client.manager import AsyncKernelManager

        # Sockets are files in a folder only this user can enter: no port is opened.
        manager = AsyncKernelManager(
            kernel_name="python3", transport="ipc", ip=str(self._path(stage)),
            connection_file=str(self._path(f"{stage}.json")),
            client_class="jupyter_client.asynchronous.AsyncKernelClient", log=_silent,
        )  # fmt: skip
        # The user's own "python3" kernel may be another Python: always this one. Imports come before the kernel opens
        # its sockets, because one that meets a request while it is still starting may never answer.
        code = "; ".join([*(f"__import__({n.partition(':')[0]!r})" for n in self._needs[stage]), _LAUNCH])
        argv = [sys.executable, "-c", code, "-f", "{connection_file}", "--HistoryManager.enabled=False"]
        spec = manager._kernel_spec = KernelSpec(argv=argv, language="python", display_name="Python 3")
        if self._nursery is not None:
            manager.provisioner = _forking_provisioner(self._nursery, self._needs[stage], self._path(f"{stage}.log"), manager, spec)
        with open(self._path(f"{stage}.log"), "ab") as log:
            asyncio.run(manager.start_kernel(cwd=self._cwd, stdout=log, stderr=log))
        return manager

    def _path(self, name: str) -> Path:
        return Path(self._folder.name) / name


def _forking_provisioner(nursery: Nursery, needs: Sequence[str], log: Path, manager: Any, spec: Any) -> Any:
    """A provisioner like jupyter_client's local one, except that it forks the process from the nursery."""
    from jupyter_client.provisioning import LocalProvisioner

    class ForkingProvisioner(LocalProvisioner):
        async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
            self.process = nursery.fork(cmd[3:], needs, kwargs["cwd"], log)
            self.pid = self.pgid = self.process.pid
            self.cwd = kwargs["cwd"]
            return self.connection_info

    return ForkingProvisioner(kernel_id=manager.kernel_id or "", kernel_spec=spec, parent=manager)


def _end(manager: Any) -> None:
    """End a kernel immediately; nothing is lost, since stages store their results."""
    try:
        asyncio.run(manager.shutdown_kernel(now=True))
    except Exception as error:  # noqa: BLE001 - whatever the provisioner raises, the run itself is over
        _log.debug("a kernel did not end cleanly: %s", error)


def register_engine() -> None:
    """Register with papermill the engine `poc-warm`, which runs a notebook in a kernel that has already started."""
    with without_slow_import():
        from papermill.clientwrap import PapermillNotebookClient
        from papermill.engines import NBClientEngine, papermill_engines

    class WarmEngine(NBClientEngine):
        """Runs a notebook in the kernel of manager `km` and stores in `times` how long it waited for the kernel."""

        @classmethod
        def execute_managed_notebook(cls, nb_man, kernel_name, km=None, times=None, **_: Any):
            began = time.perf_counter()
            client = PapermillNotebookClient(
                nb_man, km=km, kernel_name=kernel_name, timeout=None, startup_timeout=START_TIMEOUT_S, log=_silent,
                on_notebook_start=lambda **_: times.update(kernel_s=time.perf_counter() - began),
            )  # fmt: skip
            return client.execute(cleanup_kc=False)

    papermill_engines.register(ENGINE, WarmEngine)
