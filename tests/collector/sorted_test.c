/* SPDX-License-Identifier: MIT */
/*
 * The sorted keys of a sealed partition, against a walk over all entries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/sqlite/sorted.h"

#include <stdlib.h>
#include <string.h>

#define ENTRIES 5000
#define KIND    3

static struct dld_reader reader;
static struct dld_sorted_entry all[ENTRIES]; /* in order of arrival */
static size_t all_count;
static uint64_t dice = 42;

static uint64_t roll(uint64_t sides)
{
    dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (dice >> 33) % sides;
}

/* Few keys that fill pieces, and many that are alone; negative ones too. */
static int64_t make_key(void)
{
    if (roll(2) == 0) {
        return (int64_t)roll(4) - 2;
    }
    return (int64_t)(roll(1u << 31) << 33 | roll(1u << 31));
}

static int open_table(void **state)
{
    static struct dld_sorted_entry entries[2 * ENTRIES];
    datalyr_error error;

    (void)state;
    reader = (struct dld_reader){0};
    assert_int_equal(sqlite3_open(":memory:", &reader.database.handle), 0);
    assert_int_equal(dld_sorted_create(&reader.database, &error), DATALYR_OK);
    for (size_t i = 0; i < ENTRIES; i++) {
        all[i] = (struct dld_sorted_entry){make_key(), (int64_t)(i * 3 + 1)};
    }
    all_count = ENTRIES;
    for (int kind = KIND - 1; kind <= KIND + 1; kind++) {
        memcpy(entries, all, sizeof all);
        /* The neighbours have one entry each, which no walk may show. */
        assert_int_equal(dld_sorted_write(&reader.database, kind, entries,
                                          kind == KIND ? ENTRIES : 1, &error),
                         DATALYR_OK);
    }
    return 0;
}

static int close_table(void **state)
{
    (void)state;
    dld_reader_close(&reader);
    return 0;
}

static bool is_before(const struct dld_sorted_entry *a,
                      const struct dld_sorted_entry *b)
{
    return a->key < b->key || (a->key == b->key && a->seq < b->seq);
}

static int by_order(const void *left, const void *right)
{
    const struct dld_sorted_entry *a = left;
    const struct dld_sorted_entry *b = right;

    return is_before(a, b) ? -1 : is_before(b, a);
}

struct seen {
    uint64_t seqs[ENTRIES];
    size_t count;
    size_t wanted;
};

static bool note(void *self, uint64_t seq)
{
    struct seen *seen = self;

    assert_true(seen->count < ENTRIES);
    seen->seqs[seen->count++] = seq;
    return seen->count < seen->wanted;
}

static void compare_walks(const struct dld_sorted_range *range, size_t wanted)
{
    static struct dld_sorted_entry expected[ENTRIES];
    static struct seen seen;
    size_t count = 0;
    datalyr_error error;

    for (size_t i = 0; i < all_count; i++) {
        if (!is_before(&all[i], &range->first) &&
            !is_before(&range->last, &all[i])) {
            expected[count++] = all[i];
        }
    }
    qsort(expected, count, sizeof *expected, by_order);
    seen.count = 0;
    seen.wanted = wanted;
    assert_int_equal(dld_sorted_walk(&reader, range, note, &seen, &error),
                     DATALYR_OK);
    assert_int_equal(seen.count, count < wanted ? count : wanted);
    for (size_t i = 0; i < seen.count; i++) {
        size_t at = range->is_descending ? count - 1 - i : i;

        assert_int_equal(seen.seqs[i], expected[at].seq);
    }
}

static void compare_many(void)
{
    for (int i = 0; i < 2000; i++) {
        struct dld_sorted_entry one = {all[roll(all_count)].key,
                                       (int64_t)roll(ENTRIES * 3)};
        struct dld_sorted_entry other = {
            roll(2) == 0 ? one.key : all[roll(all_count)].key,
            roll(4) == 0 ? INT64_MAX : (int64_t)roll(ENTRIES * 3)};
        struct dld_sorted_range range = {
            .kind = KIND,
            .first = is_before(&one, &other) ? one : other,
            .last = is_before(&one, &other) ? other : one,
            .is_descending = roll(2) == 0,
        };

        compare_walks(&range, roll(2) == 0 ? roll(50) + 1 : SIZE_MAX);
    }
}

static void every_range_is_walked_in_order(void **state)
{
    struct dld_sorted_range whole = {
        .kind = KIND,
        .first = {INT64_MIN, 0},
        .last = {INT64_MAX, INT64_MAX},
    };

    (void)state;
    compare_walks(&whole, SIZE_MAX);
    whole.is_descending = true;
    compare_walks(&whole, SIZE_MAX);
    compare_many();
}

static void what_is_removed_is_not_found(void **state)
{
    datalyr_error error;

    (void)state;
    for (int i = 0; i < ENTRIES - 100; i++) {
        size_t at = roll(all_count);

        assert_int_equal(dld_sorted_remove(&reader, KIND, &all[at], &error),
                         DATALYR_OK);
        /* Once more, and nothing goes with it. */
        assert_int_equal(dld_sorted_remove(&reader, KIND, &all[at], &error),
                         DATALYR_OK);
        all[at] = all[--all_count];
        if (i % 700 == 0) {
            compare_many();
        }
    }
    compare_many();
}

static void an_empty_kind_has_nothing(void **state)
{
    struct dld_sorted_range range = {.kind = KIND + 5,
                                     .last = {INT64_MAX, INT64_MAX}};

    (void)state;
    all_count = 0;
    compare_walks(&range, SIZE_MAX);
    range.is_descending = true;
    compare_walks(&range, SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_range_is_walked_in_order,
                                        open_table, close_table),
        cmocka_unit_test_setup_teardown(what_is_removed_is_not_found,
                                        open_table, close_table),
        cmocka_unit_test_setup_teardown(an_empty_kind_has_nothing, open_table,
                                        close_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
