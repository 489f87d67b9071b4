"""Logs, traces and results as the runners of MLPerf Tiny write them, made up for the tests."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Sequence
from typing import Any

WORDS = ("Down", "Go", "Left", "No", "Off", "On", "Right", "Stop", "Up", "Yes", "Silence", "Unknown")


def kws_file(k: int) -> str:
    """Name of the k-th sample; its class is k modulo 12."""
    return f"tst_{k:06d}_{WORDS[k % 12]}_{k % 12}.bin"


class EnergyRunnerLog:
    """Writes a log line by line on a clock of its own, as EEMBC's runner does."""

    def __init__(self, *, kind: str = "ulp-mlperf", mode: str = "bmark", iterations: int = 300) -> None:
        self.host_ms = 35_000
        self.lap_us = 39_000_000
        self.iterations = iterations
        self.kind = kind
        self.commands = 0
        self.lines: list[str] = []
        self.say("session", "m-session-start-id[20240311152711]")
        self.say("parser", f"m-bmark-run-name[ML Benchmark 1.0.1]-code[{kind}]")
        self.say("sequencer", "m-sequencer-start")
        self.command("version")
        self.say("parser", "m-version[3.0.10]")
        for key, value in {
            "iterWarmup": 1,
            "iterInfer": iterations,
            "runMode": mode,
            "model": "kws01",
        }.items():
            self.say("parser", f"m-bm-cfg-name[{kind}]-key[{key}]-val[{value}]")
        if self.energy:
            self.say("emon", "m-trace[on]")
            self.command("io dut timestamp")
        self.device("m-profile-[ULPMark for tinyML Firmware V0.0.1]", "m-model-[kws01]", "m-ready")
        if not self.energy:
            self.command("dut timestamp")
            self.device("m-lap-us-38500000", "m-ready")

    @property
    def energy(self) -> bool:
        return self.kind == "ulp-ml"

    def say(self, source: str, text: str, after_ms: int = 1) -> None:
        self.host_ms += after_ms
        self.lines.append(f"{self.host_ms // 1000:05d}.{self.host_ms % 1000:03d} {source}: {text}")

    def command(self, command: str) -> None:
        self.commands += 1
        self.say(
            "sequencer", f"m-sequencing-i[{self.commands}]-command[{command}]-ack[/parser: m-ready/]-ms[5000]"
        )
        self.say("parser", f'Command "{command}"')

    def device(self, *texts: str) -> None:
        for text in texts:
            self.say(*(("io", f"[dut]: {text}") if self.energy else ("dut", text)))

    def window(self, file: str, us: int, results: Sequence[float] = (), *, warmups: int = 1) -> None:
        """One input and its inferences, which take ``us`` microseconds."""
        load, infer = ("bloadp", "io dut infer") if self.energy else ("bload dut", "dut infer")
        self.command(rf'{load} "C:\eembc\datasets\kws01\{file}"')
        self.command(f"{infer} {self.iterations} {warmups}")
        self.device(f"m-warmup-start-{warmups}", "m-warmup-done", f"m-infer-start-{self.iterations}")
        if not self.energy:
            self.device(f"m-lap-us-{self.lap_us % 2**32}")
        self.host_ms += us // 1000
        self.lap_us += us
        if not self.energy:
            self.device(f"m-lap-us-{self.lap_us % 2**32}")
        self.device("m-infer-done", f"m-results-[{','.join(f'{value:.3f}' for value in results)}]", "m-ready")
        self.lap_us += 200_000

    def stop(self) -> EnergyRunnerLog:
        if self.energy:
            self.say("emon", "m-trace[off]")
            self.say("emon", "m-voltage-mv[1800]")
        self.say("sequencer", "m-sequencer-stop")
        self.say("session", "m-session-stop-id[20240311152711]")
        return self

    def encode(self, ending: str = "\n") -> bytes:
        return ending.join(self.lines).encode()


def performance_log(microseconds: Iterable[int] = (12_960_000, 12_950_000, 12_970_000)) -> EnergyRunnerLog:
    log = EnergyRunnerLog()
    for k, us in enumerate(microseconds):
        log.window(kws_file(k), us, one_hot(k))
    return log.stop()


def accuracy_log(samples: int) -> EnergyRunnerLog:
    log = EnergyRunnerLog(mode="multi", iterations=1)
    for k in range(samples):
        log.window(kws_file(k), 43_000, one_hot(k), warmups=0)
    return log.stop()


def energy_log(windows: int = 3) -> EnergyRunnerLog:
    log = EnergyRunnerLog(kind="ulp-ml")
    for k in range(windows):
        log.window(kws_file(k), 2_000_000, one_hot(k))
    return log.stop()


def one_hot(k: int) -> list[float]:
    return [0.996 if i == k % 12 else 0.0 for i in range(12)]


def trace_bytes(power_mw: Iterable[float], rate_hz: float = 1000.0) -> bytes:
    values = list(power_mw)
    return b"\xf1" + struct.pack("<f", rate_hz) + struct.pack(f"<{len(values)}f", *values)


def mlc_record(k: int, mode: str = "p", **changes: Any) -> dict[str, Any]:
    start = 114_879_046 + k * 11_000_000
    infer = {
        "start_time": start,
        "end_time": start + 10_862_042 + k,
        "results": one_hot(k),
        "elapsed_time": 10_862_042 + k,
        "total_inferences": 1,
        "iterations": 250,
        "warmups": 1,
    }
    return {
        "file": kws_file(k),
        "classes": "12",
        "class": str(k % 12),
        "infer": infer,
        "mode": mode,
    } | changes


def mlc_energy_records(
    edges: Sequence[Sequence[tuple[int, int]]], joules: float = 3e-5
) -> list[dict[str, Any]]:
    """Records of an energy run: pieces of 2,000 samples with (number, sample) of each edge."""
    records = []
    for k, piece in enumerate(edges):
        infer = {"results": one_hot(k), "total_inferences": 1, "iterations": 250, "warmups": 1}
        marks = [[f"{number:02d}", at] for number, at in piece]
        power = {"samples": [joules] * 2000, "timestamps": marks, "extracted_power": None, "voltage": 3}
        records.append(mlc_record(k, "e", infer=infer, power=power))
    return records


def mlc_json(records: list[dict[str, Any]]) -> bytes:
    return json.dumps(records).encode()


def mlc_log(windows: int, *, mode: str = "p") -> bytes:
    lines = [
        r"Logging initialized. Writing output to sessions\20250726_010147\log.txt",
        "Retrieving name from DUT ...",
        "Device name retrieved: ExampleVendor",
        "Device profile retrieved: ULPMark for tinyML Firmware V0.0.1",
        "Device model retrieved: kws01",
    ]
    for k in range(windows):
        lines += [
            f"0726.010150 ulp-mlperf: Loading file {kws_file(k)} segment 0",
            "0726.010150 ulp-mlperf: Load complete.",
            "Running inference with 1/250 (warmup/measured) iterations ...",
            "done",
            f"0726.010201 ulp-mlperf: Performance results for window {k + 1}:",
            "0726.010201 ulp-mlperf:   # Inferences :           250",
            "0726.010201 ulp-mlperf:   Runtime      :     10.862 sec.",
            "0726.010201 ulp-mlperf:   Throughput   :     23.016 inf./sec.",
            f"0726.010201 ulp-mlperf:   m-results    : {one_hot(k)}",
        ]
    lines.append(r"Session logged in file sessions\20250726_010147\log.txt")
    return "".join(line + "\r\n" for line in lines).encode()
