"""The verbs of ``tinybench data``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from data_fixtures import Corpus, Server, send

from tinybench import specs
from tinybench.cli import _console
from tinybench.cli.data import command
from tinybench.datasets import store
from tinybench.errors import DataError, FetchError, MismatchError, UnknownNameError, UsageError


@pytest.fixture
def mini(corpus: Corpus, server: Server, data_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """The miniature data set, served by the loopback server, as that of the task kws."""
    server.replies = [send(corpus.archive.read_bytes())]
    dataset = corpus.served_from(server.url)
    task = corpus.task.model_copy(update={"dataset": dataset})
    monkeypatch.setattr(specs, "tasks", lambda: {"kws": task})
    return Corpus(corpus.clips, corpus.folder, corpus.archive, dataset)


def data(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def good(*arguments: object) -> Result:
    result = data(*arguments)
    assert result.exception is None, result.output
    assert result.exit_code == 0
    return result


def test_list_says_what_there_is_and_what_is_here(mini: Corpus) -> None:
    text = good("list").stdout
    assert "test (official)" in text
    assert "absent" in text
    (row,) = json.loads(good("list", "--json").stdout)
    assert (row["dataset"], row["state"], row["sha256"]) == ("mini", "absent", None)
    good("fetch", "kws")
    (row,) = json.loads(good("list", "--json").stdout)
    assert (row["state"], row["files"], row["license"]) == ("present", 36, "CC0-1.0")
    assert row["sha256"] == store.read_manifest(mini.dataset, "test").sha256
    assert Path(row["path"], "yes").is_dir()


def test_names_are_whole_on_a_narrow_terminal(mini: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    long = mini.dataset.model_copy(update={"id": "speech-commands-v0.02"})
    task = specs.tasks()["kws"].model_copy(update={"dataset": long})
    monkeypatch.setattr(specs, "tasks", lambda: {"kws": task})
    monkeypatch.setattr(_console, "_PIPED_WIDTH", 80)
    text = good("list").stdout
    assert "speech-commands-v0.02" in text
    assert "test (official)" in text
    assert "subset" in text.splitlines()[1], "a table"


@pytest.mark.parametrize("name", ["kws", "mini"])
def test_fetch_takes_the_name_of_the_task_or_of_the_data_set(mini: Corpus, name: str) -> None:
    result = good("fetch", name)
    assert "36 files in" in result.stdout
    assert mini.dataset.archives[0].url in result.stderr
    assert store.status(mini.dataset, "test").state == "present"


def test_json_is_all_that_goes_to_stdout(mini: Corpus) -> None:
    assert json.loads(good("fetch", "kws", "--json").stdout)["state"] == "present"
    assert json.loads(good("import", "kws", mini.folder, "--json").stdout)["state"] == "present"
    assert json.loads(good("verify", "kws", "--json").stdout)["ok"] is True


def test_fetch_fails_with_an_error_and_not_a_traceback(mini: Corpus, server: Server) -> None:
    server.replies = [send(b"something else")]
    result = data("fetch", "kws")
    assert isinstance(result.exception, FetchError)


@pytest.mark.parametrize("source", ["archive", "folder"])
def test_import(mini: Corpus, server: Server, source: str) -> None:
    assert "36 files in" in good("import", "kws", getattr(mini, source)).stdout
    assert server.seen == []
    assert "as recorded" in good("verify", "kws").stdout


def test_verify_names_the_clips_and_fails(mini: Corpus) -> None:
    good("import", "kws", mini.archive)
    root = store.files_dir(mini.dataset, "test")
    (root / "yes/00000000_nohash_0.wav").write_bytes(b"changed")
    for number in range(25):
        (root / f"no/extra{number:02d}.wav").write_bytes(b"")
    result = data("verify", "kws")
    assert isinstance(result.exception, MismatchError)
    assert result.exception.message == "mini, test: 25 extra, 1 changed of 36 files"
    assert "changed: yes/00000000_nohash_0.wav\n" in result.stdout
    assert "extra: no/extra19.wav\nextra: and 5 more\n" in result.stdout
    result = data("verify", "kws", "--json")
    assert isinstance(result.exception, MismatchError)
    report = json.loads(result.stdout)
    assert (report["ok"], len(report["extra"]), report["missing"]) == (False, 25, [])


def test_force_restores_what_verify_found(mini: Corpus, server: Server) -> None:
    good("fetch", "kws")
    clip = store.files_dir(mini.dataset, "test") / "yes/00000000_nohash_0.wav"
    clip.write_bytes(b"changed")
    good("fetch", "kws")
    assert isinstance(data("verify", "kws").exception, MismatchError)
    good("fetch", "kws", "--force")
    good("verify", "kws")
    assert len(server.seen) == 1


def test_verify_without_data(mini: Corpus) -> None:
    result = data("verify", "kws")
    assert isinstance(result.exception, DataError)
    assert "tinybench data fetch" in str(result.exception.hint)


@pytest.mark.parametrize(
    "arguments",
    [("fetch", "kwz"), ("verify", "kwz"), ("import", "kwz", "."), ("fetch", "kws", "--subset", "tset")],
)
def test_unknown_names(mini: Corpus, arguments: tuple[str, ...]) -> None:
    result = data(*arguments)
    assert isinstance(result.exception, UnknownNameError)
    assert "did you mean" in str(result.exception.hint)


@pytest.mark.parametrize("verb", ["fetch", "import"])
def test_a_licence_that_has_to_be_accepted(
    mini: Corpus, server: Server, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    dataset = mini.dataset.model_copy(update={"license_acceptance": True})
    task = specs.tasks()["kws"].model_copy(update={"dataset": dataset})
    monkeypatch.setattr(specs, "tasks", lambda: {"kws": task})
    arguments = ("kws", mini.archive) if verb == "import" else ("kws",)
    result = data(verb, *arguments)
    assert isinstance(result.exception, UsageError)
    assert "CC0-1.0" in result.exception.message
    assert (
        str(result.exception.hint)
        == f"read {dataset.license_url} and, if you accept it, add --accept-license"
    )
    assert server.seen == []
    good(verb, *arguments, "--accept-license")
    assert store.read_manifest(dataset, "test").accepted_license == "CC0-1.0"
    good("verify", "kws")
