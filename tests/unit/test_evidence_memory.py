"""Evidence made to fill the memory is refused or read within it."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIMIT_BYTES = 2**29

# Not ru_maxrss: that of a child begins at what its parent has, which runs all other tests.
READ = """
from pathlib import Path
from tinybench.errors import DataError
from tinybench.mlperf_tiny import energyrunner, printed, python_runner
try:
    {call}
except DataError as error:
    pass
print(int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024)
"""

EMOJI = "\U0001f600"
"""Four bytes for each character, in a file and in memory."""

CASES = {
    "windows": 'energyrunner.read_performance(b"0.1 dut: m-infer-start-1\\n" * 200_000, "x")',
    "laps": 'energyrunner.read_performance(b"0.1 dut: m-lap-us-99999\\n" * 400_000, "x")',
    "errors": 'energyrunner.read_accuracy((b"0.1 dut: e-[" + b"x" * 600 + b"]\\n") * 120_000, "x")',
    "inputs": f"""energyrunner.read_accuracy(
        (b'0.1 parser: Command "bloadp "' + "{EMOJI}".encode() * 500 + b'""\\n0.1 dut: m-infer-start-1\\n')
        * 50_000,
        "x",
    )""",
    "vectors": """energyrunner.read_accuracy(
        (b"0.1 dut: m-infer-start-1\\n0.1 dut: m-results-[" + b"1," * 4000 + b"1]\\n") * 1000, "x"
    )""",
    "numbers": 'python_runner.read_accuracy(b"[" + b"0.5," * 3_900_000 + b"1]", "x")',
    "records": """python_runner.read_accuracy(b"[" + b'{"infer": {}},' * 249_000 + b'{"infer": {}}]', "x")""",
    "samples": """python_runner.read_energy(
        b'[{"infer": {}, "power": {"samples": [' + b"1e-5," * 3_900_000 + b'1e-5]}}]', "x"
    )""",
    "text": f"""python_runner.read_accuracy(b'["' + "{EMOJI}".encode() * 15_000_000 + b'"]', "x")""",
    "printed": """printed.read_printed(b"Performance results for window 1\\nERROR x\\n" * 100_000, "x")""",
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_below_half_a_gigabyte(case: str) -> None:
    code = READ.format(call=CASES[case])
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
    assert int(done.stdout) < LIMIT_BYTES
