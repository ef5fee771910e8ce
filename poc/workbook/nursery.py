"""A fork server for kernels: a process that imports once what all notebooks need, and forks a kernel for each of them.

Importing takes seconds per kernel, forking a few milliseconds; each kernel is still a process of its own. The server reads one
JSON request per line, {"argv": […], "needs": ["module" or "module:function", …], "cwd", "log"}, answers with the new
process's id, and ends when its input ends. Run by `poc.workbook.kernels`, on Linux only: macOS frameworks do not survive a fork.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def main() -> None:
    """Serve requests from standard input until it ends."""
    os.environ["JPY_PARENT_PID"] = str(os.getpid())  # kernels end when this process does; read when ipykernel is imported
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies
    import_all(["ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell"])
    for line in sys.stdin:
        request = json.loads(line)
        import_all(request["needs"])
        gc.freeze()
        child = os.fork()
        if child == 0:
            become_kernel(request)
        print(child, flush=True)


def import_all(needs: Sequence[str]) -> None:
    """Import modules, and call functions named "module:function". A failure is only logged: it will show again in the notebook."""
    for need in needs:
        module, _, function = need.partition(":")
        try:
            found = importlib.import_module(module)
            if function:
                getattr(found, function)()
        except Exception as error:  # noqa: BLE001 - anything a module may raise on import
            print(f"{need}: {error!r}", file=sys.stderr, flush=True)


def become_kernel(request: Mapping[str, Any]) -> None:
    """Turn this forked process into a kernel with its own session, log, folder and signals; never returns."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for target, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, target)
    os.chdir(request["cwd"])
    sys.argv = ["ipykernel_launcher", *request["argv"]]
    from ipykernel.kernelapp import launch_new_instance

    try:
        launch_new_instance()
    finally:
        os._exit(0)


class Nursery:
    """The client of the fork server: starts its process and requests kernels. Use from one thread at a time."""

    def __init__(self, log: Path):
        with open(log, "ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "poc.workbook.nursery"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file,
                text=True, start_new_session=True,
            )  # fmt: skip

    def fork(self, argv: Sequence[str], needs: Sequence[str], cwd: str, log: Path) -> ForkedKernel:
        """A new kernel process. Raises RuntimeError when the nursery is gone."""
        request = {"argv": list(argv), "needs": list(needs), "cwd": cwd, "log": str(log)}
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except (OSError, ValueError) as error:
            raise RuntimeError(f"kernels cannot be started: {error}") from error
        if not answer.strip().isdigit():
            raise RuntimeError(f"kernels cannot be started: the nursery ended with code {self._process.poll()}")
        return ForkedKernel(int(answer))

    def close(self) -> None:
        """End the nursery's process; kernels that are left notice and end as well."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            try:
                stream.close()
            except OSError:  # a request that could not be flushed to a process that is gone
                pass


class ForkedKernel:
    """The part of `subprocess.Popen` that jupyter_client uses, for a process that is not our child."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int):
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """None while it runs, 0 afterwards (only the fork server, its parent, knows the exit code)."""
        if self.returncode is None:
            try:
                os.kill(self.pid, 0)
            except ProcessLookupError:
                self.returncode = 0
        return self.returncode

    def wait(self) -> int:
        """Wait for its end."""
        while self.poll() is None:
            time.sleep(0.02)
        return self.returncode

    def send_signal(self, signum: int) -> None:
        os.kill(self.pid, signum)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


if __name__ == "__main__":
    main()
