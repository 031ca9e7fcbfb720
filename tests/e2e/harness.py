# SPDX-License-Identifier: MIT
"""What the end-to-end tests share: servers on free ports, a driver whose steps
are followed line by line, ledgers, and TAP.

Nothing here sleeps to wait for something: servers say when they are ready, a
ledger is asked with a count to wait for, and a driver's step ends with a line.

    import harness
    from harness import test, equal

    @test("flush waits for what is in flight")
    def flush_waits():
        with harness.Faultd("--rule", "hold") as server:
            ...

    if __name__ == "__main__":
        harness.main()
"""
import concurrent.futures
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request

BIN = os.environ.get("DATALYR_BIN", "build/bin")
BUILD = os.environ.get("DATALYR_BUILD", os.path.dirname(BIN))
SOURCE = os.environ.get(
    "DATALYR_SOURCE",
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
SANITIZED = os.environ.get("DATALYR_SANITIZE", "") != ""

# Long enough for a sanitized program on a busy machine. A test that gets here
# has failed; no test waits so long when all is well.
PATIENCE_S = 240 if SANITIZED else 60

# Programs under test get a clean slate: settings and proxies of whoever runs
# the tests must not change what is tested.
def clean_environment(**extra):
    environment = {
        name: value for name, value in os.environ.items()
        if not name.startswith("DATALYR_")
        and not name.lower().endswith("_proxy")
    }
    environment.update(extra)
    return environment


class Failed(AssertionError):
    """A test's expectation that did not come true."""


class Skipped(Exception):
    """A test that cannot run here, and why."""


# ---------------------------------------------------------------------- TAP

_tests = []


def test(sentence, slow=False):
    """Adds a test. Slow ones run only when main() is called with --slow."""
    def add(function):
        _tests.append((sentence, function, slow))
        return function
    return add


def equal(found, expected, what):
    if found != expected:
        raise Failed(f"{what}: expected {expected!r}, found {found!r}")


def at_most(found, limit, what):
    if found > limit:
        raise Failed(f"{what}: expected at most {limit!r}, found {found!r}")


def at_least(found, limit, what):
    if found < limit:
        raise Failed(f"{what}: expected at least {limit!r}, found {found!r}")


def is_true(truth, what):
    if not truth:
        raise Failed(what)


def note(text):
    """A line for whoever reads the output, printed with the test's result."""
    _notes.lines.append(text)


_notes = threading.local()


def _run_one(number, sentence, function):
    """Runs a test; returns whether it passed and what to print."""
    begin = time.monotonic()
    _notes.lines = []
    line = f"ok {number} - {sentence}"
    passed = True
    try:
        function()
        took_ms = (time.monotonic() - begin) * 1000
        note(f"{took_ms:.0f} ms")
    except Skipped as reason:
        line += f" # SKIP {reason}"
    except Exception:  # the next test must run whatever this one threw
        line = f"not {line}"
        passed = False
        for diagnosis in traceback.format_exc().rstrip().split("\n"):
            note(diagnosis)
    return passed, "\n".join([line, *("# " + text for text in _notes.lines)])


def main(arguments=None, workers=16):
    """Runs the tests: the usual ones, or with --slow the slow ones. Other
    arguments choose those whose sentence contains one of them.

    Several run at a time, each with servers and clients of its own: what takes
    long here is a client that waits before it tries again."""
    arguments = sys.argv[1:] if arguments is None else arguments
    slow = "--slow" in arguments
    words = [word for word in arguments if not word.startswith("--")]
    chosen = [(sentence, function) for sentence, function, is_slow in _tests
              if is_slow == slow
              and (not words or any(word in sentence for word in words))]
    has_failed = False
    print(f"1..{len(chosen)}")
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for passed, text in pool.map(
                _run_one, range(1, len(chosen) + 1),
                *([list(column) for column in zip(*chosen)] or [[], []])):
            print(text, flush=True)
            has_failed = has_failed or not passed
    sys.exit(1 if has_failed else 0)


# ----------------------------------------------------------------- programs

def program(name):
    path = os.path.join(BIN, name)
    if not os.path.exists(path):
        path = os.path.join(BUILD, "tests", name)
    return path


class Server:
    """A program that prints its address on its first line."""

    def __init__(self, *command, **environment):
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=clean_environment(**environment))
        self.stderr_lines = []
        # Read all along: a full pipe would stop the server.
        self._reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._reader.start()
        line = self.process.stdout.readline()
        if not line.startswith("http"):
            self.stop()
            raise Failed(f"{command[0]} did not start: {line!r} "
                         + "".join(self.stderr_lines))
        self.address = line.strip()
        self.port = int(self.address.rsplit(":", 1)[1])

    def _read_stderr(self):
        for line in self.process.stderr:
            self.stderr_lines.append(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.returncode

    def ask(self, path, body=None, method=None, timeout=PATIENCE_S):
        if isinstance(body, str):
            body = body.encode()
        request = urllib.request.Request(self.address + path, data=body,
                                         method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=timeout) as answer:
            return answer.read().decode()


class Faultd(Server):
    """datalyr-faultd with rules, and its ledger."""

    def __init__(self, *arguments, rules=(), log=False):
        self.log_file = None
        command = [program("datalyr-faultd"), *arguments]
        if log:
            handle, self.log_file = tempfile.mkstemp(prefix="faultd-")
            os.close(handle)
            command += ["--log", self.log_file]
        for rule in rules:
            command += ["--rule", rule]
        super().__init__(*command)
        self.url = self.address + "/track"

    def stop(self):
        code = super().stop()
        if self.log_file is not None and os.path.exists(self.log_file):
            os.unlink(self.log_file)
        return code

    def ledger(self):
        return json.loads(self.ask("/__ledger"))

    def wait_for(self, **counts):
        """The ledger, as soon as the counts are at least that high."""
        query = urllib.parse.urlencode({**counts, "timeout": f"{PATIENCE_S}s"})
        try:
            return json.loads(self.ask(f"/__ledger?{query}",
                                       timeout=PATIENCE_S + 10))
        except urllib.error.HTTPError as answer:
            raise Failed(f"the server never had {counts}: "
                         + answer.read().decode()) from None

    def set_rules(self, text):
        self.ask("/__faults", text, "PUT")

    def add_rules(self, text):
        self.ask("/__faults", text, "POST")

    def rules(self):
        return json.loads(self.ask("/__faults"))["rules"]

    def release(self):
        self.ask("/__faults/release", "", "POST")

    def _lines(self, path):
        return [json.loads(line) for line in self.ask(path).splitlines()]

    def events(self):
        return self._lines("/__events")

    def requests(self):
        return self._lines("/__requests")

    def logged(self):
        """The requests with head and body, one dictionary each."""
        with open(self.log_file, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def logged_events(self):
        """Every event in the order it came, as often as it came."""
        events = []
        for request in self.logged():
            body = json.loads(request["body"])
            events += body.get("events", [body])
        return events


class Driver:
    """tests/e2e/driver.c at work. Steps are its arguments; each prints a line,
    which step() waits for."""

    def __init__(self, server, *steps, environment=None, **settings):
        url = server if isinstance(server, str) else server.url
        command = [program("driver"), "--set", f"host={url}"]
        for name, value in settings.items():
            command += ["--set", f"{name}={value}"]
        self.process = subprocess.Popen(
            [*command, *steps], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
            env=clean_environment(**(environment or {})))
        self.done = []
        self.stderr = ""
        self._errors = []
        self._reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._reader.start()
        self._watchdog = threading.Timer(PATIENCE_S, self.process.kill)
        self._watchdog.daemon = True
        self._watchdog.start()

    def _read_stderr(self):
        for line in self.process.stderr:
            self._errors.append(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)
        self._watchdog.cancel()
        self._reader.join(PATIENCE_S)
        for stream in (self.process.stdin, self.process.stdout,
                       self.process.stderr):
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def _fail(self, what):
        self.process.kill()
        self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        raise Failed(f"{what}; exit code {self.process.returncode}; steps done "
                     f"{self.done}; stderr: {''.join(self._errors)[-4000:]}")

    def step(self, name):
        """Waits for the next line of that step."""
        for line in self.process.stdout:
            found = json.loads(line)
            self.done.append(found)
            if found["step"] == name:
                return found
        self._fail(f"the driver ended without step {name}")
        return None

    def wait_for_line(self, text):
        """Waits until a line of the log has the text in it."""
        while not any(text in line for line in self._errors):
            if self.process.poll() is not None:
                self._fail(f"the driver ended without the line: {text}")
            time.sleep(0.005)

    def go_on(self):
        """Ends a pause."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self):
        """Waits for the end and returns the last line: the ledger, checked
        against itself."""
        end = self.step("end")
        if self.process.wait(PATIENCE_S) != 0:
            self._fail("the driver failed")
        self._reader.join(PATIENCE_S)
        self.stderr = "".join(self._errors)
        check_client(end)
        return end


def drive(server, *steps, **settings):
    """Runs a driver from start to end; returns its last line."""
    with Driver(server, *steps, **settings) as driver:
        return driver.end()


# ------------------------------------------------------------------ ledgers

def check_law(ledger):
    """The law of conservation, at any moment."""
    equal(ledger["accepted"] + sum(ledger["refused"].values()),
          ledger["calls"], "accepted + refused = calls")
    equal(ledger["delivered"] + sum(ledger["dropped"].values())
          + ledger["pending"],
          ledger["accepted"] + ledger["recovered"],
          "delivered + dropped + pending = accepted + recovered")


def check_client(end):
    """A closed client: the law, nothing pending, and each hook was told of
    each event that belongs to it, exactly once."""
    check_law(end)
    equal(end["pending"], 0, "pending after close")
    equal(end["in_flight"], 0, "in flight after close")
    hooks = end["hooks"]
    equal(hooks["delivered"], end["delivered"], "events told to on_delivered")
    equal(hooks["dropped"], end["dropped"], "events told to on_drop, by reason")
    equal(hooks["dropped_bare"], end["dropped_unreported"],
          "events told to on_drop without a body")
    equal(hooks["strange"], 0, "hooks told of an event that is none")
    equal(end["settled_more"], 0, "events settled more than once")
    equal(end["settled_unaccepted"], 0, "events settled but never accepted")
    equal(end["settled_never"], end["dropped_unreported"],
          "accepted events that no hook was told of")


def check_server(ledger):
    """The server's own sums."""
    equal(ledger["answered_2xx"] + ledger["answered_other"]
          + ledger["unanswered"] + ledger["in_progress"],
          ledger["requests"], "requests = answered + unanswered + in progress")


def check_both(end, ledger):
    """What the client calls delivered, the server has stored, and nothing that
    the client was told is rejected or refused was stored. Events whose answer
    was lost may be stored without being called delivered."""
    check_server(ledger)
    at_least(ledger["stored"], end["delivered"],
             "events stored, against those called delivered")
    at_most(ledger["stored"], end["accepted"] + end["recovered"],
            "events stored, against those accepted")


def check_all_delivered(end, ledger, count):
    """Nothing lost, nothing made up."""
    check_both(end, ledger)
    equal(end["accepted"], count, "accepted")
    equal(end["delivered"], count, "delivered")
    equal(ledger["stored"], count, "stored")


def unused_port():
    """A port that refuses connections: bound, but nobody listens. It stays so
    until the process ends."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    _held_ports.append(holder)
    return holder.getsockname()[1]


_held_ports = []


def peak_memory_kib(process):
    """The most memory a running process ever had."""
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    raise Failed("the system does not say how much memory was used")


@contextlib.contextmanager
def folder():
    path = tempfile.mkdtemp(prefix="datalyr-test-")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def stop_signal(process, number=signal.SIGTERM):
    process.send_signal(number)
    return process.wait(PATIENCE_S)
