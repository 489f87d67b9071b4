"""Building the site from a checkout: whole or not at all, and the same bytes each time."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import urllib.request
from pathlib import Path

import pytest

import complete_submission
from tinybench.cli import _reference, main
from tinybench.errors import DataError, OutputError, SiteError
from tinybench.leaderboard import build as building
from tinybench.leaderboard.build import Built, build
from tinybench.leaderboard.serving import serving

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with one submission and one page that is written by hand."""
    site = tmp_path / "checkout" / "site"
    shutil.copytree(CHECKOUT / "site" / "theme", site / "theme")
    (site / "docs").mkdir()
    settings: dict[str, object] = {
        "site_name": "tinybench",
        "use_directory_urls": False,
        "plugins": ["search"],
    }
    settings["theme"] = {"name": "material", "font": False}
    settings["validation"] = {"links": {"not_found": "warn"}}
    (site / "mkdocs.yml").write_text(json.dumps(settings))
    (site / "docs" / "words.md").write_text("# Words\n")
    (site.parent / "CHANGELOG.md").write_text("# Changelog\n")
    submissions = site.parent / "submissions"
    complete_submission.measured().write(submissions)
    return site.parent


@pytest.fixture(autouse=True)
def _few_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """What each generator writes has tests of its own; a home page will do here."""

    def home(context: building.Context) -> None:
        rows = context.board.rows
        context.pages.file("index.md", f"# {len(rows)} results\n\n[Words](words.md)\n".encode())

    monkeypatch.setattr(building, "generators", lambda: {"home": home})
    monkeypatch.setattr(_reference, "pages", dict)


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_hand_written_and_generated_pages_become_one_site(root: Path, tmp_path: Path) -> None:
    built = build(root, tmp_path / "out", extra={"reference/cli.md": "# Reference\n"})
    assert built == Built(tmp_path / "out", results=1, pages=4)
    assert "1 results" in (built.path / "index.html").read_text()
    assert (built.path / "words.html").is_file()
    assert (built.path / "reference" / "cli.html").is_file()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("created", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_result_may_say_that_it_was_made_at_any_time(root: Path, tmp_path: Path, created: str) -> None:
    draft = complete_submission.measured()
    shutil.rmtree(root / "submissions" / draft.place)
    draft.result["created"] = created
    draft.write(root / "submissions")
    assert build(root, tmp_path / "out", extra={}).results == 1


def test_the_same_submissions_give_the_same_bytes_anywhere(root: Path, tmp_path: Path) -> None:
    first = build(root, tmp_path / "one", extra={})
    moved = root.rename(tmp_path / "elsewhere")
    second = build(moved, tmp_path / "deeper" / "two", extra={})
    assert hashes(first.path) == hashes(second.path)


def test_an_earlier_site_is_replaced_and_nothing_of_it_stays(root: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    build(root, output, extra={})
    (output / "stale.html").write_text("old")
    build(root, output, extra={})
    assert not (output / "stale.html").exists()


def test_a_submission_that_breaks_a_rule_leaves_the_earlier_site(root: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    build(root, output, extra={})
    before = hashes(output)
    (root / "submissions" / complete_submission.MEASURED / "manifest.json").unlink()
    assert main(["site", "build", "--root", str(root), "--output", str(output)]) == 1
    assert hashes(output) == before


def test_a_page_that_mkdocs_refuses_is_named(root: Path, tmp_path: Path) -> None:
    (root / "site" / "docs" / "words.md").write_text("# Words\n\n[nowhere](nowhere.md)\n")
    with pytest.raises(SiteError, match=r"words\.md.*nowhere\.md") as refused:
        build(root, tmp_path / "out", extra={})
    assert str(tmp_path) not in refused.value.message
    assert not (tmp_path / "out").exists()


def test_mkdocs_that_falls_over_is_quoted_in_a_line(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('no space left on device')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(SiteError, match=r"^MkDocs refuses the pages: .*no space left on device$"):
        build(root, tmp_path / "out", extra={})
    assert not (tmp_path / "out").exists()


def test_what_is_generated_is_not_written_by_hand(root: Path, tmp_path: Path) -> None:
    (root / "site" / "docs" / "index.md").write_text("# Mine\n")
    with pytest.raises(SiteError, match=r"index\.md is generated"):
        build(root, tmp_path / "out", extra={})


def test_what_is_no_checkout_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"mkdocs\.yml is missing"):
        build(tmp_path, tmp_path / "out", extra={})


@pytest.mark.parametrize("what", ["folder", "file", "link"])
def test_what_is_no_site_is_not_replaced(what: str, root: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    if what == "folder":
        output.mkdir()
        (output / "thesis.txt").write_text("dear")
    elif what == "file":
        output.write_text("dear")
    else:
        (tmp_path / "other").mkdir()
        output.symlink_to(tmp_path / "other")
    with pytest.raises(OutputError):
        build(root, output, extra={})
    assert what != "folder" or (output / "thesis.txt").read_text() == "dear"


def test_without_the_extra_the_command_says_what_to_install(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.delitem(sys.modules, "tinybench.leaderboard.build")
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.delitem(sys.modules, "tinybench.leaderboard.frame")
    monkeypatch.delattr("tinybench.leaderboard.build", raising=False)
    assert main(["site", "build", "--root", str(root)]) == 2
    error = capsys.readouterr().err
    assert "pandas" in error
    assert "tinybench-suite[site]" in error


def test_the_command_says_where_the_site_is(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["site", "build", "--root", str(root)]) == 0
    assert f"site: {root / 'build' / 'site'} (1 results)" in capsys.readouterr().out


def test_a_site_is_served_to_this_machine_alone(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("here")
    with serving(0) as server:
        assert server.server_address[0] == "127.0.0.1"
        thread = threading.Thread(target=server.serve, args=(tmp_path,))
        thread.start()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/", timeout=10) as answer:
                assert answer.read() == b"here"
        finally:
            server.shutdown()
            thread.join()


def test_a_port_that_is_taken_is_named_before_anything_is_built(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(0) as server:
        port = str(server.server_port)
        assert main(["site", "serve", "--root", str(root), "--port", port]) == 2
    assert f"port {port}" in capsys.readouterr().err
    assert not (root / "build").exists()
