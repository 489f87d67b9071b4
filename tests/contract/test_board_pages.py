"""The page of boards says what their profiles say."""

from __future__ import annotations

import re

from fakes import REPOSITORY
from tinybench import specs

PAGE = REPOSITORY / "site/docs/boards/supported.md"


def test_the_page_lists_every_board_as_its_profile_has_it() -> None:
    rows = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and cells[1].startswith("`") and cells[1] != "`--device`":
            rows[cells[1].strip("`")] = cells
    wanted = {name: device for name, device in specs.devices().items() if not (device.emulated or device.npu)}
    assert list(rows) == list(wanted)
    for name, (title, _, simulated, usb, target) in rows.items():
        device = wanted[name]
        assert title == device.title
        assert simulated == ("yes" if device.flash_timing else "no")
        assert re.findall(r"`(\w+:\w+)`", usb) == list(device.board.usb if device.board else ())
        assert target.strip("`") == (device.board.pyocd_target if device.board else "not known")
