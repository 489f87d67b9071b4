"""Qoitech Otii Arc and Ace, through the TCP server of the Otii app (package ``otii-tcp-client``).

The protocol is that of https://www.qoitech.com/help/tcpserver/: JSON, one message a line. The analyser
supplies the board, measures its current and voltage, and sees its pin at GPI 1 of the expansion port. Main
power stays on between recordings.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tinybench.errors import MeterError, TinybenchError, UsageError
from tinybench.extras import installing
from tinybench.meters.averaging import Averager, whole_factor
from tinybench.meters.base import Found, Instrument, Recording, Settings
from tinybench.meters.trace import Floats

if TYPE_CHECKING:
    from otii_tcp_client import arc, project

PORT: Final = 1905
MAX_CURRENT_A: Final = 0.5
"""Above it the analyser switches the board off; boards for MLPerf Tiny draw less."""
MAX_LOGIC_V: Final = 3.3
"""Of the expansion port, whose inputs go by it: a board that gets more regulates it down for its pins."""
MIN_VERSION: Final = (3, 5, 5)
"""Of the app: the first that tells whether somebody is logged in and has a licence."""
USER: Final = "OTII_USERNAME"
PASSWORD: Final = "OTII_PASSWORD"
"""Environment variables, as in Qoitech's own client."""

_LICENCE: Final = "Automation"
_CURRENT, _VOLTAGE, _PIN = "mc", "mv", "i1"
_KINDS: Final = ("Arc", "Ace")
"""Of devices; the app also has simulated ones, which measure nothing."""
_POLL_S: Final = 0.1
_CHECK_S: Final = 1.0
_ANSWER_S: Final = 5.0
_CHUNK: Final = 40_000
"""Samples per request, as in Qoitech's own client."""
_START: Final = "start the Otii 3 app (or otii_server) and switch its TCP server on"
_RESERVE: Final = f"sign in and reserve an Automation licence in the Otii app, or set {USER} and {PASSWORD}"


class Otii:
    """The kind of analyser called ``otii``."""

    name = "otii"
    interface = 1
    summary = "Qoitech Otii Arc or Ace, through the TCP server of the Otii app"

    def check(self) -> None:
        """Find out whether the client is installed. Errors as in ``Meter``."""
        if find_spec("otii_tcp_client") is None:
            raise UsageError(
                "the power analyser 'otii' needs the package otii-tcp-client",
                hint=installing("boards"),
            )

    def find(self) -> tuple[Found, ...]:
        """Those that the app on this computer knows; none if it is not running."""
        self.check()
        try:
            server = _Server("127.0.0.1", PORT, wait_s=0)
        except MeterError as error:
            return () if isinstance(error.__cause__, OSError) else (_trouble(error),)
        with server:
            try:
                problem = server.why_no_licence()
                devices = server.devices()
            except MeterError as error:
                return (_trouble(error),)
        return tuple(Found(address=device.id, title=_title(device), problem=problem) for device in devices)

    def open(self, address: str | None, settings: Settings) -> OtiiSession:
        """Open one, ``DEVICE``, ``DEVICE@HOST`` or ``DEVICE@HOST:PORT``, and switch the board on.

        DEVICE is an identifier or a name as the app shows it, and may be left out. Errors as in ``Meter``.
        """
        self.check()
        where = _Address.parse(address)
        with ExitStack() as undo:
            server = undo.enter_context(_Server(where.host, where.port, wait_s=1))
            server.reserve()
            session = OtiiSession(server, _choose(server.devices(), where), settings)
            undo.callback(session.close)
            session.prepare(settings)
            undo.pop_all()
            return session


class OtiiSession:
    """An Otii that supplies a board."""

    instrument: Instrument

    def __init__(self, server: _Server, device: arc.Arc, settings: Settings) -> None:
        self._server, self._device = server, device
        self._switched_on = self._closed = False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        with _asking("for its channels"):
            self._native_hz = float(device.get_channel_samplerate(_CURRENT))
        self._factor = whole_factor(self._native_hz, settings.rate_hz, _title(device))

    def prepare(self, settings: Settings) -> None:
        """Set it up, and supply the board."""
        device = self._device
        with _asking("to be set up"):
            self._project = self._server.project()
            device.add_to_project()
            on, volt = device.get_main(), float(device.get_main_voltage())
            if settings.supply_v is None and not on:
                raise UsageError(
                    f"{_title(device)} supplies the board, and nobody said with how many volt",
                    hint="say it with --supply, such as --supply 3.0, or switch the board on in the Otii app",
                )
            supply_v = volt if settings.supply_v is None else settings.supply_v
            keep = on and abs(volt - supply_v) < 0.0005
            if not keep:
                device.set_main(False)
                device.set_main_voltage(supply_v)
            device.set_max_current(MAX_CURRENT_A)
            device.set_range("low")
            device.set_exp_voltage(min(supply_v, MAX_LOGIC_V))
            device.enable_exp_port(True)
            for channel in (_CURRENT, _VOLTAGE, _PIN):
                device.enable_channel(channel, True)
            if not keep:
                self._switched_on = not on
                device.set_main(True)
            version = device.get_version()
            firmware = f"{version['fw_version']}, hardware {version['hw_version']}"
            self.instrument = Instrument(
                kind=Otii.name,
                title=f"Qoitech Otii {device.type}",
                serial=device.id,
                firmware=f"{firmware}, app {self._server.version}",
                calibration=None,
                rate_hz=settings.rate_hz,
                native_rate_hz=self._native_hz,
                range=f"automatic; switched off above {MAX_CURRENT_A:g} A",
                voltage_v=supply_v,
                voltage="set",
                power_cycles=not keep,
                edges="GPI 1",
            )

    def start(self) -> Recording:
        """Begin to record. Errors as in ``MeterSession``."""
        with _asking("to record"):
            self._project.start_recording()
            made = self._project.get_last_recording()
            if made is None:
                raise ValueError("no recording")
        recording = Recording(self.instrument.rate_hz)
        self._stopping.clear()
        reader = _Reader(
            self._server, self._device, made.id, self._native_hz, Averager(self._factor), recording
        )
        self._thread = threading.Thread(target=self._read, args=(reader,), name="otii", daemon=True)
        self._thread.start()
        return recording

    def stop(self) -> None:
        """End the recording."""
        if self._thread is None:
            return
        self._stopping.set()
        self._thread.join()
        self._thread = None
        with suppress(MeterError), _asking("to stop"):  # the recording says what went wrong before
            self._project.stop_recording()

    def close(self) -> None:
        """Switch the board off if it was off before, and let go of the licence."""
        if self._closed:
            return
        self._closed = True
        self.stop()
        if self._switched_on:
            with suppress(MeterError), _asking("to switch off"):
                self._device.set_main(False)
        self._server.close()

    def _read(self, reader: _Reader) -> None:
        polls = 0
        try:
            while not self._stopping.wait(_POLL_S):
                reader.read()
                polls += 1
                if polls % round(_CHECK_S / _POLL_S) == 0:
                    self._check_power()
        except MeterError as error:
            reader.recording.fail(error.message)

    def _check_power(self) -> None:
        with _asking("whether the board is on"):
            on = self._device.get_main()
        if not on:
            raise MeterError(
                f"the Otii has switched the board off: it drew over {MAX_CURRENT_A:g} A, or the app did it"
            )


class _Reader:
    """Fetches what was recorded since the last time."""

    def __init__(
        self,
        server: _Server,
        device: arc.Arc,
        recording_id: int,
        native_hz: float,
        averager: Averager,
        recording: Recording,
    ) -> None:
        self.recording = recording
        self._server, self._native_hz, self._averager = server, native_hz, averager
        self._of = {"recording_id": recording_id, "device_id": device.id}
        self._current = _Channel(_CURRENT)
        self._voltage = _Channel(_VOLTAGE)
        self._edges = 0
        self._high: bool | None = None

    def read(self) -> None:
        """Edges first: samples that reach beyond an edge promise that it is known."""
        with _asking("for samples"):
            self._fetch(self._current)
            self._fetch(self._voltage)
            if self._current.begins_s is None or self._voltage.begins_s is None:
                return
            self._fetch_edges(self._current.begins_s)
        self.recording.feed(self._averager.push(self._power()))

    def _power(self) -> Floats:
        """Of each sample of current whose voltage is known: times the one that was measured last."""
        current, voltage = self._current, self._voltage
        index = np.maximum(
            np.floor((current.times_s() - voltage.first_s) / voltage.interval_s + 1e-6).astype(int), 0
        )
        known = int(np.searchsorted(index, voltage.count))
        power = current.values[:known] * voltage.values[index[:known] - voltage.dropped]
        current.drop(known)
        voltage.drop(int(index[known - 1]) - voltage.dropped if known else 0)
        return np.asarray(power, np.float64)

    def _fetch(self, channel: _Channel) -> None:
        count = self._count(channel.name)
        if count <= channel.count:
            return
        wanted = min(count - channel.count, _CHUNK)
        data = self._data(channel.name, channel.count, wanted)
        values = np.array(data["values"], np.float64)
        if values.ndim != 1 or len(values) > wanted or not np.isfinite(values).all():
            raise ValueError("no samples")
        begins_s, interval_s = float(data["timestamp"]), float(data["interval"])
        if not interval_s > 0:
            raise ValueError("no interval")
        if channel.name == _CURRENT and abs(interval_s * self._native_hz - 1) > 1e-3:
            raise MeterError(
                f"the Otii records {1 / interval_s:g} samples a second, and said {self._native_hz:g}"
            )
        channel.add(begins_s, interval_s, values)

    def _fetch_edges(self, begins_s: float) -> None:
        count = self._count(_PIN)
        if count <= self._edges:
            return
        wanted = min(count - self._edges, _CHUNK)
        events = self._data(_PIN, self._edges, wanted)["values"]
        for event in events:
            high, time_s = bool(event["value"]), float(event["timestamp"]) - begins_s
            # Without a first entry that says the state at the start, an input that falls was high.
            if not high and (self._high or (self._high is None and time_s > 0)):
                self.recording.edge(time_s)
            self._high = high
        self._edges += len(events)

    def _count(self, channel: str) -> int:
        return int(
            self._server.ask("recording_get_channel_data_count", self._of | {"channel": channel})["count"]
        )

    def _data(self, channel: str, index: int, count: int) -> dict[str, Any]:
        # Not by the client's own method, which waits for ever.
        return self._server.ask(
            "recording_get_channel_data", self._of | {"channel": channel, "index": index, "count": count}
        )


@dataclass
class _Channel:
    """Samples of an analogue channel that are not yet used."""

    name: str
    count: int = 0
    """How many there were in all."""
    dropped: int = 0
    begins_s: float | None = None
    interval_s: float = 1.0

    def __post_init__(self) -> None:
        self.values: Floats = np.empty(0)

    @property
    def first_s(self) -> float:
        """Time of the very first sample, which may be dropped by now."""
        return self.begins_s or 0.0

    def times_s(self) -> Floats:
        """When the samples at hand were taken."""
        index = np.arange(self.dropped, self.dropped + len(self.values), dtype=np.float64)
        return self.first_s + index * self.interval_s

    def add(self, begins_s: float, interval_s: float, values: Floats) -> None:
        """More samples.

        Raises:
            MeterError: they do not continue those before.
        """
        if self.begins_s is None:
            self.begins_s, self.interval_s = begins_s, interval_s
        expected_s = self.begins_s + self.count * self.interval_s
        if abs(begins_s - expected_s) > 0.5 * self.interval_s:
            lost = round((begins_s - expected_s) / self.interval_s)
            raise MeterError(f"the Otii lost {lost} samples at {expected_s:.3f} s of the recording")
        self.values = np.concatenate([self.values, values])
        self.count += len(values)

    def drop(self, count: int) -> None:
        """Forget the first samples at hand."""
        self.values = self.values[count:]
        self.dropped += count


class _Server:
    """A connection to the app; let go of at the end of a ``with`` block."""

    def __init__(self, host: str, port: int, *, wait_s: int) -> None:
        from otii_tcp_client.otii import Otii as Client
        from otii_tcp_client.otii_connection import OtiiConnection

        self._where = f"{host}:{port}"
        self._connection = OtiiConnection(host, port)
        self._licences: list[int] = []
        self._logged_in = False
        try:
            greeting = self._connection.connect_to_server(try_for_seconds=wait_s)
            self.version = (
                str(greeting["data"]["otii_version"]) if greeting["type"] == "information" else None
            )
        except TinybenchError:
            raise
        except TimeoutError as error:
            raise self._stranger() from ValueError(str(error))
        except OSError as error:
            raise MeterError(f"no Otii app answers at {self._where}", hint=_START) from error
        except Exception as error:  # the client raises whatever its parser does
            raise self._stranger() from ValueError(str(error))
        if self.version is None:
            self._connection.close_connection()
            raise MeterError(
                f"the Otii app at {self._where} refuses the connection: {greeting.get('errorcode')}",
                hint=_START,
            )
        numbers = tuple(int(number) for number in re.findall(r"\d+", self.version)[:3])
        if numbers < MIN_VERSION:
            self._connection.close_connection()
            least = ".".join(map(str, MIN_VERSION))
            raise MeterError(
                f"the Otii app at {self._where} is version {self.version}: at least {least} is needed",
                hint="update it from https://www.qoitech.com/download",
            )
        self._client = Client(self._connection)

    def __enter__(self) -> _Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back what was reserved, and hang up."""
        with suppress(MeterError), _asking("to take its licence back"):
            while self._licences:
                self._client.return_license(self._licences.pop())
            if self._logged_in:
                self._logged_in = False
                self._client.logout()
        self._connection.close_connection()

    def why_no_licence(self) -> str | None:
        """What is missing for a recording; None: nothing."""
        with _asking("for its licences"):
            if self._client.has_license(_LICENCE):
                return None
            if not self._client.is_logged_in():
                return None if os.environ.get(USER) else f"nobody is signed in: {_RESERVE}"
            return None if self._free() else f"no {_LICENCE} licence is free: {_RESERVE}"

    def reserve(self) -> None:
        """Sign in and reserve a licence, unless somebody did.

        Raises:
            MeterError: there is none.
        """
        with _asking("for a licence"):
            if self._client.has_license(_LICENCE):
                return
            if not self._client.is_logged_in():
                user, password = os.environ.get(USER), os.environ.get(PASSWORD)
                if not user or not password:
                    raise MeterError("nobody is signed in to the Otii app", hint=_RESERVE)
                self._client.login(user, password)
                self._logged_in = True
            free = self._free()
            if not free:
                raise MeterError(f"no {_LICENCE} licence of the Otii app is free", hint=_RESERVE)
            self._client.reserve_license(free[0])
            self._licences.append(free[0])

    def _free(self) -> list[int]:
        from otii_tcp_client.otii_client import LICENSE_MAP

        return [
            licence["id"]
            for licence in self._client.get_licenses()
            if licence["available"]
            and not licence["reserved_to"]
            and _LICENCE in LICENSE_MAP.get(licence["type"], [])
        ]

    def devices(self) -> list[arc.Arc]:
        """Analysers that are plugged in."""
        with _asking("for devices"):
            return self._client.get_devices(timeout=1, devicefilter=list(_KINDS))

    def project(self) -> project.Project:
        """The one that is open in the app, or a new one. Errors are those of the client."""
        from otii_tcp_client.otii import OtiiException

        try:
            return self._client.get_active_project()
        except OtiiException:
            return self._client.create_project()

    def ask(self, command: str, data: dict[str, Any]) -> dict[str, Any]:
        """One request and its answer. Errors are those of the client."""
        from otii_tcp_client.otii_exception import Otii_Exception

        answer = self._connection.send_and_receive(
            {"type": "request", "cmd": command, "data": data}, _ANSWER_S
        )
        if answer["type"] == "error":
            raise Otii_Exception(answer)
        given = answer["data"]
        if not isinstance(given, dict):
            raise TypeError("no data")
        return given

    def _stranger(self) -> MeterError:
        self._connection.close_connection()
        return MeterError(f"what answers at {self._where} is no Otii app", hint=_START)


@contextmanager
def _asking(what: str) -> Iterator[None]:
    """One clear line for each of the ways in which the client fails."""
    from otii_tcp_client.otii_connection import DisconnectedException
    from otii_tcp_client.otii_exception import Otii_Exception

    try:
        yield
    except TinybenchError:
        raise
    except Otii_Exception as error:
        raise MeterError(
            f"the Otii app was asked {what} and refused: {_said(error)}", hint=_hint(error)
        ) from error
    except TimeoutError as error:
        raise MeterError(
            f"the Otii app was asked {what} and does not answer", hint="start it again"
        ) from error
    except (DisconnectedException, OSError) as error:
        raise MeterError(f"the Otii app was asked {what} and hung up", hint=_START) from error
    except Exception as error:  # bare ones, and whatever its parser raises
        raise MeterError(
            f"the Otii app was asked {what} and answered nonsense: {error}",
            hint="update the app and otii-tcp-client",
        ) from error


def _said(error: Any) -> str:
    """What the app said, in one line."""
    message = error.message
    if isinstance(message, dict):
        data = message.get("data")
        message = data.get("message") if isinstance(data, dict) else None
    text = f"{error.type}: {message}" if message and error.type not in message else str(message or error.type)
    return " ".join(text.split())[:200]


def _hint(error: Any) -> str:
    known = {
        "No license": _RESERVE,
        "Not logged in": _RESERVE,
        "Could not login": f"check {USER} and {PASSWORD}",
        "License could not be reserved": _RESERVE,
        "Device not connected": "plug the analyser in, and look whether the app shows it",
    }
    return known.get(error.type, "look into the Otii app")


@dataclass(frozen=True)
class _Address:
    device: str | None
    host: str = "127.0.0.1"
    port: int = PORT

    @classmethod
    def parse(cls, address: str | None) -> _Address:
        device, at, server = (address or "").rpartition("@")
        if not at:
            return cls(address or None)
        host, colon, port = server.rpartition(":")
        if not colon:
            host, port = server, str(PORT)
        if not host or not port.isascii() or not port.isdecimal() or not 0 < int(port) < 65536:
            raise UsageError(
                f"'{address}' is no address of an Otii", hint="DEVICE, DEVICE@HOST, or DEVICE@HOST:PORT"
            )
        return cls(device or None, host, int(port))


def _choose(devices: list[arc.Arc], where: _Address) -> arc.Arc:
    if not devices:
        raise MeterError(
            f"no Otii Arc or Ace is plugged in at {where.host}",
            hint="plug it in, and look whether the app shows it",
        )
    listed = "; ".join(f"{_title(device)}: {Otii.name}:{device.id}" for device in devices)
    fitting = [device for device in devices if where.device in (None, device.id)]
    fitting = fitting or [device for device in devices if device.name == where.device]
    if not fitting:
        raise UsageError(f"there is no Otii '{where.device}'", hint=listed)
    if len(fitting) > 1:
        raise UsageError("several Otiis are plugged in: say which one", hint=listed)
    return fitting[0]


def _title(device: arc.Arc) -> str:
    return f"Qoitech Otii {device.type} '{device.name}'"


def _trouble(error: MeterError) -> Found:
    return Found(address="", title="Otii app", problem=f"{error.message}: {error.hint}")
