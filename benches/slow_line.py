"""A watcher over a line of 64 kB/s with 200 ms of delay each way: how soon it sees that the stage has moved while pictures stream.

`watching` is a part of side_by_side.py. Run as `slow_line.py COMMAND...` this file is the line: it stands in for ssh, and passes what the command
and its caller say to each other on, slowly.
"""

import os
import queue
import re
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

RATE, DELAY = 64e3, 0.2
MOVES = 12
# a place, another sequence of any kind, a letter
TOKEN = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b[_\]P].*?(?:\x1b\\|\x07)|\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b.|([^\x00-\x1f\x7f])", re.S)


def screen(said: bytes) -> str:
    """The letters that stand on a screen after that was written to it."""
    cells, row, column = {}, 1, 1
    for token in TOKEN.finditer(said.decode(errors="replace")):
        if token[1]:
            row, column = int(token[1]), int(token[2])
        elif token[3]:
            cells[row, column] = token[3]
            column += 1
    rows = range(1, 41)
    return "\n".join("".join(cells.get((row, column), " ") for column in range(1, 121)) for row in rows)


def carry(source: int, sink: int, count: str = "") -> None:
    """No faster than the line, and later by its delay; what does not go through stays with who says it. `count`: a file for how much went."""
    late = queue.Queue()

    def deliver() -> None:
        while piece := late.get():
            time.sleep(max(0.0, piece[0] - time.monotonic()))
            try:
                os.write(sink, piece[1])
            except OSError:
                return
        os.close(sink)

    threading.Thread(target=deliver, daemon=True).start()
    free, carried = time.monotonic(), 0
    while data := os.read(source, 1024):
        free = max(free, time.monotonic()) + len(data) / RATE
        time.sleep(max(0.0, free - time.monotonic()))
        late.put((free + DELAY, data))
        carried += len(data)
        if count:
            Path(count).write_text(str(carried))
    late.put(None)


def line(command: list) -> int:
    there = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    threading.Thread(target=carry, args=(0, os.dup(there.stdin.fileno())), daemon=True).start()
    there.stdin.close()
    carry(there.stdout.fileno(), os.dup(1), os.environ.get("SLOW_LINE_COUNT", ""))
    return there.wait()


def watching(table, binary: Path, console, environment) -> None:
    with tempfile.TemporaryDirectory() as place:
        folders = ["--config-dir", place + "/config", "--data-dir", place + "/data"]
        script = f'#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift 3\nexec {sys.executable} {shlex.quote(__file__)} {binary} "$@"\n'
        ssh = Path(place, "bin", "ssh")
        ssh.parent.mkdir()
        ssh.write_text(script)
        ssh.chmod(0o755)
        here = environment() | {"PATH": f"{ssh.parent}:{os.environ['PATH']}"}
        daemon = subprocess.Popen([binary, "serve", "--demo", *folders], env=here, stdout=subprocess.PIPE)
        try:
            daemon.stdout.readline()
            do = lambda *words: subprocess.run([binary, "do", "--quiet", *words, *folders], env=here, check=True, stdout=subprocess.DEVNULL)
            while subprocess.run([binary, "do", "--quiet", "stage.move-relative", "x=1um", *folders], env=here, capture_output=True).returncode:
                time.sleep(0.05)
            for beam in ("electron", "ion"):
                do("beam.on", f"beam={beam}")
            do("image.live", "beam=electron", "on=true")
            count = Path(place, "count")
            os.environ |= {"PATH": here["PATH"], "SLOW_LINE_COUNT": str(count)}
            watcher = console(binary, 120, 40, "kitty", f"ssh://scope{place}/data", what="attach", place=place)
            watcher.until(b"STOP")
            watcher.quiet(0.3, 5)
            waits = []
            for n in range(MOVES):
                # the line is full of pictures when the move begins
                full = time.perf_counter() + 1.0
                while time.perf_counter() < full:
                    watcher.read(0.05)
                x = 0.1 * (n + 1)
                do("stage.move-absolute", f"x={x:.1f}mm")
                ended, wanted = time.perf_counter(), f"x {x:.3f} "
                # from when the mover hears of the end
                while wanted not in screen(bytes(watcher.everything)):
                    watcher.read(0.01)
                    if time.perf_counter() - ended > 10:
                        break
                waits.append(time.perf_counter() - ended)
            carried, seconds = int(count.read_text()), time.perf_counter() - watcher.began
            watcher.close()
        finally:
            daemon.terminate()
            daemon.wait()
    table.most("a move's end over 64 kB/s and 200 ms, slowest of 12", max(waits), "s", 0.5)
    table.add("that line, how full", f"{100 * carried / RATE / seconds:.0f} %")


if __name__ == "__main__":
    sys.exit(line(sys.argv[1:]))
