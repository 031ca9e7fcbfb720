# SPDX-License-Identifier: MIT
"""One fault at a time: what the server does wrong, and what becomes of the
events. Every test holds the client's ledger against the server's."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
from harness import at_least, at_most, drive, equal, is_true, test  # noqa: E402

FAST = {"max_requests_per_second": "unlimited"}
ROOMY = {"max_queue_size": 50000, "overflow": "block", **FAST}
BATCHES = {"batch": "always", "flush_at": 50, "max_batch_events": 50, **ROOMY}
KEY = "dk_live_0123456789abcdef"


@test("a slow server gets every event once, ten requests at a time")
def slow():
    with harness.Faultd("--rule", "delay 50ms") as server:
        end = drive(server, "track:100", "close:60000", **ROOMY)
        ledger = server.ledger()
        harness.check_all_delivered(end, ledger, 100)
        equal((ledger["duplicates"], ledger["max_concurrent"]), (0, 10),
              "duplicates and requests at once")


@test("an answer that comes byte by byte is an answer")
def drip():
    with harness.Faultd("--rule", "slow 1KiB/s") as server:
        end = drive(server, "track:10", "close:60000", **ROOMY)
        ledger = server.ledger()
        harness.check_all_delivered(end, ledger, 10)
        equal(ledger["requests"], 10, "requests")


@test("a server that is not there yet gets what waited for it")
def late():
    port = None
    with harness.Faultd() as first:
        port = first.port
    with harness.Driver(f"http://127.0.0.1:{port}/track", "track:50",
                        "flush:50", "pause", "flush:60000", "close",
                        flush_at=1, **ROOMY) as driver:
        equal(driver.step("flush")["result"], 50, "left without a server")
        driver.step("pause")
        with harness.Faultd("--listen", f"127.0.0.1:{port}") as server:
            driver.go_on()
            equal(driver.step("flush")["result"], 0, "left with a server")
            harness.check_all_delivered(driver.end(), server.ledger(), 50)


@test("a hung request is given up at its time-out and sent again")
def hung():
    with harness.Faultd("--rule", "next 3: hang") as server:
        end = drive(server, "track:50", "close:60000", timeout_ms=1000, **ROOMY)
        ledger = server.ledger()
        harness.check_all_delivered(end, ledger, 50)
        equal((ledger["unanswered"], ledger["requests"], end["retries"]),
              (3, 53, 3), "unanswered, requests, retries")


@test("one request that gets no answer does not hold the others back")
def one_of_many():
    with harness.Faultd("--rule", "next 1: hold") as server:
        with harness.Driver(server, "track:500", "close:60000",
                            **ROOMY) as driver:
            server.wait_for(held=1, answered_2xx=499)
            server.release()
            end = driver.end()
        harness.check_all_delivered(end, server.ledger(), 500)
        equal(server.ledger()["requests"], 500, "requests")


@test("failing requests wait for their retry without holding others back")
def retries_do_not_block():
    with harness.Faultd("--rule", "next 20: 503") as server:
        with harness.Driver(server, "track:500", "close:60000",
                            **ROOMY) as driver:
            end = driver.end()
        harness.check_all_delivered(end, server.ledger(), 500)
        answers = [request["status"] for request in server.requests()]
        equal(answers[20:500], [200] * 480, "answers after the failures")


@test("one answer in five is 503: nothing is lost, nothing comes twice")
def flapping():
    with harness.Faultd("--rule", "20%: 503") as server:
        with harness.Driver(server, "track:1000", "close:60000",
                            max_queue_size=2000) as driver:
            closed = driver.step("close")
            end = driver.end()
        ledger = server.ledger()
        harness.check_all_delivered(end, ledger, 1000)
        equal(ledger["duplicates"], 0, "duplicates")
        harness.note("1,000 events single, 20 % of 503: close "
                     f"{closed['ms']} ms, {ledger['requests']} requests")
        at_most(closed["ms"], 30000, "ms to close")
        # Each event fails a quarter of a time on average before it succeeds.
        at_most(ledger["requests"], 1600, "requests")
        equal(end["hooks"]["errors"], ledger["answered_other"],
              "failures told to on_error")


@test("one answer in five is 503: batches of 50 lose nothing either")
def flapping_batches():
    with harness.Faultd("--batch", "50", "--rule", "20%: 503") as server:
        with harness.Driver(server, "track:1000", "close:60000",
                            **BATCHES) as driver:
            closed = driver.step("close")
            end = driver.end()
        ledger = server.ledger()
        harness.check_all_delivered(end, ledger, 1000)
        equal(ledger["duplicates"], 0, "duplicates")
        harness.note(f"1,000 events in batches of 50: close {closed['ms']} ms")


def holds_all_sending(rule, window_ms):
    """Ten requests are in flight when the server says how long it wants to be
    left alone. Nothing else arrives in that time."""
    with harness.Faultd("--rule", f"hold {rule}") as server:
        with harness.Driver(server, "track:100", "close:60000", flush_at=1,
                            **ROOMY) as driver:
            server.wait_for(held=10)
            server.set_rules("")
            server.release()
            end = driver.end()
        harness.check_all_delivered(end, server.ledger(), 100)
        times = [request["at_ms"] for request in server.requests()]
        equal(len(times), 110, "requests")
        # The answers left after the tenth request came.
        at_least(times[10] - times[9], window_ms, "ms without any request")


@test("429 with Retry-After: only what was in flight arrives in the window")
def retry_after_429():
    holds_all_sending("429 retry-after 2", 2000)


@test("503 with Retry-After holds all sending, too")
def retry_after_503():
    holds_all_sending("503 retry-after 1", 1000)


@test("Retry-After may be a date")
def retry_after_date():
    # A date has whole seconds, rounded up: never less than what was asked.
    holds_all_sending("429 retry-after-date 1s", 900)


@test("neither flush nor close ends a Retry-After before its time")
def flush_respects_retry_after():
    with harness.Faultd("--rule", "next 1: 429 retry-after 60") as server:
        with harness.Driver(server, "track:1", "pause", "flush:500",
                            "close:500", flush_at=1) as driver:
            server.wait_for(answered_other=1)
            driver.go_on()
            equal(driver.step("flush")["result"], 1, "left by flush")
            equal(driver.step("close")["result"], 1, "left by close")
            equal(driver.end()["dropped"]["close_timeout"], 1, "handed back")
        equal(server.ledger()["requests"], 1, "requests")


@test("429 without Retry-After is tried again after a pause")
def plain_429():
    with harness.Faultd("--rule", "next 5: 429") as server:
        end = drive(server, "track:20", "close:60000", **ROOMY)
        harness.check_all_delivered(end, server.ledger(), 20)
        equal(server.ledger()["requests"], 25, "requests")


@test("committed but unanswered: sent again, stored once (single events)")
def unanswered_single():
    with harness.Faultd("--rule", "commit-unanswered 5%") as server:
        end = drive(server, "track:1000", "close:60000", **ROOMY)
        ledger = server.ledger()
        harness.check_all_delivered(end, ledger, 1000)
        at_least(ledger["unanswered"], 20, "unanswered")
        equal(ledger["duplicates"], ledger["unanswered"], "stored again")
        at_most(end["duplicates"], ledger["duplicates"],
                "duplicates the client was told of")


@test("committed but unanswered: sent again, stored once (batches)")
def unanswered_batches():
    with harness.Faultd("--batch", "50", "--rule",
                        "commit-unanswered 20%") as server:
        end = drive(server, "track:2000", "close:60000", **BATCHES)
        ledger = server.ledger()
        harness.check_all_delivered(end, ledger, 2000)
        at_least(ledger["duplicates"], 50, "stored again")


def add_broken_connections(fault):
    @test(f"requests that end with '{fault}' lose nothing")
    def broken():
        for mode in (ROOMY, BATCHES):
            with harness.Faultd("--batch", "50", "--rule",
                                f"next 3: {fault}") as server:
                end = drive(server, "track:200", "close:60000", **mode)
                harness.check_all_delivered(end, server.ledger(), 200)


for how in ("reset", "close before-answer", "close half-way",
            "close after-headers", "body half"):
    add_broken_connections(how)


@test("a server that closes after each answer gets everything once")
def no_keep_alive():
    with harness.Faultd("--rule", "close after-answer") as server:
        end = drive(server, "track:200", "close:60000", **ROOMY)
        ledger = server.ledger()
        harness.check_all_delivered(end, ledger, 200)
        equal(ledger["duplicates"], 0, "duplicates")


@test("bytes nobody asked for, behind an answer, spoil nothing")
def trailing_bytes():
    with harness.Faultd("--rule", "30%: trailing-bytes") as server:
        end = drive(server, "track:300", "close:60000", **ROOMY)
        harness.check_all_delivered(end, server.ledger(), 300)


@test("a 2xx with garbage for a body is delivered; garbage is never printed raw")
def garbage():
    with harness.Faultd("--rule", "next 5: 503 body garbage; "
                        "body garbage") as server:
        with harness.Driver(server, "track:50", "close:60000", debug="true",
                            **ROOMY) as driver:
            end = driver.end()
        ledger = server.ledger()
        harness.check_all_delivered(end, ledger, 50)
        equal(ledger["requests"], 55, "requests")
        for bad in ("\x1b", "\x07", "\u202e"):
            is_true(bad not in driver.stderr, f"{bad!r} reached the terminal")


@test("an answer of 64 MiB is not kept in memory")
def huge_answer():
    with harness.Faultd("--rule", "next 1: body bytes 64MiB") as server:
        with harness.Driver(server, "track:1", "flush:60000", "pause",
                            "close:60000", flush_at=1) as driver:
            driver.step("pause")
            peak_kib = harness.peak_memory_kib(driver.process)
            driver.go_on()
            end = driver.end()
        harness.check_both(end, server.ledger())
        equal(end["delivered"], 1, "delivered")
        if not harness.SANITIZED:
            at_most(peak_kib, 40 * 1024, "KiB at most")


@test("redirects are never followed")
def redirects():
    for status in (301, 302, 307):
        with harness.Faultd("--rule", f"on /track: redirect {status} /other",
                            log=True) as server:
            end = drive(server, "track:5", "flush:200", "close:200", flush_at=1)
            equal(end["dropped"]["close_timeout"], 5, "handed back")
            equal({(line["method"], line["path"]) for line in server.logged()},
                  {("POST", "/track")}, "what the server saw")
            equal(server.ledger()["stored"], 0, "stored")


@test("a redirect that ends is only one failed attempt")
def redirect_ends():
    with harness.Faultd("--rule", "next 3: redirect 302 /other",
                        log=True) as server:
        end = drive(server, "track:20", "close:60000", **ROOMY)
        harness.check_all_delivered(end, server.ledger(), 20)
        equal({line["path"] for line in server.logged()}, {"/track"}, "paths")


@test("a refused batch is split until the guilty event stands alone")
def splits():
    for status in (400, 422):
        with harness.Faultd("--batch", "100", "--rule",
                            f"{status}-if-name bad_event") as server:
            end = drive(server, "bad:40", "track:200", "close:60000",
                        batch="always", flush_at=100, **ROOMY)
            ledger = server.ledger()
            harness.check_both(end, ledger)
            equal(end["dropped"]["permanent_client_error"], 5, "dropped")
            equal((end["delivered"], ledger["stored"]), (195, 195), "delivered")
            equal(ledger["duplicates"], 0, "duplicates")


@test("a batch that is too large for the server is split until it fits")
def splits_large():
    with harness.Faultd("--batch", "1000", "--rule", "413-over 4KiB") as server:
        end = drive(server, "track:500", "close:60000", batch="always",
                    flush_at=250, **ROOMY)
        ledger = server.ledger()
        harness.check_all_delivered(end, ledger, 500)
        equal(ledger["duplicates"], 0, "duplicates")


@test("an event that is too large for the server is dropped, and only it")
def too_large():
    with harness.Faultd("--batch", "1000", "--rule",
                        "413-over 20KiB") as server:
        end = drive(server, "track:50", "size:30000", "track:1", "size:10",
                    "track:50", "close:60000", batch="always", flush_at=30,
                    **ROOMY)
        ledger = server.ledger()
        harness.check_both(end, ledger)
        equal((end["dropped"]["permanent_client_error"], ledger["stored"]),
              (1, 100), "dropped and stored")


@test("single events that the server rejects are dropped by name")
def rejections():
    for mode in (ROOMY, BATCHES):
        with harness.Faultd("--batch", "50", "--rule",
                            "reject-name bad_event") as server:
            end = drive(server, "bad:10", "track:200", "close:60000", **mode)
            ledger = server.ledger()
            harness.check_both(end, ledger)
            equal((end["dropped"]["rejected_by_server"], end["delivered"],
                   ledger["stored"]), (20, 180, 180), "ledgers")


@test("a rejection by chance is the same on both sides")
def random_rejections():
    with harness.Faultd("--batch", "50", "--rule", "reject 3%", "--rule",
                        "10%: 503") as server:
        end = drive(server, "track:2000", "close:60000", **BATCHES)
        ledger = server.ledger()
        harness.check_both(end, ledger)
        at_least(ledger["rejected"], 20, "rejected")
        equal(end["dropped"]["rejected_by_server"], ledger["rejected"],
              "rejected")
        equal(end["delivered"], ledger["stored"], "delivered")


@test("other 4xx are not tried again")
def permanent():
    for status in (400, 404, 405, 410, 422):
        with harness.Faultd("--rule", str(status)) as server:
            end = drive(server, "track:10", "close:60000", flush_at=1)
            equal(end["dropped"]["permanent_client_error"], 10, "dropped")
            equal((server.ledger()["requests"], end["retries"]), (10, 0),
                  "requests and retries")


@test("408 is tried again")
def timeout_408():
    with harness.Faultd("--rule", "next 4: 408") as server:
        end = drive(server, "track:10", "close:60000", flush_at=1)
        harness.check_all_delivered(end, server.ledger(), 10)


@test("a wrong key is said once, aloud, and without the key")
def wrong_key():
    with harness.Faultd("--key", "dk_another_one_here") as server:
        with harness.Driver(server, "track:30", "close:60000", api_key=KEY,
                            debug="true", flush_at=1) as driver:
            end = driver.end()
        equal(end["dropped"]["permanent_client_error"], 30, "dropped")
        equal(server.ledger()["stored"], 0, "stored")
        is_true(KEY not in driver.stderr and KEY[:12] not in driver.stderr,
                "the key was printed")
        equal(driver.stderr.count("401"), 1, "times the refusal was said")


@test("events are tried again for as long as it takes, up to ten cycles")
def rests():
    with harness.Faultd("--rule", "next 8: 503") as server:
        end = drive(server, "track:1", "close:60000", flush_at=1,
                    flush_interval_ms=1000, retry_limit=1)
        harness.check_all_delivered(end, server.ledger(), 1)
        equal(server.ledger()["requests"], 9, "requests")


@test("after ten cycles in vain an event is handed back", slow=True)
def gives_up():
    with harness.Faultd("--rule", "503") as server:
        with harness.Driver(server, "track:3", "pause", "close:60000",
                            flush_at=1, flush_interval_ms=1000,
                            retry_limit=1) as driver:
            server.wait_for(requests=60)
            driver.go_on()
            end = driver.end()
        equal(end["dropped"]["max_flush_attempts"], 3, "handed back")
        equal(server.ledger()["requests"], 60, "requests: 3 x 10 x 2")


@test("an overflowing queue keeps its ceiling, whatever the policy")
def ceilings():
    for policy, reason in (("drop_oldest", "dropped"), ("refuse", "refused")):
        with harness.Faultd("--rule", "hold") as server:
            with harness.Driver(server, "track:350", "pause", "stats",
                                "close:60000", flush_at=1, max_queue_size=100,
                                overflow=policy) as driver:
                server.wait_for(held=10)
                driver.go_on()
                stats = driver.step("stats")
                harness.check_law(stats)
                equal((stats["calls"], stats["pending"]), (350, 100), "ledger")
                server.set_rules("")
                server.release()
                end = driver.end()
            gone = {**end["dropped"], **end["refused"]}
            equal(gone["queue_overflow" if reason == "dropped"
                       else "queue_full"], 250, reason)
            equal((end["delivered"], server.ledger()["stored"]), (100, 100),
                  "delivered")


@test("the ceiling in bytes holds, events in flight included")
def byte_ceiling():
    limit = 8 << 20
    with harness.Faultd("--rule", "hang") as server:
        with harness.Driver(server, "size:100000", "track:500", "pause",
                            "stats", "close:100", flush_at=1,
                            max_queue_bytes=limit) as driver:
            driver.step("pause")
            peak_kib = harness.peak_memory_kib(driver.process)
            driver.go_on()
            stats = driver.step("stats")
            harness.check_law(stats)
            equal(stats["accepted"], 500, "accepted")
            at_most(stats["queue_bytes"], limit, "bytes of the queue")
            at_most(stats["pending"], limit // 100000, "events held")
            driver.end()
        # 50 MB went through; the program itself and the C library take some.
        if not harness.SANITIZED:
            at_most(peak_kib, 32 * 1024, "KiB at most")


@test("a queue that blocks gives up after block_timeout_ms and says so")
def block_timeout():
    with harness.Faultd("--rule", "hold") as server:
        with harness.Driver(server, "track:102", "pause", "close:60000",
                            flush_at=1, max_queue_size=100, overflow="block",
                            block_timeout_ms=100) as driver:
            driver.step("pause")
            server.set_rules("")
            server.release()
            driver.go_on()
            end = driver.end()
        equal((end["accepted"], end["refused"]["queue_full"]), (100, 2),
              "accepted and refused")
        at_least(end["longest_track_us"], 90000, "us the call waited")
        equal(end["delivered"], 100, "delivered")


@test("a call never waits for the server, hung or not there")
def calls_do_not_wait():
    for steps in (("--rule", "hang"), ("--rule", "reset")):
        with harness.Faultd(*steps) as server:
            end = drive(server, "track:2000x2", "close:100", flush_at=1)
            equal(end["calls"], 2000, "calls")
            # A call that waited for the server would take its time-out, ten
            # seconds; a thread that is not scheduled takes milliseconds.
            at_most(end["longest_track_us"], 5000000, "us of the longest call")


if __name__ == "__main__":
    harness.main()
