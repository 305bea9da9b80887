"""The bridge's calls on the package's vendor classes, over SDK objects that only write down what was asked of them.

python check_bridge.py      exits with the number of calls that did not arrive as they should
"""

import os
import pathlib
import sys
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
from fastapi import HTTPException  # noqa: E402
from fibsem.microscopes.odemis_microscope import OdemisThermoMicroscope  # noqa: E402
from fibsem.microscopes.tescan import TescanMicroscope  # noqa: E402


def instrument(cls, manufacturer: str):
    """An instrument of that class with an SDK that only writes down, and its bridge."""
    m = cls.__new__(cls)
    m.connection = MagicMock()
    m.stage_is_compustage = False
    m.milling_channel = bridge.BeamType.ION
    on = SimpleNamespace(enabled=True, rotation=True, tilt=True, plasma=False, multichem=False)
    m.system = SimpleNamespace(
        info=SimpleNamespace(manufacturer=manufacturer), stage=on, electron=on, ion=on, manipulator=on, gis=on
    )
    return m, bridge.Bridge(m, 0, "x" * 32)


def call(door, path: str, **body):
    """What the route behind `path` answers."""
    for route in door.app.routes:
        if route.path == path:
            kinds = [k for n, k in route.endpoint.__annotations__.items() if n != "return"]
            return route.endpoint(*[kind(**body) for kind in kinds])
    raise LookupError(path)


def refused(door, path: str, **body) -> bool:
    try:
        call(door, path, **body)
    except HTTPException as error:
        return error.status_code == 501
    return False


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
    yield "tescan: what there is", door.offers() == ["acquire", "spot"]


def main() -> int:
    results = list(checks())
    for name, arrived in results:
        print("ok  " if arrived else "FAIL", name)
    failed = sum(not arrived for _, arrived in results)
    print(f"{len(results) - failed} of {len(results)} calls of the bridge arrived")
    return failed


if __name__ == "__main__":
    sys.exit(main())
