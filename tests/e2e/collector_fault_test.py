# SPDX-License-Identifier: MIT
"""The library and the real collector with a bad wire between them: answers are
lost after the commit, cut, or made up. The collector holds each event once, and
its ledger agrees with the client's."""
import http.client
import http.server
import os
import random
import socketserver
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "collector"))
import collector  # noqa: E402
import harness  # noqa: E402
from harness import at_least, drive, equal, test  # noqa: E402

PASSED_ON = ("X-API-Key", "Content-Type", "Content-Encoding", "X-Batch-Size",
             "User-Agent")
PASSED_BACK = ("Content-Type", "X-Datalyr-Batch", "Accept-Encoding",
               "Retry-After")
FORMS = {
    "single": {"batch": "never", "compression": "none"},
    "batch": {"batch": "always", "compression": "none"},
    "gzip": {"batch": "always", "compression": "gzip"},
    "auto": {},
}


class Wire(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave together: this wire is bad, but not slow.
    wbufsize = -1

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fault = self.server.choose()
        if fault == "ill":
            self.answer(503, {}, b"{}")
            return
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.target,
                                              timeout=harness.PATIENCE_S)
        upstream.request("POST", self.path, body,
                         {name: self.headers[name] for name in PASSED_ON
                          if self.headers[name] is not None})
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        if fault == "lost":
            self.close_connection = True
            return
        headers = {name: answer.headers[name] for name in PASSED_BACK
                   if answer.headers[name] is not None}
        if fault == "cut":
            headers["Content-Length"] = str(len(content))
            content = content[:len(content) // 2]
            self.close_connection = True
        self.answer(answer.status, headers, content)

    def answer(self, status, headers, content):
        headers.setdefault("Content-Length", str(len(content)))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format, *arguments):
        """Nothing is logged."""


class BadWire(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, target, **chances):
        super().__init__(("127.0.0.1", 0), Wire)
        self.target = target
        self.chances = chances
        self.counts = dict.fromkeys(chances, 0)
        self._random = random.Random(1)
        self._lock = threading.Lock()

    def choose(self):
        """What goes wrong with this request, if anything."""
        with self._lock:
            for fault, chance in self.chances.items():
                if self._random.random() < chance:
                    self.counts[fault] += 1
                    return fault
        return None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/track"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


def add(form, count):
    @test(f"{form}: the collector holds each event once, whatever is lost")
    def once():
        with collector.Collector() as target:
            with BadWire(target.port, lost=0.05, cut=0.05, ill=0.05) as wire:
                end = drive(wire, f"track:{count}x4", "close:60000",
                            api_key=collector.KEY, overflow="block",
                            flush_at=50, max_batch_events=50, **FORMS[form])
            stats = target.get("/api/v1/stats").json
            equal((end["accepted"], end["delivered"]), (count, count),
                  "the client's ledger")
            equal(stats["events"], count, "events the collector holds")
            for fault, times in wire.counts.items():
                at_least(times, 1, f"answers {fault}")
            at_least(stats["duplicates"], wire.counts["lost"],
                     "duplicates the collector saw")


for name, events in (("single", 600), ("batch", 3000), ("gzip", 3000),
                     ("auto", 3000)):
    add(name, events)


@test("a collector that is killed and comes back holds each event once")
def killed():
    with collector.Collector() as target:
        port = target.port
        with harness.Driver(f"http://127.0.0.1:{port}/track", "pace:200",
                            "track:4000x2", "flush:60000", "close:60000",
                            api_key=collector.KEY, overflow="block",
                            flush_at=50) as driver:
            for least in (500, 1500):
                answer = target.get("/api/v1/wait", count=least, timeout="60s")
                equal(answer.status, 200, "waiting for events")
                target.kill()
                # On the same port: the client knows no other.
                target.arguments = ["--listen", f"127.0.0.1:{port}"]
                target.start()
            equal(driver.step("flush")["result"], 0, "left after the flush")
            end = driver.end()
        equal(end["delivered"], 4000, "delivered")
        equal(target.get("/api/v1/stats").json["events"], 4000,
              "events the collector holds")


if __name__ == "__main__":
    harness.main(workers=4)
