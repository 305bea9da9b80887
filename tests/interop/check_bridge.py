"""The bridge's calls on the package's vendor classes, over SDK objects that only write down what was asked of them.

python check_bridge.py      exits with the number of calls that did not arrive as they should
"""

import os
import pathlib
import sys
import time
from types import SimpleNamespace
from unittest.mock import MagicMock

os.environ.setdefault("FIBSEM_SIM_NO_DELAY", "1")
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "assets" / "bridge"))

# the vendors' own libraries, which are not here
SDKS = ["odemis", "odemis.util", "odemis.util.dataio", "autoscript_sdb_microscope_client", "autoscript_sdb_microscope_client.structures"]
for name in SDKS:
    sys.modules[name] = MagicMock()

import fibdeck_bridge as bridge  # noqa: E402
import fibsem.microscope as thermo  # noqa: E402
from fibsem import utils  # noqa: E402
from fastapi import HTTPException  # noqa: E402
from fibsem.microscopes.odemis_microscope import OdemisThermoMicroscope  # noqa: E402
from fibsem.microscopes.tescan import TescanMicroscope  # noqa: E402


def instrument(cls, manufacturer: str, **more):
    """An instrument of that class with an SDK that only writes down, and its bridge."""
    m = cls.__new__(cls)
    m.connection = MagicMock()
    m.connection.patterning.state = "Idle"
    m.stage_is_compustage = False
    m.milling_channel = bridge.BeamType.ION
    on = SimpleNamespace(enabled=True, rotation=True, tilt=True, plasma=False, multichem=False)
    m.system = SimpleNamespace(
        info=SimpleNamespace(manufacturer=manufacturer), stage=on, electron=on, ion=on, manipulator=on, gis=on
    )
    for name, value in more.pop("sdk", {}).items():
        getattr(m.connection.gas, name).return_value = value
    on.multichem = more.pop("multichem", False)
    return m, bridge.Bridge(m, 0, "x" * 32, **more)


def call(door, path: str, **body):
    """What the route behind `path` answers."""
    for route in door.app.routes:
        if route.path == path:
            kinds = [k for n, k in route.endpoint.__annotations__.items() if n != "return"]
            return route.endpoint(*[kind(**body) for kind in kinds])
    raise LookupError(path)


def refused(door, path: str, status: int = 501, **body) -> bool:
    try:
        call(door, path, **body)
    except HTTPException as error:
        return error.status_code == status
    return False


def frame(door, beam: str, after: int):
    """The next frame of the live view: its number, and what kind of answer it is."""
    for _ in range(600):
        answer = call(door, "/bridge/live/frame", beam_type=beam, after=after)
        if answer.status_code == 200:
            return int(answer.headers["x-fibdeck-frame"]), answer.media_type
        time.sleep(0.05)
    return after, None


def gas(door, port: str, nozzle, position=None):
    """One injector in, warm, open, and back."""
    yield "the valve stays closed outside", refused(door, "/bridge/gas/valve", 409, port=port, open=True) and not nozzle.open.called
    yield "unknown port", refused(door, "/bridge/gas/insert", 422, port="NOWHERE")
    call(door, "/bridge/gas/insert", port=port, position=position)
    yield "insert", nozzle.insert.call_args.args == ((position,) if position else ())
    call(door, "/bridge/gas/heat", port=port, on=True)
    yield "heat", nozzle.turn_heater_on.call_args.args == (("Pt cryo",) if position else ())
    call(door, "/bridge/gas/valve", port=port, open=True)
    yield "open", nozzle.open.called and door.state()["gas"]["ports"][0]["open"]
    yield "not retracted while open", refused(door, "/bridge/gas/retract", 409, port=port) and not nozzle.retract.called
    call(door, "/bridge/stop")
    yield "stop closes", nozzle.close.called and not door.state()["gas"]["ports"][0]["open"]
    call(door, "/bridge/gas/heat", port=port, on=False)
    call(door, "/bridge/gas/retract", port=port)
    now = door.state()["gas"]["ports"][0]
    yield "retract", nozzle.retract.called and nozzle.turn_heater_off.called and not now["inserted"] and now["temperature"] == 310.0


def checks():
    m, door = instrument(thermo.ThermoMicroscope, "ThermoFisher")
    thermo.AUTOSCRIPT_VERSION, thermo.MINIMUM_AUTOSCRIPT_VERSION_4_7 = 2, 1
    for name in ("ManipulatorSavedPosition", "ManipulatorCoordinateSystem", "manipulator_position_from_autoscript"):
        setattr(thermo, name, MagicMock())
    sdk = m.connection
    m.stage = sdk.specimen.stage
    call(door, "/bridge/power", beam_type="ION", on=True)
    yield "thermo: power", sdk.beams.ion_beam.turn_on.called and not sdk.beams.electron_beam.turn_on.called
    call(door, "/bridge/blank", beam_type="ELECTRON", on=True)
    yield "thermo: blank", sdk.beams.electron_beam.blank.called
    call(door, "/bridge/blank", beam_type="ELECTRON", on=False)
    yield "thermo: unblank", sdk.beams.electron_beam.unblank.called
    call(door, "/bridge/home")
    yield "thermo: home", sdk.specimen.stage.home.called
    call(door, "/bridge/link")
    yield "thermo: link", sdk.specimen.stage.link.called
    call(door, "/bridge/pump")
    yield "thermo: pump", sdk.vacuum.pump.called
    sdk.beams.ion_beam.is_on = sdk.beams.electron_beam.is_on = True
    try:
        call(door, "/bridge/vent")
    except HTTPException as error:
        yield "thermo: no vent under a beam", error.status_code == 409 and not sdk.vacuum.vent.called
    sdk.beams.ion_beam.is_on = sdk.beams.electron_beam.is_on = False
    call(door, "/bridge/vent")
    yield "thermo: vent", sdk.vacuum.vent.called
    sdk.beams.electron_beam.blank.reset_mock()
    sdk.patterning.state = "Running"
    call(door, "/bridge/stop")
    yield "thermo: stop ends the pattern", sdk.patterning.stop.called
    yield "thermo: stop darkens", sdk.beams.electron_beam.blank.called and sdk.beams.ion_beam.blank.called

    yield "thermo: no gas unless somebody looked", refused(door, "/bridge/gas/insert", port="Pt dep")

    m, door = instrument(thermo.ThermoMicroscope, "ThermoFisher", injectors_out=True, sdk={"list_all_gis_ports": ["Pt dep"]})
    nozzle = m.connection.gas.get_gis_port.return_value
    nozzle.get_temperature.return_value = 310.0
    for name, arrived in gas(door, "Pt dep", nozzle):
        yield f"thermo: gas, {name}", arrived
    yield "thermo: gas, its own port", m.connection.gas.get_gis_port.call_args.args == ("Pt dep",)
    m, door = instrument(
        thermo.ThermoMicroscope, "ThermoFisher", injectors_out=True, multichem=True, sdk={"list_all_multichem_ports": ["Pt cryo", "C"]}
    )
    nozzle = m.connection.gas.get_multichem.return_value
    nozzle.get_temperature.return_value = 310.0
    for name, arrived in gas(door, "Multichem", nozzle, "cryo"):
        yield f"thermo: multichem, {name}", arrived

    m, door = instrument(OdemisThermoMicroscope, "Odemis")
    call(door, "/bridge/power", beam_type="ION", on=False)
    yield "odemis: power", m.connection.set_beam_power.call_args.args[0] is False
    call(door, "/bridge/blank", beam_type="ION", on=True)
    yield "odemis: blank", m.connection.blank_beam.called
    call(door, "/bridge/home")
    yield "odemis: home", m.connection.home_stage.called
    call(door, "/bridge/link")
    yield "odemis: link", m.connection.link.call_args.args == (True,)
    yield "odemis: no needle", refused(door, "/bridge/needle/insert", name="PARK")

    m, door = instrument(TescanMicroscope, "Tescan")
    for path, body in [
        ("/bridge/power", {"beam_type": "ION", "on": True}),
        ("/bridge/blank", {"beam_type": "ION", "on": True}),
        ("/bridge/home", {}),
        ("/bridge/pump", {}),
        ("/bridge/needle/retract", {}),
    ]:
        yield f"tescan: no {path}", refused(door, path, **body) and not m.connection.mock_calls
    yield "tescan: what there is", door.offers() == ["acquire", "spot", "live"]
    demo, _ = utils.setup_session(manufacturer="Demo", ip_address="localhost")
    picture = demo.acquire_image(bridge.ImageSettings(resolution=(96, 64), beam_type=bridge.BeamType.ION))
    m.acquire_image = lambda beam_type: time.sleep(0.01) or picture
    call(door, "/bridge/live", beam_type="ION", on=True)
    first, kind = frame(door, "ION", 0)
    second, _ = frame(door, "ION", first)
    call(door, "/bridge/live", beam_type="ION", on=False)
    yield "tescan: live", kind == "image/tiff" and second > first and not m.is_acquiring

    door = bridge.Bridge(demo, 0, "x" * 32)
    yield "demo: live shows nothing before", call(door, "/bridge/live/frame", beam_type="ELECTRON").status_code == 204
    demo.set_resolution((96, 64), bridge.BeamType.ELECTRON)
    call(door, "/bridge/live", beam_type="ELECTRON", on=True)
    first, kind = frame(door, "ELECTRON", 0)
    second, _ = frame(door, "ELECTRON", first)
    call(door, "/bridge/live", beam_type="ELECTRON", on=False)
    yield "demo: live", kind == "image/tiff" and second > first and not demo.is_acquiring
    yield "odemis: no live view", refused(instrument(OdemisThermoMicroscope, "Odemis")[1], "/bridge/live", beam_type="ION", on=True)


def main() -> int:
    results = list(checks())
    for name, arrived in results:
        print("ok  " if arrived else "FAIL", name)
    failed = sum(not arrived for _, arrived in results)
    print(f"{len(results) - failed} of {len(results)} calls of the bridge arrived")
    return failed


if __name__ == "__main__":
    sys.exit(main())
