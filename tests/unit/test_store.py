from __future__ import annotations

import errno
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes import load_document
from tinybench.errors import DataError, MismatchError, OutputError
from tinybench.results import store
from tinybench.results.migrations import migrate
from tinybench.results.schema import Result, content_id
from tinybench.results.store import Destination, describe_evidence

FILES = {"log.txt": b"hello\n", "out.npy": bytes(range(256)) * 100}


@pytest.fixture
def result(document: dict[str, Any]) -> Result:
    return with_evidence(document, FILES)


def with_evidence(document: dict[str, Any], files: dict[str, bytes]) -> Result:
    document["evidence"] = [item.model_dump() for item in describe_evidence(files)]
    document["id"] = content_id(document)
    return Result.model_validate(document)


def everything_under(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_default_name_says_what_was_measured(result: Result, tmp_path: Path) -> None:
    written = store.write(result, FILES, Destination.parse(tmp_path / "new" / "results"))
    name = f"kws_kws_nucleo-l4r5zi_tflm-sim_{result.id}.json"
    assert written.path == tmp_path / "new" / "results" / name
    assert everything_under(written.path.parent) == {
        name: result.to_json(),
        **{f"{name.removesuffix('.json')}.evidence/{k}": v for k, v in FILES.items()},
    }


def test_names_of_files_are_safe(document: dict[str, Any]) -> None:
    document["model"]["name"] = "../my model_v2/x"
    assert "/" not in store.file_name(with_evidence(document, {}))


def test_output_may_be_a_json_file(result: Result, tmp_path: Path) -> None:
    written = store.write(result, FILES, Destination.parse(tmp_path / "mine.json"))
    assert written.path == tmp_path / "mine.json"
    assert (tmp_path / "mine.evidence" / "log.txt").read_bytes() == b"hello\n"


def test_a_folder_that_ends_in_json_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "odd.json").mkdir()
    assert Destination.parse(tmp_path / "odd.json") == Destination(tmp_path / "odd.json")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file"):
        Destination.parse(tmp_path / "file")
    with pytest.raises(OutputError, match="cannot write"):
        Destination.parse(tmp_path / "file" / "below").check()


def refused_before_and_after(output: Path, result: Result, says: str) -> None:
    """Both the check before the run and the writing refuse, and nothing on the disk changes."""
    before = everything_under(output.parent)
    for attempt in (Destination.check, lambda destination: store.write(result, FILES, destination)):
        with pytest.raises(OutputError, match=says) as caught:
            attempt(Destination.parse(output))
        assert caught.value.hint
    assert everything_under(output.parent) == before
    assert not [path for path in output.parent.iterdir() if path.name.startswith(".")]


def test_a_folder_of_the_user_is_never_replaced(tmp_path: Path, result: Result) -> None:
    (tmp_path / "x.evidence").mkdir()
    (tmp_path / "x.evidence" / "thesis.txt").write_text("years of work")
    refused_before_and_after(tmp_path / "x.json", result, r"x\.evidence is there, but no result")


def test_a_file_that_the_user_put_among_the_evidence_is_kept(tmp_path: Path, result: Result) -> None:
    store.write(result, FILES, Destination.parse(tmp_path / "x.json"))
    (tmp_path / "x.evidence" / "notes.txt").write_text("mine")
    result = result.model_copy(update={"notes": ("other",)})
    (tmp_path / "x.evidence" / "log.txt").unlink()
    refused_before_and_after(tmp_path / "x.json", result, r"notes\.txt is none of the files")
    (tmp_path / "x.evidence" / "notes.txt").unlink()
    (tmp_path / "x.evidence" / "log.txt").mkdir()
    refused_before_and_after(tmp_path / "x.json", result, r"log\.txt is none of the files")


def test_evidence_behind_a_link_is_not_replaced(tmp_path: Path, result: Result) -> None:
    store.write(result, FILES, Destination.parse(tmp_path / "x.json"))
    (tmp_path / "x.evidence").rename(tmp_path / "elsewhere")
    (tmp_path / "x.evidence").symlink_to("elsewhere")
    refused_before_and_after(tmp_path / "x.json", result, "is not a folder")


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "other/1"}', "not json"])
def test_a_file_that_is_no_result_is_not_overwritten(tmp_path: Path, result: Result, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    refused_before_and_after(tmp_path / "x.json", result, "only a result may be overwritten")


def test_a_read_only_result_is_not_overwritten(tmp_path: Path, result: Result) -> None:
    store.write(result, FILES, Destination.parse(tmp_path / "x.json"))
    (tmp_path / "x.json").chmod(0o444)
    refused_before_and_after(tmp_path / "x.json", result, r"x\.json is read-only")


@pytest.mark.parametrize("name", ["x.json", "folder", "folder/x.json", "folder/below"])
def test_a_link_to_nowhere_is_refused(tmp_path: Path, result: Result, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    if "/" in name:
        (tmp_path / "folder").rmdir()
    (tmp_path / name.partition("/")[0]).symlink_to("nowhere")
    with pytest.raises(OutputError, match=r"is not a regular file|link to nowhere, which does not exist"):
        Destination.parse(tmp_path / name).check()
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(("output", "says"), [("", "empty name"), (" ", "empty name"), (".json", "no name")])
def test_an_output_without_a_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match=says):
        Destination.parse(output)


def test_a_name_that_is_too_long_is_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="too long"):
        Destination.parse(tmp_path / f"{'x' * 250}.json").check()


def test_a_trailing_slash_means_a_folder(tmp_path: Path) -> None:
    assert Destination.parse(f"{tmp_path}/x.json/") == Destination(tmp_path / "x.json")


def test_evidence_of_a_run_that_was_killed_is_taken_over(tmp_path: Path, result: Result) -> None:
    path = store.write(result, FILES, Destination(tmp_path)).path
    assert path is not None
    path.unlink()
    assert store.write(result, FILES, Destination(tmp_path)).path == path
    assert store.verify(path).id == result.id


def test_who_writes_the_same_file_at_the_same_time_waits(tmp_path: Path) -> None:
    destination = Destination.parse(tmp_path / "x.json")
    contents = [{"log.txt": bytes([number]) * 1000} for number in range(4)]
    results = [with_evidence(load_document(), files) for files in contents]

    def write_often(number: int) -> None:
        for _ in range(20):
            store.write(results[number], contents[number], destination)

    with ThreadPoolExecutor(len(results)) as pool:
        list(pool.map(write_often, range(len(results))))
    assert store.verify(tmp_path / "x.json").id in {result.id for result in results}
    assert {path.name for path in tmp_path.iterdir()} == {"x.json", "x.evidence"}


@pytest.mark.parametrize(("umask", "mode"), [(0o077, 0o600), (0o022, 0o644), (0o002, 0o664)])
def test_modes_follow_the_umask(tmp_path: Path, result: Result, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        store.write(result, FILES, Destination.parse(tmp_path / "x.json"))
    finally:
        os.umask(before)
    for name in ("x.json", "x.evidence/log.txt"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == mode


def test_check_leaves_nothing_behind(tmp_path: Path) -> None:
    Destination.parse(tmp_path / "a" / "b").check()
    assert list(tmp_path.iterdir()) == []


def fail_with(number: int) -> Any:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise OSError(number, os.strerror(number), "somewhere")

    return fail


@pytest.mark.parametrize(
    ("number", "says"), [(errno.EROFS, "read-only"), (errno.EACCES, "permission"), (errno.ENOSPC, "no space")]
)
def test_unwritable_folder_is_reported_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, says: str
) -> None:
    monkeypatch.setattr(store.tempfile, "NamedTemporaryFile", fail_with(number))
    with pytest.raises(OutputError, match=says) as caught:
        Destination.parse(tmp_path).check()
    assert caught.value.exit_code == 2
    assert caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folder(tmp_path: Path, result: Result) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(OutputError):
        Destination.parse(tmp_path).check()


def test_disk_full_while_writing_leaves_what_was_there(
    tmp_path: Path, result: Result, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    destination = Destination.parse(tmp_path / "x.json")
    store.write(result, FILES, destination)
    before = everything_under(tmp_path)
    monkeypatch.setattr(store.os, "write", fail_with(errno.ENOSPC))
    with pytest.raises(OutputError, match="no space left"):
        store.write(with_evidence(document, {"other.txt": b"2"}), {"other.txt": b"2"}, destination)
    assert everything_under(tmp_path) == before


class Stop(BaseException):
    """Stands for Ctrl-C and SIGTERM."""


SYSTEM_CALLS = ["write", "fsync"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    call=st.sampled_from([*SYSTEM_CALLS, "rename", "replace"]), nth=st.integers(0, 6), replaced=st.booleans()
)
def test_stopped_anywhere_leaves_all_or_nothing(
    tmp_path_factory: pytest.TempPathFactory, call: str, nth: int, replaced: bool
) -> None:
    folder = tmp_path_factory.mktemp("atomic")
    destination = Destination.parse(folder / "x.json")
    old, new = with_evidence(load_document(), FILES), with_evidence(load_document(), {"other.txt": b"2"})
    if replaced:
        store.write(old, FILES, destination)
    before = everything_under(folder)
    with pytest.MonkeyPatch.context() as patch:
        owner: Any = store.os if call in SYSTEM_CALLS else Path
        real, count = getattr(owner, call), [0]

        def stop(*args: Any, **kwargs: Any) -> Any:
            count[0] += 1
            if count[0] == nth + 1:
                raise Stop
            return real(*args, **kwargs)

        patch.setattr(owner, call, stop)
        try:
            store.write(new, {"other.txt": b"2"}, destination)
            stopped = False
        except Stop:
            stopped = True
    after = everything_under(folder)
    complete = {"x.json": new.to_json(), "x.evidence/other.txt": b"2"}
    assert after in (before, complete) if stopped else after == complete
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_evidence_must_be_what_the_result_says(tmp_path: Path, result: Result) -> None:
    with pytest.raises(MismatchError):
        store.write(result, FILES | {"log.txt": b"other"}, Destination(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_read_gives_back_what_was_written(tmp_path: Path, result: Result) -> None:
    written = store.write(result, FILES, Destination(tmp_path))
    assert written.path is not None
    assert store.read(written.path) == written
    assert store.verify(written.path) == written


def test_changed_or_missing_evidence_is_found(tmp_path: Path, result: Result) -> None:
    path = store.write(result, FILES, Destination(tmp_path)).path
    assert path is not None
    log = store.evidence_folder(path) / "log.txt"
    log.write_bytes(b"hellO\n")
    with pytest.raises(MismatchError, match=r"log\.txt"):
        store.verify(path)
    log.unlink()
    with pytest.raises(DataError, match=r"log\.txt"):
        store.verify(path)


def test_an_edited_result_is_found(tmp_path: Path, document: dict[str, Any]) -> None:
    document["model"]["macs"] += 1
    path = tmp_path / "edited.json"
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match="but its content has"):
        store.read(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "no 'schema'"),
        (b"{}", "no 'schema'"),
        (b'{"schema": 1}', "no 'schema'"),
        (b'{"schema": "tinybench.result/99"}', "unknown result schema 'tinybench.result/99'"),
        (b'{"schema": "tinybench.result/2"}', "id: "),
    ],
)
def test_what_is_no_result_is_refused_in_one_line(tmp_path: Path, text: bytes, says: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(text)
    with pytest.raises(DataError, match=says) as caught:
        store.read(path)
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        store.read(tmp_path / "none.json")


def test_old_schemas_are_migrated_step_by_step(document: dict[str, Any]) -> None:
    steps = {
        "old/1": lambda d: d | {"schema": "old/2", "b": d["a"]},
        "old/2": lambda d: {k: v for k, v in d.items() if k not in "ab"} | {"schema": "tinybench.result/2"},
    }
    assert migrate(document | {"schema": "old/1", "a": 1}, "x", steps) == document


def test_a_migration_that_goes_in_circles_ends() -> None:
    with pytest.raises(DataError, match="unknown result schema"):
        migrate({"schema": "old/1"}, "x", {"old/1": lambda d: d})
