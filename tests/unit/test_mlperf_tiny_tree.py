from __future__ import annotations

from pathlib import Path

import pytest

import published_trees as trees
from tinybench.errors import DataError
from tinybench.mlperf_tiny import tree
from tinybench.mlperf_tiny.runs import RunKind
from tinybench.mlperf_tiny.tree import Case, find, run_of, task_of


def one(root: Path) -> Case:
    (case,) = find(root).cases
    return case


def lay(tmp_path: Path, *paths: str) -> Path:
    return trees.write(tmp_path / "tiny_results_v1.0", dict.fromkeys(paths, b""))


def test_a_repository_by_the_rules(tmp_path: Path) -> None:
    root = trees.repository(tmp_path)
    found = find(root)
    assert (found.base, found.round, found.skipped) == (root, "v1.2", ())
    assert found.system_files == {("closed", "Example"): (trees.SYSTEM_PATH,)}
    (case,) = found.cases
    assert (case.path, case.division, case.organisation, case.system, case.task, case.variant) == (
        trees.CASE,
        "closed",
        "Example",
        "NUCLEO_L4R5ZI",
        "kws",
        None,
    )
    assert {kind: sorted(run.files) for kind, run in case.runs.items()} == {
        "performance": ["log.txt", "results.txt"],
        "accuracy": ["log.txt", "results.txt"],
        "energy": ["log.txt", "results.txt", "trace1-energy.bin", "trace1-timestamps.json"],
    }
    assert all(run.exact and not run.renamed for run in case.runs.values())


@pytest.mark.parametrize("below", ["", "closed", "closed/Example", "closed/Example/results", trees.CASE])
def test_any_folder_of_a_repository_says_the_same(tmp_path: Path, below: str) -> None:
    root = trees.repository(tmp_path)
    found = find(root / below)
    assert (found.base, found.round) == (root, "v1.2")
    assert found.cases == find(root).cases
    assert found.system_files == find(root).system_files


def test_one_system_of_several(tmp_path: Path) -> None:
    root = lay(
        tmp_path,
        "closed/A/results/one/kws/performance/log.txt",
        "closed/A/results/two/ic/performance/log.txt",
        "open/B/results/three/ad/performance/log.txt",
    )
    assert [case.system for case in find(root / "closed/A/results/two").cases] == ["two"]
    assert [case.organisation for case in find(root).cases] == ["A", "A", "B"]
    assert one(root / "open").division == "open"


def test_a_folder_outside_of_any_repository(tmp_path: Path) -> None:
    root = trees.write(tmp_path / "01_a_case", {"performance/log.txt": b"", "energy/results.txt": b""})
    found = find(root)
    assert (found.base, found.round, found.system_files) == (tmp_path, None, {})
    (case,) = found.cases
    assert (case.path, case.division, case.task, sorted(case.runs)) == (
        "01_a_case",
        None,
        None,
        ["energy", "performance"],
    )
    assert [case.path for case in find(tmp_path).cases] == [f"{tmp_path.name}/01_a_case"]


@pytest.mark.parametrize(
    ("path", "system", "task", "variant"),
    [
        ("microtvm_cmsis_nn/NUCLEO_L4R5ZI/ad", "microtvm_cmsis_nn/NUCLEO_L4R5ZI", "ad", None),
        ("pi/ic/ic_int8", "pi", "ic", "ic_int8"),
        ("gap9_650_240/keyword_spotting", "gap9_650_240", "kws", None),
        ("gap9_650_240/visual_wake_words", "gap9_650_240", "vww", None),
        ("gap9/image_clasification", "gap9", "ic", None),
        ("gap9/Anomaly-Detection", "gap9", "ad", None),
        ("Alibaba Cloud (RISC-V)/person_detection", "Alibaba Cloud (RISC-V)", "vww", None),
        ("board/sww", "board", "sww", None),
        ("board/something", "board/something", None, None),
    ],
)
def test_how_results_are_nested_and_spelled(
    tmp_path: Path, path: str, system: str, task: str | None, variant: str | None
) -> None:
    case = one(lay(tmp_path, f"open/Org/results/{path}/performance/log.txt"))
    assert (case.system, case.task, case.variant) == (system, task, variant)


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("enegy", "energy"),
        ("power", "energy"),
        ("Energy", "energy"),
        ("perfomance", "performance"),
        ("acuracy", "accuracy"),
    ],
)
def test_misspelt_runs(tmp_path: Path, folder: str, kind: RunKind) -> None:
    case = one(lay(tmp_path, f"closed/Org/results/b/ic/{folder}/log.txt"))
    assert list(case.runs) == [kind]
    assert not case.runs[kind].exact
    assert run_of(kind) == kind


def test_the_right_name_wins_over_a_misspelt_one(tmp_path: Path) -> None:
    case = one(lay(tmp_path, "closed/O/results/b/ic/enegy/log.txt", "closed/O/results/b/ic/energy/log.txt"))
    assert case.runs["energy"].path.endswith("/energy")


def test_files_named_after_their_run(tmp_path: Path) -> None:
    base = "closed/pi/results/rpi/kws/kws_int8"
    case = one(
        lay(
            tmp_path,
            f"{base}/performance/performance_log.txt",
            f"{base}/performance/performance_script.txt",
            f"{base}/performance/notes.doc",
            f"{base}/accuracy/accuracy_log.txt",
            f"{base}/accuracy/result.txt",
        )
    )
    assert case.runs["performance"].files == {
        "log.txt": f"{base}/performance/performance_log.txt",
        "script.async": f"{base}/performance/performance_script.txt",
    }
    assert case.runs["performance"].renamed == ("performance_log.txt", "performance_script.txt")
    assert sorted(case.runs["accuracy"].files) == ["log.txt", "results.txt"]


def test_a_file_with_the_right_name_wins(tmp_path: Path) -> None:
    base = "closed/O/results/b/ic/performance"
    run = one(lay(tmp_path, f"{base}/performance_log.txt", f"{base}/log.txt")).runs["performance"]
    assert (run.files, run.renamed) == ({"log.txt": f"{base}/log.txt"}, ())


def test_the_marker_of_the_runner(tmp_path: Path) -> None:
    base = "closed/O/results/b/ic"
    assert not one(lay(tmp_path, f"{base}/performance/log.txt")).eembc_marker
    assert one(lay(tmp_path, f"{base}/EEMBC_RUNNER")).eembc_marker


def test_nested_and_several_system_files(tmp_path: Path) -> None:
    root = lay(
        tmp_path,
        "closed/O/results/b/ic/performance/log.txt",
        "closed/O/systems/b/b_system_description.json",
        "closed/O/systems/c.JSON",
        "closed/O/systems/Energy-Hookup.pdf",
    )
    assert find(root).system_files == {
        ("closed", "O"): ("closed/O/systems/c.JSON", "closed/O/systems/b/b_system_description.json")
    }


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = trees.write(tmp_path / "outside", {"performance/log.txt": b"secret"})
    root = lay(tmp_path, "closed/O/results/b/ic/performance/log.txt")
    (root / "closed/O/results/b/kws").symlink_to(outside)
    (root / "closed/O/results/b/ic/performance/results.txt").symlink_to(outside / "performance/log.txt")
    (root / "closed/O/systems").symlink_to(outside)
    found = find(root)
    assert [case.path for case in found.cases] == ["closed/O/results/b/ic"]
    assert list(found.cases[0].runs["performance"].files) == ["log.txt"]
    assert {(skipped.path, skipped.reason) for skipped in found.skipped} == {
        ("closed/O/results/b/kws", "is a link"),
        ("closed/O/results/b/ic/performance/results.txt", "is a link"),
        ("closed/O/systems", "is a link"),
    }


def test_code_is_not_looked_at(tmp_path: Path) -> None:
    root = lay(tmp_path, "closed/O/code/kws/performance/log.txt", "closed/O/.git/performance/log.txt")
    assert find(root).cases == ()


def test_depth_and_number_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = "/".join(["d"] * 20)
    root = lay(tmp_path, f"closed/O/results/{deep}/kws/performance/log.txt")
    found = find(root)
    assert found.cases == ()
    assert [skipped.reason for skipped in found.skipped] == ["is more than 12 folders deep"]
    monkeypatch.setattr(tree, "MAX_ENTRIES", 5)
    with pytest.raises(DataError, match="more than 5 files and folders"):
        find(root)


def test_what_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in ("file", "none"):
        with pytest.raises(DataError, match=f"{name}: is no folder"):
            find(tmp_path / name)


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = lay(tmp_path, "closed/O/results/b/kws/performance/log.txt")
    read = tree.Folder.entries

    def entries(self: tree.Folder, below: str = ""):  # type: ignore[no-untyped-def]
        if below.endswith("/b"):
            raise DataError(f"{below}: permission denied")
        return read(self, below)

    monkeypatch.setattr(tree.Folder, "entries", entries)
    found = find(root)
    assert found.cases == ()
    assert [(s.path, s.reason) for s in found.skipped] == [("closed/O/results/b", "permission denied")]


@pytest.mark.parametrize("word", ["", "x", "kw", "ads", "icc", "adventure", "results", "classification"])
def test_words_that_are_no_task(word: str) -> None:
    assert task_of(word) is None


@pytest.mark.parametrize("word", ["", "results", "ic", "kws", "code", "systems", "form"])
def test_words_that_are_no_run(word: str) -> None:
    assert run_of(word) is None
