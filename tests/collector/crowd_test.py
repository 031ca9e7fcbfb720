# SPDX-License-Identifier: MIT
"""Many connections at once: those that rest and those that trickle neither
stop the others nor cost much memory, and the collector keeps files for its
store whatever comes in."""
import contextlib
import re
import resource
import selectors
import socket
import sys
import threading

from collector import KEY, PATIENCE_S, SANITIZED, Collector, equal, event, true
from tap import Skip, Tap

tap = Tap()
IS_LONG = "--slow" in sys.argv
IDLE, SLOW, CUTS = (10000, 500, 2) if IS_LONG else (1000, 100, 1)
# A resting connection costs a page or two here; the rest is the store's.
RSS_MAX_MB = 400 if IS_LONG else 150
PING = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
HEADS = (b"POST /track HTTP/1.1\r\nHost: x\r\nX-Slow: ",
         ("POST /track HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\n"
          "Content-Length: 100000\r\n\r\n" % KEY).encode())


def raise_file_limit(wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise Skip("needs %d open files, the hard limit is %d"
                   % (wanted, hard))
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def connect(collector):
    return socket.create_connection(("127.0.0.1", collector.port),
                                    timeout=PATIENCE_S)


def ping(connection):
    """Asks on a connection that is open already."""
    connection.sendall(PING)
    answer = b""
    while not answer.endswith(b'{"status":"ok"}'):
        part = connection.recv(4096)
        if not part:
            raise AssertionError("a resting connection is gone")
        answer += part
    true(answer.startswith(b"HTTP/1.1 200"), "%r" % answer[:80])


class Tricklers(threading.Thread):
    """Keeps that many clients of one byte a second; who is cut comes back."""

    def __init__(self, collector, count):
        super().__init__()
        self.collector = collector
        self.selector = selectors.DefaultSelector()
        self.is_over = threading.Event()
        self.cut = 0
        self.answers = set()
        for i in range(count):
            self.open(i)

    def open(self, number):
        connection = connect(self.collector)
        connection.sendall(HEADS[number % 2])
        connection.setblocking(False)
        self.selector.register(connection, selectors.EVENT_READ, number)

    def lose(self, connection, number):
        self.selector.unregister(connection)
        connection.close()
        self.cut += 1
        if not self.is_over.is_set():
            self.open(number)

    def look(self, timeout):
        for key, _ in self.selector.select(timeout):
            try:
                part = key.fileobj.recv(4096)
            except OSError:
                part = b""
            if part:
                self.answers.add(part[:12])
            else:
                self.lose(key.fileobj, key.data)

    def run(self):
        while not self.is_over.wait(1):
            for key in list(self.selector.get_map().values()):
                with contextlib.suppress(OSError):
                    key.fileobj.send(b"a")
            self.look(0)

    def end(self):
        """No more bytes: each that is left must be cut by the other side."""
        self.is_over.set()
        self.join()
        while self.selector.get_map():
            before = self.cut
            self.look(PATIENCE_S)
            true(self.cut > before, "%d slow clients are not cut"
                 % len(self.selector.get_map()))


def peak_mb(collector):
    with open("/proc/%d/status" % collector.process.pid) as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1)) / 1024


def metric(collector, name):
    body = collector.get("/metrics").body.decode()
    return int(re.search(r"^%s (\d+)$" % name, body, re.M).group(1))


def ingest(collector, first):
    """Twenty batches on one connection, and a fresh one now and then."""
    for n in range(first, first + 20):
        body = {"events": [event(userId="u%d" % (i % 5),
                                 eventId="%d-%d" % (n, i)) for i in range(20)]}
        if n % 4 == 0:
            collector.close_connection()
        answer = collector.post("/batch", body)
        equal((answer.status, answer.json["accepted"]), (200, 20),
              "batch %d" % n)


def crowd_stops_nobody():
    raise_file_limit(IDLE + SLOW + 200)
    with Collector("--rate-limit", "unlimited", "--head-timeout", "1s",
                   "--body-timeout", "1s", "--idle-timeout", "1h",
                   "--max-connections", str(IDLE + SLOW + 100)) as collector:
        idle = []
        for _ in range(IDLE):
            idle.append(connect(collector))
            ping(idle[-1])
        tricklers = Tricklers(collector, SLOW)
        tricklers.start()
        batches = 0
        # As long as it takes until each of the slow ones was cut and replaced.
        while tricklers.cut < SLOW * CUTS:
            ingest(collector, batches)
            batches += 20
        true(metric(collector, "datalyrd_connections") >= IDLE,
             "the idle ones are not there")
        peak = peak_mb(collector)
        tricklers.end()
        equal(tricklers.answers, set(), "answers to slow clients")
        true(metric(collector, "datalyrd_connections_cut_total") >=
             tricklers.cut, "cut connections are counted")
        equal(collector.stats()["events"], batches * 20, "events")
        equal(len(collector.events(user="u0")), batches * 4,
              "events of a user")
        for connection in idle:
            ping(connection)
            connection.close()
        print("# %d idle and %d slow connections: %.0f MB at most, %d cut, "
              "%d events stored meanwhile" % (IDLE, SLOW, peak, tricklers.cut,
                                              batches * 20))
        if not SANITIZED:
            true(peak < RSS_MAX_MB, "it took %.0f MB" % peak)
        collector.stop()


def files_are_kept_for_the_store():
    """More connections than files: the store still gets those it needs."""
    limit = ["sh", "-c", "ulimit -n 300 && exec \"$@\"", "sh"]
    with Collector("--rate-limit", "unlimited", "--partition-rows", "50",
                   "--head-timeout", "1h", wrapper=limit) as collector:
        collector.send(event(userId="u"))
        held = []
        for _ in range(400):
            connection = socket.socket()
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", collector.port))
            held.append(connection)
        for n in range(30):
            answer = collector.post("/batch", {"events": [
                event(userId="u", eventId="%d-%d" % (n, i))
                for i in range(25)]})
            equal((answer.status, answer.json["accepted"]), (200, 25),
                  "batch %d" % n)
        equal(len(collector.events()), 751, "events")
        equal(len(collector.events(user="u")), 751, "events of a user")
        for connection in held:
            connection.close()
        # Who comes later is let in.
        collector.close_connection()
        equal(collector.stats()["events"], 751, "events at the end")


tap.check("%d idle and %d slow connections do not stop ingest, and the slow "
          "ones are cut" % (IDLE, SLOW), crowd_stops_nobody)
tap.check("connections leave files for the store",
          files_are_kept_for_the_store)
tap.finish()
