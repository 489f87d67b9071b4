"""Firmware for boards: harness, model and kernels, as an ELF or as sources; and its emulation."""
