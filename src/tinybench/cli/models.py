"""List, show and fetch models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinybench.cli import list_
from tinybench.cli._console import Column

if TYPE_CHECKING:
    from tinybench.models import Model
    from tinybench.specs import ModelSpec

_OPERATOR = (Column("#", figure=True), Column("operator", whole=True))
GRAPH_COLUMNS = (
    *_OPERATOR,
    Column("name"),
    Column("output", figure=True),
    Column("weights", figure=True),
    Column("MACs", figure=True),
    Column("parameters", figure=True),
)
QUANTISATION_COLUMNS = (
    *_OPERATOR,
    Column("output scale", figure=True),
    Column("zero point", figure=True),
    Column("weights are quantised"),
    Column("with scales", figure=True),
)

ACCURACY_COLUMNS = (
    Column("accuracy on"),
    Column("metric"),
    Column("precision"),
    Column("value", figure=True),
    Column("95 % CI", figure=True),
    Column("samples", figure=True),
)


@click.group()
def command() -> None:
    """List, show and fetch models.

    Models of this project come with it. Those of others, such as MLPerf Tiny's, are fetched once from their
    official address and kept in the cache; set TINYBENCH_CACHE to keep them elsewhere.
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def list_models(as_json: bool) -> None:
    """Show the reference models and whether they are on this machine, as 'tinybench list models' does."""
    list_.show("models", as_json=as_json)


@command.command()
@click.argument("name", metavar="NAME|PATH")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with all tensors, instead of tables.")
def show(name: str, as_json: bool) -> None:
    """Show what is in a model: graph, shapes, quantisation, cost, licence and provenance.

    NAME is a reference model ('tinybench models list'), PATH any int8 .tflite file.
    """
    from tinybench.cli._console import echo_json
    from tinybench.description import describe

    model, spec = _find(name)
    document = describe(model, spec)
    if as_json:
        echo_json(document)
    else:
        _print(document)


@command.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "--from",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take it from a file that you have, instead of the network.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def fetch(names: tuple[str, ...], file: Path | None, as_json: bool) -> None:
    """Download models from their official address and check them.

    An interrupted download goes on where it stopped when the command is run again. A model that is already
    here, or ships with tinybench, is checked.
    """
    from tinybench import specs
    from tinybench.cli._console import downloads, echo_json, plain
    from tinybench.errors import UsageError
    from tinybench.models import fetching
    from tinybench.quantities import size

    wanted = [specs.model(name) for name in dict.fromkeys(names)]
    if file is not None and len(wanted) != 1:
        raise UsageError("--from takes one model", hint="fetch the others in commands of their own")
    for spec in wanted:
        if spec.download is not None and file is None:
            about = f"{spec.title}: {size(spec.download.bytes)}, {spec.license}, {spec.download.url}"
            click.echo(about, err=True)
        with downloads() as progress:
            path = fetching.fetch(spec, progress) if file is None else fetching.import_file(spec, file)
        if not as_json:
            click.echo(f"{spec.id}: {plain(str(path))}")
    if as_json:
        echo_json([row for row in list_.KINDS["models"]() if row["id"] in names])


def _find(name: str) -> tuple[Model | None, ModelSpec | None]:
    from tinybench import specs
    from tinybench.models.reference import is_path, load_named

    if is_path(name):
        return load_named(name, "NAME|PATH"), None
    spec = specs.model(name)
    return (load_named(name) if spec.is_here or spec.download is None else None), spec


def _print(document: dict[str, Any]) -> None:
    from tinybench.cli._console import cell, heading, print_table, stdout
    from tinybench.quantities import quantity
    from tinybench.results.schema import ACCURACY, UNITS

    console = stdout()
    graph, reference = document["graph"], document["reference"]
    console.print(heading(_facts(document["name"], reference, graph)))
    if graph is not None:
        print_table(console, GRAPH_COLUMNS, _operators(graph))
        print_table(console, QUANTISATION_COLUMNS, _quantised(graph))
    if reference is not None and reference["accuracy"]:
        print_table(
            console,
            ACCURACY_COLUMNS,
            [
                (
                    claim["data"],
                    claim["metric"],
                    claim["precision"],
                    quantity(claim["value"], UNITS[ACCURACY[claim["metric"]]]),
                    " to ".join(quantity(bound, UNITS[ACCURACY[claim["metric"]]]) for bound in claim["ci95"]),
                    f"{claim['samples']:,}",
                )
                for claim in reference["accuracy"]
            ],
        )
    if graph is None:
        fetch = f"tinybench models fetch {document['name']}"
        console.print(f"advice: the file is not here; fetch it with '{cell(fetch)}'", soft_wrap=True)


def _facts(name: str, reference: dict[str, Any] | None, graph: dict[str, Any] | None) -> dict[str, str]:
    """The lines of the heading."""
    from tinybench.quantities import size

    counts = graph or reference
    assert counts is not None  # either a file or a reference model was named
    facts = {"model": name}
    if reference is not None:
        facts |= {"title": reference["title"], "task": reference["task"]}
    facts["cost"] = f"{counts['macs']:,} MACs, {counts['parameters']:,} parameters"
    if graph is not None:
        arena = graph["arena_bytes"]
        facts |= {
            "size": f"{size(graph['bytes'])}, of which weights and biases {size(graph['weight_bytes'])}",
            "arena": graph["refused"]
            if arena is None
            else f"{size(arena)} in TFLite Micro on this machine; a 32-bit target needs less",
            "input": _tensor(graph["tensors"][graph["input"]]),
            "output": _tensor(graph["tensors"][graph["output"]]),
            "file": graph["path"],
        }
    facts["sha256"] = counts["sha256"]
    if reference is not None:
        facts["licence"] = reference["license"]
        if reference["download"] is not None:
            facts["address"] = reference["download"]["url"]
        facts |= _provenance(reference["provenance"])
    return facts


def _provenance(provenance: dict[str, Any]) -> dict[str, str]:
    seen = {True: "yes: its accuracy there is never published", False: "no", None: "not known"}
    made = {
        "recipe": provenance["recipe"],
        "tensorflow": provenance["tensorflow"],
        "seed": provenance["seed"],
        "data": provenance["data"],
        "calibration": provenance["calibration"],
        "seen test": seen[provenance["seen_official_test"]],
    }
    return {key: str(value) for key, value in made.items() if value is not None}


def _tensor(tensor: dict[str, Any]) -> str:
    scale, zero_point = _quantization(tensor)
    return f"{tensor['dtype']} {_shape(tensor['shape'])}, scale {scale}, zero point {zero_point}"


def _operators(graph: dict[str, Any]) -> list[tuple[str, ...]]:
    """What each operator makes and costs."""
    return [
        (
            str(operator["index"]),
            operator["kind"],
            operator["name"].partition(";")[0],  # converters join the names of fused operators
            ", ".join(_shape(graph["tensors"][index]["shape"]) for index in operator["outputs"]),
            "" if weights is None else _shape(weights["shape"]),
            f"{operator['macs']:,}",
            f"{operator['parameters']:,}",
        )
        for operator, weights in _with_weights(graph)
    ]


def _quantised(graph: dict[str, Any]) -> list[tuple[str, ...]]:
    """How the output and the weights of each operator are quantised."""
    return [
        (
            str(operator["index"]),
            operator["kind"],
            *(_quantization(graph["tensors"][operator["outputs"][0]]) if operator["outputs"] else ("", "")),
            "" if weights is None else _granularity(weights),
            "" if weights is None else _quantization(weights)[0],
        )
        for operator, weights in _with_weights(graph)
    ]


def _with_weights(graph: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Each operator, with the tensor of its weights if it multiplies."""
    for operator in graph["operators"]:
        yield operator, graph["tensors"][operator["inputs"][1]] if operator["macs"] else None


def _quantization(tensor: dict[str, Any]) -> tuple[str, str]:
    """Scale and zero point, or their range where there is one for each channel."""
    if tensor["scales"] is None:
        return "none", "none"
    scales, zero_points = sorted(set(tensor["scales"])), sorted(set(tensor["zero_points"]))
    return (
        " to ".join(f"{scale:.6g}" for scale in dict.fromkeys((scales[0], scales[-1]))),
        " to ".join(f"{zero}" for zero in dict.fromkeys((zero_points[0], zero_points[-1]))),
    )


def _granularity(tensor: dict[str, Any]) -> str:
    if tensor["scales"] is None:
        return "none"
    count = len(tensor["scales"])
    return "per tensor" if count == 1 else f"per channel ({count})"


def _shape(shape: list[int]) -> str:
    return "x".join(map(str, shape)) or "scalar"
