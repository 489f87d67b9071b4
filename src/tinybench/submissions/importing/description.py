"""What a submitter says about a system, in our fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tinybench import specs
from tinybench.errors import DataError, UsageError
from tinybench.mlperf_tiny.system_file import SystemFile, read_system_file
from tinybench.results.schema import Accelerator, DeviceRef, Engine, Result
from tinybench.submissions import text
from tinybench.submissions.findings import Finding, rule
from tinybench.submissions.importing import engines, hardware, mlperf
from tinybench.submissions.system import System

NO_SYSTEM_FILE: Final = rule(
    "TB920",
    "system-file-missing",
    "warning",
    title="Nothing describes the system",
    why="""Board, processor, clock and engine of a published result stand in
    <division>/<organisation>/systems/<system>.json. Without it, all of them are unknown, and the result
    can be compared with nothing.""",
    hint="Give the file with --system-file, or import from the root of the repository.",
)
BAD_SYSTEM_FILE: Final = rule(
    "TB921",
    "system-file-broken",
    "warning",
    title="The description of the system is no valid JSON",
    why="""Several published descriptions lack a comma, have one too many or break a text over lines.
    What can be read with certainty is taken; the rest is unknown.""",
    hint="Look at the file and at what was made of it in system.toml.",
)
OTHER_SYSTEM_FILE: Final = rule(
    "TB922",
    "system-file-not-named-after-system",
    "warning",
    title="The description of the system has another name than the folder of its results",
    why="""The rules name the file after the folder of the results. Where they differ, a file is taken whose
    name holds all words of that of the folder, or the other way round, if there is only one. It may be that
    of a sibling: the same board at another clock, for example.""",
    hint="Check that it describes this system.",
)
DIVISION_DIFFERS: Final = rule(
    "TB923",
    "division-differs",
    "note",
    title="The description of the system names another division than the folder",
    why="The folder counts: it is where MLCommons published the result.",
    hint="Nothing has to be done.",
)
NOT_KEPT_TEXT: Final = rule(
    "TB938",
    "text-not-kept",
    "note",
    title="A text of the description cannot be shown",
    why="""Texts of a result are plain: no control characters, no invisible ones, no markup, at most
    1,000 characters.""",
    hint="Look into the original.",
)

_NOT_ORIGINAL: Final = ("submitter", "division")
"""Names of people, and what the folder says."""
_ENGINE_UNKNOWN: Final = "not stated"
_NAMES: Final = ("Board Name", "SoC Name", "Accelerator", "Inference Framework")
"""What becomes a name, which has to be shorter and plainer than other texts."""


@dataclass(frozen=True)
class Description:
    """A system as its file describes it; everything is None without one."""

    named: mlperf.Named
    file: SystemFile | None
    findings: tuple[Finding, ...]

    def originals(self) -> dict[str, str]:
        """Key -> text, of all that is said and can be shown."""
        if self.file is None:
            return {}
        said = {
            key: "; ".join(texts)
            for key, texts in self.file.values.items()
            if texts and key.lower() not in _NOT_ORIGINAL
        }
        return {key: value for key, value in said.items() if not _flaw(key, value)}

    def device(self, supply_v: float | None) -> DeviceRef:
        """Board, chip, core, clock and accelerator.

        Args:
            supply_v: of the energy run.

        Raises:
            UsageError: no letter or digit of the name can be written in ASCII.
        """
        board, clock = self._text("Board Name"), self._text("Processor(s) Frequencies")
        device_id = hardware.device_id(board or self.named.system)
        profile = specs.devices().get(device_id) if board else None
        return DeviceRef(
            id=device_id,
            board=board,
            chip=profile.chip if profile else self._text("SoC Name"),
            core=self._core(),
            clock_hz=hardware.clock_hz(clock) if clock else None,
            supply_v=supply_v,
            accelerator=self._accelerator(),
        )

    def engine(self) -> Engine:
        """Runtime, kernels and compiler."""
        compiler = self._text("General Compiler(s)")
        return self._known_engine() or engines.unknown_engine(
            self._text("Inference Framework") or _ENGINE_UNKNOWN, compiler
        )

    def number_format(self, variant: str | None) -> str | None:
        """Format of the weights, by the first of variant, description and name that says one."""
        return hardware.number_format(variant, self._text("Quantization Method"), self.named.system)

    def system(self, results: Sequence[Result]) -> System:
        """``system.toml`` of the results."""
        devices = [result.device for result in results if isinstance(result.device, DeviceRef)]
        supplies = {device.supply_v for device in devices if device.supply_v is not None}
        device = self.device(supplies.pop() if len(supplies) == 1 else None)
        return System(
            title=self.named.system,
            organisation=mlperf.display_name(self.named.organisation),
            division=self.named.division,
            availability=hardware.availability(self._text("Status")),
            licence=mlperf.LICENCE,
            board=device.board,
            device=device.id if device.board and device.id in specs.devices() else None,
            chip=device.chip,
            core=device.core,
            clock_hz=device.clock_hz,
            supply_v=device.supply_v,
            accelerator=device.accelerator,
            engine=self.engine(),
            notes=self._notes(),
        )

    def unknown_texts(self) -> list[str]:
        """What is said and none of the typed fields could take."""
        engine, clock = self._text("Inference Framework"), self._text("Processor(s) Frequencies")
        processor = self._text("Processor(s) Name")
        unknown = []
        if engine and self._known_engine() is None:
            unknown.append(f"engine '{engine}' is none of those known")
        if processor and self._core() is None:
            unknown.append(f"processor '{processor}' is none of those known")
        if clock and hardware.clock_hz(clock) is None:
            unknown.append(f"'{clock}' is not one clock")
        return unknown

    def _text(self, key: str) -> str | None:
        said = self.file.text(key) if self.file else None
        return said if said and not _name_flaw(key, said) else None

    def _notes(self) -> str | None:
        """What else is said; what is too long for one text stays in the originals of the results."""
        keys = {
            "operating system": "Operating System",
            "hardware": "Hardware Notes",
            "software": "Software Notes",
        }
        notes = ""
        for name, key in keys.items():
            said = self._text(key)
            more = "; ".join(filter(None, (notes, f"{name}: {said}" if said else None)))
            notes = more if len(more) <= text.MAX_TEXT else notes
        return notes or None

    def _core(self) -> str | None:
        processor = self._text("Processor(s) Name")
        kind = hardware.kind_of(self._text("Accelerator"))
        return hardware.core(processor or "", kind)

    def _accelerator(self) -> Accelerator | None:
        name, clock = self._text("Accelerator"), self._text("Accelerator(s) Frequencies")
        return Accelerator(name=name, clock_hz=hardware.clock_hz(clock or "")) if name else None

    def _known_engine(self) -> Engine | None:
        return engines.engine(
            self._text("Inference Framework") or "",
            self._text("General Compiler(s)"),
            self._text("Software Libraries"),
        )


def find_description(named: mlperf.Named, paths: Sequence[str], read: Callable[[str], bytes]) -> Description:
    """Find and read the description of a system.

    Args:
        named: the system.
        paths: the files that may describe it.
        read: gives the bytes of one of them.
    """
    path = file_of(named.system, paths)
    if path is None:
        where = f"{named.division}/{named.organisation}/systems"
        return Description(
            named, None, (NO_SYSTEM_FILE.found(where, f"no file is called after {named.system}"),)
        )
    description = read_description(named, path, read)
    if _words(_stem(path)) == _words(named.system):
        return description
    found = OTHER_SYSTEM_FILE.found(path, f"taken for {named.system}")
    return replace(description, findings=(found, *description.findings))


def read_description(named: mlperf.Named, path: str, read: Callable[[str], bytes]) -> Description:
    """Read the description of a system; arguments as in ``find_description``, but for the one file."""
    findings = []
    try:
        file = read_system_file(read(path), path)
    except DataError as error:
        reason = error.message.removeprefix(f"{path}: ")
        return Description(named, None, (BAD_SYSTEM_FILE.found(path, reason),))
    if file.repaired is not None:
        findings.append(BAD_SYSTEM_FILE.found(path, f"read all the same; strictly: {file.repaired}"))
    division = (file.text("Division") or "").lower()
    if division in ("closed", "open") and division != named.division:
        findings.append(DIVISION_DIFFERS.found(path, f"says {division}, the folder {named.division}"))
    for key, texts in file.values.items():
        flaw = _name_flaw(key, "; ".join(texts)) if texts else None
        if flaw is not None:
            findings.append(NOT_KEPT_TEXT.found(path, f"{key[:40]!a}: {flaw}"))
    description = Description(named, file, ())
    findings += [mlperf.NOT_NORMALISED.found(path, said) for said in description.unknown_texts()]
    return Description(named, file, tuple(findings))


def file_of(system: str, paths: Sequence[str]) -> str | None:
    """The file that describes a system: called after it, or nearly so.

    ``system_description_NUCLEO_L4R5ZI_microtvm_cmsis_nn.json`` is that of
    ``microtvm_cmsis_nn/NUCLEO_L4R5ZI``, ``system_description_arty.json`` that of ``arty-a7-100t``. All words
    of one name have to be in the other, else it is another system. None if no file is called so, or several
    are equally near.
    """
    exact = [path for path in paths if _stem(path) == system]
    if len(exact) == 1:
        return exact[0]
    wanted = _words(system)
    near: dict[str, float] = {}
    for path in paths:
        words = _words(_stem(path))
        if words and (_all_in(words, system) or _all_in(wanted, _stem(path))):
            near[path] = len(wanted & words) / len(wanted | words)
    best = [path for path, likeness in near.items() if likeness == max(near.values())]
    return best[0] if len(best) == 1 else None


def _all_in(words: frozenset[str], name: str) -> bool:
    """Whether all words occur in a name, however it is cut into words."""
    joined = "".join(re.findall(r"[a-z0-9]+", name.lower()))
    return all(word in joined for word in words)


def _stem(path: str) -> str:
    name = path.rpartition("/")[2]
    return re.sub(r"(?i)system[_ -]?description", "", name[: -len(".json")])


def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9]+", name.lower()))


def _flaw(key: str, value: str) -> str | None:
    found = text.flaw(value) or text.flaw(key)
    return None if found is None else found.reason


def _name_flaw(key: str, value: str) -> str | None:
    """What keeps a text out of a typed field; a board has to have an id, too."""
    if key.lower() not in (name.lower() for name in _NAMES):
        return _flaw(key, value)
    found = text.name_flaw(value)
    if found is not None:
        return found.reason
    try:
        hardware.device_id(value)
    except UsageError as error:
        return error.message
    return None
