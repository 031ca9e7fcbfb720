#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The network transport over TLS: whom it trusts, and what it says when it does
not. Makes an authority and certificates with openssl and serves them itself."""
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
import tap  # noqa: E402

PROBE = sys.argv[1]

CONFIG = """
[ca]
default_ca = here
[here]
database = %(folder)s/index
new_certs_dir = %(folder)s
serial = %(folder)s/serial
certificate = %(folder)s/ca.pem
private_key = %(folder)s/ca.key
default_md = sha256
policy = anything
unique_subject = no
copy_extensions = copy
[anything]
commonName = supplied
"""


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


class Authority:
    def __init__(self, folder):
        self.folder = folder
        self.config = self.path("ca.cnf")
        with open(self.config, "w") as file:
            file.write(CONFIG % {"folder": folder})
        open(self.path("index"), "w").close()
        with open(self.path("serial"), "w") as file:
            file.write("01\n")
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
            "-keyout", self.path("ca.key"), "-out", self.path("ca.pem"),
            "-subj", "/CN=Test Authority", "-days", "2",
            "-addext", "basicConstraints=critical,CA:TRUE")

    def path(self, name):
        return os.path.join(self.folder, name)

    def issue(self, name, host, dates=()):
        key, request = self.path(name + ".key"), self.path(name + ".csr")
        run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
            "-out", request, "-subj", "/CN=" + host,
            "-addext", "subjectAltName=DNS:" + host)
        run("openssl", "ca", "-batch", "-notext", "-config", self.config,
            "-in", request, "-out", self.path(name + ".pem"),
            *(dates or ("-days", "2")))
        return self.path(name + ".pem"), key


class Server:
    """Answers each request with 200. Without a certificate it speaks no TLS,
    and answers that with 400, as other servers do."""

    def __init__(self, certificate=None, client_ca=None, should_reset=False):
        self.context = None
        self.should_reset = should_reset
        self.connections = 0
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
            if client_ca:
                self.context.verify_mode = ssl.CERT_REQUIRED
                self.context.load_verify_locations(client_ca)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "https://localhost:%d/track" % self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(connection,),
                             daemon=True).start()

    def serve(self, connection):
        try:
            if self.context:
                connection = self.context.wrap_socket(connection,
                                                      server_side=True)
            self.connections += 1
            if not self.context:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            elif self.should_reset:
                connection.recv(1000)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                      struct.pack("ii", 1, 0))
            else:
                self.answer(connection)
        except OSError:
            pass  # the client refused us, as some of the checks want it to
        connection.close()

    @staticmethod
    def answer(connection):
        stream = connection.makefile("rwb")
        while stream.readline():
            length = 0
            for line in iter(stream.readline, b"\r\n"):
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            stream.read(length)
            stream.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            stream.flush()


def probe(url, count=1, body_bytes=2, ca_file="", certificate=("", "")):
    """What came of each request: [status, message]."""
    environment = dict(os.environ)
    environment.pop("SSL_CERT_FILE", None)
    done = subprocess.run(
        [PROBE, url, str(count), str(body_bytes), ca_file, *certificate],
        stdout=subprocess.PIPE, timeout=60, env=environment, check=False)
    assert done.returncode == 0, (done.returncode, done.stdout)
    answers = []
    for line in done.stdout.decode().splitlines():
        status, _, message = line.split(" ", 2)
        answers.append((int(status), message))
    assert len(answers) == count, done.stdout
    return answers


def refused(part, server, ca_file=""):
    status, message = probe(server.url, ca_file=ca_file)[0]
    assert status == 0 and part in message, (status, message)


def main():
    checks = tap.Tap()
    folder = tempfile.mkdtemp()
    try:
        check_all(checks, folder)
    finally:
        shutil.rmtree(folder)
    checks.finish()


def check_all(checks, folder):
    def skip():
        raise tap.Skip("there is no openssl command")

    if shutil.which("openssl") is None:
        checks.check("certificates are verified", skip)
        return
    authority = Authority(folder)
    ca_file = authority.path("ca.pem")
    good = authority.issue("good", "localhost")
    other = authority.issue("other", "other.test")
    expired = authority.issue("expired", "localhost", (
        "-startdate", "20200101000000Z", "-enddate", "20200102000000Z"))
    client = authority.issue("client", "client")

    def trusted():
        server = Server(good)
        answers = probe(server.url, count=3, ca_file=ca_file)
        assert answers == [(200, "")] * 3, answers
        assert server.connections == 1, server.connections

    def large():
        answers = probe(Server(good).url, 2, 3000000, ca_file)
        assert answers == [(200, "")] * 2, answers

    def by_client():
        server = Server(good, client_ca=ca_file)
        answers = probe(server.url, ca_file=ca_file, certificate=client)
        assert answers == [(200, "")], answers
        assert probe(server.url, ca_file=ca_file)[0][0] == 0

    def reset():
        answers = probe(Server(good, should_reset=True).url, 20, 2000000,
                        ca_file)
        assert all(status == 0 for status, _ in answers), answers

    def unreadable():
        refused("TLS: cannot use ca_file " + good[1], Server(good), good[1])

    checks.check("a certificate of the authority in ca_file is trusted, and "
                 "its connection is used again", trusted)
    checks.check("large bodies arrive over TLS", large)
    checks.check("an unknown authority is named, with the way out", refused,
                 "signed by an unknown authority (set ca_file)", Server(good))
    checks.check("an expired certificate is named", refused,
                 "the certificate of localhost has expired", Server(expired),
                 ca_file)
    checks.check("a certificate for another name is named", refused,
                 "is for another name", Server(other), ca_file)
    checks.check("a server without TLS is told from one with it", refused,
                 "TLS: no agreement with localhost:", Server(), ca_file)
    checks.check("a file without certificates is named", unreadable)
    checks.check("a client certificate is shown to a server that asks",
                 by_client)
    checks.check("a connection that dies raises no SIGPIPE", reset)


main()
