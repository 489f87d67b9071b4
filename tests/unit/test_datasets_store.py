"""The cache: states, hashes of sets, and a swap that loses nothing."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from data_fixtures import Corpus, sha256
from hypothesis import given
from hypothesis import strategies as st

from tinybench import specs
from tinybench.datasets import catalog, store
from tinybench.datasets.fetch import fetch
from tinybench.datasets.importing import import_path
from tinybench.datasets.selection import Selection
from tinybench.errors import ContentError, DataError, OutputError, UnknownNameError
from tinybench.files import hashing

names = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\\"),
    min_size=1,
    max_size=12,
)
digests = st.dictionaries(names, st.binary(max_size=4).map(sha256), min_size=1, max_size=8)


@given(digests, st.randoms())
def test_the_hash_of_a_set_does_not_depend_on_order(files: dict[str, str], random: Any) -> None:
    shuffled = list(files.items())
    random.shuffle(shuffled)
    assert hashing.set_sha256(dict(shuffled)) == hashing.set_sha256(files)


@given(digests, digests)
def test_the_hash_of_a_set_depends_on_names_and_contents(one: dict[str, str], other: dict[str, str]) -> None:
    assert (hashing.set_sha256(one) == hashing.set_sha256(other)) == (one == other)


@given(digests)
def test_sums_are_read_as_they_were_written(files: dict[str, str]) -> None:
    assert hashing.read_sums(hashing.sums(files), Path("SHA256SUMS")) == files


@pytest.mark.parametrize("text", ["", "\n", "0 a\n", f"{'0' * 64} a\n", f"{'0' * 64}  a\n" * 2])
def test_broken_sums_are_an_error(text: str) -> None:
    with pytest.raises(DataError, match=r"SHA256SUMS: line \d is broken"):
        hashing.read_sums(text, Path("SHA256SUMS"))


def test_a_shell_gets_the_same_hash(corpus: Corpus) -> None:
    if shutil.which("sha256sum") is None:
        pytest.skip("sha256sum is not installed")
    command = "sha256sum */*.wav | LC_ALL=C sort | sha256sum"
    found = subprocess.run(command, shell=True, cwd=corpus.folder, capture_output=True, text=True, check=True)
    expected = hashing.set_sha256(hashing.hash_files(corpus.folder, corpus.clips))
    assert found.stdout.split()[0] == expected


@pytest.fixture
def installed(corpus: Corpus, data_cache: Path) -> Corpus:
    """The subset ``test``, present."""
    import_path(corpus.dataset, "test", corpus.archive)
    return corpus


def test_nothing_is_there_at_first(corpus: Corpus, data_cache: Path) -> None:
    assert store.status(corpus.dataset, "test").state == "absent"
    assert not data_cache.exists()


def test_what_was_installed_is_present(installed: Corpus) -> None:
    status = store.status(installed.dataset, "test")
    assert (status.state, status.detail) == ("present", "36 files")
    assert status.manifest is not None
    assert status.manifest.sha256 == hashing.set_sha256({k: sha256(v) for k, v in installed.clips.items()})


def test_the_hash_of_the_set_is_that_of_the_sums_file(installed: Corpus) -> None:
    sums = store.sums_path(installed.dataset, "test").read_bytes()
    assert hashlib.sha256(sums).hexdigest() == store.read_manifest(installed.dataset, "test").sha256


def test_a_missing_clip_makes_it_incomplete(installed: Corpus) -> None:
    next(store.files_dir(installed.dataset, "test").rglob("*.wav")).unlink()
    assert store.status(installed.dataset, "test") == store.Status("incomplete", "35 of 36 files are there")


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.mark.parametrize(
    "values",
    [
        {"dataset": "other"},
        {"subset": "other"},
        {"files": 35},
        {"sha256": "short"},
        {"selection_sha256": "0" * 64},
        {"format": "tinybench.dataset/9"},
    ],
)
def test_a_manifest_of_something_else_makes_it_incomplete(
    installed: Corpus, values: dict[str, object]
) -> None:
    change(store.subset_dir(installed.dataset, "test") / "manifest.json", **values)
    assert store.status(installed.dataset, "test").state == "incomplete"


def test_a_set_of_an_older_format_is_unpacked_again_without_a_download(
    installed: Corpus, data_cache: Path
) -> None:
    folder = store.subset_dir(installed.dataset, "test")
    manifest = json.loads((folder / "manifest.json").read_text())
    old = {"format": "tinybench.dataset/1", "clips": manifest["files"], "dataset": "mini", "subset": "test"}
    (folder / "manifest.json").write_text(json.dumps(old))
    (folder / "files").rename(folder / "clips")
    assert "format: input should be 'tinybench.dataset/2'" in store.status(installed.dataset, "test").detail
    fetch(installed.dataset, "test")
    assert store.status(installed.dataset, "test").state == "present"
    assert not (folder / "clips").exists()


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff"])
def test_without_a_manifest_it_is_incomplete(installed: Corpus, content: bytes | None) -> None:
    path = store.subset_dir(installed.dataset, "test") / "manifest.json"
    path.unlink() if content is None else path.write_bytes(content)
    status = store.status(installed.dataset, "test")
    assert status.state == "incomplete"
    assert "manifest.json" in status.detail


def test_a_download_under_way_is_incomplete(corpus: Corpus, data_cache: Path) -> None:
    part = store.part_path(corpus.dataset.archives[0])
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(1000))
    assert store.status(corpus.dataset, "test").state == "incomplete"
    part.rename(store.archive_path(corpus.dataset.archives[0]))
    assert store.status(corpus.dataset, "test").detail == "downloaded, not unpacked"


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, MemoryError])
def test_an_interruption_leaves_the_old_state(
    installed: Corpus, data_cache: Path, error: type[BaseException]
) -> None:
    before = snapshot(data_cache)

    def fill(clips: Path) -> None:
        (clips / "yes").mkdir()
        (clips / "yes" / "a.wav").write_bytes(b"half")
        raise error

    with pytest.raises(error):
        store.install(installed.dataset, "test", fill, archive_sha256=None)
    assert snapshot(data_cache) == before
    assert store.status(installed.dataset, "test").state == "present"


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_rename_that_fails_leaves_the_old_state(
    installed: Corpus, data_cache: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    before = snapshot(data_cache)
    rename, calls = Path.rename, []

    def failing(self: Path, target: Path) -> Path:
        calls.append(self)
        if len(calls) == fails_at:
            raise PermissionError(13, "Permission denied", str(self))
        return rename(self, target)

    def fill(clips: Path) -> None:
        shutil.copytree(installed.folder, clips, dirs_exist_ok=True)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OutputError, match="permission denied"):
        store.install(installed.dataset, "test", fill, archive_sha256=None)
    assert len(calls) >= fails_at
    assert snapshot(data_cache) == before


def test_what_a_killed_process_left_is_cleared(installed: Corpus, data_cache: Path) -> None:
    stale = data_cache / "datasets" / "mini" / ".test.tmp" / "clips" / "yes"
    stale.mkdir(parents=True)
    (stale / "from-before.wav").write_bytes(b"stale")
    import_path(installed.dataset, "test", installed.folder)
    assert set(
        store.list_files(store.files_dir(installed.dataset, "test"), installed.dataset.subsets["test"])
    ) == set(installed.clips)
    assert [p.name for p in (data_cache / "datasets" / "mini").iterdir()] == ["test"]


def test_a_set_with_another_hash_than_the_task_states(corpus: Corpus, data_cache: Path) -> None:
    subset = corpus.dataset.subsets["test"].model_copy(update={"sha256": "0" * 64})
    dataset = corpus.dataset.model_copy(update={"subsets": {"test": subset}})
    with pytest.raises(DataError, match=r"sha256 is .*, expected 0000"):
        import_path(dataset, "test", corpus.folder)
    assert store.status(dataset, "test").state == "absent"


def test_the_catalogue_is_made_of_the_tasks(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    kws = corpus.task
    monkeypatch.setattr(specs, "tasks", lambda: {"kws": kws, "sww": kws.model_copy(update={"id": "sww"})})
    (entry,) = catalog.datasets().values()
    assert (entry.dataset.id, entry.tasks, entry.official) == ("mini", ("kws", "sww"), ("test",))
    assert catalog.find("sww").dataset == catalog.find("mini").dataset == corpus.dataset
    assert entry.subset(None) == entry.subset("test") == "test"


def test_a_task_asks_for_its_own_split_first(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    subset = corpus.dataset.subsets["test"]
    dataset = corpus.dataset.model_copy(update={"subsets": {"test": subset, "words": subset}})
    tasks = {}
    for name, official in (("kws", "test"), ("sww", "words")):
        splits = corpus.task.splits.model_copy(update={"official": specs.SubsetSplit(subset=official)})
        tasks[name] = corpus.task.model_copy(update={"id": name, "dataset": dataset, "splits": splits})
    monkeypatch.setattr(specs, "tasks", lambda: tasks)
    assert catalog.find("mini").subset(None) == catalog.find("kws").subset(None) == "test"
    assert catalog.find("sww").subset(None) == "words"


def test_unknown_names_say_what_there_is(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = {"kws": corpus.task}
    monkeypatch.setattr(specs, "tasks", lambda: tasks)
    with pytest.raises(UnknownNameError) as caught:
        catalog.find("mimi")
    assert caught.value.hint == "did you mean 'mini'? known: kws, mini"
    with pytest.raises(UnknownNameError, match="unknown subset 'tset'"):
        catalog.find("kws").subset("tset")


def test_two_descriptions_of_one_data_set(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    other = corpus.dataset.model_copy(update={"title": "Another"})
    tasks = {"kws": corpus.task, "sww": corpus.task.model_copy(update={"id": "sww", "dataset": other})}
    monkeypatch.setattr(specs, "tasks", lambda: tasks)
    with pytest.raises(ContentError, match=r"sww/task\.toml: dataset: differs from 'mini' of task kws"):
        catalog.datasets()


def test_the_tasks_of_the_project_name_sound_data_sets() -> None:
    entry = catalog.find("kws")
    official = entry.dataset.subsets[entry.subset(None)]
    assert (official.files, len(official.folders)) == (4890, 12)
    assert entry.dataset.archive_of("test").bytes == 112_563_277


@pytest.mark.parametrize("task", sorted(specs.tasks()))
def test_a_list_of_names_fits_the_rule_and_the_number_of_files(task: str) -> None:
    for subset in specs.task(task).dataset.subsets.values():
        selection = Selection.of(subset)
        if selection.names is not None:
            assert len(selection.names) == subset.files
            assert {selection.place(PurePosixPath(name)) for name in selection.names} == selection.names
