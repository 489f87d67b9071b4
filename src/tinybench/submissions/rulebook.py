"""The pages of the rules: one for each, written from what the code declares (``make rules``)."""

from __future__ import annotations

import hashlib
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

from tinybench import markdown, submissions
from tinybench.submissions.findings import RULES, Rule

_CHAPTERS: Final = {
    "TB0": "Files and manifest",
    "TB1": "Schema, system, names, identity",
    "TB2": "Model, data and accuracy",
    "TB3": "Windows and latency",
    "TB4": "Energy",
    "TB5": "Plausibility against physics",
    "TB6": "Duplicates",
    "TB7": "Re-execution",
    "TB8": "Attestation",
    "TB9": "Import of what others published",
}
_SEVERITY: Final = {
    "error": "the submission does not hold",
    "warning": "somebody has to look",
    "note": "worth knowing",
}


def all_rules() -> tuple[Rule, ...]:
    """Every rule of submissions and importers, by code."""
    for module in pkgutil.walk_packages(submissions.__path__, f"{submissions.__name__}."):
        if not module.name.endswith(".worker"):
            import_module(module.name)
    return tuple(RULES[code] for code in sorted(RULES))


def version() -> str:
    """Which rules these are, in 16 hex digits: others if one comes, goes or weighs otherwise."""
    lines = "\n".join(f"{rule.code} {rule.name} {rule.severity}" for rule in all_rules())
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def pages() -> dict[str, str]:
    """File name -> Markdown: a page for each rule, and ``index.md``."""
    rules = all_rules()
    return {"index.md": _index(rules), **{f"{rule.code}.md": page(rule) for rule in rules}}


def page(rule: Rule) -> str:
    """The page of one rule."""
    return (
        f"# {rule.code}: {markdown.text(rule.title)}\n\n"
        f"`{rule.name}`, {rule.severity}: {_SEVERITY[rule.severity]}.\n\n"
        f"{markdown.text(rule.why)}\n\n"
        f"**What to do:** {markdown.text(rule.hint)}\n\n"
        "[All rules](index.md)\n"
    )


def write(folder: Path) -> None:
    """Write all pages into ``folder``, and remove those of rules that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for path in folder.glob("TB*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")


def _index(rules: tuple[Rule, ...]) -> str:
    return "\n".join(_index_lines(rules)) + "\n"


def _index_lines(rules: tuple[Rule, ...]) -> Iterator[str]:
    yield "# Rules of submissions"
    yield ""
    yield (
        "What `tinybench submit check` holds a submission to. A code never changes its meaning. An error "
        "fails the check; a warning is for a reviewer to look at; a note is worth knowing. What was "
        "published elsewhere stays as it was published: an error about its evidence and figures (TB210 to "
        "TB599) is a warning there."
    )
    for prefix, title in _CHAPTERS.items():
        of_chapter = [rule for rule in rules if rule.code.startswith(prefix)]
        if not of_chapter:
            continue
        yield ""
        yield f"## {prefix}xx: {title}"
        yield ""
        yield "| Code | Name | Severity | What is wrong |"
        yield "|---|---|---|---|"
        for rule in of_chapter:
            title = markdown.text(rule.title)
            yield f"| [{rule.code}]({rule.code}.md) | `{rule.name}` | {rule.severity} | {title} |"
