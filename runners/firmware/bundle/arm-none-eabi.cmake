# SPDX-License-Identifier: Apache-2.0
# The GNU Arm toolchain. A project with an SDK has a toolchain file of its own, or none.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(TINYBENCH_CPU "cortex-m4" CACHE STRING "What -mcpu takes")
set(CMAKE_C_FLAGS_INIT "-mcpu=${TINYBENCH_CPU} -mthumb -mfloat-abi=soft")
