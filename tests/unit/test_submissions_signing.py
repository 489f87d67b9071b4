from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

import complete_submission
from attestation_fixtures import PLACE, REVIEWER, STRANGER, SUBMITTER, outcome, raw_key, trusted, vouch
from tinybench.cli import _main, _submit_sign
from tinybench.errors import OutputError, UsageError
from tinybench.submissions import keys, manifest, memory, rulebook
from tinybench.submissions.attestation import Subject, file_name
from tinybench.submissions.check import check
from tinybench.submissions.report import rows
from tinybench.submissions.scanning import scan
from tinybench.submissions.signing import keys_beside, look, verify, write_signed
from tinybench.submissions.trusted_keys import TrustedKeys

TRUSTED = TrustedKeys((trusted("submitter", SUBMITTER), trusted("reviewer", REVIEWER)))
SYSTEM = b'# what was measured\ntitle = "Board A"\n'


def repack(folder: Path) -> None:
    manifest.write(folder, manifest.build(folder, scan(folder).inventory))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "submissions" / PLACE.path
    made.mkdir(parents=True)
    (made / "system.toml").write_bytes(SYSTEM)
    repack(made)
    return made


def subject(folder: Path) -> Subject:
    found = look(folder).subject
    assert found is not None
    return found


def test_what_was_signed_is_verified(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    path = write_signed(folder, vouch(subject(folder)), SUBMITTER)
    assert path == folder / "attestations" / file_name(SUBMITTER.public.keyid, "submission")
    assert {path: path.read_bytes() for path in before} == before
    verified = verify(folder, TRUSTED)
    assert verified.holds
    assert verified.findings == ()
    assert [item.counts for item in verified.judged] == [True]


def test_several_people_sign_in_files_of_their_own(folder: Path) -> None:
    write_signed(folder, vouch(subject(folder)), SUBMITTER)
    write_signed(folder, outcome(subject(folder)), REVIEWER)
    write_signed(folder, outcome(subject(folder)), REVIEWER)  # again: replaces the same file
    write_signed(folder, vouch(subject(folder)), STRANGER)
    verified = verify(folder, TRUSTED)
    assert verified.holds
    assert sorted(item.counts for item in verified.judged) == [False, True, True]


def test_nothing_holds_without_a_signature_that_counts(folder: Path) -> None:
    assert not verify(folder, TRUSTED).holds
    write_signed(folder, vouch(subject(folder)), STRANGER)
    verified = verify(folder, TRUSTED)
    assert [finding.rule.code for finding in verified.findings] == ["TB806"]
    assert not verified.holds


def test_a_file_that_changed_is_found_though_the_signature_is_good(folder: Path) -> None:
    write_signed(folder, vouch(subject(folder)), SUBMITTER)
    (folder / "system.toml").write_bytes(SYSTEM.replace(b"A", b"B"))
    verified = verify(folder, TRUSTED)
    assert [item.counts for item in verified.judged] == [True]
    assert not verified.holds
    repack(folder)
    verified = verify(folder, TRUSTED)
    assert [finding.rule.code for finding in verified.findings] == ["TB804"]
    assert not verified.holds


def test_a_signature_that_was_copied_from_another_submission(folder: Path) -> None:
    path = write_signed(folder, vouch(subject(folder)), SUBMITTER)
    other = folder.with_name("board-b")
    (other / "attestations").mkdir(parents=True)
    for name in ("system.toml", "manifest.json", f"attestations/{path.name}"):
        (other / name).write_bytes((folder / name).read_bytes())
    assert [finding.rule.code for finding in verify(other, TRUSTED).findings] == ["TB803"]


def test_without_a_manifest_nothing_can_be_signed(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    signable = look(folder)
    assert (signable.subject, signable.holds) == (None, False)
    assert not verify(folder, TRUSTED).holds


def test_what_is_no_submission_folder(tmp_path: Path) -> None:
    (tmp_path / "Some Folder").mkdir()
    with pytest.raises(UsageError, match="is not the folder of a submission"):
        look(tmp_path / "Some Folder")


def test_a_link_in_place_of_the_folder_is_not_written_through(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    about = subject(folder)
    (folder / "attestations").symlink_to(elsewhere)
    assert not look(folder).holds
    with pytest.raises(OutputError, match="symbolic link"):
        write_signed(folder, vouch(about), SUBMITTER)
    assert list(elsewhere.iterdir()) == []


def test_a_link_in_place_of_the_file_is_replaced(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    (folder / "attestations").mkdir()
    (folder / "attestations" / file_name(SUBMITTER.public.keyid, "submission")).symlink_to(target)
    path = write_signed(folder, vouch(subject(folder)), SUBMITTER)
    assert not path.is_symlink()
    assert target.read_text() == "mine"


# The commands


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs ``sign`` or ``verify`` as the command line does, errors included."""
    group = click.Group("submit", commands=[_submit_sign.sign, _submit_sign.verify])
    monkeypatch.setattr(_main, "group", group)
    monkeypatch.delenv(_submit_sign.PASSPHRASE, raising=False)
    return lambda *arguments: _main.main([str(argument) for argument in arguments])


def key_file(folder: Path, passphrase: str = "", seed: int = 1) -> Path:
    path = folder / "key"
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    path.write_bytes(raw_key(seed).private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption))
    path.chmod(0o600)
    return path


def trust(folder: Path) -> None:
    keys_beside(folder).write_text(
        f'[[keys]]\nname = "Board\\u001b[31m team"\nrole = "submitter"\norganisation = "example-silicon"\n'
        f'public_key = "{SUBMITTER.public}"\nvalid_from = 2020-01-01\n'
    )


def test_sign_and_verify(
    run: Callable[..., int], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trust(folder)
    assert run("sign", folder, "--key", key_file(tmp_path)) == 0
    out, err = capsys.readouterr()
    assert "The files that this manifest lists are ours" in out
    assert SUBMITTER.public.keyid in out
    assert err == ""
    assert run("verify", folder) == 0
    out, err = capsys.readouterr()
    assert "yes" in out
    assert "verified: the files are those of the manifest, and 1 of 1 attestations count" in out
    assert "\x1b" not in out
    assert err == ""


def test_both_print_json(
    run: Callable[..., int], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trust(folder)
    assert run("sign", folder, "--key", key_file(tmp_path), "--json") == 0
    signed = json.loads(capsys.readouterr().out)
    assert signed["trusted"] is True
    assert (signed["kind"], signed["submission"]) == ("submission", PLACE.path)
    assert run("verify", folder, "--json") == 0
    verified = json.loads(capsys.readouterr().out)
    assert verified["holds"] is True
    (attestation,) = verified["attestations"]
    assert attestation["counts"] is True
    assert attestation["key"]["organisation"] == "example-silicon"
    assert attestation["statement"]["manifest_sha256"] == signed["manifest_sha256"]


def test_a_key_that_nobody_trusts_yet(
    run: Callable[..., int], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("sign", folder, "--key", key_file(tmp_path)) == 0
    assert f'public_key = "{SUBMITTER.public}"' in capsys.readouterr().err
    assert run("verify", folder) == 1
    err = capsys.readouterr().err
    assert "TB806" in err
    assert "not verified: 0 of 1 attestations count" in err
    own = tmp_path / "own.toml"
    trust(folder)
    keys_beside(folder).rename(own)
    assert run("verify", folder, "--keys", own) == 0


def test_nothing_is_signed_that_does_not_match(
    run: Callable[..., int], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "system.toml").write_bytes(SYSTEM.replace(b"A", b"B"))
    assert run("sign", folder, "--key", key_file(tmp_path)) == 1
    assert "TB027" in capsys.readouterr().err
    assert not (folder / "attestations").exists()


def test_verify_says_that_nothing_is_signed(
    run: Callable[..., int], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("verify", folder) == 1
    err = capsys.readouterr().err
    assert "not verified: 0 of 0 attestations count" in err
    assert "hint: nobody signed it" in err


def test_the_passphrase_from_the_environment(
    run: Callable[..., int],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    key = key_file(tmp_path, "secret")
    assert run("sign", folder, "--key", key) == 2
    assert f"set {_submit_sign.PASSPHRASE}" in capsys.readouterr().err
    monkeypatch.setenv(_submit_sign.PASSPHRASE, "wrong")
    assert run("sign", folder, "--key", key) == 2
    assert "wrong passphrase" in capsys.readouterr().err
    monkeypatch.setenv(_submit_sign.PASSPHRASE, "secret")
    assert run("sign", folder, "--key", key) == 0
    assert "secret" not in "".join(capsys.readouterr())


def test_the_passphrase_is_asked_for_on_a_terminal(
    run: Callable[..., int],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[str] = []

    def answer(text: str, **options: bool) -> str:
        assert options == {"hide_input": True, "err": True}
        asked.append(text)
        return "secret"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(click, "prompt", answer)
    key = key_file(tmp_path, "secret")
    assert run("sign", folder, "--key", key) == 0
    assert asked == [f"Passphrase of {key}"]


def test_a_key_that_others_can_read_is_warned_about(
    run: Callable[..., int], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = key_file(tmp_path)
    key.chmod(0o644)
    assert run("sign", folder, "--key", key) == 0
    assert f"chmod 600 {key}" in capsys.readouterr().err
    assert stat.S_IMODE(key.stat().st_mode) == 0o644


@pytest.mark.parametrize("command", ["sign", "verify"])
def test_without_the_extra_one_line_says_so(
    run: Callable[..., int],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    monkeypatch.setattr(keys, "find_spec", lambda name: None)
    arguments = ["--key", key_file(tmp_path)] if command == "sign" else []
    assert run(command, folder, *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip install 'tinybench-suite[sign]'" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sign", "."], "Missing option '--key'"),
        (["sign", "missing", "--key", "k"], "does not exist"),
        (["verify", "missing"], "does not exist"),
        (["verify", "/"], "is not the folder of a submission"),
    ],
)
def test_wrong_use(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run(*arguments) == 2
    assert message in capsys.readouterr().err


def test_a_hostile_name_of_a_file_is_spelled_out(
    run: Callable[..., int], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "attestations").mkdir()
    Path(os.fsdecode(os.fsencode(folder / "attestations") + b"/\x1b[31m\xff.dsse.json")).write_text("{}")
    assert run("verify", folder) == 1
    assert "\x1b[31m" not in "".join(capsys.readouterr())


# The outcome of a check


def trust_reviewer(root: Path) -> Path:
    path = root / "trusted-keys.toml"
    path.write_text(
        f'[[keys]]\nname = "A reviewer"\nrole = "reviewer"\n'
        f'public_key = "{REVIEWER.public}"\nvalid_from = 2020-01-01\n'
    )
    return path


def test_a_reviewer_signs_what_the_rules_find_now(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "submissions"
    folder = complete_submission.measured().write(root)
    trusted_keys = trust_reviewer(root)
    assert run("sign", folder, "--key", key_file(tmp_path, seed=2), "--as", "check", "--json") == 0
    signed = json.loads(capsys.readouterr().out)
    assert signed["kind"] == "check"
    predicate = signed["predicate"]
    assert predicate["findings"] == {"error": 0, "warning": 0, "note": 0}
    assert list(predicate["tiers"].values()) == ["evidence-checked"]
    assert predicate["rules"] == rulebook.version()
    assert run("verify", folder) == 0
    out = capsys.readouterr().out
    assert "errors: 0, warnings: 0, notes: 0" in out
    assert "evidence-checked" in out
    assert rows(check(root, trusted=trusted_keys, cache=False, rerun=False)) == []


def test_a_reviewer_signs_a_bad_outcome_too(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "submissions"
    draft = complete_submission.measured()
    draft.set("latency.per_inference", 1e-9)
    folder = draft.write(root)
    trust_reviewer(root)
    key = key_file(tmp_path, seed=2)
    assert run("sign", folder, "--key", key, "--as", "check", "--json") == 0
    out, err = capsys.readouterr()
    first = json.loads(out)
    assert first["predicate"]["findings"]["error"] == err.count("error: TB") > 0
    # what is said about attestations is not counted: signing again counts the same
    (folder / "attestations" / file_name(STRANGER.public.keyid, "check")).write_text("{}")
    assert run("sign", folder, "--key", key, "--as", "check", "--json") == 0
    out, err = capsys.readouterr()
    assert "TB8" not in err.replace(str(tmp_path), "")
    again = json.loads(out)
    assert again["predicate"]["findings"] == first["predicate"]["findings"]


def test_a_tier_that_a_reviewer_signed_is_shown_where_that_key_is_trusted(tmp_path: Path) -> None:
    root = tmp_path / "submissions"
    draft = complete_submission.published()
    draft.evidence.clear()
    folder = draft.write(root)

    def tier(trusted: Path | None) -> tuple[str, str]:
        (verdict,) = check(root, trusted=trusted, cache=False, rerun=False).submissions
        (result,) = verdict.results
        return result.id, result.tier

    trusted_keys = trust_reviewer(root)
    result_id, before = tier(trusted_keys)
    assert before == "published elsewhere"
    statement = outcome(subject(folder), tiers={result_id: "evidence-checked"})
    write_signed(folder, statement, REVIEWER)
    assert tier(trusted_keys) == (result_id, "evidence-checked")
    assert tier(None) == (result_id, before)
    # of other files, the same statement says nothing
    (folder / "README.md").write_text("One more file.\n")
    repack(folder)
    assert tier(trusted_keys) == (result_id, before)


def test_a_check_without_the_extra_says_so_and_one_with_it_does_not_remember_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "submissions"
    folder = complete_submission.published().write(root)
    trusted_keys = trust_reviewer(root)
    write_signed(folder, outcome(subject(folder)), REVIEWER)
    monkeypatch.setenv("TINYBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(memory, "_SETTLED_NS", -1)

    def found() -> list[str]:
        return [row.code for row in rows(check(root, trusted=trusted_keys, rerun=False, jobs=1))]

    with monkeypatch.context() as without:
        without.setattr(keys, "find_spec", lambda name: None)
        assert found() == ["TB810"]
    assert found() == []


def test_the_version_of_the_rules_is_one_that_a_statement_can_hold() -> None:
    assert outcome(rules=rulebook.version()).predicate
    assert rulebook.version() == rulebook.version()
