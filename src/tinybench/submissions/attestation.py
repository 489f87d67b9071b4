"""Signed statements about a submission: in-toto statements in DSSE envelopes.

What is signed names the submission and the SHA-256 of its manifest, and the manifest has the SHA-256 of every
other file: so a signature covers every byte. The envelope lies beside the manifest and is not listed in it;
signing changes nothing.

Sources: in-toto Attestation Framework, Statement v1; DSSE (Dead Simple Signing Envelope) v1.0.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args

from pydantic import AwareDatetime, BeforeValidator, Field, PlainSerializer, PlainValidator, ValidationError

from tinybench.errors import DataError
from tinybench.files.strict_json import JsonLimits, loads
from tinybench.specs.base import Frozen, Sha256, first_error
from tinybench.submissions.keys import PrivateKey, PublicKey
from tinybench.submissions.layout import KIB, Place, is_slug
from tinybench.submissions.tiers import Tier

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope as DsseEnvelope

Kind = Literal["submission", "check"]
"""A submitter vouches for a ``submission``; a reviewer states the outcome of a ``check``."""

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
PREDICATE_TYPES: Final[dict[Kind, str]] = {
    "submission": "urn:tinybench:attestation:submission:v1",
    "check": "urn:tinybench:attestation:check:v1",
}
OURS: Final = "The files that this manifest lists are ours, and we stand by them."
MAX_BYTES: Final = 64 * KIB
"""Of an envelope. A check of a thousand results has 50 KB."""
SUFFIX: Final = ".dsse.json"

_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_LIMITS: Final = JsonLimits(bytes=MAX_BYTES, depth=8)

Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+_-]*$", max_length=100)]
Count = Annotated[int, Field(ge=0, strict=True)]
ResultId = Annotated[str, Field(pattern=r"^r-[0-9a-f]{16}$")]


def _time(value: object) -> object:
    if isinstance(value, datetime):
        return value.replace(microsecond=0)
    if not isinstance(value, str):
        raise ValueError("must be a text")
    time = datetime.strptime(value, _TIME).replace(tzinfo=UTC)
    if time.strftime(_TIME) != value:
        raise ValueError("must be written as 2026-11-21T10:00:00Z")
    return time


Time = Annotated[AwareDatetime, BeforeValidator(_time), PlainSerializer(lambda time: time.strftime(_TIME))]
"""In whole seconds, UTC."""


class Vouch(Frozen):
    """Predicate of kind ``submission``."""

    statement: Literal["The files that this manifest lists are ours, and we stand by them."]
    signed_at: Time
    """By the clock of the signer."""
    tinybench: Version
    """Version that signed."""


class Findings(Frozen):
    """How many findings of each severity the check had."""

    error: Count
    warning: Count
    note: Count


class Check(Frozen):
    """Predicate of kind ``check``."""

    signed_at: Time
    tinybench: Version
    """Version that checked."""
    rules: Version
    """Version of the rules."""
    findings: Findings
    tiers: dict[ResultId, Tier]
    """Tier of each result; those that are ``reproduced`` were executed again."""

    @property
    def passed(self) -> bool:
        """Whether no rule found an error."""
        return self.findings.error == 0


@dataclass(frozen=True)
class Subject:
    """What a statement is about: the files of a submission as they were."""

    place: Place
    manifest_sha256: str

    @property
    def name(self) -> str:
        """``<round>/<organisation>/<system>/manifest.json``."""
        return f"{self.place.path}/manifest.json"


@dataclass(frozen=True)
class Statement:
    """What somebody says about a submission."""

    subject: Subject
    predicate: Vouch | Check

    @property
    def kind(self) -> Kind:
        """Which predicate it has."""
        return "submission" if isinstance(self.predicate, Vouch) else "check"

    def to_bytes(self) -> bytes:
        """The payload: JSON with sorted keys, without blanks, in ASCII."""
        document = {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": self.subject.name, "digest": {"sha256": self.subject.manifest_sha256}}],
            "predicateType": PREDICATE_TYPES[self.kind],
            "predicate": self.predicate.model_dump(mode="json"),
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


class _Digest(Frozen):
    sha256: Sha256


def _place(name: object) -> Place:
    match name.split("/") if isinstance(name, str) else ():
        case [round_, organisation, system, "manifest.json"] if all(
            map(is_slug, (round_, organisation, system))
        ):
            return Place(round_, organisation, system)
    raise ValueError("must be <round>/<organisation>/<system>/manifest.json")


class _Subject(Frozen):
    name: Annotated[Place, PlainValidator(_place)]
    digest: _Digest


class _Statement(Frozen):
    type_: Annotated[Literal["https://in-toto.io/Statement/v1"], Field(alias="_type")]
    subject: Annotated[tuple[_Subject, ...], Field(min_length=1, max_length=1)]
    predicate_type: Annotated[str, Field(alias="predicateType")]
    predicate: dict[str, Any]


def read_statement(payload: bytes, source: str) -> Statement:
    """Read the payload of an envelope.

    Args:
        payload: what was signed.
        source: named in errors.

    Raises:
        DataError: it is no statement about one manifest, or of no kind that this version knows.
    """
    try:
        read = _Statement.model_validate(loads(payload, source, _LIMITS))
        kind = next((kind for kind, uri in PREDICATE_TYPES.items() if uri == read.predicate_type), None)
        if kind is None:
            raise DataError(
                f"{source}: predicateType: '{read.predicate_type}' is unknown",
                hint=f"this version knows {' and '.join(PREDICATE_TYPES.values())}",
            )
        predicate = (Vouch if kind == "submission" else Check).model_validate(read.predicate)
    except ValidationError as error:
        raise DataError(f"{source}: {first_error(error)}") from None
    (subject,) = read.subject
    return Statement(Subject(subject.name, subject.digest.sha256), predicate)


@dataclass(frozen=True)
class Envelope:
    """A payload and the one signature under it. Nothing is known to be true before it is verified."""

    payload: bytes
    keyid: str
    """Who is said to have signed; a hint where to look for the key."""
    signature: bytes

    def is_signed_by(self, key: PublicKey) -> bool:
        """Whether the signature is that of the key.

        Raises:
            UsageError: the extra ``sign`` is not installed.
        """
        from securesystemslib.exceptions import VerificationError

        try:
            self._dsse().verify([key.for_envelopes()], threshold=1)
        except VerificationError:
            return False
        return True

    def to_bytes(self) -> bytes:
        """The file: JSON, indented by two blanks, with a line end."""
        return (json.dumps(self._dsse().to_dict(), indent=2) + "\n").encode()

    def _dsse(self) -> DsseEnvelope:
        from securesystemslib.dsse import Envelope as DsseEnvelope
        from securesystemslib.signer import Signature

        signatures = {self.keyid: Signature(self.keyid, self.signature.hex())}
        return DsseEnvelope(self.payload, PAYLOAD_TYPE, signatures)


def sign(statement: Statement, key: PrivateKey) -> Envelope:
    """Sign a statement; the same statement and key give the same bytes (RFC 8032)."""
    from securesystemslib.dsse import Envelope as DsseEnvelope

    payload = statement.to_bytes()
    signature = DsseEnvelope(payload, PAYLOAD_TYPE, {}).sign(key.signer)
    return Envelope(payload, key.public.keyid, bytes.fromhex(signature.signature))


def file_name(keyid: str, kind: Kind) -> str:
    """What the envelope is called in the folder ``attestations``."""
    return f"{keyid}.{kind}{SUFFIX}"


class _Signature(Frozen):
    keyid: Sha256
    sig: str


class _Envelope(Frozen):
    payload: str
    payload_type: Annotated[Literal["application/vnd.in-toto+json"], Field(alias="payloadType")]
    signatures: Annotated[tuple[_Signature, ...], Field(min_length=1, max_length=1)]


def read_envelope(data: bytes, source: str) -> Envelope:
    """Read an envelope of at most ``MAX_BYTES``, with one signature.

    Args:
        data: what the file holds.
        source: named in errors.

    Raises:
        DataError: it is not such an envelope.
    """
    try:
        read = _Envelope.model_validate(loads(data, source, _LIMITS))
    except ValidationError as error:
        raise DataError(f"{source}: {first_error(error)}") from None
    (signature,) = read.signatures
    return Envelope(
        _decoded(read.payload, f"{source}: payload"),
        signature.keyid,
        _decoded(signature.sig, f"{source}: signatures.0.sig"),
    )


def _decoded(text: str, where: str) -> bytes:
    """Bytes of standard base64 with padding, in its one spelling."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if base64.b64encode(data).decode() != text:
        raise DataError(f"{where}: is no base64")
    return data
