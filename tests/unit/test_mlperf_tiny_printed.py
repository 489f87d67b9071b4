"""Printed results of both runners."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_logs import mlc_log
from tinybench.errors import DataError
from tinybench.mlperf_tiny.printed import MAX_WINDOWS, Figure, read_printed

RULE = "e-[The run must take at least 10 seconds and 10 iterations to be valid]"


def time_block(source: str, *, valid: bool = True, throughput: str = "23.155") -> str:
    lines = []
    for number, runtime in ((2, "12.964"), (4, "12.956")):
        lines += [
            f"Performance results for window {number}:",
            "  # Inferences :          300",
            f"  Runtime      :       {runtime} sec.",
            f"  Throughput   :       {throughput} inf./sec.",
            "Runtime requirements have been met." if valid else RULE,
        ]
    lines += ["-" * 57, f"Median throughput is {throughput} inf./sec.", "-" * 57]
    lines += ["Cannot compute accuracy metrics in single-run mode."]
    return "".join(f"00101.615 {source}: {line}\n" for line in lines)


ENERGY = "".join(
    f"00245.273 ulp-ml: {line}\n"
    for line in (
        "Energy data for window 2 at time 2.77 for 12.95 sec.:",
        "  Energy       :   546509.700 uJ",
        "  Power        :    42198.263 uW",
        "  Energy/Inf.  :     1821.699 uJ/inf.",
        "-" * 57,
        "Median energy cost is 1820.454 uJ/inf.",
        "-" * 57,
    )
)


def test_performance() -> None:
    printed = read_printed(time_block("ulp-mlperf").encode(), "results.txt")
    assert printed.median_throughput == Figure(23.155, 0.001)
    assert [window.number for window in printed.windows] == [2, 4]
    window = printed.windows[0]
    assert (window.inferences, window.seconds, window.valid) == (300, Figure(12.964, 0.001), True)
    assert window.throughput == Figure(23.155, 0.001)
    assert (printed.errors, printed.medians) == ((), 1)
    assert printed.energy_mode_throughput is None


def test_what_the_runner_complains_about() -> None:
    printed = read_printed(time_block("ulp-mlperf", valid=False).encode(), "x")
    assert [window.valid for window in printed.windows] == [False, False]
    assert printed.errors == (RULE, RULE)


def test_the_throughput_of_an_energy_run_is_not_the_performance_result() -> None:
    printed = read_printed((ENERGY + time_block("ulp-ml", throughput="23.175")).encode(), "x")
    assert printed.median_throughput is None
    assert printed.windows == ()
    assert printed.energy_mode_throughput == Figure(23.175, 0.001)
    assert [window.number for window in printed.energy_mode_windows] == [2, 4]
    assert printed.median_energy_j == Figure(0.001820454, 1e-9)
    (window,) = printed.energy_windows
    assert window.number == 2
    assert (window.start_s, window.seconds) == (Figure(2.77, 0.01), Figure(12.95, 0.01))
    assert window.energy_j == Figure(0.5465097, 1e-9)
    assert window.power_w == Figure(0.042198263, 1e-9)
    assert window.energy_per_inference_j == Figure(0.001821699, 1e-9)


def test_an_energy_run_behind_a_performance_run() -> None:
    text = time_block("ulp-mlperf") + ENERGY + time_block("ulp-ml", throughput="23.175")
    printed = read_printed(text.encode(), "x")
    assert printed.median_throughput == Figure(23.155, 0.001)
    assert printed.energy_mode_throughput == Figure(23.175, 0.001)


def test_the_last_of_several_sessions_counts() -> None:
    text = time_block("ulp-mlperf", throughput="23.1") + time_block("ulp-mlperf", throughput="24.25")
    printed = read_printed(text.encode(), "x")
    assert printed.median_throughput == Figure(24.25, 0.01)
    assert len(printed.windows) == 2
    assert printed.medians == 2


def test_accuracy_of_both_runners() -> None:
    eembc = read_printed(b"00363.658 ulp-mlperf: Top-1: 90.2%\r\n00363.675 ulp-mlperf: AUC: 0.99", "x")
    assert (eembc.top1, eembc.auc) == (Figure(0.902, 0.001), Figure(0.99, 0.01))
    mlc = read_printed(
        b"0726.010109 ulp-mlperf: Top 1% = 90.2\r\n0726.010109 ulp-mlperf: AUC = 0.995\r\n", "x"
    )
    assert (mlc.top1, mlc.auc) == (Figure(0.902, 0.001), Figure(0.995, 0.001))


MLC_ENERGY = """Power Edition Output
Energy data for trial 0
  Elapsed time  : 8.886000000000001  <<<< below minimum duration
  Inferences    : 250
  Power         : 32.8730 mW.
  Total Energy  : 357855.490 uJ
  Energy/Inf    : 1431.422 uJ/inf
---------------------------------------------------------
Median energy cost is 1430.6681 uJ/inf.
---------------------------------------------------------
"""


def test_energy_of_the_python_runner() -> None:
    printed = read_printed(MLC_ENERGY.encode(), "x")
    (window,) = printed.energy_windows
    assert (window.number, window.inferences, window.start_s) == (0, 250, None)
    assert window.seconds == Figure(8.886000000000001, 1e-15)
    assert window.energy_j == Figure(0.35785549, 1e-9)
    assert window.power_w == Figure(0.032873, 1e-7)
    assert window.energy_per_inference_j == Figure(0.001431422, 1e-9)
    assert printed.median_energy_j == Figure(0.0014306681, 1e-10)
    assert printed.median_throughput is None


def test_performance_of_the_python_runner() -> None:
    text = """Performance results for window 1
    # Inferences : 250
    Runtime: 10.862042 sec.
    Throughput: 23.01593015383295 inf./sec.
    Runtime requirements have been met.
0726.010245 ulp-mlperf: ---------------------------------------------------------
0726.010245 ulp-mlperf: Median throughput is     23.016 inf./sec.
"""
    printed = read_printed(text.encode(), "x")
    assert printed.median_throughput == Figure(23.016, 0.001)
    (window,) = printed.windows
    assert (window.seconds, window.inferences, window.valid) == (Figure(10.862042, 1e-6), 250, True)


def test_an_error_in_place_of_a_median() -> None:
    text = "0726.010245 ulp-mlperf: ERROR 2 - loop exited before 10 seconds elapsed.\n"
    printed = read_printed(text.encode(), "x")
    assert printed.errors == ("ERROR 2 - loop exited before 10 seconds elapsed.",)
    assert printed.median_throughput is None


def test_the_log_of_the_python_runner_prints_its_windows_too() -> None:
    printed = read_printed(mlc_log(3), "x")
    assert [window.number for window in printed.windows] == [1, 2, 3]
    assert printed.windows[0].seconds == Figure(10.862, 0.001)


def test_streaming() -> None:
    text = (
        "Accuracy: 44 True positives, 6 False negatives, 4 False positives\n"
        "Average duty cycle: 0.56085\nAverage period: 0.031987 s\nEstimated throughput: 55.742 inf./sec.\n"
    )
    streaming = read_printed(text.encode(), "x").streaming
    assert streaming is not None
    counts = (streaming.true_positives, streaming.false_negatives, streaming.false_positives)
    assert counts == (44, 6, 4)
    assert streaming.duty_cycle == Figure(0.56085, 1e-5)
    assert streaming.period_s == Figure(0.031987, 1e-6)
    assert streaming.throughput == Figure(55.742, 0.001)


@pytest.mark.parametrize("number", ["nan", "inf", "-3.0", "1" * 40, "", "1,5"])
def test_what_is_no_number_is_no_figure(number: str) -> None:
    printed = read_printed(f"1.0 ulp-mlperf: Median throughput is {number} inf./sec.\n".encode(), "x")
    assert printed.median_throughput is None


def test_more_windows_than_any_run_has() -> None:
    text = "".join(f"Performance results for window {k}\n" for k in range(MAX_WINDOWS + 1))
    with pytest.raises(DataError, match="x: holds more than"):
        read_printed(text.encode(), "x")


def test_agreement_is_rounding_and_nothing_more() -> None:
    figure = Figure(23.155, 0.001)
    assert figure.agrees(23.1545)
    assert figure.agrees(23.15549)
    assert not figure.agrees(23.15551)
    assert not figure.agrees(23.1544)


@given(st.floats(1e-3, 1e6), st.integers(0, 6))
def test_a_figure_agrees_with_what_it_was_printed_from(value: float, decimals: int) -> None:
    line = f"1.0 ulp-mlperf: Median throughput is {value:.{decimals}f} inf./sec.\n"
    figure = read_printed(line.encode(), "x").median_throughput
    assert figure is not None
    assert figure.agrees(value)
    assert not figure.agrees(value + 1.01 * figure.step)


WORDS = (time_block("ulp-mlperf") + ENERGY + time_block("ulp-ml") + MLC_ENERGY).splitlines()


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=40), max_size=40))
def test_no_text_breaks_the_reader(lines: list[str]) -> None:
    read_printed("\n".join(lines).encode("utf-8", "surrogatepass"), "x")
