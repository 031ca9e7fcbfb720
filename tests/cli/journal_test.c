/* SPDX-License-Identifier: MIT */
/* Reading a journal whose owner lives: this program's own pread() stands before
 * the system's, and the owner does something in the middle of it. */
#include "journal/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/crc32c.h"
#include "queue/journal.h"
#include "support/folder.h"

#include <sys/syscall.h>
#include <unistd.h>

#define EVENT_BYTES 3000u

/* Where a read of a file is interrupted: in the middle of a record. */
#define FIRST_BYTES 5000u

static struct {
    struct test_folder folder;
    struct dlr_journal journal;
    struct dlr_segment_maker maker;
    struct dlr_segment *segment;
    int dir;
    bool renews; /* while the file is read */
} owner;

ssize_t pread(int fd, void *bytes, size_t len, off_t offset)
{
    bool is_file = offset == 0 && len > FIRST_BYTES;
    ssize_t count = (ssize_t)syscall(SYS_pread64, fd, bytes,
                                     is_file ? FIRST_BYTES : len, offset);

    if (is_file && owner.renews) {
        owner.renews = false;
        assert_true(owner.maker.renew(&owner.journal, owner.segment, 1000000));
    }
    return count;
}

static void record(uint32_t state)
{
    static char event[EVENT_BYTES];
    struct dlr_segment *segment = owner.segment;
    struct dlr_record_head head = {.len = EVENT_BYTES,
                                   .state = DLR_RECORD_PENDING};

    memset(event, ' ', sizeof event);
    event[0] = '{';
    event[sizeof event - 1] = '}';
    head.crc = dlr_record_crc(&head, segment->generation,
                              dlr_crc32c(0, event, sizeof event));
    dlr_record_write(segment->base + segment->end, &head,
                     dlr_text_n(event, sizeof event));
    if (state != DLR_RECORD_PENDING) {
        dlr_record_mark(segment->base + segment->end, state);
    }
    segment->end += dlr_record_span(EVENT_BYTES);
}

static int set_up(void **state)
{
    struct dlr_journal_config config = {.host = "https://example.com/track",
                                        .api_key = "dk_test",
                                        .sync = DATALYR_SYNC_NONE};

    (void)state;
    memset(&owner, 0, sizeof owner);
    if (!test_folder_make(&owner.folder)) {
        return -1;
    }
    config.path = owner.folder.path;
    owner.maker = dlr_journal_maker(&owner.journal);
    return dlr_journal_open(&owner.journal, &config) != 0 ||
           dlr_estate_open_dir(owner.folder.path, &owner.dir) != 0 ||
           owner.maker.make(&owner.journal, 8 * EVENT_BYTES, false, 0,
                            &owner.segment) != DATALYR_OK;
}

static int tear_down(void **state)
{
    (void)state;
    owner.maker.retire(&owner.journal, owner.segment);
    dlr_estate_close_dir(&owner.dir);
    dlr_journal_close(&owner.journal, true);
    test_folder_remove(&owner.folder);
    return 0;
}

static bool take_note(void *self, const struct cli_journal *journal)
{
    struct cli_journal *noted = self;

    *noted = *journal;
    return true;
}

static struct cli_journal look(void)
{
    struct cli_journal found = {0};

    assert_int_equal(cli_journal_each(owner.dir, take_note, &found), 0);
    assert_string_equal(found.owner, owner.journal.owner);
    assert_true(found.is_alive);
    return found;
}

static bool count_event(void *self, struct dlr_text json, int64_t accepted_ms)
{
    unsigned *count = self;

    (void)accepted_ms;
    assert_int_equal(json.len, EVENT_BYTES);
    *count += 1;
    return true;
}

static void what_a_living_owner_holds_is_counted_and_shown(void **state)
{
    struct cli_journal found;
    unsigned shown = 0;

    (void)state;
    record(DLR_RECORD_DONE);
    record(DLR_RECORD_PENDING);
    record(DLR_RECORD_PENDING);
    found = look();
    assert_int_equal(found.files, 1);
    assert_int_equal(found.pending, 2);
    assert_int_equal(found.damaged_bytes, 0);
    assert_int_equal(
        cli_journal_walk(owner.dir, owner.journal.owner, count_event, &shown),
        0);
    assert_int_equal(shown, 2);
}

static void a_file_that_is_renewed_while_it_is_read_is_no_damage(void **state)
{
    struct cli_journal found;

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        record(DLR_RECORD_DONE);
    }
    owner.renews = true;
    found = look();
    assert_false(owner.renews);
    assert_int_equal(found.damaged_bytes, 0);
    assert_int_equal(found.pending, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_living_owner_holds_is_counted_and_shown),
        TEST(a_file_that_is_renewed_while_it_is_read_is_no_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
