# SPDX-License-Identifier: MIT
"""Starts a real datalyrd on a free port with a temporary store, and talks HTTP
to it. Nothing here waits by the clock: the collector says when it listens, and
an answer means that what was sent is stored."""
import contextlib
import gzip
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.parse

SOURCE = os.environ.get("DATALYR_SOURCE", os.path.dirname(os.path.dirname(
    os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(SOURCE, "tests", "support"))

BIN = os.environ.get("DATALYR_BIN", os.path.join(SOURCE, "build", "bin"))
SHARED = os.environ.get("DATALYR_SHARED",
                        os.path.join(SOURCE, "..", "shared"))
SANITIZED = os.environ.get("DATALYR_SANITIZE", "") != ""
PATIENCE_S = 240 if SANITIZED else 60
KEY = "dk_test_0123456789"


with open(os.path.join(SOURCE, "collector", "api", "openapi.json")) as _file:
    DESCRIPTION = json.load(_file)


def conforms(value, schema, where="answer"):
    """Checks a value against a schema of the description: the part of JSON
    Schema that the description uses."""
    if "$ref" in schema:
        schema = DESCRIPTION["components"]["schemas"][
            schema["$ref"].rsplit("/", 1)[1]]
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool,
             "integer": int, "number": (int, float)}
    wanted = schema.get("type")
    if wanted and (not isinstance(value, kinds[wanted]) or
                   isinstance(value, bool) != (wanted == "boolean")):
        raise AssertionError("%s is %r, no %s" % (where, value, wanted))
    if "enum" in schema and value not in schema["enum"]:
        raise AssertionError("%s is %r, none of %r"
                             % (where, value, schema["enum"]))
    if "pattern" in schema and not re.search(schema["pattern"], value):
        raise AssertionError("%s is %r" % (where, value))
    if wanted == "array":
        for i, item in enumerate(value):
            conforms(item, schema["items"], "%s[%d]" % (where, i))
    if wanted == "object":
        properties = schema.get("properties", {})
        for name in schema.get("required", []):
            if name not in value:
                raise AssertionError("%s has no %s" % (where, name))
        for name, item in value.items():
            if name in properties:
                conforms(item, properties[name], "%s.%s" % (where, name))
            elif schema.get("additionalProperties") is False:
                raise AssertionError("%s has %s, which is not described"
                                     % (where, name))


def check_served(port):
    """The description that is served is the one that answers are held to."""
    connection = http.client.HTTPConnection("127.0.0.1", port,
                                            timeout=PATIENCE_S)
    connection.request("GET", "/api/v1/openapi.json")
    served = json.loads(connection.getresponse().read())
    true(served == DESCRIPTION, "the served description is another one")
    connection.close()


def check_described(method, target, answer):
    """Every answer of the API in every test is what the description says."""
    path = target.split("?")[0]
    if method == "POST" and path in ("/", "/batch"):
        path = "/track"  # "any path that is not listed does the same"
    if method == "HEAD" or not (path.startswith("/api/v1/") or
                                (method, path) == ("POST", "/track")):
        return
    for pattern, methods in DESCRIPTION["paths"].items():
        if (re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", pattern), path) and
                method.lower() in methods):
            responses = methods[method.lower()]["responses"]
            response = responses.get(str(answer.status), responses["default"])
            content = response.get("content", {}).get("application/json")
            if content:
                conforms(answer.json, content["schema"])
            return
    if answer.status < 400:
        raise AssertionError("%s %s is not described" % (method, path))
    conforms(answer.json, {"$ref": "#/components/schemas/Error"})


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.pairs = [(k.lower(), v) for k, v in response.getheaders()]
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return "%d %r" % (self.status, self.body[:300])


class Collector:
    """A running datalyrd. `folder` holds its store, and survives restarts."""

    has_checked_served = False

    def __init__(self, *arguments, folder=None, keys=(KEY,), wrapper=()):
        self.own_folder = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="datalyrd-")
        self.arguments = list(arguments)
        self.keys = keys
        self.wrapper = list(wrapper)
        self.process = None
        self.connection = None
        self.start_lines = []
        self.ledger = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            for line in self.stderr().splitlines()[-60:]:
                print("# datalyrd: " + line)
        if self.process is not None:
            self.kill()
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        command = self.wrapper + [
            os.path.join(BIN, "datalyrd"), "--listen", "127.0.0.1:0",
            "--store", "sqlite:" + os.path.join(self.folder, "store.db")]
        for key in self.keys:
            command += ["--api-key", key]
        self.errors = open(os.path.join(self.folder, "stderr"), "ab+")
        self.process = subprocess.Popen(
            command + self.arguments, stdout=subprocess.PIPE,
            stderr=self.errors, text=True)
        self.start_lines = []
        for line in self.process.stdout:
            self.start_lines.append(line.rstrip("\n"))
            if line.startswith("stop:"):
                break
        else:
            self.process.wait()
            raise AssertionError("datalyrd did not start: " + self.stderr())
        address = re.search(r"(https?)://([^/\s]+):(\d+)", self.start_lines[0])
        self.scheme = address.group(1)
        self.port = int(address.group(3))
        self.address = address.group(0)
        self.connection = None

    def stderr(self):
        with open(os.path.join(self.folder, "stderr"), "rb") as file:
            return file.read().decode("utf-8", "replace")

    def stop(self):
        """Ends it in order; returns the ledger it printed."""
        self.close_connection()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        self.process = None
        text = self.stderr()
        self.errors.close()
        if code != 0:
            raise AssertionError("datalyrd ended with %d: %s" % (code, text))
        numbers = re.findall(r"^accepted=(\d+) duplicates=(\d+) rejected=(\d+)",
                             text, re.M)
        if not numbers:
            raise AssertionError("no ledger in: " + text)
        return dict(zip(("accepted", "duplicates", "rejected"),
                        map(int, numbers[-1])))

    def kill(self):
        self.close_connection()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process = None
        self.errors.close()

    def restart(self):
        if self.process is not None:
            self.stop()
        self.start()

    def close_connection(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def request(self, method, path, body=None, headers=None, fresh=False):
        if fresh or self.connection is None:
            self.close_connection()
            self.connection = http.client.HTTPConnection(
                "127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            self.connection.request(method, path, body, headers or {})
            answer = Answer(self.connection.getresponse())
        except (http.client.HTTPException, OSError):
            self.close_connection()
            if fresh:
                raise
            return self.request(method, path, body, headers, fresh=True)
        if not Collector.has_checked_served:
            Collector.has_checked_served = True
            check_served(self.port)
        check_described(method, path, answer)
        if answer.headers.get("connection", "").lower() == "close":
            self.close_connection()
        return answer

    def get(self, path, **params):
        headers = params.pop("headers", None)
        if params:
            path += "?" + urllib.parse.urlencode(params)
        return self.request("GET", path, headers=headers)

    def post(self, path, body, headers=None, key=KEY, zipped=False):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"}
        if key is not None:
            sent["X-API-Key"] = key
        if zipped:
            data = gzip.compress(data)
            sent["Content-Encoding"] = "gzip"
        sent.update(headers or {})
        return self.request("POST", path, data, sent)

    def send(self, *events, **more):
        """Sends events as a batch and expects all of them to be taken."""
        answer = self.post("/batch", {"events": list(events)}, **more)
        equal(answer.status, 200, "status of %r" % answer)
        equal(answer.json["rejected"], [], "refused events")
        return answer.json

    def events(self, **params):
        """All events that match, over as many pages as it takes."""
        params = {name.replace("__", "."): value
                  for name, value in params.items()}
        params.setdefault("limit", 1000)
        found = []
        while True:
            page = self.get("/api/v1/events", **params)
            equal(page.status, 200, "status of %r" % page)
            page = page.json
            found += page["events"]
            if not page["more"]:
                return found
            params["cursor"] = page["cursor"]

    def stats(self):
        return self.get("/api/v1/stats").json

    def raw(self, data, shut=False):
        """Sends bytes as they are; returns all bytes of the answer."""
        with socket.create_connection(("127.0.0.1", self.port),
                                      timeout=PATIENCE_S) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(data)
                if shut:
                    connection.shutdown(socket.SHUT_WR)
            answer = b""
            with contextlib.suppress(OSError):
                while True:
                    part = connection.recv(65536)
                    if not part:
                        break
                    answer += part
            return answer


def equal(found, expected, what="value"):
    if found != expected:
        raise AssertionError("%s is %r, expected %r" % (what, found, expected))


def true(found, what):
    if not found:
        raise AssertionError(what)


def event(name="view", at=None, **fields):
    """An event in server shape; `at` is seconds on a day of the tests."""
    made = {"event": name}
    if at is not None:
        made["timestamp"] = "2026-03-04T%02d:%02d:%02d.000Z" % (
            at // 3600, at // 60 % 60, at % 60)
    made.update(fields)
    return made
