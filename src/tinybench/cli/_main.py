"""The group that finds the verbs, and what happens to errors."""

from __future__ import annotations

import ast
import errno
import os
import pkgutil
import re
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.abc import InspectLoader
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Final

import click

from tinybench._version import __version__
from tinybench.cli._console import plain
from tinybench.errors import ContentError, TinybenchError, UnknownNameError

PACKAGE: Final = "tinybench.cli"
DEBUG: Final = "TINYBENCH_DEBUG"
_PRINTERS: Final = ("click.utils", "rich.console", __name__)


@cache
def verbs() -> dict[str, str]:
    """Verb -> module, from the modules of this package."""
    path = import_module(PACKAGE).__path__
    names = sorted(module.name for module in pkgutil.iter_modules(path) if not module.name.startswith("_"))
    return {name.rstrip("_").replace("_", "-"): f"{PACKAGE}.{name}" for name in names}


def short_help(module: str) -> str:
    """First line of the docstring of a module that is not imported."""
    spec = find_spec(module)
    source = spec.loader.get_source(module) if spec and isinstance(spec.loader, InspectLoader) else None
    docstring = ast.get_docstring(ast.parse(source or "")) or ""
    first = docstring.partition("\n")[0]
    return re.sub(r"^[`'\"]*tinybench [a-z-]+[`'\"]*\s*[:—–-]\s*", "", first).rstrip(".")


class VerbGroup(click.Group):
    """A group whose commands are modules, imported when they are run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all verbs."""
        return list(verbs())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb."""
        module = verbs().get(cmd_name)
        if module is None:
            return None
        command = getattr(import_module(module), "command", None)
        if not isinstance(command, click.Command):
            raise ContentError(f"{module} has no click command called 'command'")
        command.name = cmd_name
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, or say which one was probably meant."""
        if args and not args[0].startswith("-") and args[0] not in verbs():
            raise UnknownNameError("command", args[0], verbs())
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(verb, short_help(module)) for verb, module in verbs().items()])


@click.group(
    cls=VerbGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: tinybench run kws --runner tflm-sim",
)
@click.version_option(__version__, prog_name="tinybench", message="%(prog)s %(version)s")
def group() -> None:
    """Benchmark machine learning on microcontrollers, simulated or on your desk."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give back its exit code: 0 success, 1 failure, 2 wrong input, 130 interrupted."""
    _open_standard_streams()
    try:
        previous = signal.signal(signal.SIGTERM, _terminated)
    except ValueError:  # not the main thread
        return _run(arguments)
    try:
        return _run(arguments)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _open_standard_streams() -> None:
    """Give a stream that was closed (``>&-``) somewhere to go.

    Otherwise the next file that is opened gets its number, and what native code prints goes into that file.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def _run(arguments: Sequence[str] | None) -> int:
    try:
        code = group.main(
            args=None if arguments is None else list(arguments), prog_name="tinybench", standalone_mode=False
        )
        sys.stdout.flush()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException as error:
        if os.environ.get(DEBUG) == "1" and not isinstance(error, click.exceptions.Exit):
            raise
        return _explain(error)
    return code if isinstance(code, int) else 0


def _terminated(number: int, frame: FrameType | None) -> None:
    # As an exception, so that files under way are cleaned up.
    raise SystemExit(128 + number)


def _explain(error: BaseException) -> int:
    """Say in one or two lines what went wrong; the exit code."""
    match error:
        case TinybenchError():
            return _say(error.message, error.hint, error.exit_code)
        case click.exceptions.Exit():
            return error.exit_code
        case click.exceptions.NoArgsIsHelpError():
            error.show()
            return 2
        case click.UsageError():
            command = error.ctx.command_path if error.ctx else "tinybench"
            return _say(error.format_message(), f"run '{command} --help'", 2)
        case click.ClickException():
            return _say(error.format_message(), None, error.exit_code)
        case click.Abort() | KeyboardInterrupt():
            with suppress(OSError):
                click.echo("interrupted", err=True)
            return 130
        case BrokenPipeError():
            _give_up_stdout()  # whoever read our output has seen enough
            return 141
        case MemoryError():
            return _say("out of memory", "close other programs, or use --limit", 1)
        case OSError() if _while_printing(error):
            _give_up_stdout()
            return _say(f"cannot write to standard output: {error.strerror or error}", None, 1)
        case OSError() if error.errno == errno.ENOSPC:
            return _say(f"no space left on the disk{_where(error)}", _more_space(error), 1)
        case OSError():
            return _say(f"{error.strerror or error}{_where(error)}", None, 1)
        case _:
            return _say(
                f"unexpected {type(error).__name__}: {error}",
                f"this is a bug: set {DEBUG}=1 for the traceback and report it",
                1,
            )


def _where(error: OSError) -> str:
    return f": {error.filename}" if isinstance(error.filename, str) else ""


def _more_space(error: OSError) -> str:
    from tinybench.cache import cache_dir

    in_cache = isinstance(error.filename, str) and Path(error.filename).is_relative_to(cache_dir())
    return "free some space, or set TINYBENCH_CACHE" if in_cache else "free some space"


def _while_printing(error: OSError) -> bool:
    """Whether the code that prints raised it: a stream forgets what it could not write, and does not tell."""
    innermost = error.__traceback__
    while innermost is not None and innermost.tb_next is not None:
        innermost = innermost.tb_next
    return innermost is not None and innermost.tb_frame.f_globals.get("__name__") in _PRINTERS


def _give_up_stdout() -> None:
    """Send the rest of the output nowhere, so that the interpreter does not complain when it exits."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(message: str, hint: str | None, code: int) -> int:
    with suppress(OSError):
        click.echo(f"{click.style('error:', fg='red')} {plain(message)}", err=True)
        if hint:
            click.echo(f"{click.style('hint:', fg='cyan')} {plain(hint)}", err=True)
    return code
