# SPDX-License-Identifier: MIT
"""A store that this collector cannot read: it says so and touches nothing."""
import contextlib
import os
import sqlite3

from collector import Collector, equal, event, true
from tap import Tap

tap = Tap()


def change(collector, order, *values):
    with contextlib.closing(sqlite3.connect(store_of(collector))) as store:
        row = store.execute(order, values).fetchone()
        store.commit()
        return row[0] if row else None


def store_of(collector):
    return os.path.join(collector.folder, "store.db")


def set_format(collector, number):
    change(collector, "UPDATE setting SET value = ? WHERE name = 'format'",
           number.to_bytes(8, "little"))


def files_of(collector):
    """All events on disk, by file."""
    folder = store_of(collector) + ".events"
    found = {}
    for name in os.listdir(folder):
        if name != "lock":
            with open(os.path.join(folder, name), "rb") as file:
                found[name] = file.read()
    return found


def refusal(collector):
    """What a start that must fail says."""
    before = len(collector.stderr())
    files = files_of(collector)
    try:
        collector.start()
    except AssertionError:
        said = collector.stderr()[before:]
    else:
        raise AssertionError("it started")
    equal(files_of(collector), files, "files of events after the refusal")
    return said


def a_sealed_store_of_another_format_is_refused():
    with Collector("--partition-rows", "5") as collector:
        collector.send(*[event("view", i, userId="u", eventId="%d" % i)
                         for i in range(5)])
        while not change(collector, "SELECT max(is_sealed) FROM partition"):
            pass
        collector.stop()
        for number in (1, 3):
            set_format(collector, number)
            said = refusal(collector)
            for part in (store_of(collector), "format %d" % number,
                         "reads 2", ".events", "version that made it"):
                true(part in said, "%r is not in: %s" % (part, said))
        set_format(collector, 2)
        collector.start()
        equal(len(collector.events(user="u")), 5, "events of the user")


def an_early_store_without_a_sealed_file_is_taken_over():
    with Collector("--partition-rows", "5") as collector:
        collector.send(*[event("view", i, userId="u", eventId="%d" % i)
                         for i in range(4)])
        collector.stop()
        set_format(collector, 1)
        collector.start()
        collector.send(*[event("view", i, userId="u", eventId="%d" % i)
                         for i in range(2, 7)])
        while not change(collector, "SELECT max(is_sealed) FROM partition"):
            pass
        equal(len(collector.events(user="u")), 7, "events of the user")
        collector.stop()
        equal(change(collector, "SELECT value FROM setting "
                                "WHERE name = 'format'"),
              (2).to_bytes(8, "little"), "format")


def a_list_that_cannot_be_read_is_not_an_empty_one():
    with Collector() as collector:
        collector.send(event("view", userId="u", eventId="1"))
        collector.stop()
        size = change(collector, "PRAGMA page_size")
        for table in ("partition", "setting", "counter"):
            root = change(collector, "SELECT rootpage FROM sqlite_master "
                                     "WHERE name = ?", table)
            with open(store_of(collector), "r+b") as file:
                file.seek((root - 1) * size)
                page = file.read(size)
                file.seek(-size, os.SEEK_CUR)
                file.write(b"\xff" * size)
            said = refusal(collector)
            true("malformed" in said, "damaged %s: %s" % (table, said))
            with open(store_of(collector), "r+b") as file:
                file.seek((root - 1) * size)
                file.write(page)
        collector.start()
        equal(len(collector.events(user="u")), 1, "events of the user")


tap.check("a sealed store of another format is refused, with the way out",
          a_sealed_store_of_another_format_is_refused)
tap.check("an early store that has nothing sealed is taken over",
          an_early_store_without_a_sealed_file_is_taken_over)
tap.check("a damaged list of files is an error, not a store without files",
          a_list_that_cannot_be_read_is_not_an_empty_one)
tap.finish()
