# SPDX-License-Identifier: MIT
"""The demo does what the README says, and leaves nothing behind."""
import os
import re
import subprocess
import tempfile

from example import (BUILD, PATIENCE_S, SOURCE, Collector, Run, Skip, Tap,
                     environment, equal, ledgers_of, path_of, true)


def run_demo(folder, **more):
    path_of("journey")
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith("DATALYR_")}
    return subprocess.run(
        [os.path.join(SOURCE, "tools", "demo.sh"), BUILD], text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=2 * PATIENCE_S,
        env={**clean, "TMPDIR": folder, **more})


def demo_delivers_a_day():
    with tempfile.TemporaryDirectory() as folder:
        # What somebody's shell may hold must not lead the demo astray.
        done = run_demo(folder, DATALYR_HOST="http://192.0.2.1/",
                        DATALYR_API_KEY="dk_somebody_elses",
                        http_proxy="http://192.0.2.1:3128")
        equal(done.returncode, 0, "exit code; " + done.stderr)
        last = done.stdout.splitlines()[-1]
        found = ledgers_of(last)
        equal(len(found), 1, "the last line is no ledger: " + last)
        total = found[0]
        true(50000 <= total["accepted"] <= 100000,
             "%d events" % total["accepted"])
        equal(total, {**dict.fromkeys(total, 0),
                      "accepted": total["accepted"],
                      "delivered": total["accepted"]}, "ledger")
        parts = ledgers_of(done.stdout)[:-1]
        equal(len(parts), 3, "ways in which events came")
        equal(sum(part["accepted"] for part in parts), total["accepted"],
              "sum of the parts")
        check_journey(done.stdout)
        equal(os.listdir(folder), [], "left behind")


def check_journey(text):
    """From an anonymous page view by a campaign to an order."""
    lines = text[text.index("Journey of "):].splitlines()
    true(re.match(r"Journey of customer_\d{5}$", lines[0]), lines[0])
    kinds = [line.split()[1] for line in lines
             if re.match(r"  \d\d:\d\d:\d\d  ", line)]
    equal(kinds[0], "page", "first step")
    equal(kinds[-1], "purchase", "last step")
    for kind in ("added_to_cart", "signup", "$identify", "checkout_started"):
        true(kind in kinds, "no %s in the journey" % kind)
    true(" from " in text, "no campaign in the journey")


def demo_says_what_is_missing():
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [os.path.join(SOURCE, "tools", "demo.sh"), folder], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        equal(done.returncode, 1, "exit code")
        true("make demo" in done.stderr, done.stderr)


def the_same_day_twice_is_one_day():
    with Collector() as collector:
        first = Run(collector, "shop_day", "--visitors", "200")
        again = Run(collector, "shop_day", "--visitors", "200")
        count = first.ledger["accepted"]
        true(count > 1000, "%d events" % count)
        equal(first.ledger["duplicates"], 0, "duplicates of the first run")
        if again.ledger["accepted"] != count:
            raise Skip("the day changed between two runs")
        equal(again.ledger["duplicates"], count,
              "duplicates of the second run")
        equal(collector.stats()["events"], count, "events stored")


def journey_shows_no_control_characters():
    hostile = "a\x1b]0;x\x07\x7f\u009b31m\u202eb\u2066c\nd"
    with Collector() as collector:
        collector.send({"event": hostile, "userId": "u/1 ?",
                        "properties": {hostile: hostile},
                        "timestamp": "2026-03-04T05:06:07.000Z"})
        done = subprocess.run(
            [path_of("journey"), collector.address, "u/1 ?"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE_S,
            env=environment(collector))
        equal(done.returncode, 0, "exit code; %r" % done.stderr)
        text = done.stdout.decode()
        true("a?]0;x???31m?b?c?d" in text, "not made harmless: %r" % text)
        true(not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e"
                           "\u2066-\u2069]", text), "%r" % text)


def journey_says_what_is_wrong():
    with Collector() as collector:
        nobody = Run(collector, "journey", collector.address, "nobody")
        equal(nobody.code, 1, "exit code for an unknown user")
        true("no event of this user" in nobody.err, nobody.err)
        nowhere = Run(collector, "journey", "http://127.0.0.1:1", "u")
        equal(nowhere.code, 1, "exit code without a collector")
        true("127.0.0.1:1" in nowhere.err, nowhere.err)


def main():
    tap = Tap()
    tap.check("demo: a day arrives in three ways and nothing is left behind",
              demo_delivers_a_day)
    tap.check("demo: it says what has to be built first",
              demo_says_what_is_missing)
    tap.check("shop_day: the same day twice is one day",
              the_same_day_twice_is_one_day)
    tap.check("journey: no control character reaches the terminal",
              journey_shows_no_control_characters)
    tap.check("journey: it says what is wrong", journey_says_what_is_wrong)
    tap.finish()


if __name__ == "__main__":
    main()
