"""An Otii app on a loopback socket: the JSON messages of https://www.qoitech.com/help/tcpserver/.

Time in a recording goes on by ``step_s`` each time somebody asks how many samples there are.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

CURRENT_HZ: Final = 4000
VOLTAGE_HZ: Final = 1000


@dataclass
class Device:
    """An analyser; what the messages call one."""

    id: str = "Arc512031204843494E3130393033313036"
    name: str = "Arc"
    type: str = "Arc"
    main: bool = False
    voltage: float = 3.3
    settings: dict[str, Any] = field(default_factory=dict)
    channels: set[str] = field(default_factory=set)
    switched: list[tuple[bool, float]] = field(default_factory=list)
    """Each time main power was switched, with the voltage."""


@dataclass
class Signal:
    """What is recorded: functions of time, and the input's events."""

    current_a: Callable[[float], float] = lambda t: 0.01
    voltage_v: Callable[[float], float] = lambda t: 3.3
    pin: list[tuple[float, bool]] = field(default_factory=list)
    begins_s: float = 0.0
    """Time of the first sample."""


Fault = Callable[["FakeOtii", socket.socket, dict[str, Any]], bool]
"""Given the app, the connection and a request: whether that is all the answer."""


class Error(Exception):
    """A message of the type ``error``."""

    def __init__(self, code: str, **data: Any) -> None:
        self.code, self.data = code, data


class FakeOtii:
    """An app that listens while the ``with`` block lasts."""

    def __init__(self, *devices: Device, signal: Signal | None = None, step_s: float = 1.0) -> None:
        self.devices = list(devices)
        self.signal = signal or Signal()
        self.step_s = step_s
        self.version = "3.5.6"
        self.greeting: bytes | None = None
        """Said in place of the right one."""
        self.users = {"joe": "secret"}
        self.logged_in = True
        self.licences = [
            {"id": 7, "type": "Automation", "available": True, "reserved_to": "", "hostname": ""}
        ]
        self.project = -1
        self.faults: dict[str, Fault] = {}
        self.asked: list[str] = []
        """Commands in the order in which they came."""
        self.recordings = 0
        self.running = False
        self.now_s = 0.0
        self.lost: tuple[int, int] | None = None
        """From sample, so many of the current are missing."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._connections: list[socket.socket] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.broke: BaseException | None = None

    def __enter__(self) -> FakeOtii:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._listener.close()
        for connection in self._connections:
            connection.close()
        if self.broke is not None:
            raise self.broke

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            data = {"otii_version": self.version, "protocol_version": "0.1", "server": "otii"}
            greeting = {"type": "information", "info": "connected", "data": data}
            connection.sendall(self.greeting or json.dumps(greeting).encode() + b"\r\n")
            heard = b""
            while chunk := connection.recv(65536):
                *lines, heard = (heard + chunk).split(b"\r\n")
                for line in lines:
                    self._answer(connection, json.loads(line))
        except OSError:
            pass
        except BaseException as error:
            self.broke = error

    def _answer(self, connection: socket.socket, request: dict[str, Any]) -> None:
        command = request["cmd"]
        self.asked.append(command)
        fault = self.faults.get(command)
        if fault is not None and fault(self, connection, request):
            return
        base = {"cmd": command, "trans_id": request["trans_id"]}
        try:
            handler = getattr(self, "_" + command.replace("-", "_"), None)
            if handler is None:
                raise Error("Invalid command")
            message = base | {"type": "response", "data": handler(request.get("data", {})) or {}}
        except Error as error:
            message = base | {"type": "error", "errorcode": error.code, "data": error.data}
        connection.sendall(json.dumps(message).encode() + b"\r\n")

    # Licences.

    def _otii_is_logged_in(self, data: dict[str, Any]) -> Any:
        return {"logged_in": self.logged_in}

    def _otii_login(self, data: dict[str, Any]) -> None:
        if self.users.get(data["username"]) != data["password"]:
            raise Error("Could not login", message="Wrong username or password")
        self.logged_in = True

    def _otii_logout(self, data: dict[str, Any]) -> None:
        self.logged_in = False

    def _otii_has_license(self, data: dict[str, Any]) -> Any:
        return {"has_license": any(licence["reserved_to"] == "me" for licence in self.licences)}

    def _otii_get_licenses(self, data: dict[str, Any]) -> Any:
        if not self.logged_in:
            raise Error("Not logged in", message="Not logged in")
        return {"licenses": self.licences}

    def _otii_reserve_license(self, data: dict[str, Any]) -> None:
        for licence in self.licences:
            if licence["id"] == data["license_id"] and licence["reserved_to"] == "":
                licence["reserved_to"] = "me"
                return
        raise Error("License could not be reserved", message="It is in use")

    def _otii_return_license(self, data: dict[str, Any]) -> None:
        for licence in self.licences:
            if licence["id"] == data["license_id"]:
                licence["reserved_to"] = ""

    def _licensed(self) -> None:
        if not any(licence["reserved_to"] == "me" for licence in self.licences):
            raise Error("No license", message="An Automation license is needed")

    # Devices.

    def _otii_get_devices(self, data: dict[str, Any]) -> Any:
        return {"devices": [{"device_id": d.id, "name": d.name, "type": d.type} for d in self.devices]}

    def _device(self, data: dict[str, Any]) -> Device:
        self._licensed()
        for device in self.devices:
            if device.id == data["device_id"]:
                return device
        raise Error("Device not connected", device_id=data["device_id"])

    def _arc_add_to_project(self, data: dict[str, Any]) -> None:
        self._device(data)

    def _arc_get_main(self, data: dict[str, Any]) -> Any:
        return {"value": self._device(data).main}

    def _arc_set_main(self, data: dict[str, Any]) -> None:
        device = self._device(data)
        device.main = data["enable"]
        device.switched.append((device.main, device.voltage))

    def _arc_get_main_voltage(self, data: dict[str, Any]) -> Any:
        return {"value": self._device(data).voltage}

    def _arc_set_main_voltage(self, data: dict[str, Any]) -> None:
        if not 0.5 <= data["value"] <= 5:
            raise Error("Invalid key value", key="value", value=data["value"])
        self._device(data).voltage = data["value"]

    def _arc_get_channel_samplerate(self, data: dict[str, Any]) -> Any:
        self._device(data)
        return {"value": CURRENT_HZ if data["channel"] == "mc" else VOLTAGE_HZ}

    def _arc_get_version(self, data: dict[str, Any]) -> Any:
        self._device(data)
        return {"hw_version": "1.2", "fw_version": "1.1.7"}

    def _arc_enable_channel(self, data: dict[str, Any]) -> None:
        self._device(data).channels.add(data["channel"])

    def _arc_set_max_current(self, data: dict[str, Any]) -> None:
        self._device(data).settings["max_current"] = data["value"]

    def _arc_set_range(self, data: dict[str, Any]) -> None:
        self._device(data).settings["range"] = data["range"]

    def _arc_set_exp_voltage(self, data: dict[str, Any]) -> None:
        self._device(data).settings["exp_voltage"] = data["value"]

    def _arc_enable_exp_port(self, data: dict[str, Any]) -> None:
        self._device(data).settings["exp_port"] = data["enable"]

    # Project and recordings.

    def _otii_get_active_project(self, data: dict[str, Any]) -> Any:
        self._licensed()
        return {"project_id": self.project}

    def _otii_create_project(self, data: dict[str, Any]) -> Any:
        self.project = 1
        return {"project_id": 1}

    def _project_start_recording(self, data: dict[str, Any]) -> None:
        if data["project_id"] != self.project:
            raise Error("Project does not exist")
        self.recordings, self.running, self.now_s = self.recordings + 1, True, 0.0

    def _project_stop_recording(self, data: dict[str, Any]) -> None:
        self.running = False

    def _project_get_last_recording(self, data: dict[str, Any]) -> Any:
        return {"recording_id": self.recordings or -1, "name": f"Recording {self.recordings}"}

    def _recording_get_channel_data_count(self, data: dict[str, Any]) -> Any:
        channel = data["channel"]
        assert data["recording_id"] == self.recordings
        assert channel in self.devices[0].channels
        if channel == "mc":
            self.now_s += self.step_s
            return {"count": round(self.now_s * CURRENT_HZ)}
        if channel == "mv":
            return {"count": round(self.now_s * VOLTAGE_HZ)}
        return {"count": sum(at <= self.now_s for at, _ in self.signal.pin)}

    def _recording_get_channel_data(self, data: dict[str, Any]) -> Any:
        first, count, signal = data["index"], data["count"], self.signal
        if data["channel"] == "i1":
            events = [{"timestamp": signal.begins_s + at, "value": high} for at, high in signal.pin]
            return {"data_type": "digital", "values": events[first : first + count]}
        rate, of = (
            (CURRENT_HZ, signal.current_a) if data["channel"] == "mc" else (VOLTAGE_HZ, signal.voltage_v)
        )
        begins = first
        if self.lost is not None and data["channel"] == "mc" and first >= self.lost[0]:
            begins += self.lost[1]
        return {
            "data_type": "analog",
            "timestamp": signal.begins_s + begins / rate,
            "interval": 1 / rate,
            "values": [of((begins + k) / rate) for k in range(count)],
        }


def silence(app: FakeOtii, connection: socket.socket, request: dict[str, Any]) -> bool:
    """No answer at all."""
    return True


def hang_up(app: FakeOtii, connection: socket.socket, request: dict[str, Any]) -> bool:
    """The app ends."""
    connection.shutdown(socket.SHUT_RDWR)
    return True


def say(data: bytes) -> Fault:
    """Something else than the right answer."""

    def fault(app: FakeOtii, connection: socket.socket, request: dict[str, Any]) -> bool:
        connection.sendall(data.replace(b"ID", request["trans_id"].encode()))
        return True

    return fault


def refuse(code: str, **data: Any) -> Fault:
    """A message of the type ``error``."""

    def fault(app: FakeOtii, connection: socket.socket, request: dict[str, Any]) -> bool:
        message = {"type": "error", "errorcode": code, "cmd": request["cmd"], "data": data}
        connection.sendall(json.dumps(message | {"trans_id": request["trans_id"]}).encode() + b"\r\n")
        return True

    return fault
