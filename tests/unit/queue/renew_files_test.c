/* SPDX-License-Identifier: MIT */
/* Renewal of files: what is left of the old one, and when it is not done. What
 * a kill leaves is shown by tests/journal/renew_test.c. */
#include "queue/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/map.h"
#include "support/folder.h"

#include <glob.h>
#include <unistd.h>

static struct {
    struct test_folder folder;
    struct dlr_journal journal;
    struct dlr_segment_maker maker;
} rig;

static int set_up(void **state)
{
    struct dlr_journal_config config = {.host = "https://example.com/track",
                                        .api_key = "dk_test",
                                        .sync = DATALYR_SYNC_NONE};

    (void)state;
    memset(&rig, 0, sizeof rig);
    if (!test_folder_make(&rig.folder)) {
        return -1;
    }
    config.path = rig.folder.path;
    rig.maker = dlr_journal_maker(&rig.journal);
    return dlr_journal_open(&rig.journal, &config);
}

static int tear_down(void **state)
{
    (void)state;
    dlr_journal_close(&rig.journal, true);
    test_folder_remove(&rig.folder);
    return 0;
}

/* The only segment in the directory, or NULL. */
static const char *find_file(void)
{
    static char path[600];
    glob_t found = {0};
    bool is_there =
        glob(test_folder_path(&rig.folder, "*.seg"), 0, NULL, &found) == 0;

    if (is_there) {
        assert_int_equal(found.gl_pathc, 1);
        (void)snprintf(path, sizeof path, "%s", found.gl_pathv[0]);
    }
    globfree(&found);
    return is_there ? path : NULL;
}

static void retire(struct dlr_segment *segment)
{
    rig.maker.retire(&rig.journal, segment);
}

/* As after delivery of all that was in it. */
static struct dlr_segment *make_used(void)
{
    struct dlr_segment *segment = NULL;

    assert_int_equal(rig.maker.make(&rig.journal, 100000, false, 0, &segment),
                     DATALYR_OK);

    memset(segment->base, 'x', segment->cap);
    segment->end = segment->cap;
    return segment;
}

static bool renew(struct dlr_segment *segment)
{
    return rig.maker.renew(&rig.journal, segment, 7);
}

static void a_renewed_file_is_as_new(void **state)
{
    struct dlr_segment *segment = make_used();
    struct dlr_segment_head head;
    uint64_t before = segment->generation;
    char name[600];

    (void)state;
    (void)snprintf(name, sizeof name, "%s", find_file());
    assert_true(renew(segment));
    assert_true(strcmp(find_file(), name) > 0);
    assert_int_equal(
        dlr_segment_head_read(segment->mapping, segment->held_bytes, &head),
        DLR_HEAD_GOOD);
    assert_true(head.generation == segment->generation);
    assert_true(segment->generation != before);
    assert_int_equal(segment->end, 0);
    assert_int_equal(segment->created_ms, 7);
    for (uint32_t i = 0; i < segment->cap; i++) {
        assert_int_equal(segment->base[i], 0);
    }
    retire(segment);
    assert_null(find_file());
}

/* The system may write its pages in any order, and half of them. */
static void a_file_that_a_power_cut_may_not_harm_is_not_renewed(void **state)
{
    struct dlr_segment *segment = make_used();

    (void)state;
    rig.journal.sync = DATALYR_SYNC_INTERVAL;
    assert_false(renew(segment));
    assert_int_equal(atomic_load(&rig.journal.error_count), 0);
    retire(segment);
    assert_null(find_file());
}

static void
a_file_that_was_cut_is_not_renewed_and_raises_no_signal(void **state)
{
    struct dlr_segment *segment = make_used();

    (void)state;
    assert_int_equal(truncate(find_file(), 5000), 0);
    if (dlr_map_populate(segment->mapping, segment->held_bytes) == 0) {
        retire(segment);
        skip(); /* a kernel that cannot tell */
    }
    assert_false(renew(segment));
    assert_int_equal(atomic_load(&rig.journal.error_count), 1);
    retire(segment);
    assert_null(find_file());
}

static void a_file_that_was_removed_is_not_renewed(void **state)
{
    struct dlr_segment *segment = make_used();

    (void)state;
    assert_int_equal(unlink(find_file()), 0);
    assert_false(renew(segment));
    assert_int_equal(atomic_load(&rig.journal.error_count), 1);
    retire(segment);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_renewed_file_is_as_new),
        TEST(a_file_that_a_power_cut_may_not_harm_is_not_renewed),
        TEST(a_file_that_was_cut_is_not_renewed_and_raises_no_signal),
        TEST(a_file_that_was_removed_is_not_renewed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
