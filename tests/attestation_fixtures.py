"""Keys, statements and envelopes for the tests of attestations. The keys are public: they protect nothing."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from submission_fixtures import write_file
from tinybench.submissions import manifest
from tinybench.submissions.attestation import (
    PAYLOAD_TYPE,
    Check,
    Findings,
    Statement,
    Subject,
    Vouch,
    file_name,
)
from tinybench.submissions.keys import PrivateKey, PublicKey
from tinybench.submissions.layout import Place
from tinybench.submissions.trusted_keys import TrustedKey, TrustedKeys

PLACE = Place("2026.1", "example-silicon", "board-a")
MANIFEST_SHA256 = "ab" * 32
SUBJECT = Subject(PLACE, MANIFEST_SHA256)
RESULT = "r-0123456789abcdef"
TIME = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)


def raw_key(seed: int) -> Ed25519PrivateKey:
    """A key that is the same in every run."""
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


def private_key(seed: int) -> PrivateKey:
    """The same, as tinybench has it."""
    raw = raw_key(seed)
    public = PublicKey(raw.public_key().public_bytes_raw())
    return PrivateKey(CryptoSigner(raw, public.for_envelopes()), public)


SUBMITTER, REVIEWER, STRANGER = private_key(1), private_key(2), private_key(3)


def trusted(role: str, key: PrivateKey, **other: Any) -> TrustedKey:
    """An entry of the file of trusted keys."""
    fields = {"name": f"A {role}", "valid_from": date(2026, 1, 1), "public_key": str(key.public)}
    organisation = {"organisation": "example-silicon"} if role == "submitter" else {}
    return TrustedKey.model_validate(fields | {"role": role} | organisation | other)


TRUSTED = TrustedKeys((trusted("submitter", SUBMITTER), trusted("reviewer", REVIEWER)))


def vouch(subject: Subject = SUBJECT) -> Statement:
    """A submitter's statement."""
    words = "The files that this manifest lists are ours, and we stand by them."
    predicate = Vouch(statement=words, signed_at=TIME, tinybench="0.1.0")
    return Statement(subject, predicate)


def outcome(subject: Subject = SUBJECT, **other: Any) -> Statement:
    """A reviewer's statement."""
    fields: dict[str, Any] = {
        "signed_at": TIME,
        "tinybench": "0.1.0",
        "rules": "1",
        "findings": Findings(error=0, warning=1, note=2),
        "tiers": {RESULT: "reproduced"},
    }
    return Statement(subject, Check(**(fields | other)))


def path_of(key: PrivateKey, kind: Any) -> str:
    """Where the envelope lies."""
    return f"attestations/{file_name(key.public.keyid, kind)}"


def signed(payload: bytes, key: PrivateKey, payload_type: str = PAYLOAD_TYPE) -> dict[str, Any]:
    """An envelope made without tinybench and without securesystemslib, from the text of DSSE v1.0."""
    header = f"DSSEv1 {len(payload_type)} {payload_type} {len(payload)} ".encode()
    seed = {SUBMITTER.public: 1, REVIEWER.public: 2, STRANGER.public: 3}[key.public]
    signature = raw_key(seed).sign(header + payload)
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": payload_type,
        "signatures": [{"keyid": key.public.keyid, "sig": base64.b64encode(signature).decode()}],
    }


def as_file(envelope: dict[str, Any]) -> bytes:
    """What the file of an envelope holds."""
    return json.dumps(envelope).encode()


def sign_check(folder: Path, keys: Path) -> None:
    """Sign a submission as a reviewer who reproduced it, and write the keys that trust the reviewer."""
    place = Place.of(folder)
    assert place is not None
    subject = Subject(place, manifest.digest((folder / manifest.NAME).read_bytes()))
    ids = [json.loads(path.read_bytes())["id"] for path in folder.glob("results/*.json")]
    statement = outcome(subject, tiers=dict.fromkeys(ids, "reproduced"))
    write_file(folder / path_of(REVIEWER, "check"), as_file(signed(statement.to_bytes(), REVIEWER)))
    keys.write_text(
        f'[[keys]]\nname = "A reviewer"\nrole = "reviewer"\npublic_key = "{REVIEWER.public}"\n'
        "valid_from = 2026-01-01\n"
    )
