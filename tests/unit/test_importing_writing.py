from __future__ import annotations

from pathlib import Path

import pytest

from published_fixtures import row
from tinybench.errors import DataError, OutputError
from tinybench.submissions import manifest, scanning
from tinybench.submissions.evidence import evidence_openers
from tinybench.submissions.importing.table import convert
from tinybench.submissions.importing.writing import Draft, write

PLACE = "mlperf-v1.2/example/nucleo_l4r5zi"


def draft(**cells: str) -> Draft:
    (made,) = convert([row(**cells)])
    return made


def files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def test_a_submission_with_its_manifest(tmp_path: Path) -> None:
    assert list(write([draft()], tmp_path / "out").values()) == ["new"]
    folder = tmp_path / "out" / PLACE
    assert sorted(files(folder)) == ["manifest.json", "results/kws.json", "system.toml"]
    scan = scanning.scan(folder)
    checked = manifest.check(folder, scan.inventory)
    assert (scan.findings, checked.findings) == ((), ())
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mlperf-v1.2"]


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    write([draft()], tmp_path)
    place = tmp_path / PLACE / "system.toml"
    before = (place.stat().st_mtime_ns, place.stat().st_ino)
    assert list(write([draft()], tmp_path).values()) == ["unchanged"]
    assert (place.stat().st_mtime_ns, place.stat().st_ino) == before


def test_other_content_is_replaced_only_when_asked(tmp_path: Path) -> None:
    write([draft()], tmp_path)
    before = files(tmp_path)
    with pytest.raises(OutputError, match="is there already, with other content") as refused:
        write([draft(accuracy_top1="0.91")], tmp_path)
    assert refused.value.hint is not None
    assert "--replace" in refused.value.hint
    assert files(tmp_path) == before
    assert list(write([draft(accuracy_top1="0.91")], tmp_path, replace=True).values()) == ["replaced"]
    assert files(tmp_path) != before
    assert sorted(files(tmp_path)) == sorted(before)


@pytest.mark.parametrize("content", [b"{}", b'{"source": null}', b"no json", b'{"source": {"system": "x"}}'])
def test_somebody_elses_submission_is_never_replaced(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / PLACE / "results"
    place.mkdir(parents=True)
    (place / "mine.json").write_bytes(content)
    before = files(tmp_path)
    with pytest.raises(OutputError, match="was not imported from the same system"):
        write([draft()], tmp_path, replace=True)
    assert files(tmp_path) == before


@pytest.mark.parametrize("part", ["mlperf-v1.2", "mlperf-v1.2/example", PLACE])
def test_links_are_not_followed(tmp_path: Path, part: str) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    link = root / part
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    for replace in (False, True):
        with pytest.raises(OutputError, match="is a link or a file"):
            write([draft()], root, replace=replace)
    assert not list(outside.iterdir())


def test_evidence_is_copied_and_listed(tmp_path: Path) -> None:
    made = draft()
    (result,) = made.results.values()
    large = b"a line\r\n" * 40_000
    with_evidence = Draft(
        made.place,
        made.system,
        made.results,
        {(result.id, "performance-log.txt"): lambda: b"laps\r\n", (result.id, "b.txt"): lambda: large},
    )
    write([with_evidence], tmp_path / "out")
    folder = tmp_path / "out" / PLACE
    assert files(folder)[f"evidence/{result.id}/performance-log.txt"] == b"laps\r\n"
    scan = scanning.scan(folder)
    assert manifest.check(folder, scan.inventory).findings == ()
    with evidence_openers(folder, scan.inventory, result.id)["b.txt"]() as stream:
        assert stream.read() == large


@pytest.mark.parametrize("name", ["log.txt", "model.elf"])
def test_evidence_that_cannot_be_kept(tmp_path: Path, name: str) -> None:
    def read() -> bytes:
        if name == "log.txt":
            raise DataError("log.txt: changed while it was read")
        return b""

    made = draft()
    (result,) = made.results.values()
    with pytest.raises(DataError, match=name):
        write([Draft(made.place, made.system, made.results, {(result.id, name): read})], tmp_path / "out")
    assert not files(tmp_path / "out")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write([draft()], tmp_path / "file")
