"""How a result is cited: BibTeX and a text.

What was published elsewhere is cited as its publication, and tinybench as where it was found: the figures
are not ours. The text then is the attribution that the publisher asks for, whole.
"""

from __future__ import annotations

from typing import Final

from tinybench.leaderboard import addresses, titles
from tinybench.leaderboard.board import Row

_LATEX: Final = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        # BibTeX counts braces even behind a backslash.
        "{": r"\textbraceleft{}",
        "}": r"\textbraceright{}",
        "$": r"\$",
        "&": r"\&",
        "#": r"\#",
        "%": r"\%",
        "_": r"\_",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "™": r"\texttrademark{}",
    }
)
"""What has a meaning in LaTeX, and how it is typed there; all other characters stay as they are (UTF-8)."""


def key(result_id: str) -> str:
    """The citation key of a result; as permanent as its id."""
    return f"tinybench-{result_id}"


def url(row: Row, site: str) -> str:
    """The permanent address of a result, below that of the site (with a slash at the end)."""
    return site + addresses.result(row.id)


def bibtex(row: Row, site: str) -> str:
    """A BibTeX entry: ``@misc``, every text escaped for LaTeX, with a newline at the end.

    Args:
        row: the result.
        site: address of the site, with a slash at the end.
    """
    result = row.result
    here = f"result {row.id}"
    if result.source is None:
        fields = {
            "author": row.organisation,
            "title": f"{titles.result(row)}: {result.model.name} with {titles.engine(row)}",
            "year": str(result.created.year),
            "howpublished": f"tinybench leaderboard, round {row.place.round}",
            "note": f"{here}. {_modes(row)}",
        }
    else:
        source = result.source
        fields = {
            "author": source.organisation,
            "title": f"MLPerf™ Tiny {source.round}, {source.division} division, benchmark {row.task}: "
            f"{source.system}",
            "howpublished": f"{source.repository or 'A copy of the repository'}, {source.path}",
            "note": f"Found through tinybench: {here}",
            "annote": source.attribution,
        }
    # Two pairs of braces: an organisation is one name, and texts keep their capitals.
    lines = [f"  {name} = {{{{{_latex(text)}}}}}" for name, text in fields.items()]
    lines.append(f"  url = {{{_address(url(row, site))}}}")
    return f"@misc{{{key(row.id)},\n" + ",\n".join(lines) + "\n}\n"


def text(row: Row, site: str) -> str:
    """One paragraph to cite a result with; ``site`` as for :func:`bibtex`."""
    source = row.result.source
    here = f"result {row.id}, {url(row, site)}"
    if source is not None:
        return f"{source.attribution} Found through tinybench: {here}."
    return (
        f"{row.organisation} ({row.result.created.year}): {titles.result(row)}: {row.result.model.name} with "
        f"{titles.engine(row)}. {_modes(row)}. tinybench leaderboard, round {row.place.round}, {here}."
    )


def _modes(row: Row) -> str:
    """How the figures came to be: a simulated figure is never cited as a measured one."""
    modes = dict.fromkeys(metric.mode for metric in row.result.metrics)
    return f"Figures are {' and '.join(modes)}" if modes else "No figures"


def _latex(text: str) -> str:
    """One line of LaTeX that prints ``text``; what cannot be printed is left out."""
    return " ".join(titles.printable(text).split()).translate(_LATEX)


def _address(address: str) -> str:
    """For the field ``url``, which styles print verbatim: only what would end the field is encoded."""
    return address.replace("{", "%7B").replace("}", "%7D").replace("\\", "%5C")
