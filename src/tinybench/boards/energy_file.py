"""``energy.json``: what recorded the windows of a run on a board, and where they are in its traces.

Each window has a trace of its own, ``trace-<k>.bin`` in the layout of EEMBC's ``trace1-energy.bin``, which
begins while the board is idle. Energies are not in the file: they are computed from the traces, with the
sample rule of ``PowerTrace.energy_j``, by whoever measures and by whoever checks alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tinybench.errors import DataError
from tinybench.files.bounded import read_json
from tinybench.meters.phases import BASELINE_S, baseline_w
from tinybench.meters.trace import PowerTrace
from tinybench.mlperf_tiny.runs import Energy, EnergyRun, EnergyWindow
from tinybench.results.schema import Analyser, Instrument

FILE: Final = "energy.json"

_MAX_BYTES: Final = 2**18
_MAX_WINDOWS: Final = 100

_Seconds = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RecordedWindow(_Strict):
    """A window, and where it is in its trace."""

    index: Annotated[int, Field(gt=0, le=_MAX_WINDOWS)]
    """From 1, as in the result."""
    input: Annotated[str, StringConstraints(min_length=1)]
    """Name of the sample."""
    inferences: Annotated[int, Field(gt=0)]
    """How many there are in the window."""
    gate: Literal["edges", "timestamps"]
    """What bounds it: edges of the board's pin, or timestamps of the host's clock."""
    trace: Annotated[str, StringConstraints(pattern=r"^trace-[1-9][0-9]{0,2}\.bin$")]
    """The file with the samples."""
    start_s: _Seconds
    """When it begins, in seconds from the start of the trace; so is ``end_s``."""
    end_s: _Seconds
    """When it ends."""
    baseline_w: Annotated[float, Field(allow_inf_nan=False)]
    """Mean power of the first ``BASELINE_S`` of the trace, in watt."""


class EnergyFile(_Strict):
    """The whole file."""

    format: Literal["tinybench.energy/1"] = "tinybench.energy/1"
    """Which layout this is."""
    instrument: Analyser
    """What recorded the traces."""
    windows: Annotated[tuple[RecordedWindow, ...], Field(max_length=_MAX_WINDOWS)]
    """In the order in which they were measured."""

    def to_json(self) -> bytes:
        """The bytes of the file."""
        return (self.model_dump_json(indent=2) + "\n").encode()

    @property
    def as_instrument(self) -> Instrument:
        """What the result names: gated by edges only if all windows are."""
        edges = all(window.gate == "edges" for window in self.windows)
        return Instrument(**self.instrument.model_dump(), gate="edges" if edges else "timestamps")


def trace_name(index: int) -> str:
    """Name of the trace of a window."""
    return f"trace-{index}.bin"


def read_energy_file(data: bytes, name: str) -> EnergyFile:
    """Read ``energy.json``.

    Args:
        data: the file.
        name: what errors call it.

    Raises:
        DataError: it is something else.
    """
    document = read_json(data, name, max_bytes=_MAX_BYTES)
    try:
        return EnergyFile.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"])) or "the whole file"
        raise DataError(f"{name}: {key}: {first['msg'].lower()}") from None


def measure_energy(run: EnergyRun, file: EnergyFile, traces: Mapping[str, PowerTrace]) -> Energy:
    """The energy of each window: inputs and inferences from the log, its bounds from the file.

    Args:
        run: from the log.
        file: from ``energy.json``.
        traces: by the name of the file; every one that ``file`` names.
    """
    windows = None
    if [window.index for window in run.windows] == [window.index for window in file.windows]:
        windows = tuple(
            _cut(recorded, traces[recorded.trace], logged.input_file, logged.inferences, logged.host_seconds)
            for recorded, logged in zip(file.windows, run.windows, strict=True)
        )
    ranges = [trace.power_range_w() for trace in traces.values()]
    return Energy(
        edges_expected=2 * len(run.windows),
        edges_found=2 * len(file.windows),
        windows=windows,
        trace_seconds=max((trace.duration_s for trace in traces.values()), default=0.0),
        power_range_w=(
            min((low for low, _ in ranges), default=0.0),
            max((high for _, high in ranges), default=0.0),
        ),
    )


def _cut(
    recorded: RecordedWindow,
    trace: PowerTrace,
    input_file: str | None,
    inferences: int | None,
    host_seconds: float | None,
) -> EnergyWindow:
    start_s, end_s = recorded.start_s, recorded.end_s
    covered = trace.covers(start_s, end_s)
    return EnergyWindow(
        index=recorded.index,
        input_file=input_file,
        inferences=inferences,
        start_s=start_s,
        end_s=end_s,
        energy_j=trace.energy_j(start_s, end_s) if covered else None,
        power_w=trace.mean_power_w(start_s, end_s) if covered else None,
        host_seconds=host_seconds,
        baseline_w=baseline_w(trace) if start_s >= BASELINE_S else None,
    )
