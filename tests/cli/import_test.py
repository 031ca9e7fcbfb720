#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""datalyr import: formats, mapping, ids, faults, resuming."""
import base64
import glob
import gzip
import json
import os
import pty
import random
import signal
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cli
from cli import (Folder, Server, conserved, contains, equal, is_true, need,
                 run, test)

MAP = ("--event", "e", "--map", "user_id=u")


def dry(*words, data=None, code=0, **extra):
    return run("import", *words, "--dry-run", data=data, code=code, **extra)


def lines_of(count, start=0):
    return "".join(f'{{"event":"e","user_id":"u{n % 9}","n":{n}}}\n'
                   for n in range(start, start + count))


# ------------------------------------------------------------------ formats

@test("NDJSON, arrays, documents and CSV, each also gzip, give the same events")
def formats():
    rows = [{"u": f"u{n}", "n": n, "t": 'a "b", c\nd é'} for n in range(5)]
    texts = {
        "ndjson": "\n".join(json.dumps(r) for r in rows) + "\n",
        "no line end": "\n".join(json.dumps(r) for r in rows),
        "crlf": "\r\n".join(json.dumps(r) for r in rows) + "\r\n\r\n",
        "array": json.dumps(rows),
        "array over lines": "\n " + json.dumps(rows, indent=2) + "\n",
        "documents": "\n".join(json.dumps(r, indent=1) for r in rows),
        "csv": "u,n,t\n" + "".join(
            f'u{n},{n},"a ""b"", c\nd é"\n' for n in range(5)),
        "csv, crlf": "u,n,t\r\n" + "".join(
            f'u{n},{n},"a ""b"", c\nd é"\r\n' for n in range(5)),
        "csv, semicolon": "u;n;t\n" + "".join(
            f'"u{n}";{n};"a ""b"", c\nd é"\n' for n in range(5)),
    }
    for name, text in texts.items():
        raw = text.encode()
        half = len(raw) // 2
        for kind, data in (
                ("plain", raw), ("bom", b"\xef\xbb\xbf" + raw),
                ("gzip", gzip.compress(raw)),
                ("members", gzip.compress(raw[:half])
                 + gzip.compress(raw[half:]) + b"\0" * 512)):
            words = ["--map", "properties.n=n:number"]
            if "semicolon" in name:
                words += ["--delimiter", ";"]
            events = dry("-", *MAP, *words, data=data).lines
            equal([(e["userId"], e["properties"]["n"], e["properties"]["t"])
                   for e in events],
                  [(r["u"], r["n"], r["t"]) for r in rows], f"{name}, {kind}")


@test("--format decides where the first bytes would decide otherwise")
def format_override():
    events = dry("-", *MAP, "--format", "csv", data=b'[x],u\n1,2\n').lines
    equal(events[0]["properties"], {"[x]": "1"}, "properties")
    dry("-", "--format", "xml", data=b"", code=2)


@test("an empty file and one with a header alone have no events")
def empty_files():
    with Folder() as folder, Server() as server:
        paths = [folder.file("a", ""), folder.file("b", "\n\n"),
                 folder.file("c", "u,v\n"), folder.file("d", "[]"),
                 folder.file("e", gzip.compress(b""))]
        ledger = run("import", *paths, *MAP, "--host", server.host,
                     code=0).ledger
        equal((ledger["accepted"], ledger["rejected"]), (0, 0), "records")


@test("the CSV spectrum gives the records that its JSON lists")
def csv_spectrum():
    folder = need("hostile/csv/csv-spectrum")
    for path in sorted(glob.glob(os.path.join(folder, "csvs", "*.csv"))):
        name = os.path.basename(path)[:-4]
        with open(os.path.join(folder, "json", name + ".json")) as file:
            expected = json.load(file)
        events = dry(path, "--format", "csv", "--event", "e", "--map",
                     "user_id==u").lines
        if name == "location_coordinates":  # its JSON has another number
            expected = [{**expected, "Contact Phone Number": "2095257564"}]
        equal([e["properties"] for e in events], expected, name)


@test("rows with too many or too few fields, and stray quotes, are refused")
def bad_rows():
    data = (b'u,v\na,1\nb,2,3\nc\nd,"4"x\ne,5" pipe\nf,"6\n'
            b'g,7\n\nh,8')
    with Folder() as folder:
        rejects = folder.file("r")
        done = dry("-", *MAP, "--rejects", rejects, data=data, code=1)
        equal([e["userId"] for e in done.lines], ["a", "e", "g", "h"], "used")
        refused = [json.loads(x) for x in open(rejects)]
        equal([(r["line"], r["original"]) for r in refused],
              [(3, "b,2,3"), (4, "c"), (5, 'd,"4"x'), (7, 'f,"6')], "refused")


@test("columns without a name or with the same name keep their values")
def odd_headers():
    events = dry("-", *MAP, data=b"u,,a,a,\nx,1,2,3,4\n").lines
    equal(events[0]["properties"],
          {"column_2": "1", "a": "2", "a_2": "3", "column_5": "4"}, "names")


@test("JSON that must parse is taken, JSON that must not is refused")
def json_suite():
    folder = need("hostile/JSONTestSuite/test_parsing")
    yes, no = [], []
    for path in sorted(glob.glob(os.path.join(folder, "[yn]_*.json"))):
        with open(path, "rb") as file:
            text = file.read()
        if b"\n" in text.strip() or not text.strip() or b"\0" in text:
            continue  # not one line
        line = b'{"event":"e","user_id":"u","v":' + text.strip() + b"}"
        (yes if os.path.basename(path)[0] == "y" else no).append(line)
    is_true(len(yes) > 80 and len(no) > 150, f"{len(yes)} and {len(no)} cases")
    done = dry("-", "--format", "ndjson", data=b"\n".join(yes))
    equal(len(done.lines), len(yes), "taken")
    with Folder() as folder:
        rejects = folder.file("r")
        # One of these closes our brace itself: {"v":1}} and the like.
        done = dry("-", "--format", "ndjson", "--rejects", rejects,
                   data=b"\n".join(no), code=1)
        equal(done.out, "", "events out of what is no JSON")
        equal(len(open(rejects).readlines()), len(no), "refused")


# ------------------------------------------------------------------ mapping

@test("sources: first not empty, exact product, constant, path, number")
def sources():
    record = {"a": "", "b": None, "c": "third", "q": "6", "p": 2.55,
              "o": {"x": [{"y": 12345678901234567890}], "k.z": 1},
              "d.e": "dotted", "neg": "-0.1", "big": "1" * 60, "sp": " 7. ",
              "u": "me"}
    line = json.dumps(record).replace("12345678901234567000",
                                      "12345678901234567890").encode()
    done = dry("-", *MAP, "--map", "properties.first=a|b|c|=none",
               "--map", "properties.none=a|b|=none",
               "--map", "properties.product=q*p",
               "--map", "properties.three=q*p*neg",
               "--map", "properties.cents=q*0.01",
               "--map", "properties.large=big*big",
               "--map", "properties.path=o.x.0.y",
               "--map", "properties.dotted=d.e",
               "--map", r"properties.escaped=o.k\.z",
               "--map", "properties.number=sp:number",
               "--map", "properties.text==a=b|c*d",
               "--map", "properties.gap=a*q",
               "--map", "properties.nothing=zzz", data=line)
    text = done.out
    for part in ('"first":"third"', '"none":"none"', '"product":15.30',
                 '"three":-1.530', '"cents":0.06', '"path":12345678901234567890',
                 '"dotted":"dotted"', '"escaped":1', '"number":7',
                 '"text":"a=b|c*d"',
                 '"large":' + str(int("1" * 60) ** 2)):
        contains(text, part, "event")
    event = done.lines[0]
    is_true("gap" not in event["properties"], "a product with a gap is absent")
    is_true("nothing" not in event["properties"], "an absent path is absent")
    equal(set(event["properties"]) & {"a", "b", "c", "q", "p", "neg"}, set(),
          "mapped columns are no properties")
    contains(done.err, "no record has zzz", "note about a name nobody has")


@test("all fields can be mapped, and unmapped columns become properties")
def fields():
    data = (b"kind,name,who,anon,id,at,grp,prev,sess,x\n"
            b"track,n,u,a,i-1,2026-01-02,,,s,1\nIdentify,,u,a,i-2,,,,,2\n"
            b"group,,u,,i-3,,g,,,3\nalias,,u,,i-4,,,p,,\n"
            b"page,home,u,,i-5,,,,,5\nscreen,main,,a,i-6,,,,,6\n")
    words = []
    for field, column in (("type", "kind"), ("event", "name"),
                          ("user_id", "who"), ("anonymous_id", "anon"),
                          ("event_id", "id"), ("timestamp", "at"),
                          ("group_id", "grp"), ("previous_id", "prev"),
                          ("session_id", "sess")):
        words += ["--map", f"{field}={column}"]
    events = dry("-", *words, data=data).lines
    equal([e["type"] for e in events],
          ["track", "identify", "group", "alias", "page", "page"], "types")
    equal(events[0], {"type": "track", "event": "n", "userId": "u",
                      "anonymousId": "a", "eventId": "i-1", "sessionId": "s",
                      "timestamp": "2026-01-02T00:00:00.000Z",
                      "properties": {"x": "1"}}, "track")
    equal(events[1]["traits"], {"x": "2"}, "traits")
    equal(events[2]["groupId"], "g", "group")
    equal(events[3]["previousId"], "p", "previous")
    equal(events[4]["name"], "home", "page")
    equal(events[5]["properties"], {"screen": "main", "x": "6"}, "screen")


@test("columns named as the fields need no --map")
def plain_names():
    events = dry("-", data=b"event,user_id,timestamp,event_id,price\n"
                           b"buy,u,2026-01-02T03:04:05Z,7,9.99\n").lines
    equal((events[0]["event"], events[0]["userId"]), ("buy", "u"), "fields")
    equal(events[0]["properties"], {"event_id": "7", "price": "9.99"},
          "event_id is only taken when it is mapped")


@test("values that do not fit are refused with the column and the value")
def refused_values():
    cases = (
        (b'{"u":"x","n":"abc"}', 'n is "abc", which is no number'),
        (b'{"u":"x","n":{}}', "n is an object, not a number"),
        (b'{"u":["x"],"n":1}', "user_id is a list, not a text"),
        (b'{"u":true,"n":1}', "user_id is true or false, not a text"),
        (b'{"u":"a\\u0000b","n":1}', "user_id holds a NUL character"),
        (b'{"n":1}', "neither a user id nor an anonymous id"),
        (b'[1]', "no JSON object"), (b'{"u":1,}', "no JSON object"),
        (b'{"u":"\xff"}', "no JSON object"),
        (b'{"u":"x","timestamp":"yesterday"}', '"yesterday" is no time'))
    for line, reason in cases:
        with Folder() as folder:
            rejects = folder.file("r")
            dry("-", *MAP, "--map", "properties.n=n:number", "--format",
                "ndjson", "--rejects", rejects, data=line, code=1)
            reject = json.loads(open(rejects).read())
            contains(reject["reason"], reason, str(line))
            original = (base64.b64decode(reject["original_base64"])
                        if "original_base64" in reject
                        else reject["original"].encode())
            equal(original, line, "original")


@test("CSV that is not UTF-8 is refused row by row, a header at once")
def not_utf8():
    with Folder() as folder:
        rejects = folder.file("r")
        done = dry("-", *MAP, "--rejects", rejects, code=1,
                   data=b"u,v\na,\xe9\nb,\xc3\xa9\n")
        equal(len(done.lines), 1, "events")
        contains(open(rejects).read(), "not UTF-8", "reason")
        done = dry("-", *MAP, data=b"u,\xe9\na,b\n", code=5)
        contains(done.err, "iconv", "way out")
        done = dry("-", *MAP, data="u,v\na,b\n".encode("utf-16"), code=5)
        contains(done.err, "UTF-16", "encoding")


@test("an unknown field or column names the nearest and the whole command")
def unknown_names():
    with Folder() as folder, Server() as server:
        path = folder.file("x.csv", "CustomerID,Quantity,Price\na,1,2\n")
        for bad, good in (("user_id=CustomerId", "user_id=CustomerID"),
                          ("user_id=x|Custmer", None),
                          ("properties.r=Quantity*Pice",
                           "'properties.r=Quantity*Price'")):
            done = run("import", path, "--event", "e", "--map", bad, "--host",
                       server.host, code=2)
            if good:
                equal(done.tries, [f"datalyr import {path} --event e --map "
                                   f"{good} --host {server.host}"], "way out")
        done = run("import", path, "--map", "userid=CustomerID", code=2)
        contains(done.err, "did you mean user_id?", "field")
        done = run("import", path, "--map", "price=Price", code=2)
        contains(done.err, "properties.price=", "field")
        equal(server.requests, [], "requests")


@test("Segment lines: calls, contexts, numeric ids, screens, times")
def segment():
    lines = [
        {"type": "Track", "event": "e", "userId": 432, "messageId": "m",
         "originalTimestamp": "2026-01-02T03:04:05.678901+05:30",
         "properties": {"a": 1, "utm_source": "own"},
         "context": {"campaign": {"name": "c", "source": "s"},
                     "page": {"url": "http://x/", "title": ""},
                     "sessionId": "s1", "ip": "1.2.3.4"}},
        {"type": "identify", "userId": "u", "traits": {"a": 1},
         "context": {"traits": {"a": 2, "b": 3}}, "sentAt": "2026-01-02"},
        {"type": "identify", "anonymousId": "anon", "traits": {"c": 1}},
        {"type": "screen", "anonymousId": "a", "name": "Main",
         "properties": {"x": 1}},
        {"type": "page", "userId": "u", "name": "Home", "category": "Docs",
         "properties": {}},
    ]
    with Server() as server:
        run("import", "-", "--host", server.host,
            data="\n".join(map(json.dumps, lines)).encode(), code=0)
        by_name = {(e["event"], e.get("userId")): e
                   for e in server.events.values()}
        track = by_name[("e", "432")]
        equal(track["timestamp"], "2026-01-01T21:34:05.678Z", "time")
        equal(track["context"]["session_id"], "s1", "session")
        equal(track["properties"], {"a": "1", "utm_source": "own",
                                    "utm_campaign": "c", "url": "http://x/"},
              "properties")
        equal(by_name[("$identify", "u")]["properties"], {"a": "1", "b": "3"},
              "traits")
        unknown = by_name[("$identify", None)]
        equal(unknown["anonymousId"], "anon", "a visitor's traits are kept")
        screen = by_name[("$pageview", None)]
        equal(screen["properties"]["screen"], "Main", "screen")
        page = by_name[("$pageview", "u")]["properties"]
        equal((page["name"], page["category"]), ("Home", "Docs"), "page")


@test("times: zones, --timezone over a clock change, seconds, milliseconds")
def times():
    def times_of(*texts, zone=None):
        data = "u,timestamp\n" + "".join(f"x,{t}\n" for t in texts)
        words = ["--timezone", zone] if zone else []
        return [e["timestamp"] for e in
                dry("-", *MAP, *words, data=data.encode()).lines]

    equal(times_of("2026-07-01 12:00", "2026-07-01T12:00:00+02:00",
                   "1751373296", "1751373296.5", "1751373296500"),
          ["2026-07-01T12:00:00.000Z", "2026-07-01T10:00:00.000Z",
           "2025-07-01T12:34:56.000Z", "2025-07-01T12:34:56.500Z",
           "2025-07-01T12:34:56.500Z"], "UTC")
    equal(times_of("2026-07-01 12:00", "2026-01-01 12:00",
                   "2026-07-01T12:00:00Z", zone="+05:30"),
          ["2026-07-01T06:30:00.000Z", "2026-01-01T06:30:00.000Z",
           "2026-07-01T12:00:00.000Z"], "offset")
    done = dry("-", "--timezone", "Mars/Base", data=b"", code=2)
    contains(done.err, "Mars/Base", "zone")
    if os.path.exists("/usr/share/zoneinfo/Europe/London"):
        equal(times_of("2026-03-29 00:59:59", "2026-03-29 02:00",
                       "2026-10-25 00:30", "2026-10-25 02:00",
                       "1970-01-01 01:00", zone="Europe/London"),
              ["2026-03-29T00:59:59.000Z", "2026-03-29T01:00:00.000Z",
               "2026-10-24T23:30:00.000Z", "2026-10-25T02:00:00.000Z",
               "1970-01-01T00:00:00.000Z"], "London")


@test("--each: arrays in arrays, fields of parents, objects on the way")
def each():
    record = {"shop": "s", "orders": [
        {"id": 1, "u": "a", "lines": [{"sku": "x"}, {"sku": "y", "u": "b"}]},
        {"id": 2, "u": "c", "lines": []}, {"id": 3, "u": "d"},
        {"id": 4, "u": "e", "lines": {"sku": "z"}}, 5]}
    done = dry("-", "--each", "orders.lines", "--event", "e",
               "--map", "user_id=u", "--map", "properties.order=id",
               "--map", "properties.shop=shop", data=json.dumps(record).encode())
    equal([(e["userId"], e["properties"]) for e in done.lines],
          [("a", {"order": 1, "shop": "s", "sku": "x"}),
           ("b", {"order": 1, "shop": "s", "sku": "y"}),
           ("e", {"order": 4, "shop": "s", "sku": "z"})], "items")
    done = dry("-", "--each", "nothing", *MAP, data=b'{"u":"x"}')
    contains(done.err, "no record has anything there", "note")
    done = dry("-", "--each", "a", *MAP, data=b'{"a":[{"u":"x"},7]}', code=1)
    contains(done.err, "item 2 of --each is no object", "reason")


# ---------------------------------------------------------------------- ids

@test("ids are the same over runs, folders, packing and line ends")
def stable_ids():
    text = "u,v\n" + "".join(f"u{n % 3},{n % 4}\n" for n in range(40))
    with Folder() as folder:
        paths = [folder.file("one/x.csv", text),
                 folder.file("two/x.csv.gz", gzip.compress(text.encode())),
                 folder.file("three/x.csv", text.replace("\n", "\r\n"))]
        runs = [[e["eventId"] for e in dry(p, *MAP).lines] for p in paths]
        equal(runs[1], runs[0], "gzip")
        equal(runs[2], runs[0], "line ends")
        equal(len(set(runs[0])), 40, "repeated rows have ids of their own")
        equal(sorted(runs[0]), runs[0], "ids ascend with the place")
        named = [e["eventId"] for e in
                 dry(paths[0], *MAP, "--source", "other").lines]
        equal(set(named) & set(runs[0]), set(), "--source makes other ids")
        both = [e["eventId"] for e in dry(paths[0], paths[2], *MAP).lines]
        equal(len(set(both)), 80, "two files of one name stay apart")
        equal([e["eventId"] for e in
               dry("-", *MAP, "--source", "x.csv", data=text.encode()).lines],
              runs[0], "stdin under the file's name")


@test("our own form keeps its eventId, a messageId counts with the bytes")
def own_ids():
    own = {"eventId": "e 1", "event": "x", "userId": "u", "properties":
           {"a": 1}, "context": {"session_id": "s"},
           "timestamp": "2026-01-02T03:04:05.678Z", "receivedAt": "later"}
    event = dry("-", data=json.dumps(own).encode()).lines[0]
    equal((event["eventId"], event["sessionId"], event["properties"],
           event["timestamp"]), ("e 1", "s", {"a": 1}, own["timestamp"]),
          "event")
    again = dry("-", data=json.dumps(event).encode()).lines[0]
    equal(again, event, "a dry run's line is read back as it is")
    one = {"type": "track", "event": "x", "userId": "u", "messageId": "m",
           "properties": {"a": 1}}
    two = {**one, "properties": {"a": 2}}
    ids = [e["eventId"] for e in
           dry("-", data="\n".join(map(json.dumps, (one, two, one))).encode())
           .lines]
    is_true(ids[0] != ids[1], "one messageId on two events merges nothing")
    equal(ids[2], ids[0], "the same message again is the same event")
    elsewhere = dry("-", "--source", "other", data=json.dumps(one).encode())
    equal(elsewhere.lines[0]["eventId"], ids[0], "in another file too")


@test("naughty strings arrive unchanged from CSV and NDJSON")
def naughty():
    with open(need("hostile/strings/blns.json"), encoding="utf-8") as file:
        strings = [s for s in json.load(file) if s]
    ndjson = "".join(json.dumps({"event": s, "user_id": s, "v": s, "n": n, s:
                                 s}, ensure_ascii=n % 2 == 0) + "\n"
                     for n, s in enumerate(strings))
    table = 'event,user_id,v,n\n' + "".join(
        ",".join('"' + c.replace('"', '""') + '"' for c in (s, s, s, str(n)))
        + "\n" for n, s in enumerate(strings))
    for text in (ndjson, table):
        with Server() as server:
            ledger = conserved(run("import", "-", "--host", server.host,
                                   data=text.encode()).ledger)
            equal(ledger["rejected"], 0, "refused")
            events = server.by_line()
            equal(len(events), len(strings), "events")
            for n, string in enumerate(strings):
                event = events[str(n)]
                equal((event["event"], event["userId"],
                       event["properties"]["v"]), (string,) * 3, "strings")


# ------------------------------------------------------------------- faults

@test("a gzip file that is cut off delivers what was read and says where")
def truncated():
    raw = lines_of(5000).encode()
    packed = gzip.compress(raw)
    with Folder() as folder, Server() as server:
        cut = folder.file("cut.ndjson.gz", packed[:len(packed) // 2])
        whole = folder.file("whole.ndjson", lines_of(10, 9000))
        done = run("import", cut, whole, "--host", server.host, code=5)
        contains(done.err, f"cut.ndjson.gz is cut off: the gzip data ends in "
                 f"the middle, at byte {len(packed) // 2}", "message")
        ledger = conserved(done.ledger)
        is_true(1000 < ledger["delivered"] < 5000, f"{ledger}")
        equal(len(server.events), ledger["delivered"], "events that came")
        is_true("9009" in server.by_line(), "the next file was read")
        packed = bytearray(packed)
        packed[len(packed) // 2] ^= 0xff
        bad = folder.file("bad.gz", bytes(packed))
        done = run("import", bad, "--host", server.host)
        equal(done.code, 5, "exit code of damaged data")
        tail = folder.file("tail.gz", gzip.compress(raw) + b"rubbish")
        done = run("import", tail, "--host", server.host, code=5)
        contains(done.err, "not gzip follows", "message")


@test("files that cannot be read stop the import before anything is sent")
def unreadable():
    with Folder() as folder, Server() as server:
        good = folder.file("good", lines_of(3))
        for path in (folder.file("missing"), folder.path):
            done = run("import", good, path, "--host", server.host, code=5)
            contains(done.err, path, "file")
        equal(server.requests, [], "requests")


@test("--rejects on a full disk is an error, and so is a missing folder")
def rejects_full():
    with Folder() as folder, Server() as server:
        path = folder.file("x", lines_of(10) + '{"bad":1}\n' + lines_of(10))
        done = run("import", path, "--rejects", "/dev/full", "--host",
                   server.host, code=5)
        contains(done.err, "--rejects /dev/full cannot be written", "message")
        equal(conserved(done.ledger)["delivered"], 10, "what was read before")
        done = run("import", path, "--rejects", folder.file("x") + "/no",
                   "--host", server.host, code=5)
        equal(done.out, "", "nothing was done")


@test("a line of 20 MiB is refused, its neighbours are not, memory stays small")
def huge_line():
    long = b'{"event":"e","user_id":"u","v":"' + b"x" * (20 << 20) + b'"}\n'
    data = lines_of(3).encode() + long + lines_of(3, 3).encode()
    with Folder() as folder, Server() as server:
        rejects = folder.file("r")
        done = run("import", "-", "--rejects", rejects, "--host", server.host,
                   data=data, code=1)
        ledger = conserved(done.ledger)
        equal((ledger["accepted"], ledger["rejected"]), (6, 1), "records")
        reject = json.loads(open(rejects).read())
        equal((reject["line"], reject["reason"]),
              (4, "the line is longer than 16 MiB"), "reject")
        large = b'{"event":"e","user_id":"u","v":"' + b"x" * (2 << 20) + b'"}\n'
        done = run("import", "-", "--rejects", rejects, "--host", server.host,
                   data=large, code=1)
        contains(json.loads(open(rejects).read())["reason"],
                 "max_event_bytes", "larger than an event may be")


@test("events that the server rejects are dropped and kept in --rejects")
def server_rejects():
    class Picky(Server):
        def take(self, handler, body):
            events = json.loads(body).get("events")
            bad = [{"index": i, "eventId": e["eventId"], "error": "no"}
                   for i, e in enumerate(events or [])
                   if e["properties"]["n"] % 5 == 0]
            if events is None or not bad:
                return super().take(handler, body)
            answer = json.dumps({"success": True, "rejected": bad, "accepted":
                                 len(events) - len(bad),
                                 "duplicates": 0}).encode()
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(answer)))
            handler.end_headers()
            handler.wfile.write(answer)

    with Folder() as folder, Picky() as server:
        rejects = folder.file("r")
        path = folder.file("x", lines_of(100))
        done = run("import", path, "--batch", "always", "--rejects", rejects,
                   "--host", server.host, code=1)
        ledger = conserved(done.ledger)
        equal((ledger["delivered"], ledger["dropped"]), (80, 20), "events")
        kept = [json.loads(line) for line in open(rejects)]
        equal({k["reason"] for k in kept}, {"rejected_by_server"}, "reasons")
        equal(sorted(k["event"]["properties"]["n"] for k in kept),
              list(range(0, 100, 5)), "events given back")


@test("a refused key ends with 4 at once, a dead server with 3")
def wrong_key_and_dead():
    with Folder() as folder, Server(lambda n, e: 401) as server:
        path = folder.file("x", lines_of(50000))
        done = run("import", path, "--host", server.host, code=4)
        conserved(done.ledger)
        is_true(done.ledger["accepted"] < 50000, "it did not read on")
        contains(done.err, "401", "reason")
        done = run("import", path, "--host", "http://127.0.0.1:1/",
                   "--retry-limit", "0", "--flush-interval-ms", "100", code=3)
        ledger = conserved(done.ledger)
        equal(ledger["delivered"], 0, "delivered")
        contains(done.err, "cannot reach http://127.0.0.1:1/", "reason")


@test("nothing is dropped where the queue is smaller than the file")
def back_pressure():
    with Folder() as folder, Server() as server:
        path = folder.file("x", lines_of(20000))
        done = run("import", path, "--max-queue-size", "100", "--flush-at",
                   "50", "--host", server.host, code=0)
        ledger = conserved(done.ledger)
        equal((ledger["delivered"], ledger["dropped"]), (20000, 0), "events")
        equal(len(server.events), 20000, "events that came")


@test("to this machine bodies are not packed unless that is asked for")
def unpacked():
    def packed(*words):
        with Server() as server:
            run("import", path, "--flush-at", "500", "--host", server.host,
                *words, code=0)
            equal(len(server.events), 5000, "events that came")
            return any(headers.get("Content-Encoding") == "gzip"
                       for headers, _ in server.requests)
    with Folder() as folder:
        path = folder.file("x", lines_of(5000))
        is_true(not packed(), "bodies are plain")
        is_true(packed("--compression", "auto"), "bodies are packed")


@test("a disabled import checks every record and leaves the position alone")
def disabled():
    with Folder() as folder, Server() as server:
        path = folder.file("x", lines_of(1000) + "{\n")
        position = folder.file("position", "earlier")
        done = run("import", path, "--position", position, "--enabled=false",
                   "--host", server.host, code=1)
        equal((done.ledger["accepted"], done.ledger["rejected"]), (0, 1),
              "accepted and rejected")
        contains(done.err, "enabled is false; events checked and forgotten: "
                 "1000", "stderr")
        equal(server.requests, [], "requests")
        with open(position) as file:
            equal(file.read(), "earlier", "the position")


@test("a server that fails now and then gets every event once")
def flapping():
    dice = random.Random(7)
    with Folder() as folder, Server(
            lambda n, e: 503 if dice.random() < 0.2 else 200) as server:
        path = folder.file("x", lines_of(20000))
        done = run("import", path, "--flush-at", "500", "--max-batch-events",
                   "500", "--host", server.host, code=0)
        equal(conserved(done.ledger)["delivered"], 20000, "delivered")
        equal(len(server.events), 20000, "events that came")


# ----------------------------------------------------------------- long runs

class Gate:
    """Answers `count` requests, then holds back."""

    def __init__(self, count):
        self.count = count
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self, number, events):
        if number > self.count:
            self.reached.set()
            self.open.wait(cli.PATIENCE_S)


def start(*words, home):
    return subprocess.Popen(cli.command("import", *words),
                            env=cli.environment(home), stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@test("Ctrl-C prints the ledger and the command that goes on where it ended")
def interrupted():
    gate = Gate(4)
    with Folder() as folder, Server(gate) as server:
        path = folder.file("x y.ndjson", lines_of(20000))
        words = (path, "--batch", "always", "--flush-at", "100",
                 "--max-batch-events", "100", "--max-in-flight", "1",
                 "--max-queue-size", "300", "--host", server.host)
        process = start(*words, home=folder.path)
        is_true(gate.reached.wait(cli.PATIENCE_S), "requests came")
        process.send_signal(signal.SIGINT)
        gate.open.set()
        out, err = process.communicate(timeout=cli.PATIENCE_S)
        done = cli.Done(process.returncode, out, err)
        equal(done.code, 130, "exit code")
        ledger = conserved(done.ledger)
        is_true(0 < ledger["delivered"] < 20000, f"delivered in {ledger}")
        contains(done.tries[0], f"datalyr import '{path}'", "way out")
        is_true(done.tries[0].endswith(" --resume"), "way out")
        before = len(server.events)
        env = cli.environment(folder.path)
        env["PATH"] = cli.BIN + ":" + env["PATH"]
        go_on = subprocess.run(["sh", "-c", done.tries[0]], env=env,
                               capture_output=True, timeout=cli.PATIENCE_S)
        rest = cli.Done(go_on.returncode, go_on.stdout, go_on.stderr)
        equal(rest.code, 0, f"exit code of {done.tries[0]}")
        equal(len(server.events), 20000, "every event once")
        equal(rest.ledger["accepted"] + before - rest.ledger["duplicates"],
              20000, "sent again only what was not settled")
        is_true(rest.ledger["duplicates"] <= 400, f"{rest.ledger}")
        third = run("import", *words, "--resume", home=folder.path, code=0)
        equal(third.ledger["accepted"], 0, "nothing is left to send")


@test("an import that is killed at random goes on and stores every event once")
def killed():
    dice = random.Random(3)
    with Folder() as folder, Server() as server:
        path = folder.file("x.ndjson", lines_of(6000))
        words = (path, "--rate", "20000", "--flush-at", "100",
                 "--max-batch-events", "100", "--host", server.host)
        for _ in range(5):
            process = start(*words, "--resume", home=folder.path)
            try:
                process.wait(dice.uniform(0.02, 0.1))
            except subprocess.TimeoutExpired:
                process.kill()
            process.communicate()
        done = run("import", *words, "--resume", home=folder.path, code=0)
        conserved(done.ledger)
        equal(len(server.events), 6000, "every event once")


@test("--resume reads a file from the beginning if it is another one")
def resume_other_file():
    with Folder() as folder, Server() as server:
        path = folder.file("x.ndjson", lines_of(100))
        words = (path, "--resume", "--host", server.host)
        first = run("import", *words, home=folder.path, code=0)
        equal(first.ledger["accepted"], 100, "first")
        folder.file("x.ndjson", lines_of(150))
        grown = run("import", *words, home=folder.path, code=0)
        equal(grown.ledger["accepted"], 50, "only what was added")
        folder.file("x.ndjson", lines_of(200, 1000))
        other = run("import", *words, home=folder.path, code=0)
        equal(other.ledger["accepted"], 200, "all of the other file")
        contains(other.err, "not the file that was interrupted", "note")
        equal(len(server.events), 350, "events")


@test("SIGUSR1 prints the state, a log gets a line now and then")
def state_on_request():
    gate = Gate(2)
    with Folder() as folder, Server(gate) as server:
        path = folder.file("x", lines_of(5000))
        process = start(path, "--batch", "always", "--flush-at", "100",
                        "--max-batch-events", "100", "--max-queue-size", "200",
                        "--progress-every", "0s", "--host", server.host,
                        home=folder.path)
        is_true(gate.reached.wait(cli.PATIENCE_S), "requests came")
        process.send_signal(signal.SIGUSR1)
        line = process.stderr.readline().decode()
        contains(line, "accepted=", "state")
        gate.open.set()
        out, err = process.communicate(timeout=cli.PATIENCE_S)
        equal(process.returncode, 0, "exit code")
        equal(err.count(b"\n"), 1, f"lines but the note about times: {err}")


@test("a terminal gets a bar that is taken away again, at most ten a second")
def bar():
    gate = Gate(40)
    with Folder() as folder, Server(gate) as server:
        path = folder.file("x", lines_of(20000))
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            cli.command("import", path, "--batch", "always", "--flush-at",
                        "100", "--max-batch-events", "100",
                        "--max-queue-size", "1000", "--host", server.host),
            env=cli.environment(folder.path), stdout=subprocess.PIPE,
            stderr=theirs)
        os.close(theirs)
        is_true(gate.reached.wait(cli.PATIENCE_S), "requests came")
        shown = b""
        while shown.count(b"[") < 6:  # the queue is full, the bar goes on
            shown += os.read(ours, 4096)
        gate.open.set()
        out = process.stdout.read()
        equal(process.wait(cli.PATIENCE_S), 0, "exit code")
        process.stdout.close()
        try:
            while chunk := os.read(ours, 4096):
                shown += chunk
        except OSError:
            pass  # how a terminal ends
        os.close(ours)
        done = cli.Done(0, out, shown)
        contains(done.err, "] ", "bar")
        contains(done.err, " left", "time left")
        frames = done.err.count("\r\033[K")
        is_true(frames <= done.ledger["seconds"] * 10 + 3,
                f"{frames} frames in {done.ledger['seconds']} s")
        equal(done.ledger["delivered"], 20000, "delivered")


@test("with --json everything on stdout is NDJSON, the ledger last")
def json_output():
    with Server() as server:
        done = run("import", "-", "--json", "--host", server.host, code=1,
                   data=(lines_of(10) + "nonsense\n").encode())
        equal([line["type"] for line in done.lines], ["rejected", "ledger"],
              "types")
        ledger = conserved(done.lines[-1])
        equal((ledger["accepted"], ledger["rejected"]), (10, 1), "ledger")
        equal(done.err, "", "stderr")


@test("--rate is held")
def rate():
    with Server() as server:
        done = run("import", "-", "--rate", "2000", "--host", server.host,
                   data=lines_of(1000).encode(), code=0)
        # A busy machine is slower, never faster.
        is_true(done.ledger["seconds"] >= 0.49, f"{done.ledger}")


@test("a pipe that is read from no more ends a dry run")
def closed_pipe():
    with Folder() as folder:
        path = folder.file("x", lines_of(200000))
        process = start(path, "--dry-run", home=folder.path)
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        equal(process.wait(cli.PATIENCE_S), 5, f"exit code, {err!r}")
        process.stderr.close()
        process.stdin.close()


if __name__ == "__main__":
    cli.main()
