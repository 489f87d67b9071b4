"""The Otii against an app on a loopback socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from fake_otii import Device, FakeOtii, Fault, Signal, hang_up, refuse, say, silence
from tinybench.errors import MeterError, UsageError
from tinybench.meters import otii
from tinybench.meters.averaging import Averager, whole_factor
from tinybench.meters.base import Settings
from tinybench.meters.otii import Otii, OtiiSession

SUPPLY = Settings(supply_v=3.0)
WINDOW = [(0.0, True), (1.0, False), (1.001, True), (11.0, False), (11.001, True)]


def samples(values: str, interval: str) -> Fault:
    data = f'{{"values": [{values}], "timestamp": 0, "interval": {interval}}}'
    return say(f'{{"type": "response", "trans_id": "ID", "data": {data}}}\r\n'.encode())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otii, "_POLL_S", 0.01)
    monkeypatch.setattr(otii, "_CHECK_S", 0.02)
    monkeypatch.delenv(otii.USER, raising=False)
    monkeypatch.delenv(otii.PASSWORD, raising=False)


@pytest.fixture
def app() -> Iterator[FakeOtii]:
    with FakeOtii(Device()) as app:
        yield app


def opened(app: FakeOtii, settings: Settings = SUPPLY, device: str = "") -> OtiiSession:
    return Otii().open(f"{device}@127.0.0.1:{app.port}", settings)


def test_a_window_becomes_its_energy(app: FakeOtii) -> None:
    app.signal = Signal(lambda t: 0.04 if 1 <= t < 11 else 0.01, lambda t: 3.3 if t < 5 else 3.2, WINDOW)
    session = opened(app)
    recording = session.start()
    recording.wait_for_edges(2, beyond_s=0.2, timeout_s=10)
    session.stop()
    trace = recording.trace()
    assert recording.edges == (1.0, 11.0)
    assert trace.rate_hz == 1000.0
    assert trace.energy_j(1.0005, 10.9995) == pytest.approx(0.04 * (3.999 * 3.3 + 6 * 3.2), rel=1e-9)
    assert trace.power_w[:1000] == pytest.approx(0.033)
    assert trace.power_w[11_000:] == pytest.approx(0.032)
    session.close()


def test_current_and_voltage_are_paired_in_time(app: FakeOtii) -> None:
    app.step_s = 0.333
    app.signal = Signal(lambda t: 0.01 + t / 1000, lambda t: 3.0 + t / 100, [(0.0, True), (5.0, False)], 0.25)
    session = opened(app)
    recording = session.start()
    recording.wait_for_edges(1, beyond_s=0.1, timeout_s=10)
    session.close()
    begin = np.arange(5000) / 1000
    mean_current = 0.01 + (begin + 1.5 / 4000) / 1000
    assert recording.trace().power_w[:5000] == pytest.approx(mean_current * (3.0 + begin / 100), rel=1e-12)


def test_the_board_is_supplied_and_told_about(app: FakeOtii) -> None:
    device = app.devices[0]
    session = opened(app)
    assert device.switched == [(False, 3.3), (True, 3.0)]
    assert device.settings == {"max_current": 0.5, "range": "low", "exp_voltage": 3.0, "exp_port": True}
    assert device.channels == {"mc", "mv", "i1"}
    instrument = session.instrument
    assert (instrument.title, instrument.serial) == ("Qoitech Otii Arc", device.id)
    assert instrument.firmware == "1.1.7, hardware 1.2, app 3.5.6"
    assert (instrument.rate_hz, instrument.native_rate_hz) == (1000.0, 4000.0)
    assert (instrument.voltage_v, instrument.voltage, instrument.edges) == (3.0, "set", "GPI 1")
    assert instrument.power_cycles
    for _ in range(2):
        session.start()
        session.stop()
    assert len(device.switched) == 2, "the board keeps its power between recordings"
    assert app.recordings == 2
    session.close()
    session.close()
    assert not device.main, "it was off before"
    assert app.licences[0]["reserved_to"] == ""


def test_a_board_that_has_its_voltage_is_left_alone(app: FakeOtii) -> None:
    device = app.devices[0]
    device.main, device.voltage = True, 1.8
    for settings in (Settings(), Settings(supply_v=1.8)):
        session = opened(app, settings)
        assert not session.instrument.power_cycles
        assert session.instrument.voltage_v == 1.8
        session.close()
    assert device.switched == []
    session = opened(app, Settings(supply_v=5.0))
    assert session.instrument.power_cycles
    assert device.settings["exp_voltage"] == 3.3
    session.close()
    assert device.main


def test_a_board_without_power_needs_a_voltage(app: FakeOtii) -> None:
    with pytest.raises(UsageError, match="nobody said with how many volt"):
        opened(app, Settings())
    assert app.licences[0]["reserved_to"] == ""


def test_the_first_edge_of_an_app_that_does_not_tell_the_state_before(app: FakeOtii) -> None:
    app.signal = Signal(pin=WINDOW[1:])
    session = opened(app)
    recording = session.start()
    recording.wait_for_edges(2, beyond_s=0.2, timeout_s=10)
    assert recording.edges == (1.0, 11.0)
    session.close()


def test_an_input_that_is_low_at_the_start_is_no_edge(app: FakeOtii) -> None:
    app.signal = Signal(pin=[(0.0, False), (0.5, True), (1.0, False)])
    session = opened(app)
    recording = session.start()
    recording.wait_for_edges(1, beyond_s=2, timeout_s=10)
    assert recording.edges == (1.0,)
    session.close()


def test_sign_in_and_licence_by_the_environment(app: FakeOtii, monkeypatch: pytest.MonkeyPatch) -> None:
    app.logged_in = False
    with pytest.raises(MeterError, match="nobody is signed in") as raised:
        opened(app)
    assert raised.value.hint is not None
    assert otii.USER in raised.value.hint
    monkeypatch.setenv(otii.USER, "joe")
    monkeypatch.setenv(otii.PASSWORD, "wrong")
    with pytest.raises(MeterError, match="refused: Could not login: Wrong username"):
        opened(app)
    monkeypatch.setenv(otii.PASSWORD, "secret")
    session = opened(app)
    assert app.logged_in
    session.close()
    assert not app.logged_in
    assert app.licences[0]["reserved_to"] == ""


def test_a_licence_that_is_reserved_is_kept(app: FakeOtii) -> None:
    app.licences[0]["reserved_to"] = "me"
    opened(app).close()
    assert app.licences[0]["reserved_to"] == "me"


@pytest.mark.parametrize("change", [{"reserved_to": "jane"}, {"available": False}, {"type": "Battery"}])
def test_no_licence(app: FakeOtii, change: dict[str, object]) -> None:
    app.licences[0].update(change)
    with pytest.raises(MeterError, match="no Automation licence of the Otii app is free"):
        opened(app)


def test_which_device(app: FakeOtii) -> None:
    app.devices = [Device(), Device("Ace1", "my ace", "Ace"), Device("Sim", "Simulator", "Simulator")]
    with pytest.raises(UsageError, match="several Otiis") as raised:
        opened(app)
    assert "Qoitech Otii Ace 'my ace': otii:Ace1" in str(raised.value.hint)
    assert "Sim" not in str(raised.value.hint)
    for device in ("Ace1", "my ace"):
        session = opened(app, device=device)
        assert session.instrument.title == "Qoitech Otii Ace"
        session.close()
    for device in ("Ace2", "Simulator"):
        with pytest.raises(UsageError, match=f"there is no Otii '{device}'"):
            opened(app, device=device)
    app.devices = []
    with pytest.raises(MeterError, match="no Otii Arc or Ace is plugged in"):
        opened(app)


@pytest.mark.parametrize("address", ["@", "a@:1", "@host:", "@host:x", "@host:70000", "@host:-1"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(UsageError, match="is no address of an Otii"):
        Otii().open(address, SUPPLY)


def test_nobody_listens() -> None:
    with FakeOtii() as app:
        port = app.port
    with pytest.raises(MeterError, match=rf"no Otii app answers at 127.0.0.1:{port}") as raised:
        Otii().open(f"@127.0.0.1:{port}", SUPPLY)
    assert "switch its TCP server on" in str(raised.value.hint)


@pytest.mark.parametrize(
    ("greeting", "message"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "is no Otii app"),
        (b"\xff\xfe\r\n", "is no Otii app"),
        (b'{"type": "information"}\r\n', "is no Otii app"),
        (b'{"type": "error", "trans_id": "", "errorcode": "Connection denied"}\r\n', "Connection denied"),
    ],
)
def test_somebody_else_listens(app: FakeOtii, greeting: bytes, message: str) -> None:
    app.greeting = greeting
    with pytest.raises(MeterError, match=message):
        opened(app)


@pytest.mark.parametrize("version", ["2.8.4", "3.5.4", "?"])
def test_an_app_that_is_too_old(app: FakeOtii, version: str) -> None:
    app.version = version
    with pytest.raises(MeterError, match=r"at least 3\.5\.5 is needed"):
        opened(app)


@pytest.mark.parametrize(
    ("command", "fault", "message"),
    [
        (
            "arc_set_main",
            refuse("Device not connected", device_id="Arc1"),
            "refused: .*Cannot find Arc with ID",
        ),
        (
            "arc_set_range",
            refuse("Operation not supported", message="not on Ace"),
            "Operation not supported: not on",
        ),
        ("arc_set_range", refuse("Quite new", message="x"), "refused: .*Quite new"),
        ("otii_get_devices", hang_up, "was asked for devices and hung up"),
        ("otii_has_license", say(b"{]\r\n"), "was asked for a licence and answered nonsense"),
        ("arc_get_main", say(b'{"type": "response", "trans_id": "ID", "data": {}}\r\n'), "nonsense: 'value'"),
        ("arc_get_main", say(b'{"type": "response", "trans_id": "99999999"}\r\n'), "id mismatch"),
        ("arc_get_version", say("°C\r\n".encode("latin-1")), "answered nonsense"),
    ],
)
def test_an_app_that_fails_while_it_is_set_up(
    app: FakeOtii, command: str, fault: Fault, message: str
) -> None:
    app.faults[command] = fault
    with pytest.raises(MeterError, match=message) as raised:
        opened(app)
    assert "\n" not in raised.value.message
    if fault is not hang_up:
        assert app.devices[0].main is False


def recording_that_fails(app: FakeOtii) -> tuple[OtiiSession, Callable[[], object]]:
    session = opened(app)
    recording = session.start()
    return session, lambda: recording.wait_for_edges(2, beyond_s=0.2, timeout_s=20)


@pytest.mark.parametrize(
    ("command", "fault", "message"),
    [
        ("recording_get_channel_data", hang_up, "was asked for samples and hung up"),
        ("recording_get_channel_data_count", hang_up, "was asked for samples and hung up"),
        ("recording_get_channel_data", refuse("Not ready"), "refused: Not ready"),
        (
            "recording_get_channel_data",
            samples("NaN", "1"),
            "answered nonsense: no samples",
        ),
        (
            "recording_get_channel_data",
            samples("1", "0.1"),
            "records 10 samples a second, and said 4000",
        ),
        (
            "recording_get_channel_data",
            say(b'{"type": "response", "trans_id": "ID", "data": 5}\r\n'),
            "nonsense",
        ),
        ("recording_get_channel_data", silence, "sent nothing for 2 s|does not answer"),
    ],
)
def test_an_app_that_fails_while_it_records(
    app: FakeOtii, monkeypatch: pytest.MonkeyPatch, command: str, fault: Fault, message: str
) -> None:
    if fault is silence:
        monkeypatch.setattr(otii, "_ANSWER_S", 0.5)
    app.faults[command] = fault
    session, wait = recording_that_fails(app)
    with pytest.raises(MeterError, match=message):
        wait()
    session.close()


def test_samples_that_are_lost(app: FakeOtii) -> None:
    app.lost = (6000, 40)
    app.step_s = 0.5
    session, wait = recording_that_fails(app)
    with pytest.raises(MeterError, match=r"lost 40 samples at 1\.500 s"):
        wait()
    session.close()


def test_an_app_that_stalls(app: FakeOtii, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinybench.meters.base.STALL_S", 0.4)
    app.step_s = 0.0
    session, wait = recording_that_fails(app)
    with pytest.raises(MeterError, match=r"sent nothing for 0.4 s"):
        wait()
    session.close()


def test_over_current(app: FakeOtii) -> None:
    app.step_s = 0.01
    session, wait = recording_that_fails(app)
    app.devices[0].main = False
    with pytest.raises(MeterError, match=r"has switched the board off: it drew over 0\.5 A"):
        wait()
    session.close()


def test_a_rate_that_does_not_fit(app: FakeOtii) -> None:
    with pytest.raises(UsageError, match="samples at 4000 Hz, which cannot become a trace at 3000 Hz"):
        opened(app, Settings(supply_v=3.0, rate_hz=3000.0))
    for factor, rate_hz in ((1, 4000.0), (4, 1000.0), (40, 100.0)):
        assert whole_factor(4000.0, rate_hz, "x") == factor
    for rate_hz in (0.0, -1.0, 8000.0):
        with pytest.raises(UsageError):
            whole_factor(4000.0, rate_hz, "x")


def test_means_do_not_depend_on_the_pieces() -> None:
    samples = np.arange(100.0)
    averager = Averager(7)
    means = [averager.push(piece) for piece in np.split(samples, [3, 3, 50, 51, 90])]
    assert np.concatenate(means).tolist() == samples[:98].reshape(14, 7).mean(axis=1).tolist()


def test_those_that_are_plugged_in(app: FakeOtii, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otii, "PORT", app.port)
    (found,) = Otii().find()
    assert (found.address, found.title, found.problem) == (app.devices[0].id, "Qoitech Otii Arc 'Arc'", None)
    assert app.devices[0].switched == []
    app.licences = []
    assert "no Automation licence is free" in str(Otii().find()[0].problem)
    app.logged_in = False
    assert "nobody is signed in" in str(Otii().find()[0].problem)
    app.faults["otii_get_devices"] = refuse("Not logged in", message="sign in")
    assert "refused: Not logged in: sign in" in str(Otii().find()[0].problem)
    app.version = "2.0.0"
    assert "at least 3.5.5" in str(Otii().find()[0].problem)


def test_no_app_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeOtii() as app:
        monkeypatch.setattr(otii, "PORT", app.port)
    assert Otii().find() == ()


def test_without_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otii, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="needs the package otii-tcp-client") as raised:
        Otii().check()
    assert raised.value.hint == "pip install 'tinybench-suite[boards]'"
