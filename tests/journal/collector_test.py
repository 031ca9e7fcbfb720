# SPDX-License-Identifier: MIT
"""Writers and the collector are both killed at random moments, again and again.
What datalyr_track() accepted is in the collector once, when all is quiet."""
import os
import random
import socket
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
sys.path.insert(0, os.path.join(HERE, "..", "collector"))
import collector  # noqa: E402
import harness  # noqa: E402
from files import folder, segments  # noqa: E402
from harness import at_least, equal, note, test  # noqa: E402
from writers import (  # noqa: E402
    acknowledged, check_law, drain, kill_soon, start)

KEY = "dk_test_journal_4711"


def free_port():
    """A port that is free now, for a server that comes back to it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Killer(threading.Thread):
    """Kills a collector at random moments and starts it again at once, on the
    same port and store."""

    def __init__(self, server, seed):
        super().__init__()
        self.server = server
        self.chance = random.Random(seed)
        self.ended = threading.Event()
        self.kills = 0
        self.failure = None

    def run(self):
        try:
            while not self.ended.wait(self.chance.uniform(0.02, 0.3)):
                self.server.kill()
                self.server.start()
                self.kills += 1
        except Exception as failure:  # told by the thread that waits
            self.failure = failure

    def stop(self):
        self.ended.set()
        self.join()
        if self.failure is not None:
            raise self.failure


def both_killed(runs):
    chance = random.Random(20261124)
    port = free_port()
    with folder() as where, collector.Collector(
            "--listen", f"127.0.0.1:{port}", "--rate-limit", "unlimited",
            keys=(KEY,)) as server:
        url = f"http://127.0.0.1:{port}/track"
        killer = Killer(server, 7)
        killer.start()
        try:
            for run in range(runs):
                kill_soon(start(where, url, f"r{run}", 4, "--set",
                                "timeout_ms=500", "--set",
                                f"flush_at={chance.choice([1, 20, 200])}"),
                          chance, 0.2)
        finally:
            killer.stop()
        check_law(drain(where, url))
        equal(segments(where), [], "files left")
        accepted = acknowledged(where)
        stored = [event["eventId"] for event in server.events()]
        equal(len(stored), len(set(stored)), "ids stored once")
        equal(sorted(set(accepted) - set(stored))[:3], [], "ids lost")
        at_least(killer.kills, 1, "kills of the collector")
        note(f"{runs} kills of writers, {killer.kills} of the collector, "
             f"{len(accepted)} events accepted, {len(stored)} stored")


@test("writers and the collector are killed at random, and every event that was "
      "accepted is in the collector once")
def both_short():
    both_killed(6)


@test("200 writers and the collector are killed at random, and every event that "
      "was accepted is in the collector once", slow=True)
def both_long():
    both_killed(200)


if __name__ == "__main__":
    harness.main()
