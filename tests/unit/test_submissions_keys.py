from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from attestation_fixtures import SUBMITTER, raw_key
from tinybench.errors import DataError, UsageError
from tinybench.submissions import keys
from tinybench.submissions.keys import PublicKey, is_exposed, read_private_key

FORMATS = [PrivateFormat.OpenSSH, PrivateFormat.PKCS8]


def no_passphrase() -> str:
    raise AssertionError("nothing has a passphrase here")


def write(folder: Path, form: PrivateFormat, encryption: KeySerializationEncryption | None = None) -> Path:
    path = folder / "key"
    path.write_bytes(raw_key(1).private_bytes(Encoding.PEM, form, encryption or NoEncryption()))
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_private_keys_of_both_formats(tmp_path: Path, form: PrivateFormat) -> None:
    assert read_private_key(write(tmp_path, form), no_passphrase).public == SUBMITTER.public


@pytest.mark.parametrize("form", FORMATS)
def test_a_passphrase_is_asked_for_once(tmp_path: Path, form: PrivateFormat) -> None:
    path = write(tmp_path, form, BestAvailableEncryption("Schlüssel".encode()))
    asked: list[None] = []

    def ask(answer: str) -> Callable[[], str]:
        return lambda: asked.append(None) or answer  # type: ignore[func-returns-value]

    assert read_private_key(path, ask("Schlüssel")).public == SUBMITTER.public
    assert len(asked) == 1
    for wrong in ("other", ""):
        with pytest.raises(DataError, match="wrong passphrase"):
            read_private_key(path, ask(wrong))


@pytest.mark.parametrize("form", [PrivateFormat.OpenSSH, PrivateFormat.PKCS8])
@pytest.mark.parametrize(("algorithm", "name"), [("rsa", "an RSA key"), ("ec", "an ECDSA key")])
def test_other_kinds_of_keys_are_named(
    tmp_path: Path, form: PrivateFormat, algorithm: str, name: str
) -> None:
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = (
        rsa.generate_private_key(65537, 2048)
        if algorithm == "rsa"
        else ec.generate_private_key(ec.SECP256R1())
    )
    path = tmp_path / "key"
    path.write_bytes(key.private_bytes(Encoding.PEM, form, NoEncryption()))
    with pytest.raises(DataError, match=f"key: {name}, but only Ed25519") as raised:
        read_private_key(path, no_passphrase)
    assert "ssh-keygen -t ed25519" in str(raised.value.hint)
    public = key.public_key()
    for encoding, public_form in (
        (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        (Encoding.OpenSSH, PublicFormat.OpenSSH),
    ):
        with pytest.raises(ValueError, match=f"^{name}, but only Ed25519"):
            PublicKey.parse(public.public_bytes(encoding, public_form).decode())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no private key"),
        (b"\x00\xff" * 100, "no private key"),
        (str(SUBMITTER.public).encode(), "no private key"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "damaged"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "damaged"),
        (b"-----BEGIN PRIVATE KEY-----\n" + b"A" * 70_000, "too large"),
    ],
)
def test_what_is_no_private_key(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"{path}: .*{message}"):
        read_private_key(path, no_passphrase)


def test_the_public_half_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "key.pub"
    path.write_text(str(SUBMITTER.public))
    with pytest.raises(DataError) as raised:
        read_private_key(path, no_passphrase)
    assert raised.value.hint == "the public key (.pub) does not sign"


@pytest.mark.parametrize("name", ["missing", "."])
def test_a_key_that_is_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="not a file"):
        read_private_key(tmp_path / name, no_passphrase)


def test_public_keys_of_both_forms_have_one_key_id() -> None:
    public = raw_key(1).public_key()
    openssh = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert PublicKey.parse(f"{openssh} someone@somewhere\n") == PublicKey.parse(pem) == SUBMITTER.public
    assert str(SUBMITTER.public) == openssh
    # as the documentation has it: the last 32 bytes of what either form decodes to
    for text in (openssh.split()[1], "".join(pem.splitlines()[1:-1])):
        assert hashlib.sha256(base64.b64decode(text)[-32:]).hexdigest() == SUBMITTER.public.keyid


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n",
        "\udcff",
        "ssh-ed25519 \x00",
    ],
)
def test_what_is_no_public_key(text: str) -> None:
    with pytest.raises(ValueError, match="no public key in OpenSSH form"):
        PublicKey.parse(text)


@pytest.mark.parametrize(("mode", "exposed"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_a_key_that_others_can_read_is_exposed(tmp_path: Path, mode: int, exposed: bool) -> None:
    path = write(tmp_path, PrivateFormat.OpenSSH)
    path.chmod(mode)
    assert is_exposed(path) is exposed


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
@pytest.mark.parametrize("passphrase", ["", "a secret of some length"])
def test_keys_of_ssh_keygen(tmp_path: Path, passphrase: str) -> None:
    path = tmp_path / "tinybench-key"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    read = read_private_key(path, lambda: passphrase)
    assert read.public == PublicKey.parse(path.with_suffix(".pub").read_text())
    assert not is_exposed(path)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("passphrase", ["", "a secret of some length"])
def test_keys_of_openssl(tmp_path: Path, passphrase: str) -> None:
    path = tmp_path / "key.pem"
    encryption = ["-aes256", "-pass", f"pass:{passphrase}"] if passphrase else []
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ed25519", *encryption, "-out", str(path)], check=True
    )
    command = ["openssl", "pkey", "-in", str(path), "-passin", f"pass:{passphrase}", "-pubout"]
    shown = subprocess.run(command, check=True, capture_output=True)
    assert read_private_key(path, lambda: passphrase).public == PublicKey.parse(shown.stdout.decode())
    assert not is_exposed(path)


def test_without_the_extra_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'tinybench-suite\[sign\]'"):
        read_private_key(write(tmp_path, PrivateFormat.OpenSSH), no_passphrase)
    with pytest.raises(UsageError, match=r"pip install 'tinybench-suite\[sign\]'"):
        PublicKey.parse(str(SUBMITTER.public))
