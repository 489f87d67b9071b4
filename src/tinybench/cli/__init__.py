"""The command line. One module per verb; only this package prints, asks and exits.

A module ``tinybench.cli.<verb>`` that does not start with ``_`` is the verb of that name: it holds a click
command called ``command``, and the first line of its docstring is its short help. ``tinybench --help``
reads those lines without importing the modules. A trailing ``_`` keeps a verb such as ``list`` apart from
the builtin.
"""

from __future__ import annotations

from tinybench.cli._main import main

__all__ = ["main"]
