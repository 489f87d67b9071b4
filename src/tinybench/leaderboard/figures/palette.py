"""Colours of the figures. They are drawn light; the dark version has the same drawing in other colours.

Families of cores have colours after Okabe and Ito ("Color universal design", 2008) and P. Tol ("Colour
schemes", 2021), darkened on white and lightened on black until each has a contrast of 3:1 to the paper. A
pattern tells them apart, too: no figure depends on colour alone.
"""

from __future__ import annotations

from typing import Final

PAPER: Final = "#ffffff"
INK: Final = "#1f2328"
MUTED: Final = "#57606a"
GRID: Final = "#dde1e6"
BAND: Final = "#e7ebef"

BLUE: Final = "#0072b2"
VERMILLION: Final = "#d55e00"
GREEN: Final = "#008f68"
PINK: Final = "#c2619a"
OCHRE: Final = "#a87400"
INDIGO: Final = "#332288"
WINE: Final = "#882255"
GREY: Final = "#6e7681"

DARK: Final[dict[str, str]] = {
    PAPER: "#1e2129",
    INK: "#e6e8ec",
    MUTED: "#aab2bc",
    GRID: "#363c47",
    BAND: "#2b303a",
    BLUE: "#56b4e9",
    VERMILLION: "#ff8c42",
    GREEN: "#2fc79c",
    PINK: "#f0a3cf",
    OCHRE: "#f0c04a",
    INDIGO: "#b3a5ff",
    WINE: "#f2748f",
    GREY: "#9aa4af",
}
"""Colour of the light version -> colour of the dark one. Paper is that of the site's dark scheme."""
