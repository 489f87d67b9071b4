from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from attestation_fixtures import REVIEWER, SUBMITTER
from tinybench.errors import ContentError
from tinybench.submissions import keys
from tinybench.submissions.trusted_keys import read_trusted_keys

REVIEWER_TABLE = f"""
[[keys]]
name = "A reviewer"
role = "reviewer"
public_key = "{REVIEWER.public} comment"
valid_from = 2026-01-01
valid_until = 2026-12-31
"""
SUBMITTER_TABLE = f"""
[[keys]]
name = "A submitter"
role = "submitter"
organisation = "example-silicon"
public_key = "{SUBMITTER.public}"
valid_from = 2026-01-01
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trusted-keys.toml"


def test_keys_are_found_by_their_key_id(path: Path) -> None:
    path.write_text(REVIEWER_TABLE + SUBMITTER_TABLE)
    trusted = read_trusted_keys(path)
    assert [key.role for key in trusted.keys] == ["reviewer", "submitter"]
    found = trusted.get(SUBMITTER.public.keyid)
    assert found is not None
    assert (found.name, found.organisation, found.public_key) == (
        "A submitter",
        "example-silicon",
        SUBMITTER.public,
    )
    assert trusted.get("0" * 64) is None


@pytest.mark.parametrize("text", ["", "# nobody yet\n", "keys = []\n"])
def test_nobody_has_to_be_trusted(path: Path, text: str) -> None:
    path.write_text(text)
    assert read_trusted_keys(path).keys == ()


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("2025-12-31T23:59:59", "not valid before 2026-01-01"),
        ("2026-01-01T00:00:00", None),
        ("2026-12-31T23:59:59", None),
        ("2027-01-01T00:00:00", "not valid after 2026-12-31"),
    ],
)
def test_a_key_is_valid_from_its_first_day_to_its_last(path: Path, day: str, reason: str | None) -> None:
    path.write_text(REVIEWER_TABLE)
    (key,) = read_trusted_keys(path).keys
    assert key.invalid_at(datetime.fromisoformat(day).replace(tzinfo=UTC)) == reason


def test_nothing_that_a_revoked_key_signed_counts_not_even_before(path: Path) -> None:
    path.write_text(REVIEWER_TABLE + "revoked = 2026-06-01\n")
    (key,) = read_trusted_keys(path).keys
    assert key.invalid_at(datetime(2026, 2, 1, tzinfo=UTC)) == "revoked on 2026-06-01"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("keys = 3", "keys: is no list of tables"),
        ("keys = [3]", "key 1: "),
        ("[[key]]\n", "key: nothing reads this key"),
        (REVIEWER_TABLE + "role = 1", "overwrite a value"),
        (REVIEWER_TABLE.replace("2026-12-31", "2025-12-31"), "key 1 (A reviewer): valid_until is before"),
        (REVIEWER_TABLE + 'organisation = "x"', "key 1 (A reviewer): a submitter has an organisation"),
        (SUBMITTER_TABLE.replace("organisation", "organization"), "key 1 (A submitter): organization: "),
        (SUBMITTER_TABLE.replace("example-silicon", "Example Si"), "key 1 (A submitter): organisation: "),
        (SUBMITTER_TABLE.replace('"submitter"', '"admin"'), "key 1 (A submitter): role: "),
        (SUBMITTER_TABLE.replace("valid_from = 2026-01-01", ""), "key 1 (A submitter): valid_from: "),
        (SUBMITTER_TABLE.replace("ssh-ed25519", "ssh-rsa"), "key 1 (A submitter): public_key: no public key"),
        (REVIEWER_TABLE + SUBMITTER_TABLE.replace(str(SUBMITTER.public), str(REVIEWER.public)),
         "key 2 (A submitter): public_key: is that of A reviewer too"),
    ],
)  # fmt: skip
def test_a_broken_file_names_file_and_key(path: Path, text: str, message: str) -> None:
    path.write_text(text)
    with pytest.raises(ContentError) as raised:
        read_trusted_keys(path)
    assert raised.value.message.startswith(f"{path}: ")
    assert message in raised.value.message


def test_without_the_extra_nobody_is_trusted(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_text(REVIEWER_TABLE)
    monkeypatch.setattr(keys, "find_spec", lambda name: None)
    assert read_trusted_keys(path).keys == ()


def test_a_missing_file(path: Path) -> None:
    with pytest.raises(ContentError, match="is missing") as missing:
        read_trusted_keys(path)
    assert "[[keys]]" in str(missing.value.hint)
