"""TB70x: what comes out when a result is executed again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tinybench.boards.encoding import Encoding
from tinybench.boards.replay import Replay
from tinybench.quantities import quantity
from tinybench.results.schema import Layer, Metric, MetricName, Result
from tinybench.submissions.findings import Finding, rule

NOT_REPRODUCED: Final = rule(
    "TB701",
    "not-reproduced",
    "error",
    title="Executed again, a simulated result came out otherwise",
    why="""A simulated result depends on nothing but the model, the device profile, the compiler and the
    samples: the same version of tinybench gives the same bytes on every machine. All of it is executed
    again (firmware, cycles, instructions, memory, layers, accuracy) and compared bit for bit. Where the
    data set is not on the machine, the golden inputs of the task are executed instead: the firmware must be
    the same, and cycles and instructions are compared within 0.1 %, because a few branches depend on the
    input. Device and engine must be those that were executed.""",
    hint="Measure again with this version of tinybench; if it still differs, report it.",
)
OTHER_VERSION: Final = rule(
    "TB702",
    "another-version-differs",
    "warning",
    title="This version of tinybench gives other figures than the one that measured",
    why="""Simulator and kernels change between versions, and figures with them. A result of an older
    version that comes out otherwise may have been right; it is not reproduced, and should be measured
    again.""",
    hint="Measure again with the version that the message names.",
)
NOT_RERUN: Final = rule(
    "TB703",
    "not-executed-again",
    "note",
    title="A result was not executed again on its own samples",
    why="""The data set is not on the machine that checks, or could not be read. The accuracy stays a claim
    until somebody executes it again.""",
    hint="Nothing to do; a reviewer with the data set can check it with 'tinybench submit check'.",
)
SIMULATED_CLAIM: Final = rule(
    "TB705",
    "simulated-claim",
    "warning",
    title="Nothing supports a simulated result",
    why="""What supports a simulated figure is that it comes out again. The message says why it was not
    executed here: a device without a profile, another compiler, a model that is no reference model or was
    not fetched. Until somebody executes it again, anything could stand in its place.""",
    hint="Name the device profile and use the pinned compiler; a reviewer with the model can check it again.",
)
OTHER_ACCURACY: Final = rule(
    "TB704",
    "accuracy-of-the-reference",
    "note",
    title="The accuracy is not that of the reference model in TFLite Micro",
    why="""For a reference model whose data set is on the machine that checks, the accuracy is computed
    again with TFLite Micro. Kernels of other libraries may round otherwise, and a few samples then fall on
    the other side: up to one percent point is taken for that. More means another model, data set or
    preprocessing.""",
    hint="Compare preprocessing and samples with the task card.",
)

OTHER_INPUTS: Final = rule(
    "TB706",
    "inputs-of-other-data",
    "error",
    title="The board was given other bytes than those of the samples",
    why="""A board cannot be asked again, but what it was given can be made again: the log of the runner board
    has the SHA-256 of the bytes behind each inference. Where the data set is on the machine that checks, they
    have to be those of the samples, in their order. Inputs that the firmware quantises itself (float32, of
    anomaly detection) are not compared, as their last bits depend on the machine that computed them.""",
    hint="Measure with the data set as 'tinybench data fetch' gets it.",
)
OTHER_OUTPUTS: Final = rule(
    "TB707",
    "outputs-of-another-model",
    "error",
    title="Firmware of tinybench gave other outputs than TFLite Micro",
    why="""Each output in the log is compared with what the official interpreter computes from the same input,
    where model and data set are on the machine that checks: to the digits that the board prints, which tell
    neighbouring int8 values apart. The kernels of tinybench's own firmware are exact, so that a difference
    means another model, or a log that was edited.""",
    hint="Measure again with firmware that 'tinybench firmware build' made of this model.",
)
OUTPUTS_DIFFER: Final = rule(
    "TB708",
    "outputs-differ-from-the-reference",
    "note",
    title="The board's outputs are not all those of TFLite Micro",
    why="""Each output in the log is compared with what the official interpreter computes from the same input.
    Kernels of other libraries may round otherwise and still be right. The message says how many samples
    differ and by how much; what that does to the accuracy, the accuracy shows.""",
    hint="Compare model and quantisation with the reference if many differ by much.",
)

ON_OTHER_INPUTS: Final = 0.001
"""How far cycles and instructions on other inputs may be apart. Of the models and devices here, 16 golden
inputs differ by at most 0.03 % (kws on the Raspberry Pi Pico), and their median less from that of samples."""
_ROUNDING: Final = 0.01
_SHOWN: Final = 4


def compare(where: str, claimed: Result, again: Result) -> Iterator[Finding]:
    """A simulated result against the same one, executed again on the same samples."""
    yield from _report(where, claimed, again, list(_differences(claimed, again)))


def compare_on_other_inputs(where: str, claimed: Result, again: Result) -> Iterator[Finding]:
    """A simulated result against one of the same firmware, executed on other inputs."""
    differences = [*_of_what(claimed, again), *_evidence(claimed, again, ("firmware.elf", "model.c"))]
    names = [metric.name for metric in (*claimed.metrics, *again.metrics)]
    for name in dict.fromkeys(name for name in names if not name.startswith("accuracy.")):
        one, other = claimed.metric(name), again.metric(name)
        allowed = 0 if name in _OF_FIRMWARE else ON_OTHER_INPUTS
        if one is None or other is None:
            differences += _figures(claimed, again, [name])
        elif abs(one.value - other.value) > allowed * max(one.value, other.value):
            differences.append(_differ(one, other))
        elif (one.mode, one.interval95 is None) != (other.mode, other.interval95 is None):
            differences.append(f"{name} is {one.mode}, here {other.mode}, or has no interval on one side")
    if [_work(layer) for layer in claimed.layers] != [_work(layer) for layer in again.layers]:
        differences.append("the layers are others")
    yield from _report(where, claimed, again, differences)


def compare_accuracy(where: str, claimed: Metric, again: float) -> Iterator[Finding]:
    """A measured accuracy against that of TFLite Micro on the same samples."""
    if abs(claimed.value - again) > _ROUNDING:
        yield OTHER_ACCURACY.found(
            f"{where}: {claimed.name}",
            f"{quantity(claimed.value, claimed.unit)}; TFLite Micro gives {quantity(again, claimed.unit)}",
        )


def compare_board(
    where: str,
    replay: Replay,
    names: Sequence[str],
    encoding: Encoding,
    outputs: NDArray[np.int8],
    *,
    own: bool,
) -> Iterator[Finding]:
    """What a board was given and what it said, against the samples and the official interpreter.

    Args:
        where: for findings.
        replay: its log, whose accuracy run has as many inferences as there are inputs.
        names: sample of each inference.
        encoding: of the inputs.
        outputs: of the interpreter, int8 of shape (inferences, output elements).
        own: whether the firmware is this project's, which has to be exact.
    """
    assert replay.accuracy is not None
    answers = replay.accuracy.samples
    exact_inputs = encoding.serial.input != "float32"
    for number, (answer, name) in enumerate(zip(answers, names, strict=True)):
        sha256 = hashlib.sha256(encoding.input(number)).hexdigest() if exact_inputs else None
        if answer.input_file != name or sha256 not in (None, replay.loaded["accuracy"][number]):
            yield OTHER_INPUTS.found(
                f"{where}: log.txt", f"inference {number + 1} is not that of {name[:100]}"
            )
            return
    differing = [
        number
        for number, answer in enumerate(answers)
        if answer.results is None or not encoding.agrees(number, answer.results, outputs[number])
    ]
    if differing:
        rule = OTHER_OUTPUTS if own else OUTPUTS_DIFFER
        yield rule.found(
            f"{where}: log.txt",
            f"{len(differing)} of {len(answers)} outputs, such as that of {names[differing[0]][:100]}",
        )


_OF_FIRMWARE: Final[tuple[MetricName, ...]] = ("memory.flash", "memory.arena")
"""Figures that no input changes."""


def _work(layer: Layer) -> tuple[object, ...]:
    """What of a layer no input changes."""
    return layer.index, layer.operator, layer.name, layer.macs


def _report(where: str, claimed: Result, again: Result, differences: Sequence[str]) -> Iterator[Finding]:
    if not differences:
        return
    listed = "; ".join(differences[:_SHOWN])
    if len(differences) > _SHOWN:
        listed += f"; and {len(differences) - _SHOWN} more differences"
    if claimed.tool.version != again.tool.version:
        yield OTHER_VERSION.found(
            where, f"tinybench {claimed.tool.version} measured, {again.tool.version} is here: {listed}"
        )
    else:
        yield NOT_REPRODUCED.found(where, listed)


def _of_what(claimed: Result, again: Result) -> Iterator[str]:
    """Device and engine: the figures are those of what was executed, under no other name."""
    for key in ("device", "engine"):
        one, other = getattr(claimed, key), getattr(again, key)
        for field in type(other).model_fields:
            stated, here = getattr(one, field), getattr(other, field)
            if stated != here:
                yield f"{key}.{field} {_short(stated)}, here {_short(here)}"


def _differences(claimed: Result, again: Result) -> Iterator[str]:
    yield from _of_what(claimed, again)
    for key, one, other in (
        ("samples", claimed.data.samples, again.data.samples),
        ("data set", claimed.data.dataset_sha256, again.data.dataset_sha256),
    ):
        if one != other:
            yield f"{key} {_short(one)}, here {_short(other)}"
    yield from _figures(claimed, again, [metric.name for metric in (*claimed.metrics, *again.metrics)])
    if claimed.layers != again.layers:
        index = next(
            (i for i, (a, b) in enumerate(zip(claimed.layers, again.layers, strict=False)) if a != b),
            min(len(claimed.layers), len(again.layers)),
        )
        yield f"layer {index} differs"
    names = dict.fromkeys(item.name for item in (*claimed.evidence, *again.evidence))
    yield from _evidence(claimed, again, tuple(names))


def _figures(claimed: Result, again: Result, names: Sequence[MetricName]) -> Iterator[str]:
    for name in dict.fromkeys(names):
        one, other = claimed.metric(name), again.metric(name)
        if one is None or other is None:
            yield f"{name} {'is not given' if one is None else 'is not available here'}"
        elif (one.value, one.mode, one.ci95, one.interval95) != (
            other.value,
            other.mode,
            other.ci95,
            other.interval95,
        ):
            yield _differ(one, other)


def _differ(one: Metric, other: Metric) -> str:
    shown, here = quantity(one.value, one.unit), quantity(other.value, other.unit)
    if shown == here:
        shown, here = repr(one.value), repr(other.value)
    return f"{one.name} {shown}, here {here}"


def _evidence(claimed: Result, again: Result, names: tuple[str, ...]) -> Iterator[str]:
    one, other = ({item.name: item.sha256 for item in result.evidence} for result in (claimed, again))
    for name in names:
        if one.get(name) != other.get(name):
            yield f"{name} {'is not listed' if name not in one else 'has other bytes'}"


def _short(value: object) -> str:
    text = " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
