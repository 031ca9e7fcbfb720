# SPDX-License-Identifier: MIT
"""The Lambda runtime against a stand-in of its runtime API: what was tracked
has arrived before the answer is given."""
import json
import queue
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from example import Collector, Service, Tap, arrived, equal, ledger


class RuntimeApi(ThreadingHTTPServer):
    """/next waits for an invocation, as the real one does."""
    daemon_threads = True

    def __init__(self, collector):
        super().__init__(("127.0.0.1", 0), RuntimeHandler)
        self.collector = collector
        self.invocations = queue.Queue()
        self.answers = queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def invoke(self, request_id, event, seconds=30):
        self.invocations.put((request_id, event, seconds))
        return self.answers.get(timeout=60)


class RuntimeHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        given = self.server.invocations.get()
        if self.path != "/2018-06-01/runtime/invocation/next" or given is None:
            self.close_connection = True
            return
        request_id, event, seconds = given
        self.reply(200, json.dumps(event).encode(), [
            ("Lambda-Runtime-Aws-Request-Id", request_id),
            ("Lambda-Runtime-Deadline-Ms",
             str(int((time.time() + seconds) * 1000)))])

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        # Asked before the program hears anything back: is the event there?
        stored = self.server.collector.stats()["events"]
        self.reply(202, b'{"status":"OK"}')
        self.server.answers.put((self.path.split("/")[4], json.loads(body),
                                 stored))


def gateway(user, path="/orders"):
    body = {} if user is None else {"userId": user}
    return {"path": path, "httpMethod": "POST", "body": json.dumps(body)}


class Function(Service):
    def __init__(self, collector, api, **more):
        super().__init__(
            collector, "lambda", is_quiet=True,
            AWS_LAMBDA_RUNTIME_API="127.0.0.1:%d" % api.server_port, **more)


def event_is_there_before_the_answer():
    with Collector() as collector:
        api = RuntimeApi(collector)
        with Function(collector, api) as function:
            for number in range(1, 6):
                request_id, answer, stored = api.invoke(
                    "request-%d" % number, gateway("user_%d" % number))
                equal(request_id, "request-%d" % number, "request answered")
                equal(answer, {"statusCode": 200,
                               "body": '{"success":true}'}, "answer")
                equal(stored, number, "events stored before the answer")
            equal(function.stop(), ledger(5), "ledger")
        equal(arrived(collector, "userId", "event", "eventId", "properties"),
              [("user_%d" % n, "api_request", "request-%d" % n,
                {"endpoint": "/orders", "method": "POST"})
               for n in range(1, 6)], "events")


def invocation_tried_again_counts_once():
    with Collector() as collector:
        api = RuntimeApi(collector)
        with Function(collector, api) as function:
            api.invoke("request-1", gateway("user_1"))
            api.invoke("request-1", gateway("user_1"))
            equal(function.stop(), ledger(2, duplicates=1), "ledger")
        equal(collector.stats()["events"], 1, "events stored")


def bad_body_is_answered():
    with Collector() as collector:
        api = RuntimeApi(collector)
        with Function(collector, api) as function:
            for event in (gateway(None), {}, {"body": "{"}, [1]):
                equal(api.invoke("bad", event)[1]["statusCode"], 400,
                      "status for %r" % event)
            equal(api.invoke("good", gateway("u"))[1]["statusCode"], 200,
                  "status after that")
            equal(function.stop(), ledger(1, rejected=4), "ledger")


def slow_collector_does_not_fail_an_invocation():
    """Nobody answers at the address: the flush ends with the invocation's time
    and the answer goes out."""
    with socket.socket() as silent, Collector() as collector:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        api = RuntimeApi(collector)
        with Function(collector, api, DATALYR_HOST=(
                "http://127.0.0.1:%d/track" % silent.getsockname()[1])) \
                as function:
            answer = api.invoke("r1", gateway("u"), seconds=1)[1]
            equal(answer["statusCode"], 200, "status")
            equal(function.stop(), ledger(1, delivered=0, dropped=1),
                  "ledger")


def main():
    tap = Tap()
    tap.check("lambda: an event has arrived before the answer is given",
              event_is_there_before_the_answer)
    tap.check("lambda: an invocation that is tried again counts once",
              invocation_tried_again_counts_once)
    tap.check("lambda: a bad body is answered and the next one served",
              bad_body_is_answered)
    tap.check("lambda: a collector that hangs does not fail an invocation",
              slow_collector_does_not_fail_an_invocation)
    tap.finish()


if __name__ == "__main__":
    main()
