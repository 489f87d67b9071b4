from __future__ import annotations

import pytest

from tinybench.errors import UsageError
from tinybench.quantities import frequency, parse_frequency, quantity, size


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0998, "s", "99.8 ms"),
        (0.000_0123, "s", "12.3 µs"),
        (2.5, "s", "2.5 s"),
        (0.0, "s", "0 s"),
        (1.5e-3, "J", "1.5 mJ"),
        (42e-6, "J", "42 µJ"),
        (5e-9, "J", "5 nJ"),
        (0.033, "W", "33 mW"),
        (0.90625, "fraction", "90.6 %"),
        (0.85, "1", "0.8500"),
        (10.02, "1/s", "10.02 1/s"),
        (2048, "bytes", "2.0 KiB"),
        (8_850_000, "cycles", "8.850 M"),
        (12_345, "instructions", "12,345"),
    ],
)
def test_quantities_are_readable(value: float, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (2**20, "1.0 MiB"), (5 * 2**30, "5.0 GiB")],
)
def test_sizes_are_readable(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("text", "hertz"),
    [
        ("80MHz", 80_000_000),
        ("80000000", 80_000_000),
        ("0.5GHz", 500_000_000),
        ("64 MHz", 64_000_000),
        (" 32768 Hz ", 32_768),
        ("32.768khz", 32_768),
    ],
)
def test_frequencies_can_be_typed(text: str, hertz: int) -> None:
    assert parse_frequency(text) == hertz


@pytest.mark.parametrize(
    "text", ["", "fast", "-1MHz", "0", "0.5", "1.5Hz", "80M", "80 mm", "1e6", "nan", "٣MHz"]
)
def test_what_is_no_frequency_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a clock"):
        parse_frequency(text)


def test_frequencies_are_shown_in_megahertz() -> None:
    assert (frequency(80_000_000), frequency(32_768)) == ("80 MHz", "0.032768 MHz")
