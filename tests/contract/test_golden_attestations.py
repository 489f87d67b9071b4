"""Attestations stay what they are: their bytes, and how to verify them without tinybench.

The files in ``golden_attestations`` are never made anew: those that users signed cannot be either.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature

from attestation_fixtures import PLACE, REVIEWER, SUBMITTER, TRUSTED, outcome, path_of, raw_key, vouch
from tinybench.submissions.attestation import Statement, Subject, sign
from tinybench.submissions.keys import PrivateKey
from tinybench.submissions.signatures import judge
from tinybench.submissions.trusted_keys import read_trusted_keys

GOLDEN = Path(__file__).parent / "golden_attestations"
FOLDER = GOLDEN / PLACE.path
SUBJECT = Subject(PLACE, hashlib.sha256((FOLDER / "manifest.json").read_bytes()).hexdigest())
SIGNED = [(vouch(SUBJECT), SUBMITTER, 1), (outcome(SUBJECT), REVIEWER, 2)]
SHELL_TOOLS = ("jq", "openssl", "sha256sum", "bash")


@pytest.mark.parametrize(("statement", "key", "seed"), SIGNED)
def test_signing_gives_the_bytes_that_it_gave_before(
    statement: Statement, key: PrivateKey, seed: int
) -> None:
    path = FOLDER / path_of(key, statement.kind)
    assert sign(statement, key).to_bytes() == path.read_bytes()
    assert judge(path_of(key, statement.kind), path.read_bytes(), SUBJECT, TRUSTED).counts


@pytest.mark.parametrize(("statement", "key", "seed"), SIGNED)
def test_cryptography_alone_verifies_them(statement: Statement, key: PrivateKey, seed: int) -> None:
    envelope = json.loads((FOLDER / path_of(key, statement.kind)).read_bytes())
    payload = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"]
    signed = b" ".join([b"DSSEv1", b"%d" % len(kind), kind.encode(), b"%d" % len(payload), payload])
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    public = raw_key(seed).public_key()
    public.verify(signature, signed)
    with pytest.raises(InvalidSignature):
        public.verify(signature, signed + b" ")


def recipe() -> str:
    """The shell commands under "Verify without tinybench"."""
    page = (Path(__file__).parents[2] / "site/docs/attestation.md").read_text()
    found = re.search(r"## Verify without tinybench.*?```sh\n(.*?)```", page, re.DOTALL)
    assert found is not None
    return found[1]


def follow_recipe(folder: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    key = tmp_path / "key.pub"
    key.write_text(f"{SUBMITTER.public} someone\n")
    environment = {"PATH": "/usr/bin:/bin", "FOLDER": str(folder), "KEY": str(key), "TMPDIR": str(tmp_path)}
    command = ["bash", "-e", "-o", "pipefail", "-c", recipe()]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.skipif(not all(map(shutil.which, SHELL_TOOLS)), reason=f"needs {', '.join(SHELL_TOOLS)}")
def test_the_recipe_of_the_documentation_verifies_them(tmp_path: Path) -> None:
    done = follow_recipe(FOLDER, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Signature Verified Successfully" in done.stdout
    shown = json.loads(done.stdout[done.stdout.index("{") :])
    assert shown == {
        "subject": SUBJECT.name,
        "predicate": json.loads(vouch(SUBJECT).to_bytes())["predicate"],
    }


@pytest.mark.skipif(not all(map(shutil.which, SHELL_TOOLS)), reason=f"needs {', '.join(SHELL_TOOLS)}")
@pytest.mark.parametrize("file", ["manifest.json", "system.toml", path_of(SUBMITTER, "submission")])
def test_the_recipe_of_the_documentation_finds_a_change(tmp_path: Path, file: str) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(FOLDER, folder)
    changed = (folder / file).read_bytes()
    # one character: of a comment, of a hash, or of a payload
    target = {"system.toml": b"#", "manifest.json": b"a"}.get(file, b"eyJf")
    (folder / file).write_bytes(changed.replace(target, b"b" if len(target) == 1 else b"eyJg", 1))
    assert follow_recipe(folder, tmp_path).returncode != 0


def test_the_trusted_keys_of_this_repository_can_be_read() -> None:
    read_trusted_keys(Path(__file__).parents[2] / "submissions/trusted-keys.toml")
