"""What can go wrong, by whose doing.

A caller's mistake ends with exit code 2 on the command line, a fault of ours or of the machine with 1. A photo that
cannot answer ("no room found") is *not* an error: it is a value with a reason (see `poc.types.Scene.refusal`).
"""


class PocError(Exception):
    """Base of every error this package raises on purpose; the message is one clear line that says what to do."""

    exit_code = 1


class InputError(PocError):
    """The caller's mistake: a bad file, option or parameter."""

    exit_code = 2


class PhotoError(InputError):
    """The photo cannot be read, or cannot be used."""


class ParameterError(InputError):
    """An option or notebook parameter is unknown or out of range."""


class ModelError(InputError):
    """The model is unknown, or its weights cannot be had."""


class DataError(InputError):
    """A data folder (evaluation, training) does not hold what its format promises; the message names the file."""


class RunError(InputError):
    """A run's folder lacks what a stage needs, or what is there is stale; the message names the notebook to run."""


class WriteError(PocError):
    """Something could not be written (folder not writable, disk full); nothing half-written is left behind."""


class StageError(PocError):
    """A stage of the pipeline failed; the message gives notebook, cell, error and where the saved notebook is."""
