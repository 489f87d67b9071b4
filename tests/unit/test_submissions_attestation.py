from __future__ import annotations

import base64
import copy
import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from hypothesis import given
from hypothesis import strategies as st

from attestation_fixtures import (
    REVIEWER,
    STRANGER,
    SUBMITTER,
    TIME,
    as_file,
    outcome,
    raw_key,
    signed,
    vouch,
)
from tinybench.errors import DataError
from tinybench.submissions.attestation import (
    MAX_BYTES,
    Check,
    Envelope,
    Statement,
    Vouch,
    read_envelope,
    read_statement,
    sign,
)


@pytest.mark.parametrize(("statement", "kind"), [(vouch(), "submission"), (outcome(), "check")])
def test_what_was_signed_is_read_again(statement: Statement, kind: str) -> None:
    envelope = read_envelope(sign(statement, SUBMITTER).to_bytes(), "x")
    assert envelope.is_signed_by(SUBMITTER.public)
    assert not envelope.is_signed_by(REVIEWER.public)
    read = read_statement(envelope.payload, "x")
    assert read == statement
    assert (read.kind, read.predicate.signed_at) == (kind, TIME)


def test_the_same_statement_and_key_give_the_same_bytes() -> None:
    assert sign(vouch(), SUBMITTER).to_bytes() == sign(vouch(), SUBMITTER).to_bytes()
    assert sign(vouch(), SUBMITTER).to_bytes() != sign(vouch(), REVIEWER).to_bytes()


def test_a_plain_ed25519_over_the_encoding_of_dsse_verifies_it() -> None:
    envelope = json.loads(sign(vouch(), SUBMITTER).to_bytes())
    payload = base64.b64decode(envelope["payload"])
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    encoded = b"DSSEv1 28 application/vnd.in-toto+json " + str(len(payload)).encode() + b" " + payload
    raw_key(1).public_key().verify(signature, encoded)
    with pytest.raises(InvalidSignature):
        raw_key(1).public_key().verify(signature, payload)


def test_what_plain_ed25519_signed_is_verified() -> None:
    made = signed(vouch().to_bytes(), SUBMITTER)
    assert read_envelope(as_file(made), "x").is_signed_by(SUBMITTER.public)
    assert read_envelope(as_file(made), "x") == sign(vouch(), SUBMITTER)


@given(st.data())
def test_no_change_of_a_byte_is_missed(data: st.DataObject) -> None:
    envelope = sign(vouch(), SUBMITTER)
    field = data.draw(st.sampled_from(["payload", "signature"]))
    content = bytearray(getattr(envelope, field))
    index = data.draw(st.integers(0, len(content) - 1))
    content[index] ^= data.draw(st.integers(1, 255))
    changed = {"payload": envelope.payload, "signature": envelope.signature} | {field: bytes(content)}
    assert not Envelope(keyid=envelope.keyid, **changed).is_signed_by(SUBMITTER.public)


@pytest.mark.parametrize("signature", [b"", b"\x00" * 63, b"\x00" * 64, b"\x00" * 65, b"\xff" * 64])
def test_a_signature_of_any_length_is_wrong_and_no_crash(signature: bytes) -> None:
    assert not Envelope(vouch().to_bytes(), SUBMITTER.public.keyid, signature).is_signed_by(SUBMITTER.public)


def test_the_signature_of_another_payload_type_is_not_ours() -> None:
    # What was signed as, say, a container image must not be taken for a statement, whatever the field says.
    made = signed(vouch().to_bytes(), SUBMITTER, "application/vnd.other+json")
    with pytest.raises(DataError, match="payloadType"):
        read_envelope(as_file(made), "x")
    confused = made | {"payloadType": "application/vnd.in-toto+json"}
    assert not read_envelope(as_file(confused), "x").is_signed_by(SUBMITTER.public)


def test_the_key_id_alone_proves_nothing() -> None:
    made = signed(vouch().to_bytes(), STRANGER)
    made["signatures"][0]["keyid"] = SUBMITTER.public.keyid
    assert not read_envelope(as_file(made), "x").is_signed_by(SUBMITTER.public)


GOOD = signed(vouch().to_bytes(), SUBMITTER)
SIGNATURE = GOOD["signatures"][0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"payload": None}, "payload: "),
        ({"payload": "e30"}, "payload: is no base64"),  # no padding
        ({"payload": "e30=\n"}, "payload: is no base64"),
        ({"payload": "e31="}, "payload: is no base64"),  # bits that nothing reads: a second spelling
        ({"payload": "_-8="}, "payload: is no base64"),
        ({"payload": "é"}, "payload: is no base64"),
        ({"payloadType": "application/json"}, "payloadType: "),
        ({"signatures": []}, "signatures: "),
        ({"signatures": [SIGNATURE, SIGNATURE]}, "signatures: "),
        ({"signatures": [SIGNATURE | {"keyid": "../../x"}]}, "signatures.0.keyid: "),
        ({"signatures": [SIGNATURE | {"sig": "%%%%"}]}, "signatures.0.sig: is no base64"),
        ({"signatures": [SIGNATURE | {"cert": "x"}]}, "signatures.0.cert: "),
        ({"more": 1}, "more: "),
    ],
)
def test_envelopes_that_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError) as raised:
        read_envelope(as_file(GOOD | changes), "x")
    assert raised.value.message.startswith(f"x: {message}")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        as_file(GOOD)[:-1] + b', "payload": "e30="}',
        as_file(GOOD) + b" " * MAX_BYTES,
    ],
    ids=["empty", "list", "null", "no text", "deep", "key twice", "huge"],
)
def test_files_that_are_no_envelope(data: bytes) -> None:
    with pytest.raises(DataError, match=r"^x: "):
        read_envelope(data, "x")


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_an_envelope_or_a_data_error(data: bytes) -> None:
    for read in (read_envelope, read_statement):
        with pytest.raises(DataError):
            read(data, "x")


def statement_with(path: str, value: object) -> bytes:
    """The payload of a check in which one thing is replaced."""
    document: Any = copy.deepcopy(json.loads(outcome().to_bytes()))
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    inner = document
    for part in parents:
        inner = inner[part]
    inner[last] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("_type", "https://in-toto.io/Statement/v0.1", "_type: "),
        ("predicateType", "https://slsa.dev/provenance/v1", "predicateType: 'https://slsa"),
        ("predicateType", "urn:tinybench:attestation:submission:v1", "statement: field required"),
        ("predicateType", "urn:tinybench:attestation:check:v2", "predicateType: "),
        ("predicate", {}, "signed_at: field required"),
        ("predicate/more", 1, "more: "),
        ("predicate/signed_at", "2026-11-21", "signed_at: "),
        ("predicate/signed_at", "9999-12-31T23:59:59-23:59", "signed_at: "),
        ("predicate/signed_at", "2026-1-1T1:1:1Z", "signed_at: "),
        ("predicate/signed_at", 1, "signed_at: "),
        ("predicate/findings/error", -1, "findings.error: "),
        ("predicate/findings/error", "0", "findings.error: "),
        ("predicate/findings/error", True, "findings.error: "),
        ("predicate/tiers/r-0123456789abcdef", "excellent", "tiers.r-0123456789abcdef: "),
        ("predicate/tiers/other", "claimed", "tiers.other.[key]: "),
        ("subject", [], "subject: "),
        ("subject/0/name", "../../x/manifest.json", "subject.0.name: "),
        ("subject/0/name", "2026.1/a/b/other.json", "subject.0.name: "),
        ("subject/0/digest", {"sha1": "ab"}, "subject.0.digest."),
        ("subject/0/digest/sha256", "AB" * 32, "subject.0.digest.sha256: "),
        ("subject/0/more", 1, "subject.0.more: "),
    ],
)  # fmt: skip
def test_statements_that_are_refused(path: str, value: object, message: str) -> None:
    with pytest.raises(DataError) as raised:
        read_statement(statement_with(path, value), "x")
    assert raised.value.message.startswith(f"x: {message}")


def test_two_subjects_are_refused() -> None:
    subject = json.loads(outcome().to_bytes())["subject"][0]
    with pytest.raises(DataError, match="subject: "):
        read_statement(statement_with("subject", [subject, subject]), "x")


def test_an_outcome_passed_if_it_has_no_errors() -> None:
    good, bad = outcome().predicate, outcome(findings={"error": 1, "warning": 0, "note": 0}).predicate
    assert isinstance(good, Check)
    assert isinstance(bad, Check)
    assert (good.passed, bad.passed) == (True, False)
    assert isinstance(vouch().predicate, Vouch)
