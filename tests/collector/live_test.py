# SPDX-License-Identifier: MIT
"""Many live streams while events pour in: each shows what its rate allows and
says exactly how many it left out, and none of them costs memory without end.
What is measured is printed; nothing is decided by time."""
import http.client
import json
import re
import selectors
import socket
import sys
import threading
import time

from collector import (PATIENCE_S, SANITIZED, Answer, Collector,
                       check_described, equal, event, true)
from tap import Tap

tap = Tap()
IS_LONG = "--slow" in sys.argv
BURST = 1000  # events that a stream shows at once


class Stream:
    """Counts what a stream shows and what it says it left out."""

    def __init__(self, port, name=None):
        self.name = name  # of the events it asks for; None: all
        self.socket = socket.create_connection(("127.0.0.1", port),
                                               timeout=PATIENCE_S)
        self.socket.sendall(b"GET /api/v1/events/stream%s HTTP/1.1\r\n"
                            b"Host: 127.0.0.1\r\nConnection: close\r\n\r\n"
                            % (b"?event=" + name.encode() if name else b""))
        self.raw = b""
        self.rest = b""
        self.has_head = False
        self.shown = 0
        self.missed = 0
        self.has_begun = False

    def unchunk(self):
        """The whole chunks that are there."""
        found = []
        while True:
            size, line, rest = self.raw.partition(b"\r\n")
            length = int(size, 16) if line and size else -1
            if length < 0 or len(rest) < length + 2:
                return b"".join(found)
            found.append(rest[:length])
            self.raw = rest[length + 2:]

    def read(self):
        part = self.socket.recv(262144)
        true(part, "the stream has ended")
        self.raw += part
        if not self.has_head:
            head, line, rest = self.raw.partition(b"\r\n\r\n")
            if not line:
                return
            true(head.startswith(b"HTTP/1.1 200 "), head)
            self.has_head, self.raw = True, rest
        *messages, self.rest = (self.rest + self.unchunk()).split(b"\n\n")
        for message in messages:
            if message.startswith(b"event: gap"):
                gap = re.search(rb"^data: (.*)$", message, re.M).group(1)
                self.missed += json.loads(gap)["missed"]
            elif message.startswith(b"id: c"):
                self.shown += 1
            elif b"retry:" in message:
                self.has_begun = True


class Server:
    """Reads all streams on one thread. Every third asks for one name."""

    def __init__(self, port, count):
        self.selector = selectors.DefaultSelector()
        self.streams = [Stream(port, None if i % 3 else "e%d" % (i % 4))
                        for i in range(count)]
        for stream in self.streams:
            self.selector.register(stream.socket, selectors.EVENT_READ, stream)

    def read_until(self, is_done):
        waiting = [s for s in self.streams if not is_done(s)]
        while waiting:
            ready = self.selector.select(PATIENCE_S)
            true(ready, "nothing came for %d s" % PATIENCE_S)
            for key, _ in ready:
                key.data.read()
            waiting = [s for s in waiting if not is_done(s)]

    def close(self):
        for stream in self.streams:
            stream.socket.close()
        self.selector.close()


def rss_mib(collector):
    with open("/proc/%d/status" % collector.process.pid) as file:
        return [int(line.split()[1]) // 1024 for line in file
                if line.startswith("VmRSS:")][0]


def send_all(collector, total, took):
    client = Collector(folder=collector.folder)
    client.port = collector.port
    begun = time.monotonic()
    for at in range(0, total, 500):
        client.send(*[event("e%d" % (i % 4), userId="u%d" % i,
                            eventId="%d" % i)
                      for i in range(at, at + 500)])
    took.append(time.monotonic() - begun)
    client.close_connection()


def asked(stream, total):
    return total // 4 if stream.name else total


def every_stream_accounts(count, total):
    with Collector("--rate-limit", "unlimited",
                   "--max-connections", "2000") as collector:
        server = Server(collector.port, count)
        server.read_until(lambda s: s.has_begun)
        before = rss_mib(collector)
        took = []
        sender = threading.Thread(target=send_all,
                                  args=(collector, total, took))
        sender.start()
        server.read_until(lambda s: s.shown + s.missed >= asked(s, total))
        sender.join()
        after = rss_mib(collector)
        for stream in server.streams:
            equal(stream.shown + stream.missed, asked(stream, total),
                  "shown and announced as left out")
            true(stream.shown >= min(BURST, asked(stream, total)),
                 "%d shown" % stream.shown)
        print("# %d streams, %.0f events/s in, shown %d to %d of %d, "
              "RSS %d to %d MiB" % (
                  count, total / took[0], min(s.shown for s in server.streams),
                  max(s.shown for s in server.streams), total, before, after))
        # What all share, 64 KiB of a connection each, and what ingest needs.
        if not SANITIZED:
            true(after < before + 32 + count * 0.064 + 120, "%d MiB" % after)
        server.close()
        equal(collector.stats()["events"], total, "events")


def waiters_answer_from_the_commit():
    """From the answer to the sender to the answer to the waiter."""
    late_ms = []
    with Collector() as collector:
        collector.get("/api/v1/stats")
        for i in range(100 if IS_LONG else 30):
            waiter = http.client.HTTPConnection("127.0.0.1", collector.port,
                                                timeout=PATIENCE_S)
            waiter.request("GET", "/api/v1/wait?event=e%d&timeout=50s" % i)
            answers = []

            def read(waiter=waiter, answers=answers):
                answers.append(Answer(waiter.getresponse()))
                answers.append(time.monotonic())

            thread = threading.Thread(target=read)
            thread.start()
            collector.send(event("e%d" % i, userId="u", eventId="%d" % i))
            sent = time.monotonic()
            thread.join(PATIENCE_S)
            check_described("GET", "/api/v1/wait", answers[0])
            equal([e["eventId"] for e in answers[0].json["events"]],
                  ["%d" % i],
                  "the waiter's event")
            late_ms.append((answers[1] - sent) * 1000)
            waiter.close()
    late_ms.sort()
    print("# the waiter is told %.1f ms after the sender (median), %.1f ms at "
          "most" % (late_ms[len(late_ms) // 2], late_ms[-1]))


if IS_LONG:
    tap.check("500 streams show or announce every one of 200,000 events",
              every_stream_accounts, 500, 200000)
else:
    tap.check("500 streams show or announce every one of 4,000 events",
              every_stream_accounts, 500, 4000)
tap.check("a waiter is told when its event is stored",
          waiters_answer_from_the_commit)
tap.finish()
