"""Cortex-M4.

Source: ARM Cortex-M4 Processor Technical Reference Manual r0p1 (DDI 0439D): Table 3-1 "Cortex-M4
instruction set summary" (every multiplication takes one cycle), Table 3-2 "Cortex-M4 DSP instruction set
summary" (every instruction takes one cycle).
"""

from __future__ import annotations

from tinybench.mcusim.cores.three_stage import DATA_PROCESSING, DIVIDE, DSP, ThreeStage

_LONG_MULTIPLY = frozenset("mla mls smull umull smlal umlal".split())

CORE = ThreeStage(
    arithmetic=dict.fromkeys(DATA_PROCESSING | DSP | _LONG_MULTIPLY, 1) | {"sdiv": DIVIDE, "udiv": DIVIDE},
    dsp=True,
    unicorn_model="UC_CPU_ARM_CORTEX_M4",
)
