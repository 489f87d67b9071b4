"""The simulated microcontroller: lower, compile, emulate, time, meter.

The stages, each in a module of its own and each usable alone:

    lower       graph -> C that calls CMSIS-NN          Program
    plan        activations and scratch -> one arena
    placement   code and constants in flash or RAM
    compilers   what turns C into Thumb code            Compiler
    toolchain   C -> ELF, cached by content             Firmware
    machine     ELF -> executed instructions            Execution
    timing      Thumb code -> cycles per instruction
    simulate    all of the above for a model, a device and inputs
"""
