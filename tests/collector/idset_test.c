/* SPDX-License-Identifier: MIT */
/*
 * The set of ids: exact about what it holds, small, and growing in steps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/sqlite/idset.h"

#define MANY 200000u

static uint64_t hash_of(uint64_t i)
{
    i = (i ^ (i >> 30)) * 0xbf58476d1ce4e5b9u;
    i = (i ^ (i >> 27)) * 0x94d049bb133111ebu;
    return i ^ (i >> 31);
}

static unsigned count(const struct dld_idset *set, uint64_t hash,
                      uint16_t payload)
{
    struct dld_idset_cursor cursor;
    unsigned found = 0;
    uint16_t next;

    dld_idset_find(set, hash, &cursor);
    while (dld_idset_next(&cursor, &next)) {
        found += next == payload ? 1 : 0;
    }
    return found;
}

static void finds_what_was_added_while_it_grows(void **state)
{
    struct dld_idset set = {0};

    (void)state;
    assert_int_equal(count(&set, hash_of(1), 0), 0);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_true(dld_idset_add(&set, hash_of(i), (uint16_t)(i % 50)));
    }
    for (uint32_t i = 0; i < MANY; i++) {
        assert_true(count(&set, hash_of(i), (uint16_t)(i % 50)) >= 1);
    }
    dld_idset_clear(&set);
}

static void finds_almost_nothing_else(void **state)
{
    struct dld_idset set = {0};
    unsigned wrong = 0;

    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        assert_true(dld_idset_add(&set, hash_of(i), 7));
    }
    for (uint32_t i = MANY; i < 2 * MANY; i++) {
        wrong += count(&set, hash_of(i), 7);
    }
    /* 40 of 64 bits are compared: one wrong hit in 27 such runs. */
    assert_in_range(wrong, 0, 2);
    dld_idset_clear(&set);
}

static void costs_few_bytes_an_id(void **state)
{
    struct dld_idset set = {0};

    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        assert_true(dld_idset_add(&set, hash_of(i), 7));
    }
    assert_in_range(dld_idset_bytes(&set) / MANY, 6, 13);
    dld_idset_clear(&set);
}

static void keeps_several_payloads_of_one_hash(void **state)
{
    struct dld_idset set = {0};
    bool is_new;

    (void)state;
    assert_true(dld_idset_add_once(&set, 0, 1, &is_new) && is_new);
    assert_true(dld_idset_add_once(&set, 0, 2, &is_new) && is_new);
    assert_true(dld_idset_add_once(&set, 0, 1, &is_new) && !is_new);
    assert_int_equal(count(&set, 0, 1), 1);
    assert_int_equal(count(&set, 0, 2), 1);
    dld_idset_clear(&set);
}

static void forgets_one_pair_and_no_other(void **state)
{
    struct dld_idset set = {0};

    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        assert_true(dld_idset_add(&set, hash_of(i), 1));
        assert_true(dld_idset_add(&set, hash_of(i), 2));
    }
    for (uint32_t i = 0; i < 1000; i += 2) {
        dld_idset_remove(&set, hash_of(i), 1);
    }
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(count(&set, hash_of(i), 1), i % 2);
        assert_int_equal(count(&set, hash_of(i), 2), 1);
    }
    dld_idset_clear(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_added_while_it_grows),
        cmocka_unit_test(finds_almost_nothing_else),
        cmocka_unit_test(costs_few_bytes_an_id),
        cmocka_unit_test(keeps_several_payloads_of_one_hash),
        cmocka_unit_test(forgets_one_pair_and_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
