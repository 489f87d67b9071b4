"""The table library as a classic script."""

from __future__ import annotations

import pytest

from tinybench.errors import SiteError
from tinybench.leaderboard import datatables

pytest.importorskip("itables")

LICENCES = "\n/*! Bundled license information:\n\nsome.js:\n  (*! MIT *)\n*/\n"


def test_the_installed_bundle_becomes_a_script_with_one_global_name() -> None:
    script = datatables.classic_script()
    assert script.startswith('(function(){"use strict";')
    assert "export{" not in script
    assert script.count("globalThis.DataTable=") == 1
    assert len(script) > 500_000


def test_the_licences_name_the_library_and_hold_the_text_of_the_licence() -> None:
    text = datatables.licences()
    assert "DataTables" in text
    assert "jQuery" in text
    assert "Permission is hereby granted, free of charge" in text


def test_the_export_is_replaced_and_nothing_else() -> None:
    code = "var a=1,$q=2;console.log('export{a}')"
    script = datatables.converted(f"{code};export{{a as default,$q as jQuery}};{LICENCES}")
    assert script.startswith(f'(function(){{"use strict";{code};')
    assert "globalThis.DataTable=$q.fn.dataTable;" in script
    assert script.rstrip().endswith("*/")


@pytest.mark.parametrize(
    ("module", "what"),
    [
        (f"var a;{LICENCES}", "does not end with export"),
        ("var a;export{a as jQuery}", "does not end with export"),
        (f"var a;export{{a}}{LICENCES}", "does not export jQuery"),
        (f'import b from"b";var a;export{{a as jQuery}}{LICENCES}', "imports something"),
        (f"var a=import.meta.url;export{{a as jQuery}}{LICENCES}", "imports something"),
        (f'var a=import("b");export{{a as jQuery}}{LICENCES}', "imports something"),
    ],
)
def test_another_form_is_an_error_that_says_what_to_do(module: str, what: str) -> None:
    with pytest.raises(SiteError, match=what) as caught:
        datatables.converted(module)
    assert "itables" in caught.value.message
    assert caught.value.hint
