/* SPDX-License-Identifier: MIT */
/*
 * A kill at any moment: a process that writes the head of a new file, or renews
 * one, is stopped after each instruction, and its directory read as an heir
 * would read it had the process been killed there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/crc32c.h"
#include "queue/estate.h"
#include "queue/journal.h"
#include "support/folder.h"

#include <glob.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENT_BYTES 1500u

static struct test_folder folder;

/* ---- the process that is stopped */

/* As after delivery of all that was in it. */
static void use_up(struct dlr_segment *segment)
{
    static char event[EVENT_BYTES];
    struct dlr_record_head head = {.len = EVENT_BYTES,
                                   .state = DLR_RECORD_PENDING};

    memset(event, ' ', sizeof event);
    event[0] = '{';
    event[sizeof event - 1] = '}';
    head.crc = dlr_record_crc(&head, segment->generation,
                              dlr_crc32c(0, event, sizeof event));
    while (segment->cap - segment->end >= dlr_record_span(EVENT_BYTES)) {
        char *at = segment->base + segment->end;

        dlr_record_write(at, &head, dlr_text_n(event, sizeof event));
        dlr_record_mark(at, DLR_RECORD_DONE);
        segment->end += dlr_record_span(EVENT_BYTES);
    }
}

/* Says by SIGSTOP that it begins, and by SIGUSR1 that it is done. */
static void make_a_file(bool renews)
{
    struct dlr_journal_config config = {.path = folder.path,
                                        .host = "https://example.com/track",
                                        .api_key = "dk_test",
                                        .sync = DATALYR_SYNC_NONE};
    struct dlr_segment *segment = NULL;
    struct dlr_segment_maker maker;
    struct dlr_journal journal;
    bool is_done;

    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 ||
        dlr_journal_open(&journal, &config) != 0) {
        _exit(1);
    }
    maker = dlr_journal_maker(&journal);
    if (!renews) {
        (void)raise(SIGSTOP);
    }
    is_done = maker.make(&journal, 8000, true, 0, &segment) == DATALYR_OK;
    if (is_done && renews) {
        use_up(segment);
        (void)raise(SIGSTOP);
        is_done = maker.renew(&journal, segment, 0);
    }
    if (is_done) {
        (void)raise(SIGUSR1);
    }
    _exit(1);
}

/* ---- who looks */

struct seen {
    unsigned long looks;
    unsigned long empty; /* files that read as empty */
    unsigned long wrong; /* looks that found damage, or something to send */
    bool is_done;
};

static void look(int dir, struct seen *seen)
{
    struct dlr_estate_bytes bytes;
    struct dlr_found found;
    struct dlr_scan scan;
    bool is_wrong;
    glob_t files = {0};

    seen->looks += 1;
    if (glob(test_folder_path(&folder, "*.seg"), 0, NULL, &files) != 0) {
        return; /* not made yet */
    }
    assert_int_equal(files.gl_pathc, 1);
    assert_int_equal(
        dlr_estate_read(dir, strrchr(files.gl_pathv[0], '/') + 1, &bytes), 0);
    is_wrong =
        bytes.verdict != DLR_HEAD_GOOD && bytes.verdict != DLR_HEAD_EMPTY;
    scan = dlr_estate_scan(&bytes);
    while (dlr_scan_next(&scan, &found)) {
        is_wrong = is_wrong || found.head.state == DLR_RECORD_PENDING;
    }
    seen->empty += bytes.verdict == DLR_HEAD_EMPTY ? 1 : 0;
    seen->wrong += is_wrong || scan.damaged_bytes > 0 ? 1 : 0;
    dlr_estate_release(&bytes);
    globfree(&files);
}

/* Looks after each instruction; false where tracing is not allowed. */
static bool watch(pid_t pid, struct seen *seen)
{
    int status = 0;
    int dir = -1;

    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
        WSTOPSIG(status) != SIGSTOP) {
        return false;
    }
    assert_int_equal(dlr_estate_open_dir(folder.path, &dir), 0);
    do {
        look(dir, seen);
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
    } while (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
    seen->is_done = WIFSTOPPED(status) && WSTOPSIG(status) == SIGUSR1;
    dlr_estate_close_dir(&dir);
    return true;
}

static void check(bool renews)
{
    struct seen seen = {0};
    bool is_watched;
    pid_t pid;

    assert_true(test_folder_make(&folder));
    pid = fork();
    if (pid == 0) {
        make_a_file(renews);
    }
    is_watched = watch(pid, &seen);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    test_folder_remove(&folder);
    if (!is_watched) {
        skip();
    }
    assert_true(seen.is_done);
    assert_int_equal(seen.wrong, 0);
    assert_true(seen.empty > 0 && seen.empty < seen.looks);
}

static void
a_kill_after_any_instruction_leaves_an_empty_file_or_a_whole_head(void **state)
{
    (void)state;
    check(false);
}

static void
a_kill_after_any_instruction_leaves_an_empty_file_or_a_renewed_one(void **state)
{
    (void)state;
    check(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_kill_after_any_instruction_leaves_an_empty_file_or_a_whole_head),
        cmocka_unit_test(
            a_kill_after_any_instruction_leaves_an_empty_file_or_a_renewed_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
