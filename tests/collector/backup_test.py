# SPDX-License-Identifier: MIT
"""datalyrd backup: a copy of a store that is being written."""
import os
import shutil
import subprocess
import threading

from collector import BIN, Collector, equal, event, true
from tap import Tap

tap = Tap()


def back_up(collector, target, expect=0):
    done = subprocess.run(
        [os.path.join(BIN, "datalyrd"), "backup", "--store",
         "sqlite:" + collector.folder + "/store.db", target],
        capture_output=True, text=True)
    equal(done.returncode, expect, "exit code, " + done.stderr)
    return done


def restored(target):
    """A collector on a copy of the backup, under the name it looks for."""
    collector = Collector()
    shutil.copy(target, collector.folder + "/store.db")
    shutil.copytree(target + ".events", collector.folder + "/store.db.events")
    return collector


class Sender(threading.Thread):
    """Sends batches one after the other until it is told to stop."""

    def __init__(self, collector):
        super().__init__()
        self.client = Collector(folder=collector.folder)
        self.client.port = collector.port
        self.answered = 0
        self.is_over = False

    def run(self):
        while not self.is_over:
            self.client.send(*[
                event(userId="u%d" % (i % 7), anonymousId="a%d" % i,
                      eventId="e%07d" % i)
                for i in range(self.answered, self.answered + 50)])
            self.answered += 50
        self.client.close_connection()


def copies_hold_all_that_was_answered():
    with Collector("--partition-rows", "200", "--rate-limit",
                   "unlimited") as collector:
        sender = Sender(collector)
        sender.start()
        copies = []
        try:
            for n in range(4):
                while sender.answered < (n + 1) * 500:
                    true(sender.is_alive(), "the sender has failed")
                target = "%s/copy-%d" % (collector.folder, n)
                before = sender.answered
                back_up(collector, target)
                copies.append((target, before))
        finally:
            sender.is_over = True
            sender.join()
        equal(collector.stats()["events"], sender.answered, "ingest went on")
        for target, before in copies:
            with restored(target) as other:
                ids = [e["eventId"] for e in other.events()]
                equal(ids, ["e%07d" % i for i in range(len(ids))],
                      "the beginning of the order of arrival")
                true(before <= len(ids) <= sender.answered,
                     "%d of %d events" % (len(ids), before))
                answer = other.send(*[event(userId="u", eventId=i)
                                      for i in ids[::97]], event(userId="v"))
                equal(answer["accepted"], 1, "accepted by the restored store")


def keys_come_with_it():
    with Collector() as collector:
        key = subprocess.run(
            [os.path.join(BIN, "datalyrd"), "key", "add", "--store",
             "sqlite:" + collector.folder + "/store.db"],
            capture_output=True, text=True, check=True).stdout.strip()
        collector.send(event(userId="u", eventId="1"))
        collector.stop()
        target = collector.folder + "/copy"
        back_up(collector, target)
        equal(os.stat(target).st_mode & 0o077, 0, "rights of others")
        with restored(target) as other:
            equal(len(other.events()), 1, "events")
            equal(other.send(event(userId="u", eventId="2"),
                             key=key)["accepted"], 1, "accepted by that key")


def mistakes_are_said():
    with Collector() as collector:
        target = collector.folder + "/copy"
        back_up(collector, target)
        done = back_up(collector, target, expect=5)
        true("exists" in done.stderr, done.stderr)
        done = back_up(collector, collector.folder + "/no/folder", expect=5)
        true("no/folder" in done.stderr, done.stderr)
        for arguments in ([], ["a", "b"], ["--sotre", "x"]):
            done = subprocess.run(
                [os.path.join(BIN, "datalyrd"), "backup"] + arguments,
                capture_output=True, text=True)
            equal(done.returncode, 2, "exit code of %r" % arguments)
            true("usage:" in done.stderr, done.stderr)
        done = subprocess.run(
            [os.path.join(BIN, "datalyrd"), "backup", "--store",
             "sqlite:" + collector.folder + "/nothing", target + "2"],
            capture_output=True, text=True)
        equal(done.returncode, 5, "exit code without a store")
        true(not os.path.exists(collector.folder + "/nothing"),
             "a store was made")


tap.check("a backup under load restores to all that was answered before it",
          copies_hold_all_that_was_answered)
tap.check("keys are in the backup, and nobody else may read it",
          keys_come_with_it)
tap.check("a target that is there and a store that is not are errors",
          mistakes_are_said)
tap.finish()
