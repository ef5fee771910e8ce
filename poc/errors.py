"""The errors of this package, by who can fix them.

A caller's mistake ends with exit code 2 on the command line, a fault of the program or the machine with 1. A photo without
a measurable room is *not* an error: the result is a value with a reason (see `poc.types.Scene.refusal`).
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


class ContradictionError(ParameterError):
    """A length that was given cannot be the photo's. Of several photos that share it, the others may still be measured."""


class ModelError(InputError):
    """The model is unknown, or its weights are missing or damaged."""


class DataError(InputError):
    """A data folder (evaluation, training) or catalogue does not have the required format; the message names the file."""


class RunError(InputError):
    """A run's folder lacks what a stage needs, or it is stale; the message names the notebook to run."""


class WriteError(PocError):
    """A file could not be written (folder not writable, disk full); no partial file is left behind."""


class StageError(PocError):
    """A stage of the pipeline failed; the message gives notebook, cell, error and where the saved notebook is."""
