# SPDX-License-Identifier: MIT
"""Faults x forms of sending x overflow policies. Each cell asserts the law in
the client's ledger, the server's sums, and that the two agree.

The short version gives each pair of fault and form one policy in turn and runs
a few hundred events; the slow one runs all cells with 20,000 events each."""
import concurrent.futures
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
from harness import drive, equal, test  # noqa: E402

FORMS = {
    "single": {"batch": "never", "compression": "none"},
    "batch": {"batch": "always", "compression": "none"},
    "gzip": {"batch": "always", "compression": "gzip"},
    # The queue on disk: here no policy has anything to do.
    "journal": {"batch": "always", "compression": "none"},
}
POLICIES = ("drop_oldest", "refuse", "block")

# One event in so many is called bad_event, in cells where that matters.
BAD_EVERY = 50

# name: (rules, whether a lost answer may leave an event stored that the client
# gave up later)
FAULTS = {
    "none": ("", False),
    "503 for one in five": ("20%: 503", False),
    "429 with Retry-After": ("next 3: 429 retry-after 1", False),
    "slow": ("delay 5ms", False),
    "hung requests": ("next 3: hang", False),
    "unanswered commits": ("commit-unanswered 5%", True),
    "resets": ("5%: reset", False),
    "answers cut half-way": ("5%: close half-way", True),
    "half a body": ("5%: body half", True),
    "garbage": ("20%: body garbage", False),
    "bytes behind the answer": ("10%: trailing-bytes", False),
    "redirects": ("5%: redirect 302 /elsewhere", False),
    "rejections": ("reject 3%", False),
    "refused batches": ("400-if-name bad_event", False),
    "closes after each answer": ("close after-answer", False),
    "408, 500, 502": ("5%: 408; 5%: 500; 5%: 502", False),
}


def check_cell(end, ledger, fault, policy, count):
    harness.check_both(end, ledger)
    equal(end["calls"], count, "calls")
    lost = end["dropped"]
    if not FAULTS[fault][1]:
        equal(ledger["stored"], end["delivered"], "stored and delivered")
    equal(lost["rejected_by_server"], ledger["rejected"], "rejected")
    for reason in ("max_flush_attempts", "close_timeout", "before_send",
                   "journal_expired", "journal_corrupt"):
        equal(lost[reason], 0, reason)
    if policy != "drop_oldest":
        equal(lost["queue_overflow"], 0, "queue_overflow")
    if policy != "refuse":
        equal(end["refused"]["queue_full"], 0, "queue_full")
    if fault != "refused batches":
        equal(lost["permanent_client_error"], 0, "permanent_client_error")
    if policy == "block":
        equal(end["accepted"], count, "accepted")
        if fault == "refused batches":
            equal(lost["permanent_client_error"], count // BAD_EVERY, "refused")
        equal(end["delivered"], count - sum(lost.values()), "delivered")


def run_cell(fault, form, policy, count):
    rules, _ = FAULTS[fault]
    arguments = ["--batch", "1000", "--gzip", "on"]
    if rules:
        arguments += ["--rule", rules]
    with harness.Faultd(*arguments) as server, harness.folder() as folder:
        settings = dict(FORMS[form])
        if form == "journal":
            settings["journal_dir"] = os.path.join(folder, "journal")
        end = drive(server, f"bad:{BAD_EVERY}", f"track:{count}x4",
                    "close:60000", overflow=policy, timeout_ms=2000,
                    max_queue_size=1000, flush_at=50, max_batch_events=100,
                    max_requests_per_second="unlimited", **settings)
        check_cell(end, server.ledger(), fault,
                   "block" if form == "journal" else policy, count)


def run_cells(cells, count, workers):
    """Many at a time: most of a cell's time is waiting for retries."""
    problems = []
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        running = {pool.submit(run_cell, *cell, count): cell for cell in cells}
        for future in concurrent.futures.as_completed(running):
            problem = future.exception()
            if problem is not None:
                problems.append(f"{' / '.join(running[future])}: {problem}")
    harness.note(f"{len(cells)} cells of {count} events")
    harness.is_true(not problems, "\n".join(problems))


def add_short(fault, index):
    @test(f"short matrix: {fault}")
    def short():
        run_cells([(fault, form, POLICIES[(index + i) % 3])
                   for i, form in enumerate(FORMS)], 300, 3)


def add_slow(fault):
    @test(f"full matrix, 20,000 events a cell: {fault}", slow=True)
    def full():
        run_cells([(fault, form, policy) for form in FORMS
                   for policy in POLICIES], 20000, 3)


for position, name in enumerate(FAULTS):
    add_short(name, position)
    add_slow(name)


if __name__ == "__main__":
    harness.main()
