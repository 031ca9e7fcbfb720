# SPDX-License-Identifier: MIT
"""TLS against a certificate authority of our own, and proxies: who is trusted,
who is refused and how that is said, and that no password is ever printed."""
import base64
import contextlib
import functools
import http.server
import json
import os
import shutil
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
from harness import at_least, equal, is_true, test  # noqa: E402

REMOTE = "ingest.example.test"  # resolves nowhere; only a proxy can reach it
PASSWORD = "pass-word-of-the-proxy"


# ------------------------------------------------------------- certificates

class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder, name):
        self.folder = folder
        self.name = name
        self.file = self._path("ca.pem")
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                      "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                      "-subj", f"/CN={name}", "-keyout", self._path("ca.key"),
                      "-out", self.file)

    def _path(self, name):
        return os.path.join(self.folder, f"{self.name}-{name}")

    @staticmethod
    def _openssl(*arguments):
        run = subprocess.run(["openssl", *arguments], capture_output=True,
                             text=True, check=False)
        if run.returncode != 0:
            raise harness.Failed(f"openssl {arguments[0]}: {run.stderr}")

    def issue(self, name, alternative, dates=None, usage="serverAuth"):
        """A certificate and its key; `dates` as openssl writes them."""
        cert, key = self._path(f"{name}.pem"), self._path(f"{name}.key")
        request, config = self._path(f"{name}.csr"), self._path(f"{name}.cnf")
        work = self._path(f"{name}.d")
        os.mkdir(work)
        with open(os.path.join(work, "index"), "w", encoding="ascii"):
            pass
        with open(config, "w", encoding="ascii") as file:
            file.write(f"[ca]\ndefault_ca = it\n[it]\ndatabase = {work}/index\n"
                       f"new_certs_dir = {work}\nrand_serial = yes\n"
                       "default_md = sha256\ndefault_days = 2\npolicy = any\n"
                       "x509_extensions = extensions\n[any]\n"
                       "commonName = supplied\n[extensions]\n"
                       f"subjectAltName = {alternative}\n"
                       f"extendedKeyUsage = {usage}\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt",
                      "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                      f"/CN={name}", "-keyout", key, "-out", request)
        span = []
        if dates is not None:
            span = ["-startdate", dates[0], "-enddate", dates[1]]
        self._openssl("ca", "-batch", "-config", config, "-cert", self.file,
                      "-keyfile", self._path("ca.key"), "-in", request, "-out",
                      cert, *span)
        return cert, key


@functools.lru_cache(maxsize=1)
def authorities():
    """One good authority and one that nobody trusts, for all tests."""
    if shutil.which("openssl") is None:
        raise harness.Skipped("there is no openssl program")
    folder = tempfile_folder()
    return Authority(folder, "trusted"), Authority(folder, "unknown")


_making = threading.Lock()
_issued = {}


def certificate(kind):
    """One of the certificates of these tests, made when first asked for."""
    with _making:
        trusted, unknown = authorities()
        if kind not in _issued:
            _issued[kind] = {
                "good": lambda: trusted.issue(
                    "good", f"DNS:localhost,IP:127.0.0.1,DNS:{REMOTE}"),
                "unknown": lambda: unknown.issue(
                    "stranger", "DNS:localhost,IP:127.0.0.1"),
                "name": lambda: trusted.issue("other", "DNS:other.example"),
                "expired": lambda: trusted.issue(
                    "old", "DNS:localhost,IP:127.0.0.1",
                    ("20200101000000Z", "20200201000000Z")),
                "early": lambda: trusted.issue(
                    "young", "DNS:localhost,IP:127.0.0.1",
                    ("20900101000000Z", "20910101000000Z")),
                "client": lambda: trusted.issue(
                    "client", "DNS:client", usage="clientAuth"),
                "bad client": lambda: unknown.issue(
                    "client", "DNS:client", usage="clientAuth"),
            }[kind]()
        return _issued[kind]


def tempfile_folder():
    context = harness.folder()
    path = context.__enter__()  # left open until the process ends
    _folders.callback(context.__exit__, None, None, None)
    return path


_folders = contextlib.ExitStack()


# ------------------------------------------------------------------ servers

class QuietServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that does not like our certificate is what is tested."""

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    @property
    def port(self):
        return self.server_address[1]


class Ingest(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.events.append(json.loads(body)["eventId"])
        answer = b'{"success":true}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format, *arguments):
        """Nothing is logged."""


class TlsServer(QuietServer):
    """An ingest server with a certificate, and perhaps a demand for one."""

    def __init__(self, kind="good", client_ca=None):
        super().__init__(("127.0.0.1", 0), Ingest)
        self.events = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate(kind))
        if client_ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_ca)
        # The handshake belongs to the connection's own thread.
        self.socket = context.wrap_socket(self.socket, server_side=True,
                                          do_handshake_on_connect=False)


class Forward(http.server.BaseHTTPRequestHandler):
    """A proxy that demands a password and leads everything to one server."""
    protocol_version = "HTTP/1.1"

    def _is_allowed(self):
        if self.headers.get("Proxy-Authorization") == self.server.expected:
            return True
        self.send_response(407)
        self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(self.path)
        if not self._is_allowed():
            return
        request = harness.urllib.request.Request(
            f"http://127.0.0.1:{self.server.target}"
            + urllib.parse.urlsplit(self.path).path, data=body)
        opener = harness.urllib.request.build_opener(
            harness.urllib.request.ProxyHandler({}))
        with opener.open(request) as answer:
            content = answer.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_CONNECT(self):
        self.server.seen.append(self.path)
        if not self._is_allowed():
            return
        with socket.create_connection(("127.0.0.1",
                                       self.server.target)) as target:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=self._pump,
                                    args=(target, self.connection))
            back.start()
            self._pump(self.connection, target)
            back.join()
        self.close_connection = True

    @staticmethod
    def _pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def log_message(self, format, *arguments):
        """Nothing is logged."""


class Proxy(QuietServer):
    def __init__(self, target):
        super().__init__(("127.0.0.1", 0), Forward)
        self.target = target
        self.seen = []
        credentials = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
        self.expected = f"Basic {credentials}"

    def url(self, password=PASSWORD):
        return f"http://user:{password}@127.0.0.1:{self.port}"


# -------------------------------------------------------------------- tests

def run(url, count=3, **more):
    """Some events to that address, with a close of a second where it fails."""
    settings = {"debug": "true", "flush_at": 1, **more}
    with harness.Driver(url, f"track:{count}", "flush:60000" if
                        settings.pop("succeeds", True) else "flush:700",
                        "close:100", **settings) as driver:
        end = driver.end()
    is_true(PASSWORD not in driver.stderr, "a password was printed")
    return end, driver.stderr


def check_refused(kind, *words, host="localhost", **more):
    """That certificate is refused, nothing is sent, and the line says why."""
    more.setdefault("ca_file", authorities()[0].file)
    with TlsServer(kind) as server:
        end, said = run(f"https://{host}:{server.port}/track", succeeds=False,
                        **more)
        equal((end["delivered"], server.events), (0, []), "delivered")
        equal(end["dropped"]["close_timeout"], 3, "handed back")
    for word in words:
        is_true(word in said.lower(), f"'{word}' is said, found: {said[:1000]}")


@test("a certificate of an authority in ca_file is trusted")
def trusted():
    certificate("good")
    with TlsServer() as server:
        for host in ("localhost", "127.0.0.1"):
            end, _ = run(f"https://{host}:{server.port}/track",
                         ca_file=authorities()[0].file)
            equal(end["delivered"], 3, f"delivered to {host}")


@test("an unknown authority is refused, and the line says so")
def unknown_authority():
    certificate("unknown")
    check_refused("unknown", "certificate", "ca_file")


@test("without ca_file a private authority is unknown")
def no_ca_file():
    certificate("good")
    check_refused("good", "certificate", ca_file="")


@test("a certificate for another name is refused, and the line names both")
def wrong_name():
    certificate("name")
    check_refused("name", "certificate", "localhost")


@test("an expired certificate is refused, and the line says so")
def expired():
    certificate("expired")
    check_refused("expired", "certificate", "expired")


@test("a certificate from the future is refused, and the line says so")
def not_yet_valid():
    certificate("early")
    check_refused("early", "certificate", "not valid yet")


@test("a client certificate is shown where the server demands one")
def client_certificate():
    cert, key = certificate("client")
    ca_file = authorities()[0].file
    with TlsServer(client_ca=ca_file) as server:
        url = f"https://localhost:{server.port}/track"
        end, _ = run(url, ca_file=ca_file, client_cert=cert, client_key=key)
        equal(end["delivered"], 3, "delivered")


@test("without the right client certificate nothing is delivered")
def no_client_certificate():
    cert, key = certificate("bad client")
    ca_file = authorities()[0].file
    with TlsServer(client_ca=ca_file) as server:
        url = f"https://localhost:{server.port}/track"
        # What is said depends on whether the server's alert outruns the end of
        # its connection: with TLS 1.3 the client has already sent by then.
        end, _ = run(url, ca_file=ca_file, succeeds=False)
        equal((end["delivered"], server.events), (0, []), "without any")
        end, _ = run(url, ca_file=ca_file, client_cert=cert, client_key=key,
                     succeeds=False)
        equal((end["delivered"], server.events), (0, []), "with a stranger's")


@test("https to a server that speaks plain http fails, and keeps the events")
def not_tls():
    with harness.Faultd() as server:
        end, _ = run(f"https://localhost:{server.port}/track", succeeds=False)
        equal((end["delivered"], end["dropped"]["close_timeout"]), (0, 3),
              "ledger")
        equal(server.ledger()["stored"], 0, "stored")


@test("a proxy with a password leads to a server that nobody else reaches")
def proxy_with_password():
    with harness.Faultd() as server, Proxy(server.port) as proxy:
        end, _ = run(f"http://{REMOTE}/track", proxy=proxy.url())
        harness.check_all_delivered(end, server.ledger(), 3)
        equal(set(proxy.seen), {f"http://{REMOTE}/track"}, "asked of the proxy")


@test("https goes through a proxy as a tunnel, and the certificate is checked")
def tunnel():
    certificate("good")
    with TlsServer() as server, Proxy(server.port) as proxy:
        end, _ = run(f"https://{REMOTE}/track", proxy=proxy.url(),
                     ca_file=authorities()[0].file)
        equal((end["delivered"], len(server.events)), (3, 3), "delivered")
        equal(set(proxy.seen), {f"{REMOTE}:443"}, "asked of the proxy")
    with TlsServer() as server, Proxy(server.port) as proxy:
        end, _ = run(f"https://elsewhere.{REMOTE}/track", proxy=proxy.url(),
                     ca_file=authorities()[0].file, succeeds=False)
        equal((end["delivered"], server.events), (0, []), "another name")
        at_least(len(proxy.seen), 1, "asked of the proxy")


@test("a wrong proxy password delivers nothing, and is not printed")
def wrong_password():
    with harness.Faultd() as server, Proxy(server.port) as proxy:
        end, said = run(f"http://{REMOTE}/track", succeeds=False,
                        proxy=proxy.url("wrong-password-here"))
        equal((end["delivered"], server.ledger()["stored"]), (0, 0), "ledgers")
        is_true("proxy" in said.lower(), f"it is said: {said[:1000]}")
        is_true("wrong-password-here" not in said, "the password was printed")


@test("curl's proxy variables count, and its exceptions")
def proxy_variables():
    with harness.Faultd() as server, Proxy(server.port) as proxy:
        end, _ = run(f"http://{REMOTE}/track",
                     environment={"http_proxy": proxy.url()})
        harness.check_all_delivered(end, server.ledger(), 3)
        at_least(len(proxy.seen), 3, "asked of the proxy")
        before = len(proxy.seen)
        end, _ = run(f"http://{REMOTE}/track", succeeds=False,
                     environment={"http_proxy": proxy.url(),
                                  "no_proxy": REMOTE})
        equal((end["delivered"], len(proxy.seen)), (0, before),
              "where no_proxy names the host")


@test("loopback is never reached through a proxy")
def loopback():
    with harness.Faultd() as server, Proxy(server.port) as proxy:
        dead = f"http://127.0.0.1:{harness.unused_port()}"
        for more in ({"proxy": proxy.url()}, {"proxy": dead},
                     {"environment": {"http_proxy": dead, "all_proxy": dead,
                                      "HTTPS_PROXY": dead}}):
            for host in ("127.0.0.1", "localhost"):
                end, _ = run(f"http://{host}:{server.port}/track", **more)
                equal(end["delivered"], 3, f"delivered with {list(more)}")
        equal(proxy.seen, [], "asked of the proxy")


if __name__ == "__main__":
    try:
        harness.main()
    finally:
        _folders.close()
