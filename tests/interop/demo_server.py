"""openFIBSEM's own REST server on its Demo instrument, its simulated delays ten times as fast.

python demo_server.py PORT serves on loopback until it is killed

The delays stay, but shorter: without any, a pattern would be drawn in no time and nothing could be paused or stopped.
"""

import sys
import time

import fibsem.microscopes.simulator as simulator
from fibsem.server.server import FibsemServer

SPEED = 10.0


def main() -> None:
    port = int(sys.argv[1])
    simulator.sim_sleep = lambda seconds: time.sleep(max(seconds, 0.0) / SPEED)
    FibsemServer.from_session(manufacturer="Demo", ip_address="localhost", host="127.0.0.1", port=port).run()


if __name__ == "__main__":
    main()
