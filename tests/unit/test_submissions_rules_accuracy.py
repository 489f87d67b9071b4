"""Accuracy, samples and quality target: for each rule one entry that breaks nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import pytest

from evidence_fixtures import (
    Files,
    changed,
    codes,
    entry_of,
    good_outputs,
    measured_kws,
    mlcommons_kws,
    published_by,
    published_kws,
    replaced,
    with_metrics,
    without_line,
)
from evidence_logs import EnergyRunnerLog, kws_file, one_hot
from tinybench import content, specs
from tinybench.datasets.names import read_names
from tinybench.results.schema import DataRef, Metric, Result, TaskRef
from tinybench.results.tables import csv_bytes
from tinybench.submissions.rules import examine

Broken = tuple[Result, Files]
LOG = "accuracy-log.txt"


@cache
def good() -> Broken:
    return measured_kws()


@cache
def published() -> Broken:
    return published_kws()


def data(result: Result, **changes: Any) -> DataRef:
    return result.data.model_copy(update=changes)


def no_accuracy() -> Broken:
    result, files = good()
    return with_metrics(result, accuracy_top1=None), files


def no_published_accuracy() -> Broken:
    result, files = published()
    return with_metrics(result, accuracy_top1=None), files


def below_the_target() -> Broken:
    result, files = good()
    wrong = 600
    below = with_metrics(result, accuracy_top1=(4890 - wrong) / 4890)
    return below, files | {"outputs.csv": good_outputs(wrong=wrong)}


def below_the_target_elsewhere() -> Broken:
    return published_kws(wrong=120)


def below_the_target_in_the_open_division() -> Broken:
    return published_kws(wrong=120, division="open")


def a_part_of_the_split() -> Broken:
    result, files = good()
    result = changed(with_metrics(result, accuracy_top1=0.92), data=data(result, limit=1000, samples=1000))
    return result, files | {"outputs.csv": good_outputs(1000, wrong=80)}


def predicted_accuracy() -> Broken:
    result, files = good()
    metrics = tuple(
        Metric.of(m.name, m.value, "predicted") if m.name == "accuracy.top1" else m for m in result.metrics
    )
    return changed(result, metrics=metrics), files


def lower_target() -> Broken:
    result, files = good()
    return changed(result, target=0.85), files


def better_accuracy() -> Broken:
    result, files = good()
    return with_metrics(result, accuracy_top1=4501 / 4890), files


def better_accuracy_than_the_log() -> Broken:
    result, files = published()
    return with_metrics(result, accuracy_top1=0.922), files


def samples_left_out() -> Broken:
    result, files = good()
    rows = files["outputs.csv"].splitlines(keepends=True)
    kept = b"".join(rows[:-390])  # the wrong ones
    return changed(with_metrics(result, accuracy_top1=1.0), data=data(result, samples=4500)), files | {
        "outputs.csv": kept
    }


def fewer_samples_than_stated() -> Broken:
    result, files = good()
    return changed(result, data=data(result, samples=4891)), files


def samples_left_out_of_a_log() -> Broken:
    log = EnergyRunnerLog(mode="multi", iterations=1)
    for k in range(920):
        log.window(kws_file(k), 43_000, one_hot(k), warmups=0)
    result, files = published()
    files = {name: content for name, content in files.items() if name != "accuracy-results.txt"}
    return with_metrics(result, accuracy_top1=1.0), files | {LOG: log.stop().encode()}


def nameless_sample() -> Broken:
    result, files = published()
    return result, files | {LOG: without_line(files[LOG], 'parser: Command "bload', 500)}


def repeated_sample() -> Broken:
    result, files = good()
    rows = files["outputs.csv"].splitlines(keepends=True)
    return result, files | {"outputs.csv": b"".join([*rows, rows[7]])}


def sample_under_two_names() -> Broken:
    result, files = published()
    return result, replaced(files, LOG, kws_file(12), "tst_000000_Stop_0.bin")


def sample_of_no_set() -> Broken:
    result, files = published()
    return result, replaced(files, LOG, kws_file(12), "tst_001200_Down_0.bin")


def names_that_tell_nothing() -> Broken:
    result, files = good()
    lines = files["outputs.csv"].decode().splitlines()
    rows = [f"clip-{number},{line.partition(',')[2]}" for number, line in enumerate(lines[1:])]
    return result, files | {"outputs.csv": "\n".join([lines[0], *rows, ""]).encode()}


def table_of_a_set_that_has_none() -> Broken:
    result, files = good()
    return changed(result, data=data(result, split="mlperf-1000", samples=4890)), files


def other_label() -> Broken:
    """The wrong answer to the last sample is made a right one."""
    result, files = good()
    name = files["outputs.csv"].splitlines()[-1].split(b",")[0].decode()
    assert f"{name},5" in files["outputs.csv"].decode()
    return result, replaced(files, "outputs.csv", f"{name},5", f"{name},6")


def broken_vector() -> Broken:
    result, files = published()
    return result, replaced(files, LOG, "m-results-[0.996", "m-results-[0.9debug96", 1)


def short_vector() -> Broken:
    result, files = published()
    return result, replaced(files, LOG, "0.000,0.000,0.996]", "0.000,0.996]")


def images(**changes: Any) -> Broken:
    """Image classification, timed on keyword samples: the inputs of the windows are of no matter here."""
    result, files = published()
    names = [name.rpartition("/")[2] for name in read_names(content.tasks_dir() / "ic" / "mlperf-200.txt")]
    log = EnergyRunnerLog(mode="multi", iterations=1)
    for k, name in enumerate(names):
        log.window(f"{name}.bin", 43_000, [0.99 if i == k % 10 else 0.0 for i in range(10)], warmups=0)
    files = {name: data for name, data in files.items() if name != "accuracy-results.txt"}
    files |= {LOG: log.stop().encode()}
    files = {
        name: data.replace(b"kws01", b"ic01") if name.endswith("log.txt") else data
        for name, data in files.items()
    }
    fields: dict[str, Any] = {
        "task": TaskRef(id="ic", version=None),
        "data": data(result, split="mlperf-200", samples=200),
        "target": 0.85,
    }
    return changed(result, **fields | changes), files


def no_outputs() -> Broken:
    result, files = good()
    return result, {name: content for name, content in files.items() if name != "outputs.csv"}


def other_print() -> Broken:
    result, files = published()
    return result, replaced(files, "accuracy-results.txt", "92.0%", "93.0%")


def other_print_of_the_other_runner() -> Broken:
    result, files = mlcommons_kws()
    return result, replaced(files, "accuracy-results.txt", "= 92.0", "= 92.0\nAUC = 0.991")


def other_output_in_a_window() -> Broken:
    result, files = published()
    vector = ",".join(f"{value:.3f}" for value in one_hot(2))
    return result, replaced(files, "performance-log.txt", vector, vector.replace("0.996", "0.993"))


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("TB210", no_accuracy),
        ("TB211", no_published_accuracy),
        ("TB212", below_the_target),
        ("TB213", below_the_target_in_the_open_division),
        ("TB214", a_part_of_the_split),
        ("TB214", predicted_accuracy),
        ("TB215", lower_target),
        ("TB216", below_the_target_elsewhere),
        ("TB220", better_accuracy),
        ("TB220", better_accuracy_than_the_log),
        ("TB221", samples_left_out),
        ("TB221", fewer_samples_than_stated),
        ("TB221", samples_left_out_of_a_log),
        ("TB222", repeated_sample),
        ("TB222", sample_under_two_names),
        ("TB223", sample_of_no_set),
        ("TB223", table_of_a_set_that_has_none),
        ("TB224", other_label),
        ("TB225", broken_vector),
        ("TB225", short_vector),
        ("TB226", images),
        ("TB227", no_outputs),
        ("TB228", other_print),
        ("TB228", other_print_of_the_other_runner),
        ("TB229", other_output_in_a_window),
    ],
)
def test_what_is_broken_is_found_and_nothing_else(code: str, make: Callable[[], Broken]) -> None:
    assert codes(*make()) == {code}


def test_an_output_of_no_sample_is_found() -> None:
    """It has no class either, so that there is no accuracy."""
    assert codes(*nameless_sample()) == {"TB221", "TB226"}


def test_names_that_tell_no_class_are_of_no_set() -> None:
    """They have no class here either; the table states them itself."""
    assert codes(*names_that_tell_nothing()) == {"TB223", "TB226"}


def test_the_division_of_a_submission_decides_about_a_missed_target() -> None:
    result, files = below_the_target()
    assert codes(result, files) == {"TB212"}
    assert codes(result, files, division="open") == {"TB213"}


def test_classes_that_only_the_table_states_are_noted() -> None:
    """Nothing but the table says that these images are what it calls them."""
    result, files = good()
    rows = [
        (f"test_batch/image_{k}", k % 10, *(127 if i == k % 10 else -128 for i in range(10)))
        for k in range(10_000)
    ]
    header = ("sample", "label", *(f"output_{k}" for k in range(10)))
    files = {
        name: data.replace(b"kws01", b"ic01") if name.endswith("log.txt") else data
        for name, data in files.items()
    } | {"outputs.csv": csv_bytes(header, rows)}
    fields: dict[str, Any] = {
        "task": TaskRef(id="ic", version="1.0.0"),
        "data": data(result, samples=10_000),
        "target": 0.85,
    }
    result = changed(with_metrics(result, accuracy_top1=1.0), **fields)
    assert codes(result, files) == {"TB226"}
    assert not examine(entry_of(result, files)).evidence_checked
    labels = {str(name): int(label) for name, label, *_ in rows}
    found = examine(entry_of(result, files), labels=labels)
    assert found.findings == ()
    assert found.evidence_checked
    labels["test_batch/image_7"] = 3
    assert codes(result, files, labels=labels) == {"TB220", "TB224"}


def test_labels_that_the_caller_trusts_decide_the_accuracy_of_images() -> None:
    names = [name.rpartition("/")[2] for name in read_names(content.tasks_dir() / "ic" / "mlperf-200.txt")]
    labels = {f"{name}.bin": (k + (k >= 184)) % 10 for k, name in enumerate(names)}
    result, files = images()
    assert codes(result, files, labels=labels) == set()
    labels[f"{names[0]}.bin"] = 5
    assert codes(with_metrics(result, accuracy_top1=0.925), files, labels=labels) == {"TB220"}


def test_the_images_of_the_first_round_are_others_and_not_listed_here() -> None:
    result, files = images(source=published_by("v0.5"))
    assert codes(result, replaced(files, LOG, "_s_", "_t_")) == {"TB226"}
    assert codes(*images()) == {"TB226"}
    assert codes(images()[0], replaced(files, LOG, "_s_", "_t_")) == {"TB223", "TB226"}


def anomalies(recordings: int = 248, **changes: Any) -> Broken:
    """Anomaly detection, scored with tinybench: recordings of MLPerf Tiny's list."""
    result, files = good()
    names = read_names(content.tasks_dir() / "ad" / "mlperf-248.txt")[:recordings]
    rows, normal = [], 0
    for k, name in enumerate(names):
        bad = "anomaly" in name
        normal += not bad
        rows.append((name, "id_01", int(bad), repr(10.0 + k / 1000 + (0.05 if bad else 0.0))))
    files = {
        name: data.replace(b"kws01", b"ad01") if name.endswith("log.txt") else data
        for name, data in files.items()
    }
    del files["outputs.csv"]
    files |= {"scores.csv": csv_bytes(("sample", "group", "label", "score"), rows)}
    normals = [float(row[3]) for row in rows if not row[2]]
    anomalous = [float(row[3]) for row in rows if row[2]]
    above = (
        sum(a > n for a in anomalous for n in normals) + sum(a == n for a in anomalous for n in normals) / 2
    )
    area = above / (len(normals) * len(anomalous))
    metrics = [m for m in result.metrics if m.name != "accuracy.top1"]
    fields: dict[str, Any] = {
        "task": TaskRef(id="ad", version="1.0.0"),
        "data": data(result, samples=recordings),
        "target": 0.85,
        "metrics": (Metric.of("accuracy.auc", area, "measured"), *metrics),
    }
    return changed(result, **fields | changes), files


def test_scores_of_recordings_give_the_exact_area() -> None:
    result, files = anomalies()
    found = examine(entry_of(result, files), division="open")
    assert {finding.rule.code for finding in found.findings} <= {"TB213"}
    assert found.facts.accuracy is not None
    assert found.facts.accuracy.top1 is None
    area = result.metric("accuracy.auc")
    assert area is not None
    assert found.facts.accuracy.auc == area.value
    wrong = with_metrics(result, accuracy_auc=area.value + 1e-6)
    assert "TB220" in codes(wrong, files, division="open")


def test_int8_outputs_give_no_area() -> None:
    """They are no probabilities: divided by their sum, they would give any number."""
    result, files = good()
    found = examine(entry_of(with_metrics(result, accuracy_auc=0.99), files))
    assert found.findings == ()
    assert "accuracy.auc" not in found.facts.metrics
    assert not found.evidence_checked


def test_a_recording_of_another_list_is_unknown() -> None:
    result, files = anomalies()
    renamed = replaced(
        files, "scores.csv", "test/anomaly_id_01_00000003.wav", "test/anomaly_id_09_00000003.wav"
    )
    assert codes(result, renamed, division="open") - {"TB213"} == {"TB223"}


RECORDINGS = tuple(
    name.rpartition("/")[2].replace(".wav", "_hist_librosa.bin")
    for name in read_names(content.tasks_dir() / "ad" / "mlperf-248.txt")
)


def recordings_log(windows: int = 196, short: str | None = None, names: Sequence[str] = RECORDINGS) -> Broken:
    """Anomaly detection with a runner of MLPerf Tiny: one score for each window of each recording."""
    result, files = anomalies()
    lines = ["00035.000 session: m-session-start-id[1]"]
    for name in names:
        score = 0.9 if "anomaly" in name else 0.1
        for k in range(windows - (name == short)):
            lines += [
                f'00035.000 parser: Command "bload dut "C:\\ad01\\{name}" {k * 512} 2560"',
                "00035.001 dut: m-infer-start-1",
                "00035.002 dut: m-infer-done",
                f"00035.003 dut: m-results-[{score:.3f}]",
            ]
    lines += ["00999.000 sequencer: m-sequencer-stop", "00999.001 session: m-session-stop-id[1]"]
    del files["scores.csv"]
    files |= {LOG: "\n".join(lines).encode(), "accuracy-results.txt": b"00999.002 ulp-mlperf: AUC: 1.00\n"}
    return with_metrics(result, accuracy_auc=1.0), files


def test_the_windows_of_a_recording_are_one_sample() -> None:
    result, files = recordings_log()
    found = examine(entry_of(result, files))
    assert found.findings == ()
    assert found.facts.accuracy is not None
    assert (found.facts.accuracy.auc, found.facts.accuracy.auc_eembc) == (1.0, 1.0)


def test_a_recording_with_a_window_less_is_incomplete() -> None:
    (finding,) = examine(entry_of(*recordings_log(short="normal_id_01_00000003_hist_librosa.bin"))).findings
    assert finding.rule.code == "TB221"
    assert finding.message.endswith("has 195 windows instead of 196")


def test_the_alternative_list_of_recordings_is_taken_from_what_was_published() -> None:
    """72 recordings: nine of each kind and machine, but not any 72."""
    numbers = {("normal", 4): [*range(3, 83, 10), 343], ("anomaly", 1): [*range(3, 83, 10), 93]}
    numbers[("anomaly", 2)] = [*range(3, 73, 10), 93, 223]
    names = [
        f"{kind}_id_{machine:02d}_{number:08d}_hist_librosa.bin"
        for kind in ("normal", "anomaly")
        for machine in range(1, 5)
        for number in numbers.get((kind, machine), range(3, 93, 10))
    ]
    assert len(names) == 72
    own, files = recordings_log(names=names)
    own = changed(own, data=data(own, samples=72))
    assert codes(own, files) == {"TB221"}
    published_result = changed(own, source=published_by("v1.2"))
    assert codes(published_result, files) == set()
    _, others = recordings_log(names=[*names[1:], "normal_id_01_00000093_hist_librosa.bin"])
    assert codes(published_result, others) == {"TB221"}


def streaming(**changes: Any) -> Broken:
    """The streaming wake word task: two words, one heard, and one detection where there is none."""
    result, _ = published()
    frames = [k * 0.032 for k in range(100)]
    infer = {
        "wav_file": "long_wav.wav",
        "length_sec": 60.0,
        "detection_windows": [[9.0, 10.0], [30.0, 31.0]],
        "detections": [1000, 11_500, 51_000],
    }
    duty = {"start_times_s": frames, "stop_times_s": [start + 0.016 for start in frames]}
    said = (
        "Accuracy: 1 True positives, 1 False negatives, 1 False positives\nAverage duty cycle: 0.50000\n"
        "Average period: 0.032000 s\nEstimated throughput: 62.500 inf./sec.\n"
    )
    files = {
        "performance-results.json": json.dumps([{"infer": infer, "dutycycle": duty, "mode": "p"}]).encode(),
        "performance-results.txt": said.encode(),
    }
    values: dict[str, float] = {
        "streaming.true_positives": 1,
        "streaming.false_negatives": 1,
        "streaming.false_positives": 1,
        "streaming.duty_cycle": 0.5,
        "streaming.period": 0.032,
        "throughput": 62.5,
    }
    values |= {name.replace("_", ".", 1): value for name, value in changes.items()}
    metrics = tuple(Metric.of(name, value, "measured") for name, value in values.items())  # type: ignore[arg-type]
    fields: dict[str, Any] = {
        "task": TaskRef(id="sww", version=None),
        "data": data(result, split="mlperf-sww", samples=None),
        "target": None,
        "windows": (),
        "metrics": metrics,
    }
    return changed(result, **fields), files


def test_the_figures_of_a_stream_are_recomputed() -> None:
    found = examine(entry_of(*streaming()))
    assert found.findings == ()
    assert found.evidence_checked


@pytest.mark.parametrize(
    "wrong",
    [
        {"streaming_true_positives": 2},
        {"streaming_duty_cycle": 0.4},
        {"streaming_period": 0.03},
        {"throughput": 70.0},
    ],
)
def test_a_figure_of_a_stream_that_is_another_one_is_found(wrong: dict[str, float]) -> None:
    assert codes(*streaming(**wrong)) == {"TB230"}


def test_a_print_of_a_stream_that_is_another_one_is_found() -> None:
    result, files = streaming()
    assert codes(result, replaced(files, "performance-results.txt", "62.500", "62.600")) == {"TB230"}


def test_more_than_eight_missed_words_are_too_many_in_the_closed_division() -> None:
    result, _ = streaming(streaming_false_negatives=9)
    assert codes(result, {}) == {"TB231"}
    assert codes(result, {}, division="open") == set()
    assert codes(streaming(streaming_false_positives=8)[0], {}) == set()


def test_the_splits_of_tasks_say_how_many_samples_they_have() -> None:
    sizes = {
        (task.id, name): split.samples
        for task in specs.tasks().values()
        for name, split in task.splits.of_subsets.items()
    }
    assert sizes == {
        ("kws", "official"): 4890,
        ("vww", "official"): 1000,
        ("ic", "official"): 10000,
        ("ic", "mlperf-200"): 200,
        ("ad", "official"): 248,
        ("ad", "dcase-2020"): 2459,
    }
    for task in specs.tasks().values():
        for split in task.splits.of_subsets.values():
            listed = split.names and task.folder / split.names
            assert listed is None or len(read_names(listed)) == split.samples


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"sample,label\n",
        b"sample,label,output_0\n",
        b"sample,label,output_1\na,0,1\n",
        b"sample,label,output_0\na,0\n",
        b"sample,label,output_0\na,0,1.5\n",
        b"sample,label,output_0\na,zero,1\n",
        b"\xff\xfe",
        b"sample,label,output_0" + b"," * 2_000_001,
        b"\n" * 200_001,
    ],
    ids=range(10),
)
def test_a_table_of_outputs_that_is_none_is_unreadable(text: bytes) -> None:
    result, files = good()
    assert codes(result, files | {"outputs.csv": text}) == {"TB320"}


@pytest.mark.parametrize("score", ["nan", "inf", "1e999", "", "x", "1" * 50])
def test_a_score_that_is_no_finite_number_is_unreadable(score: str) -> None:
    result, files = anomalies()
    text = f"sample,group,label,score\na,,0,{score}\n".encode()
    assert codes(result, files | {"scores.csv": text}, division="open") - {"TB213"} == {"TB320"}


@pytest.mark.parametrize(
    ("accuracy", "found"), [(0.921, set()), (0.919, set()), (0.9215, {"TB220"}), (0.918, {"TB220"})]
)
def test_the_last_printed_digit_of_top1_is_allowed_to_differ(accuracy: float, found: set[str]) -> None:
    result, files = published()
    assert codes(with_metrics(result, accuracy_top1=accuracy), files) == found
