"""The rules that judge the raw evidence of one result: codes TB2xx, TB3xx and TB4xx.

Each function takes an entry and what was recomputed from its evidence, and yields findings. None reads a
file, a repository or the network: ``tinybench.submissions.recompute`` has read everything once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tinybench.results.schema import MetricName
from tinybench.submissions.entry import Entry
from tinybench.submissions.findings import Finding
from tinybench.submissions.recompute import Recomputed, recompute
from tinybench.submissions.rules.accuracy import check_accuracy, check_quality
from tinybench.submissions.rules.board import check_board
from tinybench.submissions.rules.energy import check_energy
from tinybench.submissions.rules.latency import check_latency
from tinybench.submissions.rules.logs import check_logs
from tinybench.submissions.rules.streaming import check_streaming
from tinybench.submissions.rules.windows import check_windows
from tinybench.submissions.system import Division

__all__ = ["Examined", "examine"]

_FROM_EVIDENCE: Final[frozenset[MetricName]] = frozenset(
    {
        "accuracy.top1",
        "accuracy.auc",
        "latency.per_inference",
        "throughput",
        "energy.per_inference",
        "energy.above_baseline",
        "power.active",
        "power.average",
        "streaming.true_positives",
        "streaming.false_negatives",
        "streaming.false_positives",
        "streaming.duty_cycle",
        "streaming.period",
    }
)
"""What raw logs can prove; sizes of memories, for example, they cannot."""


@dataclass(frozen=True)
class Examined:
    """One result held against its evidence."""

    entry: Entry
    facts: Recomputed
    findings: tuple[Finding, ...]

    @property
    def evidence_checked(self) -> bool:
        """Whether latency, and accuracy, energy and power where stated, were recomputed without an error.

        That makes a result *evidence-checked*, if all of these were measured.
        """
        judged = {
            metric.name: metric for metric in self.entry.result.metrics if metric.name in _FROM_EVIDENCE
        }
        timed = bool(judged.keys() & {"latency.per_inference", "throughput"})
        measured = all(metric.mode == "measured" for metric in judged.values())
        errors = any(finding.rule.severity == "error" for finding in self.findings)
        return timed and measured and judged.keys() <= self.facts.metrics and not errors


def examine(
    entry: Entry, *, division: Division | None = None, labels: Mapping[str, int] | None = None
) -> Examined:
    """Recompute what the evidence of a result says, and hold the result to all rules about it.

    Args:
        entry: the result and its evidence.
        division: of the submission; None: that of the source, else closed.
        labels: classes of samples, see ``recompute``.
    """
    if division is None:
        division = entry.result.source.division if entry.result.source else "closed"
    facts = recompute(entry, labels=labels)
    findings = (
        *check_quality(entry, division),
        *check_accuracy(entry, facts),
        *check_logs(entry, facts),
        *check_windows(entry, facts),
        *check_latency(entry, facts),
        *check_energy(entry, facts),
        *check_board(entry, facts),
        *check_streaming(entry, facts, division),
    )
    return Examined(entry, facts, findings)
