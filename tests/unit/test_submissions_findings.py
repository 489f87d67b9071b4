from __future__ import annotations

import pytest

from tinybench.submissions import findings
from tinybench.submissions.findings import RULES, Rule, rule, worst


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> dict[str, Rule]:
    empty: dict[str, Rule] = {}
    monkeypatch.setattr(findings, "RULES", empty)
    return empty


def declare(code: str = "TB999", name: str = "some-rule", severity: str = "error") -> Rule:
    return rule(code, name, severity, title="A  title", why="It\n matters.", hint="Mend it.")  # type: ignore[arg-type]


def test_a_rule_is_registered_under_its_code_with_plain_text(registry: dict[str, Rule]) -> None:
    declared = declare()
    assert registry == {"TB999": declared}
    assert (declared.title, declared.why) == ("A title", "It matters.")


@pytest.mark.parametrize(("code", "name"), [("TB99", "a"), ("X001", "a"), ("TB9999", "a"), ("TB999", "A_b")])
def test_a_malformed_code_or_name_is_refused(registry: dict[str, Rule], code: str, name: str) -> None:
    with pytest.raises(ValueError, match="is no code and name"):
        declare(code, name)
    assert not registry


@pytest.mark.parametrize(("code", "name"), [("TB999", "another-name"), ("TB998", "some-rule")])
def test_two_rules_never_share_a_code_or_a_name(registry: dict[str, Rule], code: str, name: str) -> None:
    declare()
    with pytest.raises(ValueError, match="two rules"):
        declare(code, name)


def test_the_worst_finding_decides(registry: dict[str, Rule]) -> None:
    error, warning, note = (
        declare(f"TB99{i}", f"rule-{i}", s).found("a", "b") for i, s in enumerate(findings.SEVERITIES)
    )
    assert worst((note, warning)) == "warning"
    assert worst((note, error, warning)) == "error"
    assert worst(()) is None


def test_every_rule_that_is_declared_explains_itself() -> None:
    for declared in RULES.values():
        assert all((declared.title, declared.why, declared.hint)), declared.code
