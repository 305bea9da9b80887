#!/usr/bin/env python3
"""fibdeck against the real openFIBSEM package: one table of ratios, measured in one run.

    PEER_PY=path/to/python benches/side_by_side.py [--bin target/release/fibdeck] [--only WORD]

PEER_PY is a Python with `pip install "fibsem[server]==0.5.3"`; TORCH_PY, for the rows of segmentation, one with torch,
segmentation-models-pytorch and onnxruntime. Needs a Unix (pseudo-terminals, /proc) and a release build:
`cargo build --release`, which this script does unless --bin names a binary. In-process figures come from `cargo bench` of the rooms.

Figures of both programs are taken in turn, so that a busy machine slows both; the ratio is what counts. CPU seconds are shown beside
wall time where a child process was measured.
"""

import argparse
import fcntl
import http.client
import json
import os
import pty
import re
import resource
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

from slow_line import watching

ROOT = Path(__file__).resolve().parent.parent

PEER = r"""
import contextlib, io, json, logging, os, statistics, sys, tempfile, time
import numpy as np
with contextlib.redirect_stdout(io.StringIO()):
    from fibsem import utils
    from fibsem.structures import BeamType, FibsemImage, FibsemStagePosition, ImageSettings
    from fibsem.alignment import AlignmentMethod, _calculate_shift
    mic, settings = utils.setup_session(session_path=tempfile.mkdtemp(), manufacturer="Demo", setup_logging=False)
logging.disable(logging.CRITICAL)
def median(work, runs, per=1):
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter(); work(); times.append((time.perf_counter() - start) / per)
    return statistics.median(times)
out = {}
image = mic.acquire_image(image_settings=ImageSettings(resolution=(1536, 1024), hfw=150e-6, beam_type=BeamType.ELECTRON))
image.data = np.random.default_rng(1).integers(0, 255, (1024, 1536)).astype(np.uint8)
path = os.path.join(tempfile.mkdtemp(), "a.tif")
import tifffile
out["tiff save"] = median(lambda: tifffile.imwrite(path, image.data), 21)
out["tiff load"] = median(lambda: tifffile.imread(path), 21)
big = np.random.default_rng(2).integers(0, 65535, (4096, 6144)).astype(np.uint16)
path_big = os.path.join(tempfile.mkdtemp(), "b.tif")
out["big tiff save"] = median(lambda: tifffile.imwrite(path_big, big), 7)
out["big tiff load"] = median(lambda: tifffile.imread(path_big), 7)
image.save(path)
files = [FibsemImage.load(p) for p in sys.argv[1:3]]
for method in AlignmentMethod:
    out["register " + method.value] = median(lambda: _calculate_shift(files[0], files[1], method), 7)
base = mic.get_stage_position()
def project():
    for _ in range(200): mic.project_stable_move(1e-6, 2e-6, BeamType.ION, base)
out["kinematics"] = median(project, 7, 200)
settings = ImageSettings(resolution=(1536, 1024), hfw=150e-6, dwell_time=1e-6, beam_type=BeamType.ELECTRON)
out["picture"] = median(lambda: mic.acquire_image(image_settings=settings), 15)
from fibsem.milling.patterning import get_patterns
patterns = [cls() for cls in get_patterns().values()]
def expand():
    for pattern in patterns: pattern.define()
out["patterns"] = median(lambda: [expand() for _ in range(50)], 7, 50)
from fibsem.detection import detection
y, x = np.mgrid[0:1024, 0:1536]
mask = np.zeros((1024, 1536), np.uint8)
for label, left, top, width, height in ((1, 300, 500, 260, 40), (1, 900, 560, 240, 36), (3, 680, 0, 180, 300), (4, 100, 700, 300, 200), (5, 1000, 700, 400, 250)):
    mask[top:top + height, left:left + width] = label
mask[(x < 700) & (abs(y - 400) < (700 - x) // 12)] = 2
grey = np.zeros((1024, 1536), np.uint8)
kinds = [cls() for cls in detection.__FEATURES__]
out["features"] = median(lambda: detection.detect_features_v2(img=grey, mask=mask, features=kinds, filter=True), 5)
out["objects"] = median(lambda: detection.get_objects(mask), 5)
print(json.dumps(out))
"""


# An experiment of 50 lamellae with four finished tasks each, and a real log repeated to 100 MB: made, timed, left in the folder.
PEER_FILES = r"""
import contextlib, io, json, os, statistics, sys, tempfile, time
from pathlib import Path
with contextlib.redirect_stdout(io.StringIO()):
    import fibsem
    from fibsem import utils
    from fibsem.applications.autolamella.structures import Experiment, AutoLamellaTaskProtocol, AutoLamellaTaskState, AutoLamellaTaskStatus
    from fibsem.applications.autolamella.tools import data
    mic, settings = utils.setup_session(session_path=tempfile.mkdtemp(), manufacturer="Demo", setup_logging=False)
import logging
logging.disable(logging.CRITICAL)
def median(work, runs):
    times = []
    for _ in range(runs):
        start = time.process_time(); work(); times.append(time.process_time() - start)
    return statistics.median(times)
folder, sample = Path(sys.argv[1]), Path(sys.argv[2])
protocol = AutoLamellaTaskProtocol.load(os.path.join(os.path.dirname(fibsem.__file__), "applications/autolamella/protocol/task-protocol.yaml"))
exp = Experiment.create(path=folder, name="fifty")
exp.task_protocol = protocol
for i in range(50):
    exp.add_new_lamella(mic.get_microscope_state(), protocol.task_config, name=f"L{i:02d}")
for lamella in exp.positions:
    for task in protocol.workflow_config.tasks[:4]:
        lamella.task_history.append(AutoLamellaTaskState(name=task.name, task_type="X", lamella_id=lamella.id, end_timestamp=time.time(),
            status=AutoLamellaTaskStatus.Completed, outputs={"final_sem": ["a.tif"], "final_fib": ["b.tif"]}))
out = {"save": median(lambda: exp.save(save_protocol=True), 3)}
out["load"] = median(lambda: Experiment.load(folder / "fifty/experiment.yaml"), 3)
text = (sample / "logfile.log").read_bytes()
with open(folder / "fifty/logfile.log", "wb") as log:
    for _ in range(int(100e6) // len(text) + 1): log.write(text)
with contextlib.redirect_stdout(io.StringIO()):
    out["log"] = median(lambda: data.parse_logfile(str(folder / "fifty")), 1)
print(json.dumps(out))
"""


def environment() -> dict:
    """Without what slows numpy down, and without the simulator's own waiting."""
    keep = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") and not k.startswith("FIBDECK_")}
    return keep | {"FIBSEM_SIM_NO_DELAY": "1", "MPLBACKEND": "Agg", "TERM": "xterm-256color", "TZ": "UTC"}


class Console:
    """The console in a pseudo-terminal that answers the questions it asks, as a half-block terminal would."""

    ANSWERS = [
        (re.compile(rb"\x1b\[16t"), b"\x1b[6;16;8t"),
        (re.compile(rb"\x1b\[>0?q"), b"\x1bP>|bench(1)\x1b\\"),
        (re.compile(rb"\x1b\[\?(\d+)\$p"), None),
        (re.compile(rb"\x1b\[6n"), b"\x1b[1;1R"),
        (re.compile(rb"\x1b\[c"), b"\x1b[?62;22c"),
    ]

    def __init__(self, binary: Path, columns: int, rows: int, graphics: str = "half", *more: str, what: str = "--demo", place: str = ""):
        """`place`: folders that others use, too, and that stay."""
        self.stays = bool(place)
        self.place = place or tempfile.mkdtemp(prefix="side-by-side-")
        self.began = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, columns * 8, rows * 16))
            args = [str(binary), what, "--graphics", graphics, *more]
            args += ["--config-dir", self.place + "/config", "--data-dir", self.place + "/data"]
            os.execve(binary, args, environment())
        self.pending = b""
        self.everything = bytearray()

    def read(self, seconds: float) -> bytes:
        """What comes within this time, or the first piece of it."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return b""
        try:
            piece = os.read(self.fd, 1 << 20)
        except OSError:
            return b""
        self.everything += piece
        self.pending = (self.pending + piece)[-4096:]
        for question, answer in self.ANSWERS:
            for match in question.finditer(self.pending):
                os.write(self.fd, answer or b"\x1b[?" + match.group(1) + b";2$y")
            self.pending = question.sub(b"", self.pending)
        return piece

    def until(self, wanted: bytes, seconds: float = 30) -> float:
        """Seconds from the start until these bytes have come."""
        late = time.perf_counter() + seconds
        while wanted not in self.everything:
            self.read(0.05)
            if time.perf_counter() > late:
                raise SystemExit(f"the console never showed {wanted!r}")
        return time.perf_counter() - self.began

    def quiet(self, still: float = 0.7, most: float = 30) -> int:
        """Reads until nothing has come for a while; how many bytes."""
        count, late = 0, time.perf_counter() + most
        while time.perf_counter() < late:
            piece = self.read(still)
            if not piece:
                break
            count += len(piece)
        return count

    def press(self, keys: bytes) -> None:
        os.write(self.fd, keys)

    def cpu(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        line = next(l for l in Path(f"/proc/{self.pid}/status").read_text().splitlines() if l.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def close(self) -> None:
        os.kill(self.pid, signal.SIGTERM)
        late = time.perf_counter() + 5
        while time.perf_counter() < late and os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            self.read(0.02)
        else:
            if time.perf_counter() >= late:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        os.close(self.fd)
        if not self.stays:
            shutil.rmtree(self.place, ignore_errors=True)


class Table:
    def __init__(self):
        self.rows = []

    def add(self, what: str, ours: str, theirs: str = "", ratio: float | None = None, wanted: str = "", met: bool | None = None) -> None:
        self.rows.append((what, ours, theirs, f"{ratio:.1f}x" if ratio else "", wanted, {True: "yes", False: "NO", None: ""}[met]))
        print("  ".join(self.rows[-1]), file=sys.stderr)

    def least(self, what: str, ours: float, theirs: float, unit: str, wanted: float) -> None:
        ratio = theirs / ours
        self.add(what, show(ours, unit), show(theirs, unit), ratio, f">= {wanted:g}x", ratio >= wanted)

    def most(self, what: str, ours: float, unit: str, wanted: float, theirs: float | None = None) -> None:
        ratio = theirs / ours if theirs and ours else None
        self.add(what, show(ours, unit), show(theirs, unit) if theirs else "", ratio, f"<= {show(wanted, unit)}", ours <= wanted)

    def print(self) -> None:
        head = ("", "fibdeck", "openFIBSEM", "ratio", "wanted", "met")
        widths = [max(len(row[i]) for row in [head, *self.rows]) for i in range(len(head))]
        line = lambda row: "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
        print(line(head))
        print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
        for row in self.rows:
            print(line(row))


def show(value: float, unit: str) -> str:
    if unit == "s":
        for scale, name in ((1, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")):
            if value >= scale:
                return f"{value / scale:.3g} {name}"
        return "0 s"
    if unit == "B":
        return f"{value / 1000:.1f} kB" if value >= 1000 else f"{value:.0f} B"
    return f"{value:.3g} {unit}"


def child(args: list, cwd: str) -> tuple[float, float]:
    """Wall and CPU seconds of a process."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(args, cwd=cwd, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def starting(table: Table, binary: Path, python: str) -> None:
    frames, connected, sessions = [], [], []
    session = [python, "-c", "from fibsem import utils; utils.setup_session(manufacturer='Demo')"]
    with tempfile.TemporaryDirectory() as folder:
        child(session, folder)
        for _ in range(7):
            console = Console(binary, 120, 40)
            frames.append(console.until(b"STOP"))
            # the stage's height is on the screen once the instrument was read
            connected.append(console.until(b"4.000"))
            console.close()
            sessions.append(child(session, folder)[0])
    table.most("start to first frame, pseudo-terminal", statistics.median(frames), "s", 0.15)
    table.least("start to connected", statistics.median(connected), statistics.median(sessions), "s", 20)


def attaching(table: Table, binary: Path) -> None:
    """From the start of a console on a daemon, in the middle of a move, to a screen that shows where the stage is."""
    with tempfile.TemporaryDirectory() as place:
        folders = ["--config-dir", place + "/config", "--data-dir", place + "/data"]
        daemon = subprocess.Popen([str(binary), "serve", "--demo", *folders], env=environment(), stdout=subprocess.PIPE)
        try:
            daemon.stdout.readline()
            connect = [str(binary), "do", "--quiet", "stage.move-relative", "x=1um", *folders]
            while subprocess.run(connect, env=environment(), capture_output=True).returncode != 0:
                time.sleep(0.05)
            mover = subprocess.Popen([str(binary), "do", "stage.move-relative", "x=90mm", *folders], env=environment(), stdout=subprocess.DEVNULL)
            waits = []
            for _ in range(7):
                console = Console(binary, 120, 40, what="attach", place=place)
                waits.append(console.until(b"4.000"))
                console.close()
            mover.kill()
            mover.wait()
        finally:
            daemon.terminate()
            daemon.wait()
    table.most("attach to a running job, useful screen", statistics.median(waits), "s", 0.15)


class Server:
    """A server of the REST API in a process of its own, and one connection to it."""

    def __init__(self, args: list[str], port: int, token: str = ""):
        self.head = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self.process = subprocess.Popen(args, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.line = http.client.HTTPConnection("127.0.0.1", port)
        late = time.perf_counter() + 120
        while True:
            try:
                self.ask("GET", "/stage_position")
                return
            except (OSError, http.client.HTTPException, RuntimeError):
                self.line.close()
                if time.perf_counter() > late:
                    raise
                time.sleep(0.2)

    def ask(self, method: str, path: str, body: dict | None = None) -> bytes:
        self.line.request(method, path, json.dumps(body) if body is not None else None, self.head)
        answer = self.line.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise RuntimeError(data)
        return data

    def each(self, runs: int, method: str, path: str, body: dict | None = None) -> float:
        """Seconds a request, on a line of its own: one that waited for the other server's turn may have been closed."""
        self.line.close()
        began = time.perf_counter()
        for _ in range(runs):
            self.ask(method, path, body)
        return (time.perf_counter() - began) / runs

    def resident(self) -> float:
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1]) / 1024

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


def serving(table: Table, binary: Path, python: str) -> None:
    """Our web door against openFIBSEM's server, without simulated delays on either side: one client, one connection, in turn."""
    with tempfile.TemporaryDirectory() as place:
        folders = ["--config-dir", place + "/config", "--data-dir", place + "/data"]
        token = subprocess.run([str(binary), "token", "new", "bench", *folders], capture_output=True, text=True, check=True).stdout.strip()
        ours = Server([str(binary), "serve", "--demo", "--speed", "1000", "--http", "127.0.0.1:8931", *folders], 8931, token)
        theirs = Server([python, "-m", "fibsem.server.server", "--manufacturer", "Demo", "--host", "127.0.0.1", "--port", "8932"], 8932)
        try:
            settings = {"beam_type": "ELECTRON", "resolution": [1536, 1024], "hfw": 150e-6, "dwell_time": 1e-6}
            picture = ("POST", "/acquire_image", {"beam_type": "ELECTRON", "image_settings": settings})
            rows = [("stage position over REST", 5, 400, ("GET", "/stage_position")), ("picture 1536x1024 over REST", 2, 10, picture)]
            for name, times, runs, request in rows:
                both = [[], []]
                for _ in range(5):
                    for server, taken in zip((ours, theirs), both):
                        taken.append(server.each(runs, *request))
                table.least(name, *map(statistics.median, both), "s", times)
            table.most("resident, web door and twin", ours.resident(), "MiB", 60)
        finally:
            ours.close()
            theirs.close()


def stopping(table: Table, binary: Path) -> None:
    """From a press of stop to the end of the move that is under way, a picture queued behind it: by the web, from a console on the socket, and
    from the shell, the start of that process included."""
    with tempfile.TemporaryDirectory() as place:
        folders = ["--config-dir", place + "/config", "--data-dir", place + "/data"]
        token = subprocess.run([str(binary), "token", "new", "bench", *folders], capture_output=True, text=True, check=True).stdout.strip()
        server = Server([str(binary), "serve", "--demo", "--http", "127.0.0.1:8933", *folders], 8933, token)
        console = Console(binary, 120, 40, what="attach", place=place)
        console.until(b"4.000")
        settings = {"beam_type": "ELECTRON", "resolution": [1536, 1024], "hfw": 150e-6, "dwell_time": 10e-6}
        picture = {"beam_type": "ELECTRON", "image_settings": settings}
        presses = (
            ("by the web", lambda: server.ask("POST", "/v1/stop", {})),
            ("from a console", lambda: console.press(b"\x18")),
            ("from the shell", lambda: subprocess.run([str(binary), "stop", *folders], capture_output=True, env=environment())),
        )
        ended = {}

        def order(path: str, body: dict) -> threading.Thread:
            """Sends an order on a line of its own; when it ends is noted, and whether the instrument did it."""

            def wait() -> None:
                line = http.client.HTTPConnection("127.0.0.1", 8933)
                line.request("POST", path, json.dumps(body), server.head)
                answer = line.getresponse()
                answer.read()
                ended[path] = (time.perf_counter(), answer.status)
                line.close()

            thread = threading.Thread(target=wait)
            thread.start()
            return thread

        try:
            for name, press in presses:
                waits = []
                for n in range(100):
                    before = json.loads(server.ask("GET", "/stage_position"))
                    offset = dict.fromkeys("yzrt", 0) | {"x": -40e-3 if n % 2 else 40e-3, "coordinate_system": "RAW"}
                    move = order("/move_stage_relative", {"position": offset})
                    while json.loads(server.ask("GET", "/stage_position")) == before:
                        time.sleep(0.01)
                    queued = order("/acquire_image", picture)
                    time.sleep(0.05)
                    began = time.perf_counter()
                    press()
                    move.join()
                    queued.join()
                    if any(status == 200 for _, status in ended.values()):
                        raise SystemExit(f"stop {name} did not end what was under way: {ended}")
                    waits.append(ended["/move_stage_relative"][0] - began)
                    while console.read(0.01):
                        pass
                table.most(f"stop {name}, a move under way and a picture queued, p99 of 100", sorted(waits)[98], "s", 0.1)
        finally:
            console.close()
            server.close()


def screen(table: Table, binary: Path) -> None:
    console = Console(binary, 120, 40)
    console.until(b"STOP")
    table.most("first full screen, half blocks", len(console.everything) + console.quiet(), "B", 40e3)
    console.press(b"2")
    console.quiet()
    console.press(b"b")  # both beams
    console.quiet(3)
    table.most("resident, twin, two pictures", console.memory(), "MiB", 80)
    cpu, began = console.cpu(), time.perf_counter()
    count = console.quiet(15, 15)
    table.most("idle CPU over 15 s", 100 * (console.cpu() - cpu) / (time.perf_counter() - began), "%", 0.5)
    table.add("idle bytes over 15 s", f"{count} B", wanted="none", met=count == 0)
    console.close()


def keys(table: Table, binary: Path) -> None:
    """From a key to the bytes that show it, while pictures are taken and the stage moves.

    Letters are typed into the palette: pose and pictures send none, so the first such byte is the key's own."""
    console = Console(binary, 120, 40)
    console.until(b"4.000")
    console.press(b"2")
    console.quiet()
    console.press(b"\x1b[17~")  # F6: live view
    console.press(b":stage.move-relative x=60mm\r")
    console.until(b"60.0")
    console.press(b"y")
    console.read(1.0)
    console.press(b":")
    waits = []
    for n in range(300):
        while console.read(0.005):
            pass
        if n % 6 == 0:
            console.press(b"\x15")
            while console.read(0.03):
                pass
        letter = b"jwvkqz"[n % 6 : n % 6 + 1]
        began = time.perf_counter()
        console.press(letter)
        while letter not in console.read(1.0):
            if time.perf_counter() - began > 1.0:
                break
        waits.append(time.perf_counter() - began)
    console.close()
    waits.sort()
    table.add("key to bytes p50, busy", show(waits[len(waits) // 2], "s"))
    table.most("key to bytes p99, busy", waits[int(0.99 * len(waits))], "s", 0.016)


def pictures(table: Table, binary: Path, python: str, folder: Path) -> None:
    """In one process each: TIFF, registration, kinematics, patterns, the simulator's picture."""
    lines = "image.acquire beam=ion path=a.tif\nbeam.shift dx=5um dy=-3um beam=ion\nimage.acquire beam=ion path=b.tif\n"
    args = [str(binary), "script", "--demo", "--speed", "max", "--config-dir", str(folder / "c"), "--data-dir", str(folder / "d")]
    subprocess.run(args, input=lines, text=True, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    peer = subprocess.run([python, "-c", PEER, "a.tif", "b.tif"], cwd=folder, env=environment(), capture_output=True, text=True, check=True)
    theirs = json.loads(peer.stdout.splitlines()[-1])
    ours = rust(folder)
    table.most("stop to beam off, p99 of 100 presses", ours["stop to beam off, 99th of 100"], "s", 0.1)
    table.most("3-stage lamella, virtual time", ours["lamella"], "s", 3)
    table.most("twin's picture 1536x1024, cold", ours["picture cold"], "s", 0.15)
    table.most("twin's picture 1536x1024, cached geometry", ours["picture cached"], "s", 0.04, theirs["picture"])
    table.least("TIFF save 1536x1024 8 bit", ours["tiff save"], theirs["tiff save"], "s", 1)
    table.least("TIFF load 1536x1024 8 bit", ours["tiff load"], theirs["tiff load"], "s", 1)
    for way in ("save", "load"):
        table.least(f"TIFF {way} 6144x4096 16 bit", ours[f"big tiff {way}"], theirs[f"big tiff {way}"], "s", 1)
    for method, name in (("cross-correlation", ", default method"), ("phase-correlation", ", phase correlation")):
        table.least(f"registration 1536x1024{name}", ours[f"register {method}"], theirs[f"register {method}"], "s", 8)
    table.most("kinematics, one projection", ours["kinematics"], "s", 2e-6, theirs["kinematics"])
    table.least("all 17 patterns expanded 1,000 times", 1000 * ours["patterns"], 1000 * theirs["patterns"], "s", 50)
    table.least("24 features of a mask 1536x1024", ours["features"], theirs["features"], "s", 50)
    table.least("objects of a mask 1536x1024", ours["objects"], theirs["objects"], "s", 20)
    table.most("half-block frame, 100x30 cells, from empty", ours["half first"], "B", 14e3)
    table.most("kitty frame, half resolution", ours["kitty bytes"], "B", 40e3)
    for way in ("half", "kitty"):
        table.most(f"25-shape overlay redrawn, {way}", ours[f"{way} redrawn"], "s", 1 / 30)
    table.add("kitty, first frame with its placeholders", show(ours["kitty first"], "B"))


def papers(table: Table, binary: Path, python: str, folder: Path) -> None:
    """Experiments and logs. CPU seconds: ours of a whole process that loads, or loads and saves."""
    peer = subprocess.run([python, "-c", PEER_FILES, str(folder), str(ROOT / "tests/samples/experiment")],
                          cwd=folder, env=environment(), capture_output=True, text=True, check=True)
    theirs = json.loads(peer.stdout.splitlines()[-1])
    fifty = str(folder / "fifty")

    def ours(*args: str) -> float:
        return statistics.median(child([str(binary), *args, "--config-dir", str(folder / "c"), "--data-dir", str(folder / "d")], str(folder))[1] for _ in range(5))

    table.least("load an experiment of 50 lamellae", ours("experiment", "show", fifty), theirs["load"], "s", 10)
    table.least("load and save it (save alone beside it)", ours("experiment", "rewrite", fifty), theirs["save"], "s", 10)
    table.least("a log of 100 MB", ours("log", fifty, "--stats"), theirs["log"], "s", 15)
    measured = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True);"
    measured += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    most = subprocess.run([sys.executable, "-c", measured, str(binary), "log", fifty, "--stats"], capture_output=True, text=True, check=True)
    table.most("memory for that log", int(most.stdout) / 1024, "MiB", 100)


# A ResNet-34 U-Net of random weights as openFIBSEM saves it, and what it makes of a picture.
UNET = r"""
import sys, numpy as np, segmentation_models_pytorch as smp, torch
from PIL import Image
torch.manual_seed(1)
model = smp.Unet("resnet34", encoder_weights=None, in_channels=1, classes=6)
model.train()
with torch.no_grad():
    for _ in range(4): model(torch.rand(2, 1, 128, 128))
model.eval()
torch.save({"checkpoint": model.state_dict(), "encoder": "resnet34", "nc": 6}, "unet.pt")
image = np.random.default_rng(3).integers(0, 255, (1024, 1536)).astype(np.uint8)
for i in range(6): Image.fromarray(image).save(f"image{i}.tif")
with torch.no_grad(): np.save("logits.npy", model(torch.from_numpy(image / np.float32(255))[None, None]).numpy())
"""
# The original's runner for whole pictures on the converted file, and how far its logits are from PyTorch's.
RUNNER = r"""
import json, resource, statistics, time, numpy as np, onnxruntime
from PIL import Image
image = np.array(Image.open("image0.tif"))[None, None].astype(np.float32) / 255
session = onnxruntime.InferenceSession("unet.onnx", providers=["CPUExecutionProvider"])
times = []
for _ in range(6):
    start = time.perf_counter()
    logits = session.run(None, {session.get_inputs()[0].name: image})[0]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    mask = np.argmax(shares, axis=1)
    times.append(time.perf_counter() - start)
truth = np.load("logits.npy")
print(json.dumps({"s": statistics.median(times[1:]), "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                  "off": float(np.abs(logits - truth).max() / np.abs(truth).max())}))
"""


def seeing(table: Table, binary: Path, folder: Path) -> None:
    """Conversion of a checkpoint, and segmentation at 1536x1024: seconds a picture, taken from runs of one and of several."""
    python = os.environ.get("TORCH_PY")
    if not python:
        return print("TORCH_PY names no Python with torch: no rows of segmentation", file=sys.stderr)
    run = lambda code: subprocess.run([python, "-c", code], cwd=folder, capture_output=True, text=True, check=True).stdout
    run(UNET)
    ours = [str(binary), "--config-dir", str(folder / "c"), "--data-dir", str(folder / "d")]
    convert, _, _ = spent([*ours, "model", "convert", "unet.pt", "-o", "unet.onnx"], folder)
    library = run("import glob, onnxruntime, os; print(glob.glob(os.path.dirname(onnxruntime.__file__) + '/capi/libonnxruntime.so*')[0])")
    table.most("conversion of a ResNet-34 U-Net", convert, "s", 5)
    engines = (("onnxruntime", library.strip(), 1.05), ("the built-in engine", "built-in", None))
    for name, runtime, wanted in engines:
        config = folder / "c" / "detection.yaml"
        config.parent.mkdir(exist_ok=True)
        config.write_text(f"runtime: {runtime}\n")
        walls, memory = {1: [], 6: []}, 0.0
        for turn in range(3):
            theirs = json.loads(run(RUNNER))
            for n, times in walls.items():
                images = [f"image{i}.tif" for i in range(n)]
                wall, _, most = spent([*ours, "segment", *images, "--model", "unet.onnx", "-o", f"{n}-{turn}-{wanted}"], folder)
                times.append(wall)
                memory = max(memory, most)
        each = (statistics.median(walls[6]) - statistics.median(walls[1])) / 5
        ratio = each / theirs["s"]
        table.add(f"segmentation 1536x1024, {name}", show(each, "s"), show(theirs["s"], "s"), theirs["s"] / each,
                  f"<= {wanted} of theirs" if wanted else "", ratio <= wanted if wanted else None)
        table.most(f"peak memory of it, {name}", memory, "B", 1.2 * 2**30, theirs["rss"])
    table.most("logits of the converted network against PyTorch's, of the largest", theirs["off"], "", 1e-4)


def spent(args: list, cwd: Path) -> tuple[float, float, float]:
    """Wall and CPU seconds of a process, and the most memory it had (bytes)."""
    began = time.perf_counter()
    process = subprocess.Popen(args, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(said.decode())
    return time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


def cargo(*args: str) -> list[str]:
    """What a bench printed, line by line."""
    done = subprocess.run(["cargo", "bench", "-q", *args], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return done.stdout.splitlines()


def rust(folder: Path) -> dict:
    """The in-process figures: times of `benches/figures.rs`, bytes that the picture room's bench prints first."""
    figures = json.loads(cargo("-p", "fibdeck", "--bench", "figures", "--", str(folder / "a.tif"), str(folder / "b.tif"))[-1])
    for line in cargo("-p", "fibdeck-picture", "--bench", "encode", "--", "--list"):
        if match := re.fullmatch(r"  (half|kitty) +([0-9]+) +([0-9]+)", line):
            figures |= {f"{match[1]} bytes": int(match[2]), f"{match[1]} first": int(match[3])}
        elif match := re.fullmatch(r"  25 shapes (half|kitty) +([0-9.]+)", line):
            figures[f"{match[1]} redrawn"] = float(match[2])
    return figures


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--bin", type=Path, help="a release build; made if not named")
    options.add_argument("--only", default="", help="starting, attaching, watching, serving, stopping, screen, keys, pictures, seeing or papers")
    chosen = options.parse_args()
    python = os.environ.get("PEER_PY") or sys.exit("PEER_PY must name a Python that has fibsem 0.5.3")
    binary = chosen.bin
    if binary is None:
        subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
        binary = ROOT / "target/release/fibdeck"
    binary = binary.resolve(strict=True)
    table = Table()
    with tempfile.TemporaryDirectory() as folder:
        for name, part in (
            ("starting", lambda: starting(table, binary, python)),
            ("attaching", lambda: attaching(table, binary)),
            ("watching", lambda: watching(table, binary, Console, environment)),
            ("serving", lambda: serving(table, binary, python)),
            ("stopping", lambda: stopping(table, binary)),
            ("screen", lambda: screen(table, binary)),
            ("keys", lambda: keys(table, binary)),
            ("pictures", lambda: pictures(table, binary, python, Path(folder))),
            ("seeing", lambda: seeing(table, binary, Path(folder))),
            ("papers", lambda: papers(table, binary, python, Path(folder))),
        ):
            if chosen.only in name:
                part()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    table.print()


if __name__ == "__main__":
    main()
