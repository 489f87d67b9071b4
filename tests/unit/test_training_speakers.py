from __future__ import annotations

import hashlib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tinybench.training.speakers import has_test_speakers, official_side

speakers = st.text("0123456789abcdef", min_size=8, max_size=8)


@given(speakers)
def test_every_clip_of_a_speaker_is_on_one_side(speaker: str) -> None:
    clips = [f"train/yes/yes_{speaker}_nohash_{i}.opus" for i in range(3)]
    assert has_test_speakers(clips) == (official_side(speaker) == "testing")
    assert has_test_speakers(clips[:1]) == has_test_speakers(clips)


def test_clips_without_a_speaker_are_of_no_side() -> None:
    assert not has_test_speakers(["train/_silence_/noise_0001.flac", "synthetic/go/espeak_en_001.flac"])


def test_about_a_tenth_of_all_speakers_is_on_the_test_side() -> None:
    made = [hashlib.sha1(str(i).encode()).hexdigest()[:8] for i in range(3000)]
    share = sum(official_side(speaker) == "testing" for speaker in made) / len(made)
    assert 0.08 < share < 0.12


def test_the_rule_finds_the_speakers_of_the_official_test_set(shared_data: Path) -> None:
    # The spoken test clips of this selection come from the official test set: all of them are on its side.
    clips = [path.name for path in (shared_data / "kws" / "test").glob("*/*_nohash_*")]
    assert len(clips) > 1000
    assert all(has_test_speakers([clip]) for clip in clips)


def test_the_custom_selection_trains_on_speakers_of_the_official_test_side(shared_data: Path) -> None:
    clips = [path.name for path in (shared_data / "kws" / "train").glob("*/*_nohash_*")]
    assert has_test_speakers(clips)
    assert not all(has_test_speakers([clip]) for clip in clips)
