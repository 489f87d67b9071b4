"""``tinybench submit sign`` and ``tinybench submit verify``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from tinybench.submissions.attestation import Check, Statement, Subject, Vouch
    from tinybench.submissions.findings import Finding
    from tinybench.submissions.signatures import Judged
    from tinybench.submissions.signing import Verified
    from tinybench.submissions.trusted_keys import TrustedKeys
    from tinybench.submissions.verdict import Found

PASSPHRASE: Final = "TINYBENCH_KEY_PASSPHRASE"

_FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE: Final = click.Path(path_type=Path)


@click.command()
@click.argument("folder", type=_FOLDER)
@click.option("--key", type=_FILE, required=True, help="Ed25519 private key: OpenSSH or PEM (PKCS#8).")
@click.option(
    "--as",
    "kind",
    type=click.Choice(["submission", "check"]),
    default="submission",
    help="What to state: these files are ours; or, as a reviewer, what the rules find, which are run now.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@click.pass_context
def sign(context: click.Context, folder: Path, key: Path, kind: str, as_json: bool) -> None:
    """Sign the manifest of a submission.

    FOLDER is submissions/<round>/<organisation>/<system>. No file is changed; one is added to attestations/.
    The passphrase of the key is asked for, or taken from TINYBENCH_KEY_PASSPHRASE.
    """
    from tinybench.cli._console import echo_json
    from tinybench.submissions import keys, signing
    from tinybench.submissions.attestation import Statement

    keys.require()
    signable = signing.look(folder)
    if signable.subject is None or not signable.holds:
        _print_findings(signable.findings)
        click.echo("not signed: the files do not hold", err=True)
        context.exit(1)
    # The key first: nobody should wait for a check to hear that the passphrase is wrong.
    private = keys.read_private_key(key, lambda: _passphrase(key))
    if keys.is_exposed(key):
        _warn(f"{key} can be read by others: chmod 600 {key}")
    predicate = _check(folder, signable.subject) if kind == "check" else _vouch()
    statement = Statement(signable.subject, predicate)
    path = signing.write_signed(folder, statement, private)
    is_trusted = _trusted(folder, None).get(private.public.keyid) is not None
    if as_json:
        document = _statement(statement) | {
            "path": str(path),
            "keyid": private.public.keyid,
            "public_key": str(private.public),
            "trusted": is_trusted,
        }
        echo_json(document)
    else:
        for line in _told(statement):
            click.echo(line)
        click.echo(f"key       {private.public.keyid}")
        click.echo(f"wrote     {path}")
    if not is_trusted:
        _warn(
            f"the signature counts once this key is in {signing.keys_beside(folder)}: "
            f'public_key = "{private.public}"'
        )


@click.command()
@click.argument("folder", type=_FOLDER)
@click.option(
    "--keys",
    type=_FILE,
    help="Whose signatures count.  [default: trusted-keys.toml in the folder submissions]",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_context
def verify(context: click.Context, folder: Path, keys: Path | None, as_json: bool) -> None:
    """Verify files, manifest and signatures of a submission.

    Exit code 1 if no signature of a trusted key counts, or anything is wrong.
    """
    from tinybench.cli._console import echo_json
    from tinybench.submissions import signing
    from tinybench.submissions.keys import require

    require()
    verified = signing.verify(folder, _trusted(folder, keys))
    if as_json:
        echo_json(_document(verified))
    else:
        _show(verified)
    if not verified.holds:
        context.exit(1)


def _trusted(folder: Path, keys: Path | None) -> TrustedKeys:
    """The keys of the file that was named, or of the one beside the submission if there is one."""
    from tinybench.submissions.signing import keys_beside
    from tinybench.submissions.trusted_keys import TrustedKeys, read_trusted_keys

    path = keys or keys_beside(folder)
    return read_trusted_keys(path) if keys or path.exists() else TrustedKeys()


def _passphrase(key: Path) -> str:
    from tinybench.cli._console import plain
    from tinybench.errors import UsageError

    given = os.environ.get(PASSPHRASE)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise UsageError(f"{key}: has a passphrase, and nobody can be asked", hint=f"set {PASSPHRASE}")
    answer: str = click.prompt(f"Passphrase of {plain(str(key))}", hide_input=True, err=True)
    return answer


def _vouch() -> Vouch:
    from datetime import UTC, datetime

    from tinybench._version import __version__
    from tinybench.submissions.attestation import OURS, Vouch

    return Vouch(statement=OURS, signed_at=datetime.now(UTC), tinybench=__version__)


def _check(folder: Path, subject: Subject) -> Check:
    from datetime import UTC, datetime

    from tinybench._version import __version__
    from tinybench.cli._console import progress
    from tinybench.errors import DataError
    from tinybench.submissions.check import check
    from tinybench.submissions.rulebook import version
    from tinybench.submissions.signing import about_files, check_of, root_of

    with progress() as report:
        # No key is trusted here: a reviewer states what was found now, not what others stated.
        checked = check(root_of(folder), [subject.place], trusted=None, cache=False, progress=report)
    (verdict,) = checked.submissions
    if verdict.digest != subject.manifest_sha256:
        raise DataError(f"{folder}: changed while it was checked", hint="wait until it is complete")
    _print_findings(about_files(verdict))
    return check_of(verdict, signed_at=datetime.now(UTC), tinybench=__version__, rules=version())


def _statement(statement: Statement) -> dict[str, Any]:
    return {
        "kind": statement.kind,
        "submission": statement.subject.place.path,
        "manifest_sha256": statement.subject.manifest_sha256,
        "predicate": statement.predicate.model_dump(mode="json"),
    }


def _document(verified: Verified) -> dict[str, Any]:
    subject = verified.signable.subject
    return {
        "holds": verified.holds,
        "submission": None if subject is None else subject.place.path,
        "manifest_sha256": None if subject is None else subject.manifest_sha256,
        "attestations": [
            {
                "path": item.path,
                "keyid": item.keyid,
                "counts": item.counts,
                "key": None
                if item.key is None
                else {"name": item.key.name, "role": item.key.role, "organisation": item.key.organisation},
                "statement": None if item.statement is None else _statement(item.statement),
                "findings": _records(item.findings),
            }
            for item in verified.judged
        ],
        "findings": _records(verified.signable.findings),
    }


def _records(findings: Iterable[Finding]) -> list[dict[str, str]]:
    from tinybench.submissions.verdict import Found

    return [Found.of(finding).model_dump() for finding in findings]


def _show(verified: Verified) -> None:
    from tinybench.cli._console import Column, print_table, stdout

    if verified.judged:
        columns = [Column("attestation"), Column("by"), Column("signed at", whole=True), Column("counts")]
        print_table(stdout(), columns, [_row(item) for item in verified.judged])
    for item in verified.judged:
        if item.counts and item.statement is not None:
            for line in _told(item.statement):
                click.echo(line)
    _print_findings(verified.findings)
    counting = sum(item.counts for item in verified.judged)
    summary = f"{counting} of {len(verified.judged)} attestations count"
    if verified.holds:
        click.echo(f"verified: the files are those of the manifest, and {summary}")
    else:
        click.echo(f"not verified: {summary}", err=True)
        if not verified.judged:
            advice = (
                "nobody signed it; 'tinybench submit sign' does, 'tinybench submit check' needs no signature"
            )
            click.echo(f"{click.style('hint:', fg='cyan')} {advice}", err=True)


def _row(item: Judged) -> tuple[str, str, str, str]:
    by = f"key {item.keyid}" if item.key is None else f"{item.key.name}, {item.key.role}"
    if item.statement is None:
        return (item.path, by if item.keyid else "–", "–", "no")
    signed_at = item.statement.predicate.model_dump(mode="json")["signed_at"]
    return (item.statement.kind, by, signed_at, "yes" if item.counts else "no")


def _told(statement: Statement) -> Iterator[str]:
    """What a statement says, for people."""
    from tinybench.submissions.attestation import Check

    predicate = statement.predicate
    yield f"about     {statement.subject.place.path}"
    yield f"manifest  {statement.subject.manifest_sha256}"
    if isinstance(predicate, Check):
        counted = ", ".join(f"{severity}s: {count}" for severity, count in predicate.findings)
        yield f"states    {counted}; by rules {predicate.rules} of tinybench {predicate.tinybench}"
        for result, tier in sorted(predicate.tiers.items()):
            yield f"          {result} {tier}"
    else:
        yield f"states    {predicate.statement}"


def _print_findings(findings: Iterable[Finding | Found]) -> None:
    from tinybench.cli._console import plain
    from tinybench.submissions.findings import RULES, Finding
    from tinybench.submissions.verdict import Found

    colours = {"error": "red", "warning": "yellow", "note": "cyan"}
    for finding in findings:
        found = Found.of(finding) if isinstance(finding, Finding) else finding
        severity = click.style(f"{found.severity}:", fg=colours[found.severity])
        click.echo(f"{severity} {found.code} {plain(f'{found.where}: {found.message}')}", err=True)
        click.echo(f"{click.style('hint:', fg='cyan')} {RULES[found.code].hint}", err=True)


def _warn(message: str) -> None:
    from tinybench.cli._console import plain

    click.echo(f"{click.style('warning:', fg='yellow')} {plain(message)}", err=True)
