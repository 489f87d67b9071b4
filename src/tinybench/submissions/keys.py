"""Ed25519 keys: private ones that sign, public ones that verify, and what they are called.

A key is called by its *key id*: the SHA-256, in hex, of the 32 bytes of the public key (RFC 8032, 5.1.5).
Both forms in which public keys are written end in these bytes, so that ``tail -c 32 | sha256sum`` on the
decoded key gives the key id without tinybench.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tinybench.errors import DataError, UsageError
from tinybench.extras import installing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.signer import CryptoSigner, SSlibKey

EXTRA: Final = installing("sign")
_LARGEST_KEY_BYTES: Final = 64 * 1024
_MAKE_ONE: Final = "make one: ssh-keygen -t ed25519 -f tinybench-key"
_OPENSSH: Final = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_PKCS8: Final = (b"-----BEGIN PRIVATE KEY-----", b"-----BEGIN ENCRYPTED PRIVATE KEY-----")


def available() -> bool:
    """Whether the extra ``sign`` is installed."""
    return all(find_spec(name) is not None for name in ("securesystemslib", "cryptography", "bcrypt"))


def require() -> None:
    """Check that signatures can be made and verified.

    Raises:
        UsageError: the extra ``sign`` is not installed.
    """
    if not available():
        raise UsageError(f"signatures need the extra 'sign': {EXTRA}")


@dataclass(frozen=True)
class PublicKey:
    """What verifies the signatures of one private key."""

    raw: bytes
    """32 bytes (RFC 8032, 5.1.2)."""

    @property
    def keyid(self) -> str:
        """SHA-256 of ``raw``, in hex."""
        return hashlib.sha256(self.raw).hexdigest()

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Read ``ssh-ed25519 AAAA… comment`` or PEM (``-----BEGIN PUBLIC KEY-----``).

        Raises:
            ValueError: it is neither, or not an Ed25519 key; the message says what it is.
            UsageError: the extra ``sign`` is not installed.
        """
        require()
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key, load_ssh_public_key

        data = text.strip().encode(errors="replace")
        load = load_pem_public_key if data.startswith(b"-----") else load_ssh_public_key
        try:
            key = load(data)
        except (ValueError, UnsupportedAlgorithm):
            raise ValueError("no public key in OpenSSH form ('ssh-ed25519 AAAA…') or PEM") from None
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError(f"{_kind(key)}, but only Ed25519 keys sign here")
        return cls(key.public_bytes_raw())

    def __str__(self) -> str:
        """The key in OpenSSH form, on one line."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        key = Ed25519PublicKey.from_public_bytes(self.raw)
        return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()

    def for_envelopes(self) -> SSlibKey:
        """The key as securesystemslib takes it, under our key id."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from securesystemslib.signer import SSlibKey

        return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(self.raw), keyid=self.keyid)


@dataclass(frozen=True)
class PrivateKey:
    """What signs."""

    signer: CryptoSigner
    public: PublicKey


def read_private_key(path: Path, ask: Callable[[], str]) -> PrivateKey:
    """Read an Ed25519 private key: OpenSSH's own format, or PEM PKCS#8.

    Args:
        path: the key file.
        ask: gives the passphrase; called once, and only if the key has one.

    Raises:
        DataError: the file cannot be read, holds no private key or one of another kind, or the passphrase
            is wrong.
        UsageError: the extra ``sign`` is not installed.
    """
    require()
    from securesystemslib.signer import CryptoSigner

    key = _load(_read(path), path, ask)
    public = PublicKey(key.public_key().public_bytes_raw())
    return PrivateKey(CryptoSigner(key, public.for_envelopes()), public)


def is_exposed(path: Path) -> bool:
    """Whether others than its owner may read the file: then it is no secret."""
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _read(path: Path) -> bytes:
    try:
        # Before it is opened: a pipe would wait for its other end.
        if not path.is_file():
            raise DataError(f"{path}: not a file", hint=_MAKE_ONE)
        with path.open("rb") as stream:
            data = stream.read(_LARGEST_KEY_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from None
    if len(data) > _LARGEST_KEY_BYTES:
        raise DataError(f"{path}: too large to be a key (over {_LARGEST_KEY_BYTES} bytes)", hint=_MAKE_ONE)
    return data


def _load(data: bytes, path: Path, ask: Callable[[], str]) -> Ed25519PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    text = data.lstrip()
    load: Callable[[bytes, bytes | None], object]
    if text.startswith(_OPENSSH):
        load = load_ssh_private_key
    elif text.startswith(_PKCS8):
        load = load_pem_private_key
    else:
        raise DataError(
            f"{path}: no private key in OpenSSH form or PEM (PKCS#8)",
            hint="the public key (.pub) does not sign" if b"ssh-ed25519 " in data[:100] else _MAKE_ONE,
        )
    passphrase: str | None = None
    try:
        try:
            key = load(data, None)
        except TypeError:  # how both say that there is a passphrase
            passphrase = ask()
            key = load(data, passphrase.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        if passphrase is not None:
            raise DataError(f"{path}: wrong passphrase, or the key is damaged") from None
        raise DataError(f"{path}: the key is damaged", hint=_MAKE_ONE) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise DataError(f"{path}: {_kind(key)}, but only Ed25519 keys sign here", hint=_MAKE_ONE)
    return key


def _kind(key: object) -> str:
    """``an RSA key`` for an object of cryptography."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return "an RSA key"
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        return "an ECDSA key"
    return "a key of another kind"
