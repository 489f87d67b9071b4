"""Makes keyword spotting clips with free text-to-speech voices.

    python -m tinybench.training.synthesis --out DIR --set smoke|train --seed N

``smoke`` is the split that ships in ``tasks/kws/smoke``; ``train`` is what the recipe of the reference
model adds to recorded speech. Both come out as ``<label>/<name>.flac`` (1 s, 16 kHz, mono, 16 bit) with
``manifest.csv``. The same seed and the same versions of the voices give the same bytes.

System packages (Debian names): espeak-ng flite festival festvox-kallpc16k festvox-kdlpc16k
festvox-us-slt-hts.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import itertools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from tinybench.datasets.kws import CLIP_SAMPLES, LABELS, SAMPLE_RATE_HZ
from tinybench.errors import DataError, TinybenchError, ToolchainError
from tinybench.training.augmentation import mix_noise, reverberate, shift
from tinybench.training.voices import PACKAGES, SMOKE, TRAIN, Voice, voices_of
from tinybench.training.words import COMMANDS_WORDS, OTHER_WORDS, SMOKE_UNKNOWN_WORDS

__all__ = ["KEYWORDS", "MANIFEST_FIELDS", "Utterance", "background", "place", "plan", "render", "synthesise"]

Floats = NDArray[np.float32]

KEYWORDS = LABELS[:10]
MANIFEST_FIELDS = ("file", "label", "word", "engine", "voice", "rate", "pitch", "noise_snr_db", "sha256")
NOISE_COLOURS = ("pink", "brown", "hum", "fan", "rain", "ticks")
PEAK = 0.5
SMOKE_STEP = 2.0**-10
"""Smoke samples are multiples of this: FLAC stores the empty low bits for free. Far below the noise."""

SMOKE_CLIPS_PER_KEYWORD = 12
SMOKE_SILENCE_CLIPS = 12
TRAIN_ESPEAK_VOICES = 100


@dataclass(frozen=True)
class Utterance:
    """One clip to make: ``rate`` and ``pitch`` are relative to the voice's own; silence has no voice."""

    name: str
    label: str
    word: str
    voice: Voice | None
    rate: float
    pitch: float
    snr_db: float | None
    noise: str


def plan(used_for: str, seed: int) -> list[Utterance]:
    """What a set consists of. Depends on the seed and the table of voices only."""
    rng = np.random.default_rng([seed, 0 if used_for == SMOKE else 1])
    return list(_plan_smoke(rng) if used_for == SMOKE else _plan_train(rng))


def _plan_smoke(rng: np.random.Generator) -> Iterator[Utterance]:
    voices = voices_of(SMOKE)
    recorded = [voice for voice in voices if voice.engine != "espeak-ng"]
    formant = [voice for voice in voices if voice.engine == "espeak-ng"]
    for i, word in enumerate(KEYWORDS):
        # Every voice built from recordings (the festival one has a fixed rate: once), twice at different
        # rates, then espeak-ng variants in turn.
        natural = [(voice, rate) for voice in recorded for rate in _smoke_rates(voice)]
        rest = SMOKE_CLIPS_PER_KEYWORD - len(natural)
        turn = [(formant[(i * rest + k) % len(formant)], 0.9) for k in range(rest)]
        for k, (voice, rate) in enumerate(natural + turn):
            yield _utterance(rng, f"{word}-{k:02d}", word, word, voice, rate)
    for k, word in enumerate(SMOKE_UNKNOWN_WORDS):
        voice = voices[k % len(voices)]
        yield _utterance(rng, f"{word}-{k:02d}", "unknown", word, voice, _smoke_rates(voice)[0])
    for k in range(SMOKE_SILENCE_CLIPS):
        noise = NOISE_COLOURS[k % len(NOISE_COLOURS)]
        yield Utterance(f"{noise}-{k:02d}", "silence", "", None, 1.0, 1.0, None, noise)


def _smoke_rates(voice: Voice) -> tuple[float, ...]:
    return {"flite": (0.9, 1.15), "festival": (1.0,), "espeak-ng": (0.9,)}[voice.engine]


def _utterance(
    rng: np.random.Generator,
    name: str,
    label: str,
    word: str,
    voice: Voice,
    rate: float,
    spread: float = 0.08,
) -> Utterance:
    fixed = voice.engine == "festival" and voice.pitch_hz is None
    varied_rate = 1.0 if fixed else round(rate * float(rng.uniform(1 - spread, 1 + spread)), 2)
    pitch = 1.0 if fixed else round(float(rng.uniform(1 - 1.5 * spread, 1 + 1.5 * spread)), 2)
    noise = NOISE_COLOURS[int(rng.integers(4))]
    return Utterance(
        name, label, word, voice, varied_rate, pitch, round(float(rng.uniform(18, 32)), 1), noise
    )


def _plan_train(rng: np.random.Generator) -> Iterator[Utterance]:
    voices = voices_of(TRAIN)
    formant = [voice for voice in voices if voice.engine == "espeak-ng"]
    chosen = [formant[int(i)] for i in sorted(rng.permutation(len(formant))[:TRAIN_ESPEAK_VOICES])]
    recorded = [voice for voice in voices if voice.engine != "espeak-ng"]
    words = COMMANDS_WORDS + OTHER_WORDS
    number = itertools.count()
    for voice in chosen + recorded:
        repeats, others = (2, 18) if voice.engine == "espeak-ng" else (12, len(words))
        for word in KEYWORDS:
            for _ in range(repeats):
                rate = float(rng.uniform(0.75, 1.2))
                yield _utterance(rng, f"{word}-{next(number):05d}", word, word, voice, rate, 0.18)
        # Half of the unknown words are those of Speech Commands, which are the ones a test asks for.
        drawn = [COMMANDS_WORDS[int(i)] for i in rng.permutation(len(COMMANDS_WORDS))[: others // 2]]
        drawn += [words[int(i)] for i in rng.permutation(len(words))[: others - len(drawn)]]
        for word in drawn:
            rate = float(rng.uniform(0.8, 1.2))
            yield _utterance(rng, f"{word}-{next(number):05d}", "unknown", word, voice, rate, 0.18)


def render(utterances: Sequence[Utterance], folder: Path) -> list[Floats]:
    """Speak the utterances of one voice; float samples at 16 kHz, each of its own length.

    Raises:
        ToolchainError: an engine is not installed, or failed.
    """
    voice = utterances[0].voice
    if voice is None:
        raise ValueError("silence has no voice")
    files = [folder / f"{i}.wav" for i in range(len(utterances))]
    if voice.engine == "festival":
        script = folder / "script.scm"
        script.write_text("\n".join(_festival_lines(utterances, files)))
        _run("festival", ["festival", "--batch", str(script)])
    else:
        for utterance, file in zip(utterances, files, strict=True):
            command = _espeak if voice.engine == "espeak-ng" else _flite
            _run(voice.engine, command(voice, utterance, file))
    return [_read(file) for file in files]


def _espeak(voice: Voice, utterance: Utterance, file: Path) -> list[str]:
    # 175 words per minute and pitch 50 are espeak-ng's defaults.
    speed, pitch = round(175 * utterance.rate), min(99, round(50 * utterance.pitch))
    return [
        "espeak-ng",
        "-v",
        voice.name,
        "-s",
        str(speed),
        "-p",
        str(pitch),
        "-w",
        str(file),
        utterance.word,
    ]


def _flite(voice: Voice, utterance: Utterance, file: Path) -> list[str]:
    pitch_hz = (voice.pitch_hz or 100.0) * utterance.pitch
    options = [f"duration_stretch={1 / utterance.rate:.3f}", f"int_f0_target_mean={pitch_hz:.1f}"]
    settings = [part for option in options for part in ("--setf", option)]
    return ["flite", "-voice", voice.name, *settings, "-t", utterance.word, "-o", str(file)]


def _festival_lines(utterances: Sequence[Utterance], files: Sequence[Path]) -> Iterator[str]:
    for utterance, file in zip(utterances, files, strict=True):
        assert utterance.voice is not None
        yield f"(voice_{utterance.voice.name})"
        if utterance.voice.pitch_hz is not None:
            yield f"(Parameter.set 'Duration_Stretch {1 / utterance.rate:.3f})"
            pitch_hz = utterance.voice.pitch_hz * utterance.pitch
            # The linear regression model of the diphone voices was trained on a speaker at 170 +- 34 Hz.
            yield (
                f"(set! int_lr_params '((target_f0_mean {pitch_hz:.1f}) (target_f0_std 14)"
                " (model_f0_mean 170) (model_f0_std 34)))"
            )
        yield f'(utt.save.wave (utt.synth (Utterance Text "{utterance.word}")) "{file}" \'riff)'


def _run(engine: str, command: list[str]) -> None:
    hint = f"Debian: apt install {' '.join(PACKAGES[engine])}"
    if shutil.which(command[0]) is None:
        raise ToolchainError(f"{command[0]} is not installed", hint=hint)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ToolchainError(f"{command[0]} failed: {done.stderr.strip()[-300:]}", hint=hint)


def _read(file: Path) -> Floats:
    import soundfile

    if not file.is_file() or file.stat().st_size == 0:
        raise ToolchainError(f"no speech came out for {file.name}", hint="check that the voice is installed")
    samples, rate_hz = soundfile.read(file, dtype="float32")
    if rate_hz != SAMPLE_RATE_HZ:
        common = int(np.gcd(rate_hz, SAMPLE_RATE_HZ))
        samples = scipy.signal.resample_poly(samples, SAMPLE_RATE_HZ // common, rate_hz // common)
    return np.asarray(samples, dtype=np.float32)


def place(speech: Floats, rng: np.random.Generator) -> Floats | None:
    """Cut silence off both ends and put the word near the middle of a second: (n,) to (16000,).

    Returns None when the word takes longer than 0.98 s.
    """
    level = scipy.signal.fftconvolve(np.abs(speech), np.full(160, 1 / 160), mode="same")
    loud = np.flatnonzero(level > level.max() * 0.01)
    word = speech[loud[0] : loud[-1] + 1]
    spare = CLIP_SAMPLES - word.shape[0]
    if spare < 0.02 * SAMPLE_RATE_HZ:
        return None
    fade = min(80, word.shape[0] // 4)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    word = np.concatenate([word[:fade] * ramp, word[fade:-fade], word[-fade:] * ramp[::-1]])
    clip = np.zeros(CLIP_SAMPLES, dtype=np.float32)
    clip[: word.shape[0]] = word
    jitter = min(spare // 2, int(0.06 * SAMPLE_RATE_HZ))
    return shift(clip, spare // 2 + int(rng.integers(-jitter, jitter + 1)))


def background(colour: str, rng: np.random.Generator) -> Floats:
    """One second of made-up room noise, shape (16000,), RMS 1, up to 4 kHz, the band of the features."""
    frequency_hz = np.fft.rfftfreq(CLIP_SAMPLES, 1 / SAMPLE_RATE_HZ)
    slope = {"pink": 0.5, "brown": 1.0, "hum": 0.8, "fan": 0.7, "rain": 0.1, "ticks": 0.9}[colour]
    shape = np.maximum(frequency_hz, 40.0) ** -slope / (1 + (frequency_hz / 3500.0) ** 12)
    spectrum = shape * (rng.standard_normal(shape.shape[0]) + 1j * rng.standard_normal(shape.shape[0]))
    noise = np.fft.irfft(spectrum, CLIP_SAMPLES)
    noise /= np.sqrt(np.mean(noise**2))
    time_s = np.arange(CLIP_SAMPLES) / SAMPLE_RATE_HZ
    if colour == "hum":  # mains and its harmonics
        mains_hz = float(rng.choice([50.0, 60.0]))
        for harmonic in (1, 2, 3, 5):
            phase = rng.uniform(0, 2 * np.pi)
            noise += 1.2 / harmonic * np.sin(2 * np.pi * mains_hz * harmonic * time_s + phase)
    elif colour == "fan":  # slow modulation by the blades
        noise *= 1 + 0.5 * np.sin(2 * np.pi * rng.uniform(8, 20) * time_s)
    elif colour == "ticks":  # a keyboard, a clock
        for _ in range(int(rng.integers(2, 7))):
            at = int(rng.integers(CLIP_SAMPLES - 400))
            decay = np.exp(-np.arange(400) / 60)
            noise[at : at + 400] += 8 * decay * np.sin(2 * np.pi * rng.uniform(800, 3000) * time_s[:400])
    return np.asarray(noise / np.sqrt(np.mean(noise**2)), dtype=np.float32)


def synthesise(out_dir: Path, used_for: str, seed: int, workers: int = 2) -> int:
    """Write a set and its manifest; returns the number of clips. Words that do not fit in a second are left
    out.

    Raises:
        DataError: ``out_dir`` already holds clips.
        ToolchainError: an engine or a voice is missing.
    """
    if out_dir.is_dir() and any(out_dir.glob("*/*.flac")):
        raise DataError(f"{out_dir}: holds clips already", hint="choose an empty folder")
    utterances = plan(used_for, seed)
    groups: dict[Voice | None, list[Utterance]] = {}
    for utterance in utterances:
        groups.setdefault(utterance.voice, []).append(utterance)
    with ThreadPoolExecutor(workers) as pool:
        spoken = {
            utterance.name: clip
            for rendered in pool.map(_render_group, [g for v, g in groups.items() if v is not None])
            for utterance, clip in rendered
        }
    rows = [
        row
        for utterance in utterances
        if (row := _write_clip(out_dir, used_for, utterance, spoken.get(utterance.name), seed)) is not None
    ]
    with (out_dir / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, MANIFEST_FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: row["file"]))
    return len(rows)


def _render_group(utterances: list[Utterance]) -> list[tuple[Utterance, Floats]]:
    with tempfile.TemporaryDirectory() as folder:
        return list(zip(utterances, render(utterances, Path(folder)), strict=True))


def _write_clip(
    out_dir: Path, used_for: str, utterance: Utterance, speech: Floats | None, seed: int
) -> dict[str, str] | None:
    import soundfile

    digest = hashlib.sha256(f"{used_for}/{utterance.name}".encode()).digest()
    rng = np.random.default_rng([seed, int.from_bytes(digest[:8], "little")])
    noise = background(utterance.noise, rng)
    if utterance.voice is None:
        clip, peak = noise, PEAK * float(rng.uniform(0.05, 0.2))
    else:
        assert speech is not None
        placed = place(speech, rng)
        if placed is None:
            return None
        if rng.random() < 0.5:  # half of the speakers stand in a small room
            placed = reverberate(placed, float(rng.uniform(0.05, 0.2)), rng)
        clip, peak = mix_noise(placed, noise, utterance.snr_db or 30.0), PEAK
    scaled = clip * np.float64(peak / float(np.abs(clip).max()))
    if used_for == SMOKE:
        scaled = np.round(scaled / SMOKE_STEP) * SMOKE_STEP
    file = out_dir / utterance.label / f"{utterance.name}.flac"
    file.parent.mkdir(parents=True, exist_ok=True)
    samples = np.round(scaled * 32768).astype(np.int16)
    soundfile.write(file, samples, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16", compression_level=1.0)
    voice = utterance.voice
    return {
        "file": f"{utterance.label}/{file.name}",
        "label": utterance.label,
        "word": utterance.word,
        "engine": voice.engine if voice else "noise",
        "voice": voice.name if voice else utterance.noise,
        "rate": f"{utterance.rate:g}" if voice else "",
        "pitch": f"{utterance.pitch:g}" if voice else "",
        "noise_snr_db": "" if utterance.snr_db is None else f"{utterance.snr_db:g}",
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of the module; returns the exit code."""
    parser = argparse.ArgumentParser(
        description="Make keyword spotting clips with free text-to-speech voices."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--set", choices=[SMOKE, TRAIN], required=True, dest="used_for")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    try:
        count = synthesise(options.out, options.used_for, options.seed, options.workers)
    except TinybenchError as error:
        sys.stderr.write(f"{error.message}\n{error.hint or ''}\n")
        return error.exit_code
    sys.stdout.write(f"{count} clips in {options.out}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
