# SPDX-License-Identifier: MIT
"""Disks that are full, read-only or gone, and the ceiling of journal_max_bytes.
The process goes on accepting, somebody is told once, and all of it arrives."""
import contextlib
import ctypes
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import harness  # noqa: E402
from files import dead_letters, folder, segments  # noqa: E402
from writers import drain  # noqa: E402
from harness import (  # noqa: E402
    Driver, Skipped, at_least, at_most, check_law, equal, is_true, test)

ILL = "always: status 503\n"


@contextlib.contextmanager
def small_disk(where, size="1m"):
    """A file system of its own in the folder, for everybody to see."""
    if os.geteuid() != 0:
        raise Skipped("only root may mount a small file system")
    libc = ctypes.CDLL(None, use_errno=True)
    disk = os.path.join(where, "disk")
    os.mkdir(disk)
    if libc.mount(b"none", disk.encode(), b"tmpfs", 0,
                  f"size={size},mode=700".encode()) != 0:
        raise Skipped("no small file system: "
                      + os.strerror(ctypes.get_errno()))
    try:
        yield disk
    finally:
        libc.umount2(disk.encode(), 2)


def told(driver):
    """How often somebody said that the journal cannot be written."""
    return sum("journal cannot be written" in line
               for line in driver.stderr.splitlines())


def fill(disk):
    """Leaves no byte on it."""
    with contextlib.suppress(OSError), \
            open(os.path.join(disk, "filler"), "wb", buffering=0) as filler:
        while filler.write(bytes(4096)):
            pass


def steps_until_full(count):
    return ("size:500", f"track:{count}", "stats", "pause", "close:20000")


def run_out(server, queue, count):
    """Records more than the disk holds, cures the server, and expects
    everything there."""
    server.set_rules(ILL)
    with Driver(server, *steps_until_full(count), journal_dir=queue,
                debug="true", max_requests_per_second="unlimited") as driver:
        before = driver.step("stats")
        check_law(before)
        equal(before["accepted"], count, "accepted on the full disk")
        equal(before["pending"], count, "waiting, in files and in memory")
        at_least(before["journal_errors"], 1, "errors counted")
        server.set_rules("")
        driver.step("pause")
        driver.go_on()
        end = driver.end()
    equal(end["delivered"], count, "delivered")
    equal(server.ledger()["stored"], count, "stored once")
    return driver


@test("on a full disk events go on being accepted, in memory, and all arrive")
def full_disk():
    with folder() as where, harness.Faultd("--batch", "500") as server, \
            small_disk(where, "1m") as disk:
        driver = run_out(server, os.path.join(disk, "queue"), 4000)
        equal(told(driver), 1, "lines about the disk")
        equal(os.listdir(os.path.join(disk, "queue")), [], "files left")


@test("a disk that is full from the start costs the files and nothing else")
def full_from_the_start():
    with folder() as where, harness.Faultd("--batch", "500") as server, \
            small_disk(where, "1m") as disk:
        queue = os.path.join(disk, "queue")
        os.mkdir(queue, 0o700)
        fill(disk)
        driver = run_out(server, queue, 2000)
        equal(told(driver), 1, "lines about the disk")


@test("a refused event whose dead letter the disk has no room for stays in the "
      "journal, and is buried by the next process")
def no_room_for_the_dead():
    with folder() as where, harness.Faultd("--batch", "500") as server, \
            small_disk(where, "8m") as disk:
        queue = os.path.join(disk, "queue")
        os.mkdir(queue, 0o700)
        server.set_rules("reject-name bad_event\n")
        with Driver(server, "bad:50", "track:200", "pause", "flush:0", "pause",
                    "close:0", journal_dir=queue, debug="true",
                    batch="always", flush_at="1000", flush_interval_ms="60000",
                    api_key="dk_test_journal_4711") as driver:
            driver.step("pause")
            fill(disk)
            driver.go_on()
            driver.wait_for_line("The dead letter could not be written")
            driver.step("pause")
            driver.go_on()
            end = driver.step("end")
            driver.process.wait(harness.PATIENCE_S)
        check_law(end)
        equal((end["pending"], sum(end["dropped"].values())), (4, 0), "left")
        equal(dead_letters(disk), [], "written on the full disk")
        os.unlink(os.path.join(disk, "filler"))
        ledger = drain(disk, server.url)
        equal((ledger["recovered"], ledger["dropped"]), (4, 4), "by the next")
        equal([event["event"] for event in dead_letters(disk)],
              ["bad_event"] * 4, "dead letters")
        equal(server.ledger()["stored"], 196, "stored once")


@test("when a full disk has room again, events are written to it again")
def room_again():
    with folder() as where, harness.Faultd("--batch", "500") as server, \
            small_disk(where, "48m") as disk:
        queue = os.path.join(disk, "queue")
        os.mkdir(queue, 0o700)
        fill(disk)
        server.set_rules(ILL)
        with Driver(server, "size:500", "track:500", "stats", "pause",
                    "track:20000", "stats", "pause", "close:20000",
                    journal_dir=queue,
                    max_requests_per_second="unlimited") as driver:
            driver.step("stats")
            equal(segments(disk), [], "files on the full disk")
            os.unlink(os.path.join(disk, "filler"))
            driver.step("pause")
            driver.go_on()
            equal(driver.step("stats")["accepted"], 20500, "accepted")
            at_least(len(segments(disk)), 1, "files when there was room")
            server.set_rules("")
            driver.step("pause")
            driver.go_on()
            equal(driver.end()["delivered"], 20500, "delivered")
        equal(server.ledger()["stored"], 20500, "stored once")


@test("a journal that is removed under the process costs the files and nothing "
      "else")
def removed():
    with folder() as where, harness.Faultd("--batch", "500") as server:
        queue = os.path.join(where, "queue")
        os.mkdir(queue, 0o700)
        server.set_rules(ILL)
        with Driver(server, "size:500", "track:1000", "pause", "track:6000",
                    "stats", "pause", "close:20000", journal_dir=queue,
                    max_requests_per_second="unlimited") as driver:
            driver.step("pause")
            shutil.rmtree(queue)
            driver.go_on()
            stats = driver.step("stats")
            equal(stats["accepted"], 7000, "accepted")
            at_least(stats["journal_errors"], 1, "errors counted")
            server.set_rules("")
            driver.step("pause")
            driver.go_on()
            equal(driver.end()["delivered"], 7000, "delivered")
        equal(server.ledger()["stored"], 7000, "stored once")


@test("on a read-only disk events wait in memory, and all arrive")
def read_only():
    with folder() as where, harness.Faultd("--batch", "500") as server, \
            small_disk(where, "8m") as disk:
        queue = os.path.join(disk, "queue")
        os.mkdir(queue, 0o700)
        libc = ctypes.CDLL(None, use_errno=True)
        equal(libc.mount(b"none", disk.encode(), b"tmpfs", 32 | 1,
                         b"size=8m"), 0, "read-only now")
        driver = run_out(server, queue, 1000)
        equal(told(driver), 1, "lines about the disk")


@test("a journal_dir that cannot be opened is an error of open that names it")
def forbidden():
    with folder() as where:
        path = os.path.join(where, "file")
        open(path, "w", encoding="utf-8").close()
        done = subprocess.run(
            [harness.program("driver"), "--set", "host=http://127.0.0.1:9/",
             "--set", f"journal_dir={path}", "track:1"],
            capture_output=True, text=True, timeout=harness.PATIENCE_S,
            env=harness.clean_environment())
        is_true(done.returncode != 0 and path in done.stderr,
                done.stderr[-300:])


def ceiling(overflow, *more, **settings):
    """6 MB of events against a journal of 2 MB and a server that is ill."""
    with folder() as where, harness.Faultd("--batch", "500") as server:
        queue = os.path.join(where, "queue")
        os.mkdir(queue, 0o700)
        server.set_rules(ILL)
        with Driver(server, "size:500", *more, "stats", "pause", "close:20000",
                    journal_dir=queue, journal_max_bytes="2MiB",
                    overflow=overflow, max_batch_bytes="64KiB",
                    max_requests_per_second="unlimited",
                    **settings) as driver:
            stats = driver.step("stats")
            check_law(stats)
            at_most(sum(os.path.getsize(name) for name in segments(where)),
                    2 << 20, "bytes of files")
            server.set_rules("")
            driver.step("pause")
            driver.go_on()
            end = driver.end()
        equal(end["delivered"], server.ledger()["stored"], "stored once")
        equal(segments(where), [], "files left")
        return stats, end


@test("at journal_max_bytes drop_oldest drops the oldest and says so")
def drop_oldest():
    stats, end = ceiling("drop_oldest", "track:8000")
    equal(stats["accepted"], 8000, "accepted")
    at_least(stats["dropped"]["queue_overflow"], 1000, "dropped")
    equal(end["delivered"] + end["dropped"]["queue_overflow"], 8000,
          "delivered and dropped")


@test("at journal_max_bytes refuse refuses what is new and keeps what is old")
def refuse():
    stats, end = ceiling("refuse", "track:8000")
    at_least(stats["refused"]["queue_full"], 1000, "refused")
    equal(end["delivered"], stats["accepted"], "delivered")


@test("at journal_max_bytes block waits for its time and refuses then")
def block():
    stats, end = ceiling("block", "track:4000", "track:3",
                         block_timeout_ms="1")
    at_least(stats["refused"]["queue_full"], 1, "refused after waiting")
    equal(end["delivered"], stats["accepted"], "delivered")


@test("a small journal has something to evict while requests are under way")
def small_journal():
    with folder() as where, harness.Faultd("--batch", "500") as server:
        queue = os.path.join(where, "queue")
        os.mkdir(queue, 0o700)
        server.set_rules("always: hold\n")
        with Driver(server, "size:500", "track:1300", "flush:0", "pause",
                    "track:4000", "stats", "pause", "close:20000",
                    journal_dir=queue,
                    journal_max_bytes="1MiB", batch="always",
                    flush_at="100000", flush_interval_ms="60000",
                    timeout_ms="60000",
                    max_requests_per_second="unlimited") as driver:
            driver.step("pause")
            server.wait_for(requests=1)
            driver.go_on()
            stats = driver.step("stats")
            check_law(stats)
            equal(stats["refused"]["queue_full"], 0, "refused")
            equal(stats["accepted"], 5300, "accepted")
            at_least(stats["in_flight"], 1, "in flight")
            server.set_rules("")
            server.release()
            driver.step("pause")
            driver.go_on()
            end = driver.end()
        equal(end["delivered"], server.ledger()["stored"], "stored once")


def parked_within(rule, count=300):
    """A server that is ill in some way for a while, and one process."""
    with folder() as where, harness.Faultd("--batch", "500") as server:
        queue = os.path.join(where, "queue")
        os.mkdir(queue, 0o700)
        server.set_rules(rule)
        with Driver(server, f"track:{count}", "pause", "flush:50000",
                    "close:20000", journal_dir=queue, flush_at="10",
                    flush_interval_ms="50",
                    max_requests_per_second="unlimited") as driver:
            driver.step("pause")
            server.wait_for(requests=2)
            equal(server.ledger()["stored"], 0, "stored by an ill server")
            server.set_rules("")
            driver.go_on()
            driver.step("flush")
            end = driver.end()
        equal((end["delivered"], sum(end["dropped"].values())), (count, 0),
              "delivered and dropped")
        equal(server.ledger()["stored"], count, "stored once")


@test("a wrong key drops nothing: the same process sends when it is right")
def wrong_key():
    parked_within("always: status 401\n")


@test("a key without permission drops nothing: the same process sends later")
def no_permission():
    parked_within("always: status 403\n")


@test("a long outage drops nothing: the same process sends when it is over")
def outage():
    parked_within("always: status 503\n")


@test("connections that are cut drop nothing: the same process sends later")
def dead_host():
    parked_within("always: close before-answer\n")


if __name__ == "__main__":
    harness.main()
