"""Rules and what they find.

A rule is a constant beside the function that checks it. Its code never changes its meaning: codes are cited
in pull requests, reports and pages.

=======  ==========================================
TB0xx    files and manifest
TB1xx    schema, system, names, identity
TB2xx    model, data and accuracy
TB3xx    windows and latency
TB4xx    energy
TB5xx    plausibility against physics
TB6xx    duplicates
TB7xx    re-execution
TB8xx    attestation
TB9xx    import of what others published
=======  ==========================================
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args

Severity = Literal["error", "warning", "note"]
"""``error``: the submission does not hold; ``warning``: somebody has to look; ``note``: worth knowing."""

SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)


@dataclass(frozen=True)
class Rule:
    """One thing that every submission is held to."""

    code: str
    name: str
    """In lower case with hyphens; says what is wrong."""
    severity: Severity
    title: str
    why: str
    """A paragraph for the page of the rule: what is checked, how, and why it matters."""
    hint: str
    """What a submitter does about it."""

    def found(self, where: str, message: str) -> Finding:
        """This rule is broken.

        Args:
            where: file relative to the submission, with the place in it: ``results/x.json: metrics.0``.
            message: what is wrong there, with the figures.
        """
        return Finding(self, where, message)


@dataclass(frozen=True)
class Finding:
    """A rule, where it is broken, and how."""

    rule: Rule
    where: str
    message: str

    @property
    def severity(self) -> Severity:
        """That of its rule."""
        return self.rule.severity


RULES: Final[dict[str, Rule]] = {}
"""Code -> rule, of every module that was imported; ``tinybench.submissions.rulebook`` imports all."""

_CODE: Final = re.compile(r"TB\d{3}")
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def rule(code: str, name: str, severity: Severity, *, title: str, why: str, hint: str) -> Rule:
    """Declare a rule.

    Raises:
        ValueError: the code or the name is malformed, or another rule has it.
    """
    if not _CODE.fullmatch(code) or not _NAME.fullmatch(name):
        raise ValueError(f"'{code} {name}' is no code and name of a rule")
    if any(code == known.code or name == known.name for known in RULES.values()):
        raise ValueError(f"two rules are called {code} or {name}")
    new = Rule(code, name, severity, " ".join(title.split()), " ".join(why.split()), " ".join(hint.split()))
    RULES[code] = new
    return new


class Severe(Protocol):
    """Something that was found, in whatever form."""

    @property
    def severity(self) -> Severity:
        """How grave it is."""
        ...


def worst(findings: Iterable[Severe]) -> Severity | None:
    """The gravest severity among findings; None if there are none."""
    return min((finding.severity for finding in findings), key=SEVERITIES.index, default=None)
