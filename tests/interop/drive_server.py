"""The package's own client drives `fibdeck serve --demo --http`: every method it has, what they come to, and what must be refused.

python drive_server.py HOST PORT      HOST may carry the token (fibdeck:TOKEN@127.0.0.1); exits with the number of checks that failed
"""

import math
import sys
import threading
import time

import numpy as np
import requests
from fibsem.server.client import FibsemClient
from fibsem.structures import (
    BeamType,
    FibsemBitmapSettings,
    FibsemCircleSettings,
    FibsemLineSettings,
    FibsemMillingSettings,
    FibsemPolygonSettings,
    FibsemRectangle,
    FibsemRectangleSettings,
    FibsemStagePosition,
    ImageSettings,
    MillingState,
    Point,
)

SEM, FIB = BeamType.ELECTRON, BeamType.ION


class Watched:
    """The client, noting which of its methods were called and came back."""

    def __init__(self, client: FibsemClient):
        self.client, self.called = client, set()

    def __getattr__(self, name):
        value = getattr(self.client, name)
        if not callable(value) or name.startswith("_"):
            return value

        def call(*args, **kwargs):
            result = value(*args, **kwargs)
            self.called.add(name)
            return result

        return call

    def missing(self) -> list:
        return sorted(n for n in vars(FibsemClient) if not n.startswith("_") and n not in self.called)


def refused(call, statuses=range(400, 500)) -> bool:
    """The server says no, with a reason."""
    try:
        call()
    except requests.HTTPError as error:
        return error.response.status_code in statuses and bool(error.response.json()["detail"])
    return False


def close(a: float, b: float, within: float = 1e-8) -> bool:
    return abs(a - b) <= within


def until(so, seconds: float = 60) -> bool:
    late = time.monotonic() + seconds
    while not so():
        if time.monotonic() > late:
            return False
        time.sleep(0.05)
    return True


def checks(m: Watched):
    yield "health", m.health()["status"] == "ok"
    yield "system", m.system.ion.column_tilt == 52 and not m.stage_is_compustage

    # the stage
    at = m.move_stage_absolute(FibsemStagePosition(x=1e-3, y=-2e-3, z=4e-3, r=0.0, t=math.radians(35), coordinate_system="RAW"))
    yield "absolute move", close(at.x, 1e-3) and close(at.t, math.radians(35))
    yield "orientation", m.get_stage_orientation() == "SEM"
    at = m.move_stage_relative(FibsemStagePosition(x=5e-5))
    yield "relative move", close(at.x, 1.05e-3)
    threads = [threading.Thread(target=m.move_stage_relative, args=(FibsemStagePosition(x=1e-5),)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    yield "moves sent together all count", close(m.get_stage_position().x, 1.1e-3)
    before = m.get_stage_position()
    projected = m.project_stable_move(1e-5, 5e-6, SEM, before)
    moved = m.stable_move(1e-5, 5e-6, SEM)
    yield "stable move goes where it was projected", close(projected.y, moved.y) and close(projected.z, moved.z)
    yield "vertical move", m.vertical_move(dy=2e-6).z > moved.z
    m.move_flat_to_beam(FIB)
    yield "flat to the ion beam", m.get_stage_orientation() == "FIB" and close(m.get_current_milling_angle(), 90)
    m.safe_absolute_stage_movement(FibsemStagePosition(x=0.0, y=0.0, z=4e-3, r=0.0, t=0.0, coordinate_system="RAW"))
    yield "safe move", close(m.get_stage_position().t, 0)
    yield "a milling angle that was reached is said to be", m.move_to_milling_angle(math.radians(15)) is True
    yield "milling angle", close(m.get_current_milling_angle(), 15, 1e-6) and m.is_close_to_milling_angle(16)
    yield "milling angle of a position", close(m.get_current_milling_angle(FibsemStagePosition(x=0, y=0, z=0, r=0, t=math.radians(12))), 15, 1e-6)
    m.set_milling_angle(18.0)
    m.client._fetch_system()
    yield "set milling angle", close(m.system.stage.milling_angle, 18)
    here = m.get_stage_position()
    yield "10 m are refused", refused(lambda: m.move_stage_absolute(FibsemStagePosition(x=10.0)))
    yield "170 deg are refused", refused(lambda: m.move_stage_absolute(FibsemStagePosition(t=math.radians(170))))
    session, base = m.client._session, m.client.base_url
    nan = '{"position": {"name": null, "x": NaN, "y": null, "z": null, "r": null, "t": null, "coordinate_system": "RAW"}}'
    answer = session.post(f"{base}/move_stage_absolute", data=nan, headers={"Content-Type": "application/json"})
    yield "NaN is refused", answer.status_code == 422
    yield "nothing of it moved", m.get_stage_position().is_close2(here, tol=1e-9) if hasattr(here, "is_close2") else m.get_stage_position() == here

    # columns
    pairs = [
        ("beam_current", 7.6e-10, FIB),
        ("beam_voltage", 16e3, FIB),
        ("field_of_view", 1.2e-4, SEM),
        ("working_distance", 7e-3, SEM),
        ("dwell_time", 2e-6, SEM),
        ("resolution", (768, 512), SEM),
        ("scan_rotation", 0.25, SEM),
        ("stigmation", Point(0.01, -0.02), SEM),
        ("beam_shift", Point(1e-6, -2e-6), SEM),
        ("detector_type", "TLD", SEM),
        ("detector_mode", "SecondaryElectrons", SEM),
        ("detector_contrast", 0.45, SEM),
        ("detector_brightness", 0.55, SEM),
    ]
    for name, value, beam in pairs:
        really = getattr(m, f"set_{name}")(value, beam)
        yield f"{name} set and read", getattr(m, f"get_{name}")(beam) == really
    m.set_scan_rotation(0.0, SEM)
    m.set_beam_shift(Point(0.0, 0.0), SEM)
    yield "a negative current is refused", refused(lambda: m.set_beam_current(-1e-9, FIB))
    yield "no field is refused", refused(lambda: m.set_field_of_view(0.0, SEM))
    yield "an unknown detector is refused", refused(lambda: m.set_detector_type("Eye", SEM))
    settings = m.get_beam_settings(SEM)
    settings.hfw = 1.5e-4
    m.set_beam_settings(settings)
    yield "beam settings", close(m.get_beam_settings(SEM).hfw, 1.5e-4)
    detector = m.get_detector_settings(SEM)
    detector.contrast = 0.5
    m.set_detector_settings(detector, SEM)
    system = m.get_beam_system_settings(SEM)
    yield "the detector arrives with the system's settings", system.detector.type == "TLD"
    m.set_beam_system_settings(system)
    yield "and is not lost on the way back", m.get_detector_settings(SEM).type == "TLD" and m.get_detector_settings(SEM).contrast == 0.5
    yield "available values", 7.6e-10 <= max(m.get_available_values("current", FIB)) and "Si" in m.get_available_values("application_file")
    state = m.get_microscope_state()
    m.set_field_of_view(8e-5, SEM)
    m.set_microscope_state(state)
    yield "microscope state", close(m.get_field_of_view(SEM), 1.5e-4)

    # pictures
    small = ImageSettings(resolution=(384, 256), dwell_time=1e-6, hfw=1.5e-4, beam_type=FIB)
    image = m.acquire_image(FIB, small)
    yield "picture", image.data.shape == (256, 384) and image.metadata.image_settings.beam_type is FIB
    small.reduced_area = FibsemRectangle(0.25, 0.25, 0.5, 0.5)
    yield "reduced area", m.acquire_image(FIB, small).data.shape == (128, 192)
    yield "last picture", np.array_equal(m.last_image(FIB).data.shape, (128, 192))
    yield "chamber camera", m.acquire_chamber_image().data.ndim == 2
    imaging = m.get_imaging_settings(SEM)
    imaging.resolution, imaging.hfw, imaging.beam_type = (384, 256), 1e-4, SEM
    m.set_imaging_settings(imaging)
    yield "imaging settings", tuple(m.get_imaging_settings(SEM).resolution) == (384, 256)
    yield "picture as set", m.acquire_image(SEM).data.shape == (256, 384)
    long = ImageSettings(resolution=(1536, 1024), dwell_time=10e-6, hfw=1.5e-4, beam_type=SEM)
    taking = threading.Thread(target=m.acquire_image, args=(SEM, long))
    taking.start()
    began = time.monotonic()
    for _ in range(20):
        m.get_stage_position()
        m.get_beam_current(SEM)
    reads = time.monotonic() - began
    yield f"reads do not wait for a picture ({reads / 40 * 1e3:.1f} ms each)", taking.is_alive() and reads < 4
    taking.join()
    m.autocontrast(SEM)
    m.auto_focus(SEM)
    yield "contrast and focus", True

    # milling
    yield "pause while idle is refused", refused(m.pause_milling)
    yield "resume while idle is refused", refused(m.resume_milling)
    m.set_beam_voltage(30e3, FIB)
    m.setup_milling(FibsemMillingSettings(milling_current=7.4e-10, milling_voltage=30e3, hfw=8e-5))
    yield "set up", close(m.get_beam_current(FIB), 7.4e-10, 1e-10)
    yield "idle", m.get_milling_state() is MillingState.IDLE and m.estimate_milling_time() == 0
    box = dict(width=4e-6, height=2e-6, depth=1e-7, centre_x=0.0, centre_y=0.0)
    m.draw_patterns([
        FibsemRectangleSettings(**box),
        FibsemLineSettings(start_x=-1e-6, end_x=1e-6, start_y=0.0, end_y=0.0, depth=1e-7),
        FibsemCircleSettings(radius=1e-6, depth=1e-7, centre_x=0.0, centre_y=0.0),
        FibsemPolygonSettings(vertices=np.array([[0, 0], [2e-6, 0], [0, 2e-6]]), depth=1e-7),
        FibsemBitmapSettings(**box),
    ])
    estimate = m.estimate_milling_time()
    yield f"estimate ({estimate:.1f} s)", estimate > 0
    m.start_milling()
    yield "running", m.get_milling_state() is MillingState.RUNNING
    yield "a move under the beam is refused", refused(lambda: m.move_stage_relative(FibsemStagePosition(x=1e-6)))
    m.pause_milling()
    yield "paused", m.get_milling_state() is MillingState.PAUSED
    m.resume_milling()
    yield "resumed", m.get_milling_state() is MillingState.RUNNING
    m.stop_milling()
    yield "stopped", m.get_milling_state() is MillingState.IDLE
    m.clear_patterns()
    yield "cleared", m.estimate_milling_time() == 0
    yield "nothing to mill is refused", refused(lambda: m.run_milling(7.4e-10, 30e3))
    m.draw_patterns([FibsemRectangleSettings(**box)])
    m.run_milling(7.4e-10, 30e3)
    yield "milled to its end", m.get_milling_state() is MillingState.IDLE and m.estimate_milling_time() == 0
    m.draw_patterns([FibsemRectangleSettings(**box)])
    m.run_milling(7.4e-10, 30e3, asynch=True)
    yield "an order without waiting ends by itself", until(lambda: m.get_milling_state() is MillingState.IDLE)
    m.finish_milling(2e-11, 30e3)
    yield "finished", close(m.get_beam_current(FIB), 2e-11, 1e-12)
    yield f"every method of the client was called{m.missing() or ''}", not m.missing()


def main() -> int:
    host, port = sys.argv[1], int(sys.argv[2])
    results = list(checks(Watched(FibsemClient(host=host, port=port))))
    for name, good in results:
        print("ok  " if good else "FAIL", name)
    failed = sum(not good for _, good in results)
    print(f"{len(results) - failed} of {len(results)} checks of openFIBSEM's client passed")
    return failed


if __name__ == "__main__":
    sys.exit(main())
