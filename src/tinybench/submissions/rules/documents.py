"""TB101 to TB104: system.toml and results are what their schemas say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from pydantic import ValidationError

from tinybench.errors import ChangedResultError, InvalidResultError
from tinybench.results import store
from tinybench.results.schema import Result
from tinybench.submissions.findings import Finding, Rule, rule
from tinybench.submissions.layout import SYSTEM_FILE
from tinybench.submissions.system import System

SYSTEM_INVALID: Final = rule(
    "TB101",
    "system-invalid",
    "error",
    title="system.toml is missing or does not follow its schema",
    why="""system.toml says in typed fields what was measured, by whom, and under which licence: nothing
    about a system stays free text that no program can compare. A field that the schema does not know is
    refused, so that a misspelt one is not lost.""",
    hint="Correct the field that the message names; 'tinybench submit init' writes a valid file.",
)
RESULT_INVALID: Final = rule(
    "TB102",
    "result-invalid",
    "error",
    title="A result does not follow its schema",
    why="""Each file in results/ is one result of a schema that tinybench wrote at some time; older schemas
    stay readable for good. Units, modes and what must agree inside a result are part of the schema.""",
    hint="Add the result as tinybench wrote it, with 'tinybench submit add'.",
)
RESULT_CHANGED: Final = rule(
    "TB103",
    "result-changed",
    "error",
    title="A result was changed after it was written",
    why="""The id of a result is the SHA-256 of what it says. If the two do not agree, the file is no longer
    the one that was written, and whoever cited the id cited something else.""",
    hint="Measure again, or restore the file; results are never edited by hand.",
)
RESULT_NAME: Final = rule(
    "TB104",
    "result-name",
    "error",
    title="A result file is named after another result",
    why="""Evidence lies in evidence/<result id>/; findings and attestations name results by id. A file name
    that holds an id holds that of the result in it: any other would lead a reader to the wrong result.""",
    hint="Name the file after its result, as 'tinybench submit add' does.",
)
NO_RESULT: Final = rule(
    "TB105",
    "no-result",
    "error",
    title="The submission has no result",
    why="A submission without a result that can be read states nothing.",
    hint="Add results with 'tinybench submit add'.",
)

_SHOWN: Final = 5
"""Problems of one document that are reported one by one."""
_ID: Final = re.compile(r"r-[0-9a-f]{16}")


def read_system(value: Any) -> tuple[System | None, list[Finding]]:
    """The parsed system.toml as a ``System``; None and findings if it is not one."""
    try:
        return System.model_validate(value), []
    except ValidationError as error:
        return None, _problems(SYSTEM_INVALID, SYSTEM_FILE, store.problems(error))


def read_result(value: Any, where: str) -> tuple[Result | None, list[Finding]]:
    """A parsed results/*.json as a result; None and findings if it is not one.

    A result with another file name than it should have is given back, with a finding.
    """
    try:
        result = store.parse(value, where)
    except InvalidResultError as error:
        return None, _problems(RESULT_INVALID, where, error.problems)
    except ChangedResultError as error:
        return None, [RESULT_CHANGED.found(where, error.message.removeprefix(f"{where}: "))]
    named = _ID.search(where)
    if named is not None and named[0] != result.id:
        return result, [RESULT_NAME.found(where, f"holds the result {result.id}")]
    return result, []


def _problems(broken: Rule, where: str, problems: Sequence[str]) -> list[Finding]:
    found = [broken.found(where, problem) for problem in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        found.append(broken.found(where, f"and {len(problems) - _SHOWN} more problems"))
    return found
