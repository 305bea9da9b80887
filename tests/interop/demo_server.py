"""openFIBSEM's own REST server on its Demo instrument, its simulated delays ten times as fast.

python demo_server.py PORT [--bridge TOKEN_FILE]      serves on loopback until it is killed

The delays stay, but shorter: without any, a pattern would be drawn in no time and nothing could be paused or stopped.
"""

import pathlib
import sys
import time

import fibsem.microscopes.simulator as simulator
from fibsem.server.server import FibsemServer

SPEED = 10.0


def main() -> None:
    port = int(sys.argv[1])
    simulator.sim_sleep = lambda seconds: time.sleep(max(seconds, 0.0) / SPEED)
    if "--bridge" in sys.argv:
        sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "assets" / "bridge"))
        import fibdeck_bridge

        token = sys.argv[sys.argv.index("--bridge") + 1]
        fibdeck_bridge.main(["--manufacturer", "Demo", "--port", str(port), "--token-file", token])
    else:
        FibsemServer.from_session(manufacturer="Demo", ip_address="localhost", host="127.0.0.1", port=port).run()


if __name__ == "__main__":
    main()
