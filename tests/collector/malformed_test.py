# SPDX-License-Identifier: MIT
"""More than a thousand requests that are wrong in some way, the same ones each
time: each is answered with 4xx or cut, none stores anything, and the collector
goes on serving."""
import contextlib
import gzip
import os
import random
import socket
import zlib

from collector import KEY, PATIENCE_S, SHARED, Collector, equal, event, true
from tap import Skip, Tap

tap = Tap()
GOOD = b'{"event":"x","userId":"u"}'
SUITE = os.path.join(SHARED, "data", "hostile", "JSONTestSuite",
                     "test_parsing")
total = set()


def request(*lines, body=GOOD, method="POST", path="/track",
            version="HTTP/1.1", host="Host: x"):
    """A request of these header lines; nothing is added but host and key."""
    lines = tuple(line if isinstance(line, bytes) else line.encode("latin-1")
                  for line in (host, "X-API-Key: " + KEY) + lines
                  if line is not None)
    return (("%s %s %s\r\n" % (method, path, version)).encode("latin-1") +
            b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body)


def sized(body, *lines, **more):
    return request("Content-Length: %d" % len(body), *lines, body=body, **more)


def zipped(data):
    return sized(data, "Content-Encoding: gzip")


def event_of(properties):
    return b'{"event":"x","userId":"u","properties":' + properties + b"}"


# ------------------------------------------------------------------- bodies

def broken_json(rng):
    yield from (b"", b" ", b"null", b"7", b'"x"', b"{", b"[", b"[]]", b"{}x",
                b"\xff\xfe{}", b"\xef\xbb\xbf" + GOOD, b'{"events":',
                b'{"event":"x","userId":"\xff"}', b'{"event":"x","userId":',
                b'{"event":"x","userId":"\\ud800"}', GOOD + b"\0",
                b'{"events":[' + GOOD + b",]}", GOOD + GOOD)
    for at in range(1, len(GOOD)):
        yield GOOD[:at]
    for _ in range(120):
        bent = bytearray(event_of(b'{"a":[1,2.5,"\\u00e9",null,true]}'))
        bent[rng.randrange(len(bent))] = rng.choice(b"\0\x01\x1f\xff\xc0\x80")
        yield bytes(bent)


def json_suite():
    if not os.path.isdir(SUITE):
        raise Skip("needs the shared test data")
    for name in sorted(os.listdir(SUITE)):
        if name.startswith("n_"):
            with open(os.path.join(SUITE, name), "rb") as file:
                text = file.read()
            yield text
            yield event_of(b'{"p":' + text + b"}")
            yield b'{"events":[' + event_of(text) + b"," + GOOD + b"]}"


def deep_json(_):
    for levels in (600, 5000, 100000):
        for opened, inner, closed in ((b"[", b"", b"]"),
                                      (b'{"a":', b"1", b"}"),
                                      (b'[{"a":', b"1", b"}]")):
            whole = opened * levels + inner + closed * levels
            for text in (whole, opened * levels):
                yield text
                yield event_of(b'{"p":' + text + b"}")
                yield b'{"events":[' + text + b"]}"


def bodies(made):
    return (sized(body) for body in made)


# --------------------------------------------------------------------- gzip

def bomb(member_size):
    """A body of some hundred kilobytes that becomes so many bytes."""
    stream = zlib.compressobj(9, zlib.DEFLATED, 31)
    start = stream.compress(b'{"events":[') + stream.flush(zlib.Z_FULL_FLUSH)
    block = (stream.compress(b" " * (1 << 20)) +
             stream.flush(zlib.Z_FULL_FLUSH))
    end = stream.compress(b"]}") + stream.flush()
    return start + block * (member_size >> 20) + end


def broken_gzip(rng):
    good = gzip.compress(b'{"events":[' + b",".join(
        GOOD[:-1] + b',"eventId":"%d"}' % rng.randrange(1 << 40)
        for _ in range(100)) + b"]}", mtime=0)
    for at in rng.sample(range(1, len(good)), 150):
        yield good[:at]
    for _ in range(150):
        bent = bytearray(good)
        for _ in range(3):
            bent[rng.randrange(10, len(bent))] ^= 1 + rng.randrange(255)
        yield bytes(bent)
    for size in (65 << 20, 100 << 20, 1 << 30):
        yield bomb(size)
    small = gzip.compress(b" " * (60 << 20), 1, mtime=0)
    yield small + small
    yield gzip.compress(bomb(65 << 20), mtime=0)
    yield good + b"x"
    yield gzip.compress(GOOD, mtime=0) * 2
    yield gzip.compress(b"[" * 100000, mtime=0)
    yield zlib.compress(GOOD)
    yield GOOD


# -------------------------------------------------------------------- heads

def smuggled():
    return sized(GOOD)


def two_lengths(_):
    """Content-Length and Transfer-Encoding in every way to disagree."""
    right = "Content-Length: %d" % len(GOOD)
    for length in ("+26", "-1", "0x1a", "26, 26", "26,5", "026", "00", "", "a",
                   "26 26", "26;", "2 6", "1e1", "9" * 19, "9" * 20, "9" * 300,
                   "18446744073709551616", "18446744073709551615", "26\x0b",
                   "\x0026", "\xb2"):
        yield request("Content-Length: " + length, body=GOOD + smuggled())
        yield request(right, "Content-Length: " + length,
                      body=GOOD + smuggled())
        yield request("Content-Length: " + length, right,
                      body=GOOD + smuggled())
    chunked = b"0\r\n\r\n" + smuggled()
    codings = ("chunked", "Chunked", "chunked, identity", "identity, chunked",
               "identity", "xchunked", "chunkedx", "gzip, chunked", "chunked,",
               ", chunked", "chunked;q=1", "\x0bchunked", "chunked\x0b",
               '"chunked"', "chunked chunked", "\tchunked", "")
    for coding in codings:
        yield request(right, "Transfer-Encoding: " + coding, body=chunked)
        yield request("Transfer-Encoding: " + coding, right, body=chunked)
        if coding.strip().lower() != "chunked":
            yield request("Transfer-Encoding: " + coding, body=chunked)
        yield request("Transfer-Encoding: " + coding,
                      "Transfer-Encoding: chunked", body=chunked)
        yield request("Transfer-Encoding: " + coding,
                      "Transfer-encoding: identity", body=chunked)
        yield request("Transfer-Encoding: " + coding, body=chunked,
                      version="HTTP/1.0")
    for name in ("Content-Length ", "Content-Length\t", " Content-Length",
                 "Content\x00-Length", "Content-Length\x0b"):
        yield request(name + ": %d" % len(GOOD), body=GOOD + smuggled())
        yield request(right, name + ": 5", body=GOOD + smuggled())
    for name in ("Transfer-Encoding ", "Transfer-Encoding\t",
                 " Transfer-Encoding", "Transfer-Encoding\x0b"):
        yield request(name + ": chunked", body=chunked)
        yield request(right, name + ": chunked", body=chunked)
    for fold in ("Transfer-Encoding:\r\n chunked",
                 "Transfer-Encoding: chunk\r\n ed",
                 "X-A: b\r\n Transfer-Encoding: chunked"):
        yield request(right, fold, body=chunked)
    yield request(right, host="Host: a\r\nHost: b")
    yield request(right, host="Host: a\r\nHost: a")
    yield request(right, host=None)


def odd_lines(rng):
    right = "Content-Length: %d" % len(GOOD)
    for path in ("/track%", "/track%2", "/track%zz", "/%ff/track", "/%c0%80",
                 "/a/../track", "/./track", "/%2e%2e/track", "/..", "/.",
                 "/%2E/", "/a/%2e", "/" + "a/" * 40, "/x?" + "a=b&" * 100,
                 "/x?a=%", "/x?%zz=1", "/x?a=%ff", "/tra\x01ck", "/tra\x7fck",
                 "/" + "a" * 40000):
        yield request(right, path=path)
        yield request(right, path="/x" + path)
    for version in ("HTTP/0.9", "HTTP/2.0", "HTTP/1", "http/1.1",
                    "HTTP/1.1x", "HTTP/11", "HTTP/3.1", "XTTP/1.1", "",
                    "HTTP/1.1 HTTP/1.1", "HTTP/1.-1"):
        yield request(right, version=version)
    for method in ("", "PO ST", "POST/", "P\x00ST", "TRACE", "CONNECT", "PUT",
                   "PATCH", "DELETE", "\x80POST", "A" * 40000):
        yield request(right, method=method)
    yield request(right, "X-Big: " + "a" * 40000)
    yield request(right, *("X-%d: a" % i for i in range(5000)))
    for line in ("no colon", ": empty name", "a b: c", "a\tb: c", "\x01: c",
                 "X-A: a\rb", "X-A: a\x08b", "X-(a): b",
                 "X-A: \x7f"):
        yield request(right, line)
    for coding in ("br", "deflate", "gzip, gzip", "gzip, br", "x", ","):
        yield request(right, "Content-Encoding: " + coding)
    yield request(right, "Content-Encoding: gzip", "Content-Encoding: gzip")
    for _ in range(80):
        yield bytes(rng.randrange(256) for _ in range(rng.randrange(1, 400)))
    for _ in range(80):
        yield (b"POST /track HTTP/1.1\r\n" + bytes(
            rng.randrange(1, 256) for _ in range(rng.randrange(1, 200))) +
            b"\r\n\r\n" + GOOD)


def wrong_lengths(rng):
    """The body ends before its length, or goes on behind it."""
    for _ in range(60):
        missing = rng.randrange(1, 1000)
        yield request("Content-Length: %d" % (len(GOOD) + missing))
        cut = rng.randrange(0, len(GOOD))
        yield request("Content-Length: %d" % cut,
                      body=GOOD[:cut] + b"\0" * rng.randrange(1, 50))
    whole = sized(GOOD)
    for at in range(1, len(whole) - 1, 2):
        yield whole[:at]


def broken_chunks(rng):
    def chunks(body):
        return request("Transfer-Encoding: chunked", body=body)

    size = b"%x\r\n" % len(GOOD)
    whole = size + GOOD + b"\r\n0\r\n\r\n"
    for at in range(1, len(whole) - 4):
        yield chunks(whole[:at])
    for bad in (b"-1", b"+1a", b"0x1a", b"1a 1a", b"g", b"", b" ", b"1" * 17,
                b"f" * 16, b"f" * 40, b"1a\x00", b"\x00", b"1a\xff", b"1.a"):
        yield chunks(bad + b"\r\n" + GOOD + b"\r\n0\r\n\r\n")
        yield chunks(size + GOOD + b"\r\n" + bad + b"x\r\n\r\n")
    yield chunks(size + GOOD + b"xx0\r\n\r\n")
    yield chunks(b"5\r\n" + GOOD + b"\r\n0\r\n\r\n")
    yield chunks(b"1c\r\n" + GOOD + b"\r\n0\r\n\r\n")
    for _ in range(40):
        noise = bytes(rng.randrange(256) for _ in range(60))
        yield chunks(b"zz" + noise + b"\r\n0\r\n\r\n")


# -------------------------------------------------------------------- check

def send(collector, data):
    connection = socket.create_connection(("127.0.0.1", collector.port),
                                          timeout=PATIENCE_S)
    with contextlib.suppress(OSError):  # it may be cut while we send
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
    return connection


def receive(connection):
    """All that comes until an answer of 4xx is whole or the other side ends:
    an open connection without an answer is a failure."""
    answer = b""
    with connection:
        try:
            while not (answer.startswith(b"HTTP/1.1 4") and
                       answer.endswith(b"}")):
                part = connection.recv(65536)
                if not part:
                    break
                answer += part
        except ConnectionError:
            pass
    return answer


def is_refusal(answer):
    """505 is for the versions of HTTP that we do not speak."""
    return answer == b"" or (
        answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505")) and
        b"HTTP/1.1 2" not in answer)


def refuse_all(made, least):
    """Sends each, and looks after them all whether anything was stored."""
    counted = 0
    with Collector("--rate-limit", "unlimited", "--head-timeout", "1h",
                   "--body-timeout", "1h") as collector:
        collector.send(event(userId="before", eventId="before"))
        made = [data for data in made if data not in total]
        total.update(made)
        for first in range(0, len(made), 100):
            sent = [(data, send(collector, data))
                    for data in made[first:first + 100]]
            for data, connection in sent:
                counted += 1
                answer = receive(connection)
                true(is_refusal(answer), "%r...: %r"
                     % (data[:300], answer[:200]))
        # What is in work is done then.
        collector.restart()
        equal(collector.stats()["events"], 1, "events")
        equal([e["eventId"] for e in collector.events()], ["before"], "stored")
        collector.send(event(userId="after", eventId="after"))
    true(counted >= least, "only %d requests" % counted)
    print("# %d requests" % counted)


def check(name, made, least):
    tap.check("%s: 4xx or cut, nothing stored" % name, refuse_all, made, least)


def there_were_enough():
    true(len(total) >= 1000, "only %d requests" % len(total))
    print("# %d different requests in all" % len(total))


check("broken JSON", bodies(broken_json(random.Random(1))), 150)
check("what JSONTestSuite forbids, as body, in an event, in a batch",
      bodies(json_suite()), 500)
check("up to 100,000 levels", bodies(deep_json(None)), 50)
check("gzip that is cut, bent or a bomb",
      map(zipped, broken_gzip(random.Random(2))), 300)
check("two meanings of a length", two_lengths(None), 150)
check("odd request lines and headers", odd_lines(random.Random(3)), 230)
check("bodies of another length", wrong_lengths(random.Random(4)), 100)
check("broken chunks", broken_chunks(random.Random(5)), 90)
tap.check("these were more than a thousand", there_were_enough)
tap.finish()
