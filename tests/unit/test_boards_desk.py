"""The desk: what is open is let go of, whatever fails."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from board_faults import PATIENCE
from tinybench import specs
from tinybench.boards import desk
from tinybench.boards.desk import Desk
from tinybench.errors import BoardError
from tinybench.meters import registry
from tinybench.runners.base import Bench


class Analyser:
    """A kind of power analyser, and the only one of it."""

    name, summary = "lpm01a", "an analyser"

    def __init__(self) -> None:
        self.open_ones = 0
        self.instrument = SimpleNamespace(title="analyser", serial=None, rate_hz=1000.0, voltage_v=None)

    def open(self, address: str | None, settings: object) -> Analyser:
        self.open_ones += 1
        return self

    def close(self) -> None:
        self.open_ones -= 1


@pytest.fixture
def analyser(monkeypatch: pytest.MonkeyPatch) -> Analyser:
    one = Analyser()
    monkeypatch.setitem(registry.PLUGINS._made, Analyser.name, one)
    return one


def test_an_analyser_is_let_go_of_where_no_board_answers(tmp_path: Path, analyser: Analyser) -> None:
    bench = Bench(port=str(tmp_path / "nothing"), meter="lpm01a", patience=PATIENCE)
    with (
        pytest.raises(BoardError, match="there is no such port"),
        Desk.opened(bench, None, lambda source, text: None),
    ):
        pass
    assert analyser.open_ones == 0


def test_an_analyser_is_let_go_of_where_flashing_fails(
    tmp_path: Path, analyser: Analyser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> str:
        assert analyser.open_ones == 1
        raise KeyboardInterrupt

    monkeypatch.setattr(desk, "flash", interrupted)
    bench = Bench(port=str(tmp_path / "nothing"), meter="lpm01a", flash=tmp_path / "firmware.elf")
    with (
        pytest.raises(KeyboardInterrupt),
        Desk.opened(bench, specs.device("nucleo-l4r5zi"), lambda source, text: None),
    ):
        pass
    assert analyser.open_ones == 0
