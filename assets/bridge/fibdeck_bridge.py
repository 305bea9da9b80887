"""fibdeck's bridge: openFIBSEM's REST server, and what it lacks, over the same package.

Start it on the microscope's PC instead of the plain server:

    pip install "fibsem[server]==0.5.3"
    python fibdeck_bridge.py --manufacturer ThermoFisher --ip-address 192.168.0.1

It listens on loopback only; bring its port over by ssh (`ssh -L 8001:127.0.0.1:8001 PC`). Every request, also one of the plain server's,
needs the token in the file `--token-file` (made at the first start, readable by you alone):

    Authorization: Bearer TOKEN

Copy that file to where fibdeck runs and name it in FIBDECK_TOKEN_FILE.

`GET /bridge` lists what this instrument offers: a route stands there only if the class of its maker really has the call behind it, and not
an empty method. All bodies and answers are JSON in SI units; an error says what happened as {"detail": "..."}, also where the plain
server drops the line.

    route                      body                              makers whose class has it
    GET  /bridge               -                                 all
    GET  /bridge/state         -                                 all (parts that it can read)
    POST /bridge/acquire       {"image_settings"}  -> TIFF       all: the settings count, reduced area too; on ThermoFisher and
                                                                 Demo also integration, interlacing and drift correction
    POST /bridge/power         {"beam_type", "on"}               ThermoFisher, Odemis, Demo
    POST /bridge/blank         {"beam_type", "on"}               ThermoFisher, Odemis, Demo
    POST /bridge/home          {}                                ThermoFisher, Odemis, Demo
    POST /bridge/link          {}                                ThermoFisher, Odemis, Demo (no compustage)
    POST /bridge/pump, /vent   {}                                ThermoFisher, Odemis, Demo
    POST /bridge/needle/saved  {"name"}                          ThermoFisher, Demo
    POST /bridge/needle/insert {"name"}                          ThermoFisher, Demo
    POST /bridge/needle/retract {}                               ThermoFisher, Demo
    POST /bridge/needle/move   {"position"}                      ThermoFisher, Demo (absolute, RAW)
    POST /bridge/spot          {"beam_type", "x", "y", "seconds"} all (at the current that is set)
    POST /bridge/get           {"key", "beam_type"?}             all
    POST /bridge/set           {"key", "value", "beam_type"?}    all
    POST /bridge/gas/insert    {"port", "position"?}             ThermoFisher, Demo (see below)
    POST /bridge/gas/retract   {"port"}                          ThermoFisher, Demo
    POST /bridge/gas/heat      {"port", "on", "gas"?}            ThermoFisher, Demo
    POST /bridge/gas/valve     {"port", "open"}                  ThermoFisher, Demo
    POST /bridge/live          {"beam_type", "on"}               ThermoFisher, Tescan, Demo: one beam at a time
    POST /bridge/live/frame    {"beam_type", "after"?} -> TIFF   ThermoFisher, Tescan, Demo: the newest frame, its number in the
                                                                 header x-fibdeck-frame; 204 if none came since number `after`
    POST /bridge/configuration {}                                all: sets beams and heights as configured
    POST /bridge/stop          {}                                all: ends pattern, spot and live view, closes the gas, blanks what
                                                                 can be blanked

TESCAN's class has an empty method for homing, tells beams and vacuum in enumerations of its own and knows no saved needle
position: it gets pictures, live view and spots. Odemis' class takes no picture over the plain server, which hands it an argument that
it does not know: it needs this one. What no class offers is not here either: unlinking, halting a stage move or a scan, and a sputter
coater that says how far it is.

Gas: the package deposits in one call that nobody can look into or end, so the injector it finds (`get_gis`) is driven here step by step
as that call does it. No class can tell whether an injector is in. What was told here is remembered; that all were out at
the start is the operator's word: with `--injectors-out` you say that you have looked. Without it a real instrument has no gas here.
"""

import argparse
import hmac
import logging
import os
import secrets
import sys
import threading
from pathlib import Path
from typing import Any, Dict, Optional

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from fibsem.imaging.spot import SpotBurnSettings
from fibsem.server.server import FibsemServer, _beam_type, _image_response
from fibsem.structures import (
    BeamType,
    FibsemManipulatorPosition,
    FibsemRectangle,
    ImageSettings,
    Point,
)
from pydantic import BaseModel

VERSION = 1
ALL = ("ThermoFisher", "Tescan", "Odemis", "Demo")
SWITCHING = ("ThermoFisher", "Odemis", "Demo")
OFFERS = {
    "acquire": ALL,
    "integration": ("ThermoFisher", "Demo"),
    "power": SWITCHING,
    "blank": SWITCHING,
    "home": SWITCHING,
    "link": SWITCHING,
    "chamber": SWITCHING,
    "vacuum": SWITCHING,
    "needle": ("ThermoFisher", "Demo"),
    "spot": ALL,
    "gas": ("ThermoFisher", "Demo"),
    "live": ("ThermoFisher", "Tescan", "Demo"),
}
SAVED = ["PARK", "EUCENTRIC"]


class Named(BaseModel):
    name: str


class Switch(BaseModel):
    beam_type: str
    on: bool


class Picture(BaseModel):
    image_settings: dict


class Place(BaseModel):
    position: dict


class Spot(BaseModel):
    beam_type: str
    x: float
    y: float
    seconds: float


class Insert(BaseModel):
    port: str
    position: Optional[str] = None


class Port(BaseModel):
    port: str


class Heat(BaseModel):
    port: str
    on: bool
    gas: Optional[str] = None


class Valve(BaseModel):
    port: str
    open: bool


class Frame(BaseModel):
    beam_type: str
    after: int = 0


class Key(BaseModel):
    key: str
    beam_type: Optional[str] = None


class KeyValue(Key):
    value: Any = None


def plain(value: Any) -> Any:
    """A value of the package as JSON."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, BeamType):
        return value.name
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def native(value: Any) -> Any:
    """JSON as the package's setters want it."""
    if isinstance(value, dict) and set(value) == {"x", "y"}:
        return Point(float(value["x"]), float(value["y"]))
    if isinstance(value, dict) and set(value) == {"left", "top", "width", "height"}:
        return FibsemRectangle.from_dict(value)
    if value in BeamType.__members__:
        return BeamType[value]
    return value


class Injector:
    """One gas port, and what it was told."""

    def __init__(self, name: str, handle: Any, gases: list, positions: list):
        self.name, self.handle, self.gases, self.positions = name, handle, gases, positions
        self.inserted = self.heater = self.open = False
        self.position = self.gas = None

    def named(self) -> tuple:
        """The gas, where the handle is one of several gases and wants it named."""
        return (self.gas or self.gases[0],) if self.positions else ()

    def temperature(self) -> float:
        """K. The Demo instrument has none: 300 K is what its class would wait for."""
        if hasattr(self.handle, "get_temperature"):
            return float(self.handle.get_temperature(*self.named()))
        return 300.0 if self.heater else 293.0

    def state(self) -> dict:
        return {
            "port": self.name,
            "inserted": self.inserted,
            "position": self.position,
            "gas": self.gas,
            "heater": self.heater,
            "temperature": self.temperature(),
            "open": self.open,
        }

    def insert(self, position: Optional[str]) -> None:
        if position is not None and position not in self.positions:
            raise HTTPException(422, f"port {self.name} has no position {position!r}: {self.positions}; nothing moved")
        if self.inserted:
            raise HTTPException(409, f"port {self.name} is inserted already; nothing moved")
        # from now on it may be in, whatever comes
        self.inserted, self.position = True, position
        self.handle.insert(*([position] if position else []))

    def retract(self) -> None:
        if self.open:
            raise HTTPException(409, f"port {self.name} is open; nothing moved")
        self.handle.retract()
        self.inserted, self.position = False, None

    def heat(self, on: bool, gas: Optional[str]) -> None:
        if gas is not None and gas not in self.gases:
            raise HTTPException(422, f"port {self.name} has no gas {gas!r}: {self.gases}; nothing was heated")
        if on:
            self.gas = gas or self.gases[0]
            self.handle.turn_heater_on(*self.named())
        else:
            self.handle.turn_heater_off()
        self.heater = on

    def valve(self, on: bool) -> None:
        if on and not self.inserted:
            raise HTTPException(409, f"port {self.name} is not inserted; the valve stays closed")
        if on:
            # if this fails on the way, it may be open
            self.open = True
            self.handle.open()
        else:
            self.handle.close()
            self.open = False


def injectors(m, seen_out: bool) -> Dict[str, Injector]:
    """The gas ports of an instrument whose injectors are known to be out."""
    maker = m.system.info.manufacturer
    if maker not in OFFERS["gas"] or not m.is_available("gis") or not (seen_out or maker == "Demo"):
        return {}
    if maker == "Demo":
        found = [Injector(name, m.gis_system, [name], []) for name in m.get_available_values("gis_ports")[:1]]
    elif m.is_available("gis_multichem"):
        gases = [str(gas) for gas in m.connection.gas.list_all_multichem_ports()]
        found = [Injector("Multichem", m.get_gis(), gases, ["cryo"])]
    else:
        found = [Injector(str(name), m.get_gis(name), [str(name)], []) for name in m.get_available_values("gis_ports")]
    return {injector.name: injector for injector in found}


class Bridge(FibsemServer):
    def __init__(self, microscope, port: int, token: str, injectors_out: bool = False):
        self.token = token
        self.halt = threading.Event()
        self.gas = injectors(microscope, injectors_out)
        self.frames = {BeamType.ELECTRON: (0, None), BeamType.ION: (0, None)}
        if microscope.system.info.manufacturer in OFFERS["live"]:
            microscope.sem_acquisition_signal.connect(lambda image: self.keep(BeamType.ELECTRON, image))
            microscope.fib_acquisition_signal.connect(lambda image: self.keep(BeamType.ION, image))
        super().__init__(microscope, host="127.0.0.1", port=port)

    def keep(self, beam: BeamType, image) -> None:
        """A frame of the live view."""
        self.frames[beam] = (self.frames[beam][0] + 1, image)

    def injector(self, name: str) -> Injector:
        self.need("gas")
        if name not in self.gas:
            raise HTTPException(status_code=422, detail=f"no gas port {name!r}; one of {list(self.gas)}")
        return self.gas[name]

    def offers(self) -> list:
        m = self.microscope
        found = [name for name, makers in OFFERS.items() if m.system.info.manufacturer in makers]
        lacks = {
            "needle": not m.is_available("manipulator"),
            "link": bool(m.stage_is_compustage),
            "gas": not self.gas,
        }
        return [name for name in found if not lacks.get(name)]

    def need(self, name: str) -> None:
        if name not in self.offers():
            raise HTTPException(status_code=501, detail=f"this instrument's class has no {name}")

    def state(self) -> dict:
        """Whatever can be read; a part that cannot is left out."""
        m, offers = self.microscope, self.offers()

        def beam(beam_type: BeamType) -> dict:
            return {"on": bool(m.get("on", beam_type)), "blanked": bool(m.get("blanked", beam_type))}

        parts = {}
        if "home" in offers:
            parts["stage"] = lambda: {"homed": bool(m.get("stage_homed")), "linked": bool(m.get("stage_linked"))}
        if "power" in offers and m.is_available("electron_beam"):
            parts["electron"] = lambda: beam(BeamType.ELECTRON)
        if "power" in offers and m.is_available("ion_beam"):
            parts["ion"] = lambda: beam(BeamType.ION)
        if "chamber" in offers:
            parts["chamber"] = lambda: {
                "state": str(m.get("chamber_state")),
                "pressure": float(m.get("chamber_pressure")),
            }
        if "needle" in offers:
            parts["needle"] = lambda: {
                "inserted": bool(m.get_manipulator_state()),
                "position": m.get_manipulator_position().to_dict(),
            }
        if "gas" in offers:
            parts["gas"] = lambda: {
                "ports": [injector.state() for injector in self.gas.values()],
                "sputtering": None,
                "sputter_ready": False,
            }
        state = {}
        for name, read in parts.items():
            try:
                state[name] = read()
            except Exception as error:  # noqa: BLE001 - a part that does not answer must not hide the others
                logging.warning("%s cannot be read: %s", name, error)
        return state

    def stop(self) -> None:
        """Tries everything, and fails if anything of it failed."""
        self.halt.set()
        trouble = []
        steps = [self.microscope.stop_milling]
        steps += [lambda i=i: i.valve(False) for i in self.gas.values() if i.open]
        if "live" in self.offers():
            # it waits for its last frame, and this for nothing
            threading.Thread(target=self.microscope.stop_acquisition, daemon=True).start()
        if "blank" in self.offers():
            steps += [lambda b=b: self.microscope.blank(b) for b in self.microscope.get_available_beams()]
        for step in steps:
            try:
                step()
            except Exception as error:  # noqa: BLE001
                trouble.append(f"{type(error).__name__}: {error}")
        if trouble:
            raise RuntimeError("; ".join(trouble))

    def _build_app(self) -> FastAPI:
        app = super()._build_app()
        m = self.microscope
        ok = {"status": "ok"}

        @app.middleware("http")
        async def door(request: Request, call_next) -> Response:
            given = request.headers.get("authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
                return JSONResponse({"detail": "the token is missing or wrong", "kind": "not-authorised"}, 401)
            if "origin" in request.headers:
                return JSONResponse({"detail": "not for web pages", "kind": "not-authorised"}, 403)
            try:
                return await call_next(request)
            except NotImplementedError as error:
                return JSONResponse({"detail": str(error) or "not implemented by this class"}, 501)
            except Exception as error:  # noqa: BLE001 - said, where the plain server drops the line
                logging.exception("%s", request.url.path)
                return JSONResponse({"detail": f"{type(error).__name__}: {error}"}, 500)

        @app.get("/bridge")
        def bridge():
            offers = self.offers()
            gas = {
                "multichem": any(injector.positions for injector in self.gas.values()),
                "sputter_coater": False,
                "ports": [
                    {"port": i.name, "gases": i.gases, "positions": i.positions, "heater": True} for i in self.gas.values()
                ],
            }
            return {
                "bridge": VERSION,
                "offers": offers,
                "saved": SAVED if "needle" in offers else [],
                "gas": gas if self.gas else None,
            }

        @app.get("/bridge/state")
        def state():
            return self.state()

        @app.post("/bridge/acquire")
        def acquire(body: Picture) -> Response:
            # the settings alone: given a beam beside them, one class takes nothing but the beam
            return _image_response(m.acquire_image(image_settings=ImageSettings.from_dict(body.image_settings)))

        @app.post("/bridge/power")
        def power(body: Switch):
            self.need("power")
            beam = _beam_type(body.beam_type)
            return {"value": bool(m.turn_on(beam) if body.on else m.turn_off(beam))}

        @app.post("/bridge/blank")
        def blank(body: Switch):
            self.need("blank")
            beam = _beam_type(body.beam_type)
            return {"value": bool(m.blank(beam) if body.on else m.unblank(beam))}

        @app.post("/bridge/home")
        def home():
            self.need("home")
            m.home()
            return ok

        @app.post("/bridge/link")
        def link():
            self.need("link")
            return {"value": bool(m.link_stage())}

        @app.post("/bridge/pump")
        def pump():
            self.need("vacuum")
            m.pump()
            return ok

        @app.post("/bridge/vent")
        def vent():
            self.need("vacuum")
            if any(m.is_on(beam) for beam in m.get_available_beams()):
                raise HTTPException(status_code=409, detail="a beam is on; nothing was vented")
            m.vent()
            return ok

        @app.post("/bridge/needle/saved")
        def saved(body: Named):
            self.need("needle")
            if body.name not in SAVED:
                raise HTTPException(status_code=422, detail=f"no saved position {body.name!r}; one of {SAVED}")
            return {"position": m._get_saved_manipulator_position(body.name).to_dict()}

        @app.post("/bridge/needle/insert")
        def insert(body: Named):
            self.need("needle")
            if body.name not in SAVED:
                raise HTTPException(status_code=422, detail=f"no saved position {body.name!r}; one of {SAVED}")
            m.insert_manipulator(body.name)
            return ok

        @app.post("/bridge/needle/retract")
        def retract():
            self.need("needle")
            m.retract_manipulator()
            return ok

        @app.post("/bridge/needle/move")
        def move(body: Place):
            self.need("needle")
            m.move_manipulator_absolute(FibsemManipulatorPosition.from_dict(body.position))
            return ok

        @app.post("/bridge/gas/insert")
        def gas_insert(body: Insert):
            self.injector(body.port).insert(body.position)
            return ok

        @app.post("/bridge/gas/retract")
        def gas_retract(body: Port):
            self.injector(body.port).retract()
            return ok

        @app.post("/bridge/gas/heat")
        def gas_heat(body: Heat):
            self.injector(body.port).heat(body.on, body.gas)
            return ok

        @app.post("/bridge/gas/valve")
        def gas_valve(body: Valve):
            self.injector(body.port).valve(body.open)
            return ok

        @app.post("/bridge/live")
        def live(body: Switch):
            self.need("live")
            beam = _beam_type(body.beam_type)
            # one thread shows one beam: another beam's ends first
            m.stop_acquisition()
            if body.on:
                m.start_acquisition(beam)
            return {"value": bool(m.is_acquiring)}

        @app.post("/bridge/live/frame")
        def live_frame(body: Frame) -> Response:
            self.need("live")
            number, image = self.frames[_beam_type(body.beam_type)]
            if image is None or number <= body.after:
                return Response(status_code=204)
            response = _image_response(image)
            response.headers["x-fibdeck-frame"] = str(number)
            return response

        @app.post("/bridge/spot")
        def spot(body: Spot):
            self.need("spot")
            self.halt.clear()
            beam = _beam_type(body.beam_type)
            burn = SpotBurnSettings(
                coordinates=[Point(body.x, body.y)],
                exposure_time=body.seconds,
                milling_current=m.get_beam_current(beam),
            )
            m.run_spot_burn(burn, beam_type=beam, stop_event=self.halt)
            return ok

        @app.post("/bridge/get")
        def get(body: Key):
            return {"value": plain(m.get(body.key, _beam_type(body.beam_type) if body.beam_type else None))}

        @app.post("/bridge/set")
        def set_(body: KeyValue):
            m.set(body.key, native(body.value), _beam_type(body.beam_type) if body.beam_type else None)
            return ok

        @app.post("/bridge/configuration")
        def configuration():
            m.apply_configuration()
            return ok

        @app.post("/bridge/stop")
        def stop():
            self.stop()
            return ok

        return app


def token(path: Path) -> str:
    """The token of that file, which is made where it is not there yet."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
    found = path.read_text().strip()
    if len(found) < 20:
        sys.exit(f"{path} holds no token: remove it, and start again")
    return found


def main(argv=None) -> None:
    parser = argparse.ArgumentParser(description="openFIBSEM's server with what it lacks, for fibdeck")
    parser.add_argument("--manufacturer", default="Demo")
    parser.add_argument("--ip-address", default="localhost", help="of the vendor's own server")
    parser.add_argument("--port", type=int, default=8001, help="on loopback (default: 8001)")
    parser.add_argument("--injectors-out", action="store_true", help="you looked, and all gas injectors are out: offer gas")
    parser.add_argument("--token-file", type=Path, default=Path.home() / ".fibdeck" / "bridge.token")
    args = parser.parse_args(argv)

    from fibsem import utils

    secret = token(args.token_file)
    microscope, _ = utils.setup_session(manufacturer=args.manufacturer, ip_address=args.ip_address)
    print(f"fibdeck bridge on 127.0.0.1:{args.port}, token in {args.token_file}", flush=True)
    Bridge(microscope, args.port, secret, args.injectors_out).run()


if __name__ == "__main__":
    main()
