"""TB106 to TB116: who submits what, and whether folder, system.toml and results say the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tinybench import specs
from tinybench.errors import UsageError
from tinybench.quantities import frequency
from tinybench.results.schema import DeviceRef
from tinybench.submissions.entry import Entry
from tinybench.submissions.findings import Finding, rule
from tinybench.submissions.layout import OUR_ROUND, SYSTEM_FILE, slug
from tinybench.submissions.submission import Submission

SYSTEM_DISAGREES: Final = rule(
    "TB106",
    "system-disagrees",
    "error",
    title="A result is of another system than system.toml",
    why="""All results of one submission are of one system: one board, chip, clock and engine. On one chip
    the engine alone moves latency by three to seven times; a table that mixes two compares nothing.""",
    hint="Correct system.toml, or make a submission of its own for each clock and engine.",
)
ORGANISATION_FOLDER: Final = rule(
    "TB107",
    "organisation-folder",
    "error",
    title="The organisation in system.toml is not the one of the folder",
    why="""The folder is the display name in lower-case ASCII. If they could differ, one organisation could
    submit under the folder of another.""",
    hint="Move the submission to the folder that the message names, or correct the name.",
)
ROUND: Final = rule(
    "TB108",
    "round-does-not-fit",
    "error",
    title="The round is not one for this kind of result",
    why="""Rounds called mlperf-<round> hold what MLPerf Tiny published in that round, and nothing else;
    rounds called <year>.<number> hold what is submitted here. A reader sees from the round who reviewed a
    result.""",
    hint="Move the submission to the right round.",
)
SOURCE: Final = rule(
    "TB109",
    "source-does-not-fit",
    "error",
    title="A published result is filed under another round, division or organisation",
    why="""A result that was published elsewhere names its source. Round, division and organisation there
    are those of the folder and of system.toml: figures stay with those who published them.""",
    hint="Import it again with 'tinybench import mlperf-tiny'.",
)
UNNAMED: Final = rule(
    "TB110",
    "contact-missing",
    "error",
    title="A submission without contact or availability",
    why="""Whoever doubts a figure needs somebody to ask, and whoever likes it needs to know whether the
    system can be bought. Both are required of everything that was not published elsewhere.""",
    hint="Fill in 'contact' and 'availability' in system.toml.",
)
DEVICE: Final = rule(
    "TB111",
    "device-profile-disagrees",
    "error",
    title="Chip, core or clock are not those of the device profile",
    why="""A device id names one profile in runners/devices: its chip, its core, and clocks up to the
    highest of its flash wait states. A result that names the profile and another chip or an illegal clock
    is of another device. The profile of an emulator is of no device at all.""",
    hint="Correct chip, core and clock, or leave the device id away if there is no profile of this board.",
)
MODE: Final = rule(
    "TB112",
    "unfit-mode",
    "error",
    title="A figure has a mode that its runner cannot give",
    why="""Every figure is measured by an instrument on hardware, simulated instruction by instruction, or
    predicted by a model, and the three are never ranked together. A simulator measures nothing, a power
    analyser simulates nothing, and nothing that was published elsewhere was simulated here.""",
    hint="Submit the result as the runner wrote it.",
)

UNDESCRIBED: Final = rule(
    "TB113",
    "device-not-described",
    "error",
    title="A submission does not say what was measured",
    why="""A figure is of a board, its chip, its core and its clock. Without them nobody can repeat it, and
    nobody can ask whether such a core is as fast as that. All four are required of everything that was not
    published elsewhere.""",
    hint="Make it anew with 'tinybench submit init' and --device, or --board, --chip, --core and --clock.",
)

UNKNOWN_RUNNER: Final = rule(
    "TB116",
    "unknown-runner",
    "warning",
    title="The result is of a runner that is not part of tinybench",
    why="""Of a plug-in nothing is known here: not whether it measures, simulates or predicts, nor what would
    prove its figures, and nothing is executed again with it.""",
    hint="Say in the pull request what the runner is, and where its code can be read.",
)

_PUBLISHED: Final = "mlperf-"

MODES: Final[dict[str, frozenset[str]]] = {
    "tflm-sim": frozenset({"simulated", "predicted"}),
    **dict.fromkeys(("ethos-u", "litert"), frozenset({"predicted"})),
    **dict.fromkeys(("board", "energyrunner", "mlcommons-runner", "mlperf-tiny"), frozenset({"measured"})),
}
"""Runner -> modes of what it gives. Others are plug-ins, of which nothing is known here."""
_SIMULATING: Final = ("tflm-sim", "ethos-u", "litert")
_ONLY_PUBLISHED: Final = "mlperf-tiny"
"""Runner of a row of a published table, whose own runner the table does not tell."""


def check_place(submission: Submission) -> Iterator[Finding]:
    """Round and organisation of the folder against system.toml and the results."""
    place, system = submission.place, submission.system
    try:
        expected = slug(system.organisation)
    except UsageError as error:
        yield ORGANISATION_FOLDER.found(f"{SYSTEM_FILE}: organisation", error.message)
    else:
        if expected != place.organisation:
            yield ORGANISATION_FOLDER.found(
                f"{SYSTEM_FILE}: organisation",
                f"'{system.organisation}' belongs into the folder '{expected}', not '{place.organisation}'",
            )
    published = place.round.startswith(_PUBLISHED)
    if not published and not OUR_ROUND.fullmatch(place.round):
        yield ROUND.found(
            ".", f"'{place.round}' is neither {_PUBLISHED}<round> nor a year and a number such as 2026.1"
        )
    for entry in submission.entries:
        if published != (entry.result.source is not None):
            kind = "was not published elsewhere" if published else "was published elsewhere"
            yield ROUND.found(f"{entry.where}: source", f"{kind}, but the round is '{place.round}'")
    if not published:
        for key in ("contact", "availability"):
            if getattr(system, key) is None:
                yield UNNAMED.found(f"{SYSTEM_FILE}: {key}", "is not given")
        for key in system.undescribed:
            yield UNDESCRIBED.found(f"{SYSTEM_FILE}: {key}", "is not given")
        for entry in submission.entries:
            for key in ("chip", "core", "clock_hz"):
                if isinstance(entry.result.device, DeviceRef) and getattr(entry.result.device, key) is None:
                    yield UNDESCRIBED.found(f"{entry.where}: device.{key}", "is not given")


def check_source(entry: Entry, submission: Submission) -> Iterator[Finding]:
    """The source of a published result against folder and system.toml."""
    source, place, system = entry.result.source, submission.place, submission.system
    if source is None:
        return
    pairs = (
        ("round", f"{_PUBLISHED}{source.round}", place.round),
        ("division", source.division, system.division),
        ("organisation", _slug_or_text(source.organisation), place.organisation),
    )
    for key, there, here in pairs:
        if there != here:
            yield SOURCE.found(f"{entry.where}: source.{key}", f"'{there}', but here it is '{here}'")


def check_system(entry: Entry, submission: Submission) -> Iterator[Finding]:
    """A result against system.toml and the device profile."""
    result = entry.result
    if isinstance(result.device, DeviceRef):
        for key, here, there in submission.system.disagreements(result.device, result.engine):
            yield SYSTEM_DISAGREES.found(
                f"{entry.where}: {key}", f"{_said(there)}, but system.toml has {_said(here)}"
            )
        yield from _profile(entry, result.device)
    else:
        yield SYSTEM_DISAGREES.found(f"{entry.where}: device", "was computed on a host, not on a device")


def _profile(entry: Entry, device: DeviceRef) -> Iterator[Finding]:
    profile = specs.devices().get(device.id)
    if profile is None:
        return
    if profile.emulated:
        yield DEVICE.found(
            f"{entry.where}: device.id", f"{device.id} is an emulator: nothing runs at its speed"
        )
    for key, there, here in (("chip", device.chip, profile.chip), ("core", device.core, profile.core)):
        if there is not None and there != here:
            yield DEVICE.found(f"{entry.where}: device.{key}", f"'{there}', but {device.id} has '{here}'")
    highest = profile.highest_hz
    if device.clock_hz is not None and highest is not None and device.clock_hz > highest:
        yield DEVICE.found(
            f"{entry.where}: device.clock_hz",
            f"{frequency(device.clock_hz)}, but {device.id} runs at up to {frequency(highest)}",
        )


def check_modes(entry: Entry, submission: Submission) -> Iterator[Finding]:
    """Modes of the figures against runner and source."""
    del submission
    result = entry.result
    known = MODES.get(result.runner)
    if result.source is not None and result.runner in _SIMULATING:
        yield MODE.found(
            f"{entry.where}: runner", f"'{result.runner}' runs here; it published nothing elsewhere"
        )
    elif result.source is not None:
        known = frozenset({"measured"})
    elif result.runner == _ONLY_PUBLISHED:
        yield MODE.found(f"{entry.where}: runner", f"'{result.runner}' is of published tables only")
    elif known is None:
        yield UNKNOWN_RUNNER.found(f"{entry.where}: runner", f"'{result.runner}'")
    if result.windows and result.runner in _SIMULATING:
        yield MODE.found(f"{entry.where}: windows", f"{result.runner} times nothing by a clock")
    for metric in result.metrics:
        if known is not None and metric.mode not in known:
            yield MODE.found(
                f"{entry.where}: {metric.name}", f"is {metric.mode}, but {result.runner} gives no such figure"
            )


def _slug_or_text(name: str) -> str:
    try:
        return slug(name)
    except UsageError:
        return name


def _said(value: object) -> str:
    match value:
        case tuple():
            return " ".join(str(part) for part in value) or "none"
        case str():
            return f"'{value}'"
    return str(getattr(value, "name", value))
