"""Every error that tinybench raises on purpose.

    TinybenchError              exit 2 unless the class says otherwise
    ├── UsageError              an option or argument is wrong
    │   └── UnknownNameError    a name that is not in the registry ("did you mean ...")
    ├── ContentError            a task, model or device file is broken (names file and key)
    ├── ModelError              a .tflite file cannot be read or is not what the task needs
    │   └── UnsupportedOperatorError  the simulator has no kernel for an operator (names operator and index)
    ├── DataError               a data set, archive or clip is missing, incomplete or corrupt
    │   ├── InvalidResultError  a document is not a result (says all that is wrong)
    │   └── ChangedResultError  a result was changed after it was written
    ├── OutputError             a file cannot be written
    ├── FetchError              a download failed                                     exit 1
    ├── OfflineError            a run without network wanted the network              exit 1
    ├── CapacityError           the model does not fit the device (says by how much)  exit 1
    ├── BoardError              a board is gone, silent, or says what it must not     exit 1
    ├── MeterError              a power analyser is gone, silent, or lost samples     exit 1
    ├── ToolchainError          the firmware could not be built                       exit 1
    ├── WorkerError             a process that runs an interpreter ended              exit 1
    ├── FailedCheckError        a submission breaks a rule                            exit 1
    ├── SiteError               the pages of the site are not what MkDocs takes       exit 1
    ├── SimulationError         the simulated core stopped in an unexpected way       exit 1
    └── MismatchError           two things that must be equal are not                 exit 1

Exit codes: 0 success, 1 a check failed or a step could not be completed, 2 the input is wrong.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class TinybenchError(Exception):
    """Base class: one clear line in ``message``, and in ``hint`` what to do about it."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(TinybenchError):
    """An option or argument is wrong."""


class UnknownNameError(UsageError):
    """A name that no task, runner, device, model or data set has."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        choices = sorted(known)
        close = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
        hint = f"did you mean '{close[0]}'? " if close else ""
        listed = f"known: {', '.join(choices)}" if choices else f"there is no {kind} at all"
        super().__init__(f"unknown {kind} '{name}'", hint=hint + listed)


class ContentError(TinybenchError):
    """A content file (TOML, golden vectors, manifest) is broken; the message names file and key."""


class ModelError(TinybenchError):
    """A .tflite file cannot be read, or is not what the task or the simulator needs."""


class UnsupportedOperatorError(ModelError):
    """The simulator has no kernel for an operator, or not for its options."""


class DataError(TinybenchError):
    """A data set, archive or sample is missing, incomplete or corrupt."""


class InvalidResultError(DataError):
    """A document is not a result: ``problems`` says what is wrong, each with its key."""

    def __init__(self, source: str, problems: Sequence[str], *, hint: str | None = None) -> None:
        super().__init__(f"{source}: {problems[0]}", hint=hint or "measure again, or restore the file")
        self.problems = tuple(problems)


class ChangedResultError(DataError):
    """A result whose id is not that of its content."""


class OutputError(TinybenchError):
    """A result or another file cannot be written."""


class FetchError(TinybenchError):
    """A download failed or did not have the expected size and checksum."""

    exit_code = 1


class OfflineError(TinybenchError):
    """A run that must not use the network wanted to."""

    exit_code = 1


class CapacityError(TinybenchError):
    """The model needs more RAM or flash than the device has."""

    exit_code = 1


class BoardError(TinybenchError):
    """A board cannot be reached, stopped answering, or answers what it must not."""

    exit_code = 1


class MeterError(TinybenchError):
    """A power analyser cannot be reached, stopped sending, or lost samples."""

    exit_code = 1


class ToolchainError(TinybenchError):
    """The firmware could not be compiled or linked."""

    exit_code = 1


class WorkerError(TinybenchError):
    """A process that runs an interpreter ended before its work did."""

    exit_code = 1


class FailedCheckError(TinybenchError):
    """A submission breaks a rule, so that nothing can be published."""

    exit_code = 1


class SiteError(TinybenchError):
    """The pages of the site are not what MkDocs takes."""

    exit_code = 1


class SimulationError(TinybenchError):
    """The simulated core faulted, ran too long, or did something that the timing model does not know."""

    exit_code = 1


class MismatchError(TinybenchError):
    """Two results that must be equal bit for bit are not."""

    exit_code = 1
