# SPDX-License-Identifier: MIT
"""An accepted event outlives its process: kills at random moments, damaged
files, full disks and many processes on one directory. What counts as accepted
was written down by the process after datalyr_track() returned."""
import contextlib
import glob
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "e2e"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
from files import dead_letters, folder, segments  # noqa: E402
from harness import at_least, at_most, equal, is_true, note, test  # noqa: E402
from writers import (  # noqa: E402
    acknowledged, check_law, drain, finish, kill_soon, start)

FAULTS = ("always 15%: status 503\n"
          "always 3%: close before-answer\n"
          "always 2%: commit-unanswered\n"
          "always 1%: hang\n")


def check_all_there(server, where, missing=0):
    """Each id that was accepted is on the server, stored once."""
    accepted = acknowledged(where)
    equal(len(set(accepted)), len(accepted), "ids written down twice")
    stored = {event["id"] for event in server.events() if event["stored"]}
    lost = [found for found in accepted if found not in stored]
    at_most(len(lost), missing, f"lost, such as {lost[:3]}")
    ledger = server.ledger()
    equal(ledger["stored"], len(stored), "stored once")
    return len(accepted)


def crash_matrix(runs):
    chance = random.Random(20261123)
    with folder() as where, harness.Faultd("--batch", "500") as server:
        for run in range(runs):
            server.set_rules(FAULTS)
            # Enough events for every moment of the kill, few enough that a
            # busy machine delivers them all in the end.
            settings = ["--count", "2000", "--linger",
                        "--set", "timeout_ms=300",
                        "--set", f"flush_at={chance.choice([1, 20, 200])}",
                        "--set", "batch="
                        + chance.choice(["auto", "always", "never"])]
            kill_soon(start(where, server.url, f"r{run}", 4, *settings),
                      chance, 0.12)
            if run % 100 == 99:
                server.set_rules("")
                check_law(drain(where, server.url))
        server.set_rules("")
        ledger = drain(where, server.url)
        check_law(ledger)
        equal(ledger["corrupt"], 0, "damaged records")
        count = check_all_there(server, where)
        equal(segments(where), [], "files left")
        note(f"{runs} kills, {count} events accepted, none missing")


@test("no event that was accepted is lost over 20 kills at random moments")
def crash_short():
    crash_matrix(20)


@test("no event that was accepted is lost over 500 kills at random moments",
      slow=True)
def crash_long():
    crash_matrix(500)


def many_processes(count, kills):
    chance = random.Random(41)
    with folder() as where, harness.Faultd("--batch", "500") as server:
        server.set_rules("always 10%: status 503\n")
        extra = ["--count", "200", "--set", "timeout_ms=500"]
        running = []
        for number in range(count):
            # A sanitizer's allocator may be locked for ever in a child.
            is_forked = number % 2 and not harness.SANITIZED
            forks = ["--fork"] if is_forked else []
            running.append(start(where, server.url, f"p{number}", 2, *extra,
                                 *forks, start_new_session=True))
        for process in chance.sample(running, kills):
            time.sleep(chance.uniform(0, 0.02))
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for process in running:
            out, _ = process.communicate(timeout=harness.PATIENCE_S)
            for line in out.splitlines():
                check_law(json.loads(line))
        server.set_rules("")
        check_law(drain(where, server.url))
        note(f"{check_all_there(server, where)} events accepted")
        equal(segments(where), [], "files left")


@test("16 processes, forked and independent, share one directory and lose "
      "nothing when some are killed")
def many_short():
    many_processes(16, 5)


@test("100 processes, forked and independent, share one directory and lose "
      "nothing when some are killed", slow=True)
def many_long():
    many_processes(100, 30)


def leave(where, server, prefix, threads, count, *extra):
    """A process whose events all stay in its files: the server is ill."""
    server.set_rules("always: status 503\n")
    ledger = finish(start(where, server.url, prefix, threads, "--count",
                          str(count), *extra))[0]
    server.set_rules("")
    check_law(ledger)
    equal(ledger["pending"], threads * count, "left in the files")
    return ledger


DEAD = "http://127.0.0.1:9/track"


@test("what a process could not send stays in its files, and the next one with "
      "the same destination sends it under the same ids")
def next_process():
    with folder() as where, harness.Faultd("--batch", "500") as server:
        leave(where, server, "a", 2, 500)
        is_true(segments(where), "files were left")
        ledger = drain(where, server.url)
        check_law(ledger)
        equal((ledger["recovered"], ledger["delivered"]), (1000, 1000),
              "recovered and delivered")
        equal(check_all_there(server, where), 1000, "accepted")
        equal(os.listdir(os.path.join(where, "queue")), [], "files left")


@test("a journal for another destination is left alone")
def other_destination():
    with folder() as where, harness.Faultd() as server, \
            harness.Faultd() as other:
        leave(where, other, "a", 1, 100)
        before = segments(where)
        ledger = drain(where, server.url, "--expect-nothing")
        equal((ledger["recovered"], segments(where)), (0, before),
              "recovered, and files")


@test("a flipped bit costs the record it is in and no other, and is counted")
def flipped_bits():
    chance = random.Random(7)
    with folder() as where, harness.Faultd("--batch", "500") as server:
        leave(where, server, "a", 1, 3000)
        flips = 0
        for name in segments(where):
            data = bytearray(open(name, "rb").read())
            for _ in range(3):
                at = chance.randrange(128, len(data))
                data[at] ^= 1 << chance.randrange(8)
                flips += 1
            open(name, "wb").write(data)
        ledger = drain(where, server.url)
        check_law(ledger)
        at_most(ledger["corrupt"], flips, "damaged records counted")
        lost = 3000 - ledger["delivered"]
        at_most(lost, flips, "records lost")
        check_all_there(server, where, missing=flips)
        note(f"{flips} bits flipped, {lost} records lost, "
             f"{ledger['corrupt']} counted")
        equal(segments(where), [], "files left")
        if ledger["corrupt"]:
            is_true(glob.glob(os.path.join(where, "queue", "*.damaged")),
                    "the damaged bytes were set aside")


@test("one flipped bit in the head of a segment costs nothing")
def flipped_head():
    with folder() as where, harness.Faultd() as server:
        leave(where, server, "a", 1, 100)
        name = segments(where)[0]
        data = bytearray(open(name, "rb").read())
        data[random.Random(5).randrange(64)] ^= 1
        open(name, "wb").write(data)
        ledger = drain(where, server.url)
        equal((ledger["recovered"], ledger["delivered"], ledger["corrupt"]),
              (100, 100, 0), "recovered, delivered, corrupt")


@test("a file cut off anywhere gives back every record before the cut")
def torn():
    chance = random.Random(11)
    with folder() as where, harness.Faultd("--batch", "500") as server:
        leave(where, server, "a", 1, 2000)
        name = segments(where)[-1]
        size = os.path.getsize(name)
        cut = chance.randrange(size // 2, size)
        os.truncate(name, cut)
        ledger = drain(where, server.url)
        check_law(ledger)
        at_least(ledger["delivered"], 2000 - (size - cut) // 200 - 2,
                 "records that stood before the cut")
        at_most(ledger["corrupt"], 1, "records torn")


@test("a hole of zeros in the middle, as a power cut leaves it, costs the "
      "records in it and none behind it")
def hole():
    with folder() as where, harness.Faultd("--batch", "500") as server:
        leave(where, server, "a", 1, 2000)
        name = segments(where)[0]
        with open(name, "r+b") as data:
            data.seek(8192)
            data.write(bytes(4096))
        ledger = drain(where, server.url)
        check_law(ledger)
        at_least(ledger["delivered"], 2000 - 4096 // 100 - 2, "delivered")
        last = "a-0-00001999"
        is_true(last in {event["id"] for event in server.events()
                         if event["stored"]}, "the last event is there")


def limit_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


@test("where no file can be made (RLIMIT_FSIZE), events wait in memory, and a "
      "counter says so")
def file_limit():
    with folder() as where, harness.Faultd("--batch", "500") as server:
        os.mkdir(os.path.join(where, "queue"), 0o700)
        process = subprocess.Popen(
            [harness.program("driver"), "--set", f"host={server.url}",
             "--set", f"journal_dir={where}/queue", "track:1000", "stats",
             "close:20000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=harness.clean_environment(),
            preexec_fn=limit_files)
        out, err = process.communicate(timeout=harness.PATIENCE_S)
        equal(process.returncode, 0, f"exit code ({err[-300:]})")
        end = json.loads(out.splitlines()[-1])
        equal((end["accepted"], end["delivered"]), (1000, 1000),
              "accepted and delivered")
        equal(server.ledger()["stored"], 1000, "stored")


@test("a directory that others may write to is refused at open")
def open_directory():
    with folder() as where:
        os.mkdir(os.path.join(where, "queue"), 0o777)
        os.chmod(os.path.join(where, "queue"), 0o777)
        process = start(where, DEAD, "a", 1, "--count", "1")
        _, err = process.communicate(timeout=harness.PATIENCE_S)
        is_true(process.returncode != 0 and "chmod 700" in err, err)


@test("a 401 drops nothing: the events rest in the journal until the key works")
def parked():
    with folder() as where, harness.Faultd("--batch", "500") as server:
        server.set_rules("always: status 401\n")
        process = start(where, server.url, "a", 1, "--count", "300")
        check_law(finish(process)[0])
        server.set_rules("")
        ledger = drain(where, server.url)
        equal(ledger["delivered"], 300, "delivered after the key worked")
        check_all_there(server, where)


@test("events older than journal_max_age_ms are dropped as journal_expired")
def expired():
    with folder() as where, harness.Faultd() as server:
        leave(where, server, "a", 1, 50)
        for name in segments(where):
            age_head(name, 8 * 24 * 3600 * 1000)
        ledger = drain(where, server.url)
        check_law(ledger)
        equal((ledger["expired"], ledger["delivered"]), (50, 0),
              "expired and delivered")


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def age_head(name, age_ms):
    """Moves the time in both copies of a segment's head into the past, as if it
    came from before a reboot."""
    with open(name, "r+b") as data:
        for copy in (0, 64):
            data.seek(copy)
            head = bytearray(data.read(64))
            made = int.from_bytes(head[24:32], sys.byteorder)
            head[24:32] = (made - age_ms).to_bytes(8, sys.byteorder)
            head[48:60] = bytes(12)
            head[60:64] = crc32c(head[:60]).to_bytes(4, sys.byteorder)
            data.seek(copy)
            data.write(head)


def bury(rule, reason):
    """Four bad events among 200, and a server that takes the others."""
    with folder() as where, harness.Faultd("--batch", "500") as server:
        server.set_rules(rule)
        os.mkdir(os.path.join(where, "queue"), 0o700)
        end = harness.drive(server, "bad:50", "track:200", "close:30000",
                            journal_dir=os.path.join(where, "queue"),
                            max_requests_per_second="unlimited")
        equal((end["accepted"], end["delivered"], end["dropped"][reason]),
              (200, 196, 4), "accepted, delivered and dropped")
        equal([event["event"] for event in dead_letters(where)],
              ["bad_event"] * 4, "dead letters")


@test("an event that the server refuses for good goes to the dead-letter file, "
      "and the others arrive")
def dead_letter():
    bury("400-if-name bad_event\n", "permanent_client_error")


@test("an event that a batch's answer rejects goes to the dead-letter file, "
      "and the others arrive")
def rejected():
    bury("reject-name bad_event\n", "rejected_by_server")


@test("journal_sync=always returns after the disk has it: every id written down "
      "survives although nothing else was synced")
def always():
    with folder() as where, harness.Faultd("--batch", "500") as server:
        server.set_rules("always: status 503\n")
        process = start(where, server.url, "a", 8, "--set",
                        "journal_sync=always")
        while len(acknowledged(where)) < 200:
            time.sleep(0.01)
        kill_soon(process, random.Random(3), 0.01)
        server.set_rules("")
        check_law(drain(where, server.url))
        at_least(check_all_there(server, where), 200, "events accepted")


def cut_power(where, server, sync, threads, count):
    """Runs a process whose disk keeps only what was synced, kills it when it
    has recorded all (and the interval's sync came), and puts that disk in the
    journal's place."""
    disk = os.path.join(where, "disk")
    os.mkdir(disk, 0o700)
    environment = harness.clean_environment(
        LD_PRELOAD=os.path.join(harness.BUILD, "tests", "libpowercut.so"),
        POWERCUT_DIR=disk)
    process = subprocess.Popen(
        [harness.program("journaler"), os.path.join(where, "queue"),
         server.url, os.path.join(where, "acks-a"), "a", str(threads),
         "--count", str(count), "--linger", "--set", f"journal_sync={sync}",
         "--set", "journal_sync_interval_ms=50"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment)
    equal(process.stdout.readline(), "done\n", "what the process says")
    if sync == "interval":
        wait_for_syncs(where)
    process.kill()
    process.communicate(timeout=harness.PATIENCE_S)
    shutil.rmtree(os.path.join(where, "queue"))
    os.rename(disk, os.path.join(where, "queue"))


def wait_for_syncs(where):
    """Until every event that was accepted is on the disk."""
    disk = os.path.join(where, "disk")
    while True:
        found = sum(open(os.path.join(disk, name), "rb").read()
                    .count(b"accepted before the kill")
                    for name in os.listdir(disk))
        if found == len(acknowledged(where)):
            return
        time.sleep(0.02)


@test("a power cut takes nothing that journal_sync=always returned for")
def power_always():
    if harness.SANITIZED:
        raise harness.Skipped("a preloaded library and a sanitizer")
    with folder() as where, harness.Faultd("--batch", "500") as server:
        server.set_rules("always: status 503\n")
        cut_power(where, server, "always", 4, 200)
        server.set_rules("")
        check_law(drain(where, server.url))
        equal(check_all_there(server, where), 800, "events accepted")


@test("a power cut takes nothing older than the last sync of "
      "journal_sync=interval")
def power_interval():
    if harness.SANITIZED:
        raise harness.Skipped("a preloaded library and a sanitizer")
    with folder() as where, harness.Faultd("--batch", "500") as server:
        server.set_rules("always: status 503\n")
        cut_power(where, server, "interval", 2, 1000)
        server.set_rules("")
        check_law(drain(where, server.url))
        equal(check_all_there(server, where), 2000, "events accepted")


@test("journal_sync=none keeps no promise against a power cut, and the test can "
      "tell")
def power_none():
    if harness.SANITIZED:
        raise harness.Skipped("a preloaded library and a sanitizer")
    with folder() as where, harness.Faultd("--batch", "500") as server:
        server.set_rules("always: status 503\n")
        cut_power(where, server, "none", 2, 500)
        server.set_rules("")
        ledger = drain(where, server.url, "--expect-nothing")
        equal(ledger["recovered"], 0, "recovered")


if __name__ == "__main__":
    harness.main()
