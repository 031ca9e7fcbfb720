# SPDX-License-Identifier: MIT
"""What the tests of the command line share: running `datalyr`, a server that
answers as it is told and remembers what it got, and TAP.

Nothing here waits by the clock: a command ends, a server has an answer for
every request."""
import concurrent.futures
import gzip
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import traceback

SOURCE = os.environ.get("DATALYR_SOURCE", os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))))
BIN = os.environ.get("DATALYR_BIN", os.path.join(SOURCE, "build", "bin"))
SHARED = os.environ.get("DATALYR_SHARED", os.path.join(SOURCE, "..", "shared"))
DATA = os.path.join(SHARED, "data")
SANITIZED = os.environ.get("DATALYR_SANITIZE", "") != ""
PATIENCE_S = 240 if SANITIZED else 60
KEY = "dk_test_command_line_4242"

_tests = []


class Skipped(Exception):
    """A test that cannot run here, and why."""


def test(sentence):
    def add(function):
        _tests.append((sentence, function))
        return function
    return add


def equal(found, expected, what):
    if found != expected:
        raise AssertionError(
            f"{what}: expected {expected!r}, found {found!r}"[:4000])


def contains(text, part, what):
    if part not in text:
        raise AssertionError(f"{what}: {part!r} is not in {text[:3000]!r}")


def is_true(truth, what):
    if not truth:
        raise AssertionError(what)


def need(path):
    """The path of a file of the shared data; skips the test without it."""
    full = os.path.join(DATA, path)
    if not os.path.exists(full):
        raise Skipped(f"no {path} beside the project")
    return full


def _run_one(number, sentence, function):
    try:
        function()
        return True, f"ok {number} - {sentence}"
    except Skipped as reason:
        return True, f"ok {number} - {sentence} # SKIP {reason}"
    except Exception:  # the next test must run whatever this one threw
        lines = traceback.format_exc().rstrip().split("\n")
        return False, "\n".join([f"not ok {number} - {sentence}",
                                 *("# " + line for line in lines)])


def main(workers=4):
    """Runs the tests, or those whose sentence has one of the words given.
    Several at a time: each has servers and folders of its own."""
    words = sys.argv[1:]
    chosen = [t for t in _tests if not words or any(w in t[0] for w in words)]
    print(f"1..{len(chosen)}")
    failed = False
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for passed, text in pool.map(
                lambda item: _run_one(item[0], *item[1]),
                enumerate(chosen, 1)):
            print(text, flush=True)
            failed = failed or not passed
    sys.exit(1 if failed else 0)


# ------------------------------------------------------------------ commands

class Done:
    """A command that has ended."""

    def __init__(self, code, out, err):
        self.code = code
        self.out_bytes = out
        self.out = out.decode("utf-8", "replace")
        self.err = err.decode("utf-8", "replace")

    @property
    def ledger(self):
        """The last line of stdout, which is the ledger, as numbers."""
        last = self.out.rstrip("\n").rsplit("\n", 1)[-1]
        pairs = re.findall(r"(\w+)=([\d.]+)", last)
        if len(pairs) != 8:
            raise AssertionError(
                f"no ledger line last: {last!r}; stderr: {self.err[:2000]}")
        return {k: float(v) if "." in v else int(v) for k, v in pairs}

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.rstrip("\n").split("\n")]

    @property
    def tries(self):
        return re.findall(r"^  try: (.*)$", self.err, re.M)

    def __repr__(self):
        return f"exit {self.code}\n{self.out[:1500]}\n{self.err[:1500]}"


def environment(home, **extra):
    """A clean slate: settings and proxies of whoever runs the tests must not
    change what is tested."""
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith(("DATALYR_", "XDG_", "CLICOLOR"))
             and not name.lower().endswith("_proxy") and name != "NO_COLOR"}
    clean.update(HOME=home, DATALYR_API_KEY=KEY, TERM="xterm", **extra)
    return clean


def command(*words):
    return [os.path.join(BIN, "datalyr"), *map(str, words)]


_home = tempfile.mkdtemp(prefix="datalyr-cli-")


def run(*words, data=None, home=_home, code=None, **extra):
    """Runs `datalyr`; an environment value of None takes the name away."""
    env = environment(home)
    for name, value in extra.items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = value
    process = subprocess.run(command(*words), input=data or b"", env=env,
                             capture_output=True, timeout=PATIENCE_S)
    done = Done(process.returncode, process.stdout, process.stderr)
    if code is not None and done.code != code:
        raise AssertionError(f"{' '.join(map(str, words))[:500]}: expected "
                             f"exit {code}, found {done!r}")
    return done


def conserved(ledger):
    """The law: what was accepted is delivered, dropped or pending."""
    equal(ledger["accepted"], ledger["delivered"] + ledger["dropped"]
          + ledger["pending"], f"accepted in {ledger}")
    return ledger


class Folder:
    """A temporary folder whose files are made by content."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="datalyr-cli-")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name, content=None):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if content is not None:
            if isinstance(content, str):
                content = content.encode()
            with open(path, "wb") as file:
                file.write(content)
        return path


# -------------------------------------------------------------------- server

class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # one segment an answer: no waiting for a delayed ACK

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.owner.take(self, body)

    def do_GET(self):
        """Readers are refused; what they asked is kept."""
        self.server.owner.asked.append((self.path,
                                        self.headers.get("Authorization")))
        answer = b'{"success":false,"error":"the key may not read"}'
        self.send_response(401)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class _Listener(http.server.ThreadingHTTPServer):
    request_queue_size = 64

    def handle_error(self, *_):
        pass  # a client that has gone is what some tests are about


class Server:
    """Takes events as the collector does, and keeps them as they came: once an
    id, numbers as text. `answer(number, events)` may give another answer than
    200: a status, or a status and a dictionary of headers."""

    def __init__(self, answer=None, batches=True):
        self.answer = answer
        self.batches = batches
        self.lock = threading.Lock()
        self.requests = []   # (headers, raw text)
        self.events = {}     # event id -> event
        self.duplicates = 0
        self.asked = []      # (path, Authorization) of GET
        # A class of its own, which a test may change.
        self.http = _Listener(("127.0.0.1", 0), type("Own", (_Handler,), {}))
        self.http.daemon_threads = True
        self.http.owner = self
        self.host = f"http://127.0.0.1:{self.http.server_port}/track"
        threading.Thread(target=self.http.serve_forever, kwargs={
            "poll_interval": 0.01}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    def take(self, handler, body):
        text = body.decode()
        parsed = json.loads(text, parse_float=str, parse_int=str)
        events = parsed["events"] if "events" in parsed else [parsed]
        with self.lock:
            self.requests.append((dict(handler.headers), text))
            number = len(self.requests)
        status, headers = 200, {}
        if self.answer is not None:
            given = self.answer(number, events)
            if isinstance(given, tuple):
                status, headers = given
            elif given is not None:
                status = given
        duplicates = 0
        if status == 200:
            with self.lock:
                for event in events:
                    if event["eventId"] in self.events:
                        duplicates += 1
                    else:
                        self.events[event["eventId"]] = event
                self.duplicates += duplicates
        answer = json.dumps({"success": status == 200, "rejected": [],
                             "accepted": len(events) - duplicates,
                             "duplicates": duplicates}).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(answer)))
        if self.batches:
            handler.send_header("X-Datalyr-Batch", "10000")
            handler.send_header("Accept-Encoding", "gzip")
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(answer)

    @property
    def only(self):
        """The one event that came."""
        equal(len(self.events), 1, "events that came")
        return next(iter(self.events.values()))

    def by_line(self, key="n"):
        """Events by one of their properties."""
        return {event["properties"][key]: event
                for event in self.events.values()}
