"""Cortex-M3.

Source: Cortex-M3 Technical Reference Manual r2p1 (DDI 0337I), Table 3-1 "Cortex-M3 instruction set
summary": MLA and MLS two cycles; SMULL and UMULL 3 to 5, SMLAL and UMLAL 4 to 7, "depending on the size of
the source values": the middle, as one factor of a requantisation always has 31 bits and the other few.
"""

from __future__ import annotations

from tinybench.mcusim.cores.three_stage import DATA_PROCESSING, DIVIDE, ThreeStage

_MULTIPLY = {"mla": 2, "mls": 2, "smull": 4, "umull": 4, "smlal": 6, "umlal": 6}

CORE = ThreeStage(
    arithmetic=dict.fromkeys(DATA_PROCESSING, 1) | _MULTIPLY | {"sdiv": DIVIDE, "udiv": DIVIDE},
    dsp=False,
    unicorn_model="UC_CPU_ARM_CORTEX_M3",
)
