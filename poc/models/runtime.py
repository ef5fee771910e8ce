"""Inference engines: number of threads, device, and one shared session per file.

A process that serves many photos must not load a model twice or grow with every photo size, so a few sessions are cached here
(least recently used first out), and ONNX Runtime's memory patterns, which grow with every new shape, are off. Idle engine threads
sleep instead of spinning, which is as fast here and leaves the processors to other processes.
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poc.errors import ModelError, ParameterError

if TYPE_CHECKING:
    import onnxruntime
    import torch

THREADS_ENV = "POC_THREADS"
MAX_THREADS = 8
"""More threads do not help with networks this small."""
MAX_CACHED = 3

log = logging.getLogger(__name__)
_cache: OrderedDict[tuple, Any] = OrderedDict()
_lock = threading.Lock()


class TorchMissing(ModelError):
    """The model needs the torch extra, which is not installed; a caller that can install it may do so and try again."""


def cpu_threads() -> int:
    """Threads an engine may use: POC_THREADS, else OMP_NUM_THREADS, else the processors this process is allowed."""
    for name in (THREADS_ENV, "OMP_NUM_THREADS"):
        text = os.environ.get(name, "")
        if text.isascii() and text.isdigit() and int(text) > 0:
            return int(text)
        if text and name == THREADS_ENV:
            raise ParameterError(f"{THREADS_ENV} must be a whole number from 1, got {text!r}")
    return min(_allowed_cpus(), MAX_THREADS)


def _allowed_cpus() -> int:
    """Number of processors this process may use, by its affinity and its container's quota."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        count = os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()[:2]
        count = min(count, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no cgroup v2, or "max": no quota
        pass
    return max(1, count)


def cached(key: tuple, make: Callable[[], Any]) -> Any:
    """The value for `key`, created by `make` on first use; the MAX_CACHED most recently used ones are kept."""
    with _lock:
        if key not in _cache:
            _cache[key] = make()
            while len(_cache) > MAX_CACHED:
                _cache.popitem(last=False)
        _cache.move_to_end(key)
        return _cache[key]


def file_key(path: Path) -> tuple[str, int, int]:
    """A cache key for a file's content: path, modification time and size."""
    info = path.stat()
    return str(path.resolve()), info.st_mtime_ns, info.st_size


def onnx_session(path: Path) -> onnxruntime.InferenceSession:
    """A session on `path`: CUDA where this build of ONNX Runtime has it, else CPU. ModelError where the file is damaged."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cpu_threads()
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    providers = [name for name in wanted if name in onnxruntime.get_available_providers()]
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # noqa: BLE001 - ONNX Runtime raises a family of types that share no public base
        log.debug("onnxruntime: %s", error)
        raise ModelError(f"{path} is not a model that ONNX Runtime can load ({type(error).__name__}): restore or fetch it again") from None


def onnx_engine(session: onnxruntime.InferenceSession, agreement: object = None) -> str:
    """For provenance: "onnxruntime 1.32.0 CPUExecutionProvider, within 0.43 % of the trained network". agreement: largest
    difference from what the network in torch says, relative to its largest value, as it was when the file was exported."""
    import onnxruntime

    agrees = f", within {100 * agreement:.2g} % of the trained network" if isinstance(agreement, float) else ""
    return f"onnxruntime {onnxruntime.__version__} {session.get_providers()[0]}{agrees}"


def need_torch(what: str, instead: str = "") -> None:
    """Raises TorchMissing where torch is not installed, without importing it. what: what needs it; instead: an alternative, in words."""
    if importlib.util.find_spec("torch") is None:
        raise TorchMissing(f"{what} needs torch, which is not installed: run `make torch` (about 6 GB){instead and ', or ' + instead}")


@functools.cache
def torch_device(model: str) -> torch.device:
    """CUDA when present, else CPU with `cpu_threads` threads. Raises TorchMissing, naming the model that needs it, where torch or timm is
    not installed."""
    try:
        import torch  # first, since timm needs it: if both are missing, the message should name torch

        import timm  # noqa: F401 - every torch model here is built on it
    except ImportError as error:
        raise TorchMissing(
            f"{model} needs {error.name or 'torch'}, which is not installed: run `make torch`, or pip install -c constraints.txt -e '.[torch]'"
        ) from None
    torch.set_num_threads(cpu_threads())
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def torch_engine(device: torch.device) -> str:
    """For provenance: "torch 2.15.0 cpu"."""
    import torch

    return f"torch {torch.__version__} {device.type}"
