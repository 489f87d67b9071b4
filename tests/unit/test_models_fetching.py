"""Models of others: fetched or imported, checked, and named in errors until they are here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from data_fixtures import Server, send, sha256

from tflite_builder import small_model
from tinybench import specs
from tinybench.errors import ContentError, FetchError, ModelError
from tinybench.models import fetching
from tinybench.models.reference import load_named
from tinybench.specs import ModelSpec

DATA = small_model()


@pytest.fixture
def remote(data_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModelSpec]:
    """Makes ``theirs``, the only model there is beside the shipped ones."""
    shipped = specs.models()

    def make(url: str = "http://127.0.0.1:9/", **fields: object) -> ModelSpec:
        document = shipped["kws"].model_dump() | {
            "id": "theirs",
            "file": None,
            "download": {"url": url, "bytes": len(DATA)},
            "sha256": sha256(DATA),
        }
        spec = ModelSpec.model_validate(document | fields)
        monkeypatch.setattr(specs, "models", lambda: {**shipped, "theirs": spec})
        return spec

    return make


def test_a_model_is_downloaded_once(server: Server, remote: Callable[..., ModelSpec]) -> None:
    server.replies = [send(DATA)]
    spec = remote(server.url)
    assert not spec.is_here
    for _ in range(2):
        assert fetching.fetch(spec).read_bytes() == DATA
    assert len(server.seen) == 1
    assert load_named("theirs").sha256 == sha256(DATA)
    left = sorted(path.name for path in spec.path.parent.iterdir())
    assert left == [f"{spec.sha256}.lock", f"{spec.sha256}.tflite"]


def test_a_cut_download_goes_on(server: Server, remote: Callable[..., ModelSpec]) -> None:
    server.replies = [send(DATA, cut=100), send(DATA)]
    assert fetching.fetch(remote(server.url), pause=lambda seconds: None).read_bytes() == DATA
    assert server.ranges() == [None, "bytes=100-"]


def test_other_bytes_are_refused(server: Server, remote: Callable[..., ModelSpec]) -> None:
    server.replies = [send(bytes(len(DATA)))]
    spec = remote(server.url)
    with pytest.raises(FetchError, match=spec.sha256):
        fetching.fetch(spec)
    assert not spec.is_here


def test_a_failed_download_says_how_to_do_without(server: Server, remote: Callable[..., ModelSpec]) -> None:
    server.replies = [send(DATA, cut=10)]
    with pytest.raises(FetchError) as caught:
        fetching.fetch(remote(server.url), attempts=1)
    assert "'tinybench models fetch theirs --from FILE'" in str(caught.value.hint)


def test_a_damaged_model_is_fetched_again(server: Server, remote: Callable[..., ModelSpec]) -> None:
    server.replies = [send(DATA)]
    spec = remote(server.url)
    fetching.fetch(spec).write_bytes(b"x" * len(DATA))
    with pytest.raises(ModelError):
        load_named("theirs")
    assert fetching.fetch(spec).read_bytes() == DATA


def test_a_file_is_imported_if_it_is_the_published_one(
    remote: Callable[..., ModelSpec], tmp_path: Path
) -> None:
    spec, file = remote(), tmp_path / "any name"
    file.write_bytes(DATA + b"\0")
    with pytest.raises(ModelError, match="not the published file of 'theirs': its SHA-256 is"):
        fetching.import_file(spec, file)
    with pytest.raises(ModelError, match="this is the model 'kws'"):
        fetching.import_file(spec, specs.model("kws").path)
    assert not spec.is_here
    file.write_bytes(DATA)
    assert fetching.import_file(spec, file).read_bytes() == DATA
    file.write_bytes(b"")
    assert load_named("theirs").data == DATA


def test_a_shipped_model_needs_neither(data_cache: Path, tmp_path: Path) -> None:
    spec = specs.model("kws")
    assert fetching.fetch(spec) == spec.path
    with pytest.raises(ModelError, match="ships with tinybench"):
        fetching.import_file(spec, spec.path)
    assert not data_cache.exists()


def test_a_model_that_is_not_here_says_how_to_get_it(remote: Callable[..., ModelSpec]) -> None:
    remote()
    with pytest.raises(ModelError, match="model 'theirs' is not on this machine") as caught:
        load_named("theirs")
    assert caught.value.hint == "fetch it with 'tinybench models fetch theirs'"


@pytest.mark.parametrize(
    "fields",
    [{"download": None}, {"file": "x.tflite"}, {"download": {"url": "ftp://example.org", "bytes": 1}}],
)
def test_a_model_ships_or_is_downloaded(remote: Callable[..., ModelSpec], fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="download"):
        remote(**fields)


def test_the_description_of_a_shipped_model_has_to_say_where_it_is(tmp_path: Path) -> None:
    text = (specs.model("kws").path.parent / "model.toml").read_text()
    document = specs.read_toml(specs.model("kws").path.parent / "model.toml")
    assert 'file = "' in text
    document.pop("file")
    with pytest.raises(ContentError, match="give file, or download"):
        specs.validate(ModelSpec, document, tmp_path / "model.toml", "kws")
