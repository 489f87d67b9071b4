"""DataTables for pages that also work from a disk: the bundle of the package itables, as a classic script.

The bundle is an ES module, which browsers load from a server only. What it exports is all that makes it a
module, so that is replaced: by the one global name ``DataTable``.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import metadata, resources
from typing import Final

from tinybench.errors import SiteError

SCRIPT: Final = "assets/vendor/datatables.js"
LICENCES: Final = "assets/vendor/datatables-licences.txt"

_PACKAGE: Final = "itables"
_BUNDLE: Final = "html/dt_bundle.js"
_EXPORT: Final = re.compile(
    r"\bexport\{([\w$, ]+)\};?\s*(?P<licences>/\*! Bundled license information:.*\*/)\s*$", re.DOTALL
)
_IMPORT: Final = re.compile(r"\bimport\.meta\b|\bimport\s*\(|(?:^|;)\s*import\s*[\w${*\"']", re.MULTILINE)
_JQUERY: Final = re.compile(r"(?:^|,)\s*([\w$]+) as jQuery\s*(?:,|$)")


@cache
def classic_script() -> str:
    """The script: it defines ``DataTable``, and ends with what it bundles, by whom and under which licence.

    Raises:
        SiteError: the bundle of the installed itables has another form.
    """
    return converted(resources.files(_PACKAGE).joinpath(_BUNDLE).read_text(encoding="utf-8"))


def converted(module: str) -> str:
    """A bundle as a classic script.

    Raises:
        SiteError: it does not end with its exports and its licences, jQuery is not exported, or it imports.
    """
    found = _EXPORT.search(module)
    if found is None:
        raise _unknown_form("it does not end with export{...} and its licences")
    code = module[: found.start()]
    if _IMPORT.search(code):
        raise _unknown_form("it imports something")
    jquery = _JQUERY.search(found[1])
    if jquery is None:
        raise _unknown_form("it does not export jQuery")
    # DataTables hangs on the jQuery that it was bundled with. Modules are strict, and have no 'this'.
    return (
        f'(function(){{"use strict";{code}\nglobalThis.DataTable={jquery[1]}.fn.dataTable;}}).call(void 0);\n'
        f"{found['licences']}\n"
    )


def licences() -> str:
    """Who wrote the bundle and its parts, and the text of the licence that all of them are under.

    Raises:
        SiteError: itables carries no licence.
    """
    own = [path for path in metadata.files(_PACKAGE) or () if path.name.upper().startswith("LICENSE")]
    if not own:
        raise SiteError("itables carries no licence", hint="install the pinned one: requirements/site.txt")
    bundled = classic_script().rpartition("/*! Bundled license information:")[2].removesuffix("*/\n")
    version = metadata.version(_PACKAGE)
    return f"From itables {version}, html/dt_bundle.js.\n\n{own[0].read_text()}\nBundled in it:\n{bundled}"


def _unknown_form(what: str) -> SiteError:
    return SiteError(
        f"itables {metadata.version(_PACKAGE)}: {_BUNDLE} has a form that is not known: {what}",
        hint="install the pinned one: requirements/site.txt; or teach leaderboard/datatables.py the new form",
    )
