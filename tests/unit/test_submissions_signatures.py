from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from attestation_fixtures import (
    RESULT,
    REVIEWER,
    STRANGER,
    SUBJECT,
    SUBMITTER,
    TRUSTED,
    as_file,
    outcome,
    path_of,
    signed,
    trusted,
    vouch,
)
from tinybench.submissions import keys
from tinybench.submissions.attestation import PAYLOAD_TYPE, Statement, Subject, sign
from tinybench.submissions.findings import RULES
from tinybench.submissions.keys import PrivateKey
from tinybench.submissions.layout import Place
from tinybench.submissions.signatures import Judged, attested_tier, judge
from tinybench.submissions.trusted_keys import TrustedKeys

BOARD_B = Place("2026.1", "example-silicon", "board-b")


def judged(
    statement: Statement,
    key: PrivateKey,
    *,
    path: str | None = None,
    subject: Subject = SUBJECT,
    trust: TrustedKeys = TRUSTED,
) -> Judged:
    path = path or path_of(key, statement.kind)
    return judge(path, sign(statement, key).to_bytes(), subject, trust)


def codes(found: Judged) -> list[str]:
    return [finding.rule.code for finding in found.findings]


def test_statements_of_trusted_keys_count() -> None:
    for statement, key, name in ((vouch(), SUBMITTER, "A submitter"), (outcome(), REVIEWER, "A reviewer")):
        found = judged(statement, key)
        assert found.counts
        assert codes(found) == []
        assert found.key is not None
        assert (found.statement, found.keyid, found.key.name) == (statement, key.public.keyid, name)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{}", "payload: field required"),
        (as_file(signed(vouch().to_bytes(), SUBMITTER, "text/plain")), "payloadType: "),
        (b"x" * 300_000, "has 293.0 KiB, more than 64.0 KiB"),
    ],
)
def test_an_unreadable_attestation(data: bytes, message: str) -> None:
    path = path_of(SUBMITTER, "submission")
    found = judge(path, data, SUBJECT, TRUSTED)
    assert codes(found) == ["TB801"]
    assert (found.counts, found.statement, found.findings[0].where) == (False, None, path)
    assert found.findings[0].message.startswith(message)


@pytest.mark.parametrize(
    "name", ["a.dsse.json", path_of(REVIEWER, "submission"), f"{SUBMITTER.public.keyid}.json"]
)
def test_an_attestation_under_the_name_of_another_key(name: str) -> None:
    assert codes(judged(vouch(), SUBMITTER, path=name)) == ["TB801"]


@pytest.mark.parametrize("payload", [b"{}", b'{"_type": 1, "_type": 1}', b"\xff"])
def test_a_genuine_signature_under_something_else(payload: bytes) -> None:
    found = judge(path_of(SUBMITTER, "submission"), as_file(signed(payload, SUBMITTER)), SUBJECT, TRUSTED)
    assert codes(found) == ["TB802"]
    assert not found.counts


def test_a_predicate_of_another_kind_than_the_name_says() -> None:
    assert codes(judged(outcome(), REVIEWER, path=path_of(REVIEWER, "submission"))) == ["TB802"]


def test_a_genuine_statement_about_another_submission() -> None:
    other = replace(SUBJECT, place=BOARD_B)
    found = judged(vouch(other), SUBMITTER)
    assert codes(found) == ["TB803"]
    assert found.findings[0].message == (
        "is about 2026.1/example-silicon/board-b, not about 2026.1/example-silicon/board-a"
    )


def test_a_statement_about_files_that_changed_since() -> None:
    assert codes(judged(vouch(), SUBMITTER, subject=replace(SUBJECT, manifest_sha256="cd" * 32))) == ["TB804"]


def test_a_signature_of_somebody_else_under_a_trusted_name() -> None:
    forged = signed(vouch().to_bytes(), STRANGER)
    forged["signatures"][0]["keyid"] = SUBMITTER.public.keyid
    found = judge(path_of(SUBMITTER, "submission"), as_file(forged), SUBJECT, TRUSTED)
    assert codes(found) == ["TB805"]
    assert not found.counts


def test_a_payload_that_was_changed_after_signing() -> None:
    made = signed(vouch().to_bytes(), SUBMITTER)
    other = signed(vouch().to_bytes().replace(b"0.1.0", b"0.1.1"), SUBMITTER)
    changed = made | {"payload": other["payload"]}
    assert codes(judge(path_of(SUBMITTER, "submission"), as_file(changed), SUBJECT, TRUSTED)) == ["TB805"]


def test_an_unknown_key_is_a_warning_and_does_not_count() -> None:
    found = judged(vouch(), STRANGER)
    assert codes(found) == ["TB806"]
    assert found.findings[0].rule.severity == "warning"
    assert (found.counts, found.key) == (False, None)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"revoked": date(2026, 12, 1)}, "the key of A submitter is revoked on 2026-12-01"),
        ({"valid_until": date(2026, 11, 20)}, "the key of A submitter is not valid after 2026-11-20"),
        ({"valid_from": date(2026, 11, 22)}, "the key of A submitter is not valid before 2026-11-22"),
    ],
)
def test_a_key_that_was_not_valid(fields: dict[str, Any], message: str) -> None:
    found = judged(vouch(), SUBMITTER, trust=TrustedKeys((trusted("submitter", SUBMITTER, **fields),)))
    assert codes(found) == ["TB807"]
    assert found.findings[0].message == message


def test_a_submitter_signs_for_one_organisation() -> None:
    trust = TrustedKeys((trusted("submitter", SUBMITTER, organisation="other-silicon"),))
    assert codes(judged(vouch(), SUBMITTER, trust=trust)) == ["TB808"]


@pytest.mark.parametrize(("statement", "key"), [(outcome(), SUBMITTER), (vouch(), REVIEWER)])
def test_a_role_signs_its_own_kind_of_statement(statement: Statement, key: PrivateKey) -> None:
    found = judged(statement, key)
    assert codes(found) == ["TB809"]
    assert not found.counts


def test_without_the_extra_nothing_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    data = sign(vouch(), SUBMITTER).to_bytes()
    monkeypatch.setattr(keys, "find_spec", lambda name: None)
    found = judge(path_of(SUBMITTER, "submission"), data, SUBJECT, TRUSTED)
    assert codes(found) == ["TB810"]
    assert not found.counts


def test_everything_that_is_wrong_is_said_at_once() -> None:
    trust = TrustedKeys((trusted("submitter", SUBMITTER, organisation="other", revoked=date(2026, 1, 1)),))
    other = Subject(BOARD_B, "cd" * 32)
    assert codes(judged(vouch(), SUBMITTER, subject=other, trust=trust)) == [
        "TB803",
        "TB804",
        "TB807",
        "TB808",
    ]


def test_all_rules_are_tested_here() -> None:
    declared = {code for code in RULES if code.startswith("TB8")}
    assert declared == {f"TB8{number:02}" for number in range(1, 11)}


def test_a_counting_check_gives_its_tier() -> None:
    assert attested_tier(RESULT, [judged(vouch(), SUBMITTER), judged(outcome(), REVIEWER)]) == "reproduced"
    assert attested_tier("r-ffffffffffffffff", [judged(outcome(), REVIEWER)]) == "claimed"
    assert attested_tier(RESULT, []) == "claimed"


def test_a_check_that_found_errors_gives_no_tier() -> None:
    failed = outcome(findings={"error": 1, "warning": 0, "note": 0})
    assert judged(failed, REVIEWER).counts
    assert attested_tier(RESULT, [judged(failed, REVIEWER)]) == "claimed"


def test_a_submission_cannot_award_itself_a_tier() -> None:
    stale = replace(SUBJECT, manifest_sha256="cd" * 32)
    for mine in (
        judged(outcome(), SUBMITTER),
        judged(outcome(), STRANGER),
        judged(outcome(), REVIEWER, subject=stale),
    ):
        assert attested_tier(RESULT, [mine]) == "claimed"


def test_the_envelope_of_the_file_is_that_of_the_standard() -> None:
    document = json.loads(sign(vouch(), SUBMITTER).to_bytes())
    assert set(document) == {"payload", "payloadType", "signatures"}
    assert document["payloadType"] == PAYLOAD_TYPE
