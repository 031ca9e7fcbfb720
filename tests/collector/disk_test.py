# SPDX-License-Identifier: MIT
"""A store that cannot be written: the answer is 503 and nothing of the request
is kept, what was confirmed stays readable, and it goes on by itself when the
disk is well again."""
import contextlib
import ctypes
import os
import resource
import shutil
import subprocess
import tempfile

from collector import (BIN, PATIENCE_S, SANITIZED, Collector, equal, event,
                       true)
from tap import Skip, Tap

tap = Tap()
FULL, BROKEN, READ_ONLY = 28, 5, 30
TEXT = "x" * 900
ILLDISK = os.path.join(os.environ.get("DATALYR_BUILD", ""), "tests",
                       "libilldisk.so")


@contextlib.contextmanager
def small_disk(size, flags=0):
    """A file system of its own, with a folder beside it for what else there
    is to write."""
    if os.geteuid() != 0:
        raise Skip("only root may mount a small file system")
    libc = ctypes.CDLL(None, use_errno=True)
    with tempfile.TemporaryDirectory(prefix="datalyrd-disk-") as where:
        disk = os.path.join(where, "disk")
        os.mkdir(disk)
        if libc.mount(b"none", disk.encode(), b"tmpfs", flags,
                      ("size=%s,mode=700" % size).encode()) != 0:
            raise Skip("no small file system: " +
                       os.strerror(ctypes.get_errno()))
        try:
            yield where, disk
        finally:
            libc.umount2(disk.encode(), 2)


def fill(disk):
    """Leaves no byte on it; returns the file that took them."""
    path = os.path.join(disk, "filler")
    with contextlib.suppress(OSError), open(path, "wb",
                                            buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass
    return path


class Sender:
    """Sends numbered events, and knows which of them were confirmed."""

    def __init__(self, collector):
        self.collector = collector
        self.confirmed = []
        self.next = 0

    def send(self, count):
        """One batch; its status. Refused events are sent again next time."""
        made = [event(userId="u%d" % (n % 7), eventId="e-%d" % n,
                      properties={"n": n, "text": TEXT})
                for n in range(self.next, self.next + count)]
        answer = self.collector.post("/batch", {"events": made})
        if answer.status == 200:
            equal((answer.json["accepted"], answer.json["duplicates"]),
                  (count, 0), "verdicts: what was refused was not kept")
            self.confirmed += [e["eventId"] for e in made]
            self.next += count
        else:
            equal(answer.status, 503, "status of %r" % answer)
            true(1 <= int(answer.headers["retry-after"]) <= 30, "Retry-After")
            equal(answer.json["success"], False, "success")
        return answer.status

    def send_until_refused(self, count, most=3000):
        for _ in range(most):
            if self.send(count) == 503:
                return
        raise AssertionError("the disk never becomes full")

    def send_until_taken(self, count):
        """Tries again as a sender would: the store looks once a second."""
        for _ in range(20000):
            if self.send(count) == 200:
                return
        raise AssertionError("it does not go on")

    def check_ill(self, what):
        """A file may be caught by the illness half way between two forms: then
        nobody is told half of the truth."""
        answer = self.collector.get("/api/v1/events?limit=1000")
        if answer.status != 503:
            self.check(what)
        else:
            true(1 <= int(answer.headers["retry-after"]) <= 30, "Retry-After")

    def check_well(self, what):
        """The sealer looks once a second for what the illness left behind."""
        for _ in range(20000):
            if self.collector.get("/api/v1/events").status != 503:
                break
        self.check(what)

    def check(self, what):
        """What was confirmed is there, once, and nothing else."""
        found = [e["eventId"] for e in self.collector.events()]
        equal(found, self.confirmed, what + ": events")
        equal(self.collector.stats()["events"], len(self.confirmed),
              what + ": their number")
        equal(self.collector.stats()["duplicates"], 0, what + ": duplicates")
        mine = [e for e in self.confirmed if int(e[2:]) % 7 == 3]
        equal([e["eventId"] for e in self.collector.events(user="u3")], mine,
              what + ": events of a user")


def store_on(disk, *more):
    return ("--store", "sqlite:" + os.path.join(disk, "store.db"),
            "--rate-limit", "unlimited") + more


def full_disk_refuses_and_recovers():
    with small_disk("6m") as (where, disk):
        filler = os.path.join(disk, "filler")
        with open(filler, "wb") as file:
            file.write(bytes(2 << 20))
        with Collector(*store_on(disk), folder=where) as collector:
            sender = Sender(collector)
            sender.send_until_refused(100)
            for _ in range(5):
                equal(sender.send(100), 503, "status on the full disk")
            sender.check("on the full disk")
            true(len(sender.confirmed) > 500, "it held %d events"
                 % len(sender.confirmed))
            equal(collector.get("/healthz").status, 200, "healthz")
            os.unlink(filler)
            for _ in range(5):
                equal(sender.send(100), 200, "status when there is room")
            sender.check("when there was room again")
            sender.send_until_refused(100)
            collector.kill()
            collector.start()
            sender.check("after kill -9 on the full disk")
            equal(collector.stop()["accepted"], 0, "ledger of the last run")


def full_disk_does_not_hang_the_sealer():
    """Small partitions: there is one to seal when the disk is full."""
    with small_disk("8m") as (where, disk):
        filler = os.path.join(disk, "filler")
        with open(filler, "wb") as file:
            file.write(bytes(3 << 20))
        with Collector(*store_on(disk, "--partition-rows", "60"),
                       folder=where) as collector:
            sender = Sender(collector)
            sender.send_until_refused(30)
            for _ in range(20):
                sender.send(30)
            sender.check("on the full disk")
            # It still ends in order.
            collector.stop()
            os.unlink(filler)
            collector.start()
            sender.send_until_taken(30)
            sender.check("when there was room again")
            for _ in range(10):
                sender.send_until_taken(30)
            sender.check("later")


def ill_disk(where):
    if SANITIZED:
        raise Skip("a sanitizer wants to be loaded first itself")
    if not os.path.exists(ILLDISK):
        raise Skip("needs the library of this test")
    return ["env", "LD_PRELOAD=" + ILLDISK, "ILLDISK_DIR=" + where + "/store",
            "ILLDISK_ORDER=" + where + "/order"]


def disk_falls_ill(kind, code):
    with tempfile.TemporaryDirectory(prefix="datalyrd-ill-") as where:
        def order(text):
            with open(where + "/order.new", "w") as file:
                file.write(text)
            os.rename(where + "/order.new", where + "/order")

        with Collector("--rate-limit", "unlimited", "--partition-rows", "80",
                       folder=where, wrapper=ill_disk(where)) as collector:
            sender = Sender(collector)
            for _ in range(6):
                equal(sender.send(25), 200, "status on a good disk")
            order("%s %d" % (kind, code))
            # Of a group that cannot be synced, none is confirmed.
            sender.send_until_refused(25)
            for _ in range(30):
                equal(sender.send(25), 503, "status on the ill disk")
            sender.check_ill("on the ill disk")
            os.unlink(where + "/order")
            for _ in range(12):
                sender.send_until_taken(25)
            sender.check_well("on the good disk again")
            collector.kill()
            collector.start()
            sender.check("after kill -9")
            order("%s %d" % (kind, code))
            sender.send_until_refused(25)
            collector.stop()


def sealing_waits_for_the_disk():
    """Illness for long enough that many partitions could not be sealed: it
    refuses, neither hangs nor grows, and seals them all in the end."""
    with tempfile.TemporaryDirectory(prefix="datalyrd-ill-") as where:
        with Collector("--rate-limit", "unlimited", "--partition-rows", "10",
                       folder=where, wrapper=ill_disk(where)) as collector:
            sender = Sender(collector)
            with open(where + "/order", "w") as file:
                file.write("seal %d" % FULL)
            sender.send_until_refused(10)
            true(30 <= len(sender.confirmed) <= 100,
                 "%d events in partitions that are not sealed"
                 % len(sender.confirmed))
            sender.check("while nothing is sealed")
            collector.stop()
            collector.start()
            sender.check("after a restart")
            sender.send_until_refused(10)
            os.unlink(where + "/order")
            for _ in range(40):
                sender.send_until_taken(10)
            sender.check("when it is well")


def size_limit_is_like_a_full_disk():
    """`ulimit -f` reached: no signal ends the collector."""
    with Collector("--rate-limit", "unlimited") as collector:
        sender = Sender(collector)
        for _ in range(4):
            equal(sender.send(50), 200, "status")
        used = max(entry.stat().st_size for entry in
                   os.scandir(collector.folder + "/store.db.events"))
        pid = collector.process.pid
        free = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE,
                         (used + 100000, free[1]))
        sender.send_until_refused(50)
        equal(sender.send(50), 503, "status beyond the limit")
        sender.check("beyond the limit")
        # There is no log: stderr says why, and does not repeat it.
        equal(len([line for line in collector.stderr().splitlines()
                   if line.startswith("datalyrd: store: ")]), 1, "complaints")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, free)
        sender.send_until_taken(50)
        sender.check("without a limit")


def read_only_store_is_named():
    with small_disk("1m", flags=1) as (where, disk):
        done = subprocess.run(
            [os.path.join(BIN, "datalyrd"), "--listen", "127.0.0.1:0",
             *store_on(disk)], capture_output=True, text=True,
            timeout=PATIENCE_S)
        equal(done.returncode, 5, "exit code")
        true(disk in done.stderr, "the path is in " + done.stderr)
        equal(done.stdout, "", "start lines")


def start_on_a_full_disk_waits_for_room():
    """What a start cannot write it tries again: no restart is needed."""
    with tempfile.TemporaryDirectory(prefix="datalyrd-ill-") as where:
        with Collector("--rate-limit", "unlimited", "--partition-rows", "40",
                       folder=where, wrapper=ill_disk(where)) as collector:
            sender = Sender(collector)
            for _ in range(10):
                equal(sender.send(25), 200, "status")
            collector.kill()
            events = where + "/store.db.events"
            # The partitions are on a disk that is not there yet.
            os.rename(events, events + ".away")
            os.mkdir(events)
            os.chmod(events, 0o700)
            with open(events + "/00000001.db", "wb") as file:
                file.write(b"this is no database" * 100)
            collector.start()
            equal(sender.send(25), 503, "status without the partitions")
            for path in ("/readyz", "/api/v1/stats", "/api/v1/events",
                         "/api/v1/users/u1", "/api/v1/events/stream"):
                equal(collector.get(path).status, 503, path)
            equal(collector.get("/healthz").status, 200, "healthz")
            shutil.rmtree(events)
            os.rename(events + ".away", events)
            sender.send_until_taken(25)
            equal(collector.get("/readyz").status, 200, "readyz")
            sender.check("with them")
            collector.restart()
            sender.check("after a restart")


tap.check("on a full disk: 503, nothing kept, all confirmed readable, and it "
          "goes on when there is room", full_disk_refuses_and_recovers)
tap.check("a full disk stops the sealing and neither senders nor the end",
          full_disk_does_not_hang_the_sealer)
for kind, code, name in (("write", FULL, "full"),
                         ("write", BROKEN, "broken"),
                         ("write", READ_ONLY, "read-only"),
                         ("sync", BROKEN, "unable to sync")):
    tap.check("a disk that becomes %s: 503 while it is, nothing lost, nothing "
              "twice" % name, disk_falls_ill, kind, code)
tap.check("partitions that could not be sealed are, when the disk is well",
          sealing_waits_for_the_disk)
tap.check("a limit on the size of files is like a full disk",
          size_limit_is_like_a_full_disk)
tap.check("a store on a read-only disk ends the start with its name",
          read_only_store_is_named)
tap.check("partitions that cannot be read at the start are tried again",
          start_on_a_full_disk_waits_for_room)
tap.finish()
