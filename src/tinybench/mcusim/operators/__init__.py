"""How each operator becomes C: one module per family, each registering its emitters with ``lowers``."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import numpy as np

from tinybench.errors import ModelError, UnsupportedOperatorError
from tinybench.mcusim.emit import Context, Layer, unsupported
from tinybench.mcusim.operators.registry import LOWERINGS
from tinybench.models import Operator

__all__ = ["emit"]

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)


def emit(context: Context, operator: Operator) -> Layer:
    """Lower one operator.

    Raises:
        UnsupportedOperatorError: there is no kernel for it or for one of its options.
    """
    lowering = LOWERINGS.get(operator.kind)
    if lowering is None:
        raise UnsupportedOperatorError(
            f"{context.model.path}: {operator} has no kernel in the simulator",
            hint=f"supported: {', '.join(sorted(LOWERINGS))}",
        )
    if lowering.options and operator.options_table != lowering.options:
        found = operator.options_table or "missing"
        raise unsupported(context, operator, f"its options are {found}, not {lowering.options}")
    if not operator.outputs or (len(operator.outputs) > 1 and not lowering.several_outputs):
        raise unsupported(context, operator, f"it has {len(operator.outputs)} outputs")
    if not lowering.inputs[0] <= len(operator.inputs) <= lowering.inputs[1]:
        raise unsupported(context, operator, f"it has {len(operator.inputs)} inputs")
    for tensor in operator.outputs:
        if tensor.dtype != "INT8":
            raise unsupported(context, operator, f"its output is {tensor.dtype.lower()}, not int8")
    if None in operator.inputs[:2]:
        raise unsupported(context, operator, "an input that it needs is absent")
    try:
        with np.errstate(all="ignore"):  # single precision may overflow to what is then refused
            return lowering.emit(context, operator)
    except UnsupportedOperatorError:
        raise
    except ModelError as error:  # of a scale or tensor, which does not know its operator
        message = f"{context.model.path}: {operator}: {error.message}"
        raise UnsupportedOperatorError(message, hint=error.hint) from None
    except (KeyError, IndexError, ValueError, TypeError, ZeroDivisionError, OverflowError):
        raise unsupported(context, operator, "its shapes or options are malformed") from None
