/* SPDX-License-Identifier: MIT */
#include "base/uuid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW_MS INT64_C(1772600767089)

/* Bytes for the pool, and how many were asked for. */
struct supply {
    struct test_random random;
    size_t given_bytes;
    bool is_empty;
};

static bool refill(void *self, void *bytes, size_t len)
{
    struct supply *supply = self;
    uint8_t *at = bytes;

    if (supply->is_empty) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        at[i] = (uint8_t)test_random_next(&supply->random);
    }
    supply->given_bytes += len;
    return true;
}

static void assert_form(const char *id, char version)
{
    assert_int_equal(strlen(id), DLR_UUID_LEN);
    for (size_t i = 0; i < DLR_UUID_LEN; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            assert_int_equal(id[i], '-');
        } else {
            assert_non_null(strchr("0123456789abcdef", id[i]));
        }
    }
    assert_int_equal(id[14], version);
    assert_non_null(strchr("89ab", id[19]));
}

static void bytes_are_laid_out_as_usual(void **state)
{
    static const uint8_t bytes[16] = {0x00, 0x1f, 0x9a, 0xa9, 0xf0, 0x0f,
                                      0x7a, 0xbc, 0x8d, 0xef, 0x10, 0x32,
                                      0x54, 0x76, 0x98, 0xff};
    char id[DLR_UUID_CAP];

    (void)state;
    dlr_uuid_format(bytes, id);
    assert_string_equal(id, "001f9aa9-f00f-7abc-8def-1032547698ff");
    for (int byte = 0; byte < 256; byte++) {
        uint8_t same[16];
        char expected[3];

        memset(same, byte, sizeof same);
        dlr_uuid_format(same, id);
        (void)snprintf(expected, sizeof expected, "%02x", (unsigned)byte);
        assert_memory_equal(id, expected, 2);
        assert_memory_equal(id + 34, expected, 2);
    }
}

static void version_7_carries_its_time(void **state)
{
    struct supply supply = {.random = {1}};
    struct dlr_uuid_source source = {.refill = refill, .self = &supply};
    char id[DLR_UUID_CAP];
    char hex[13];
    char *end;

    (void)state;
    assert_true(dlr_uuid_make_v7(&source, NOW_MS, id));
    assert_form(id, '7');
    memcpy(hex, id, 8);
    memcpy(hex + 8, id + 9, 4);
    hex[12] = '\0';
    assert_true(strtoll(hex, &end, 16) == NOW_MS);
}

static void version_4_is_random_all_over(void **state)
{
    struct supply supply = {.random = {2}};
    struct dlr_uuid_source source = {.refill = refill, .self = &supply};
    unsigned seen[DLR_UUID_LEN] = {0};
    char id[DLR_UUID_CAP];

    (void)state;
    for (int i = 0; i < 500; i++) {
        assert_true(dlr_uuid_make_v4(&source, id));
        assert_form(id, '4');
        for (size_t k = 0; k < DLR_UUID_LEN; k++) {
            unsigned digit = (unsigned)(strchr("0123456789abcdef-", id[k]) -
                                        "0123456789abcdef-");

            seen[k] |= 1U << digit;
        }
    }
    for (size_t k = 0; k < DLR_UUID_LEN; k++) {
        if (k == 8 || k == 13 || k == 18 || k == 23) {
            assert_int_equal(seen[k], 1U << 16);
        } else if (k == 14) {
            assert_int_equal(seen[k], 1U << 4);
        } else {
            assert_int_equal(seen[k], k == 19 ? 0xf00 : 0xffff);
        }
    }
}

static void anonymous_id_is_a_prefixed_version_4(void **state)
{
    struct supply supply = {.random = {3}};
    struct dlr_uuid_source source = {.refill = refill, .self = &supply};
    char id[DLR_ANONYMOUS_ID_CAP];

    (void)state;
    assert_true(dlr_uuid_make_anonymous(&source, id));
    assert_memory_equal(id, "anon_", 5);
    assert_form(id + 5, '4');
    assert_int_equal(strlen(id), DLR_ANONYMOUS_ID_LEN);
}

/* Makes `count` ids at times that `clock` gives and checks that each is behind
 * the one before. */
static void assert_rising(struct dlr_uuid_source *source, int count,
                          int64_t (*clock)(int))
{
    char before[DLR_UUID_CAP] = "";

    for (int i = 0; i < count; i++) {
        char id[DLR_UUID_CAP];

        assert_true(dlr_uuid_make_v7(source, clock(i), id));
        assert_form(id, '7');
        assert_true(strcmp(before, id) < 0);
        memcpy(before, id, sizeof before);
    }
}

static int64_t still(int i)
{
    (void)i;
    return NOW_MS;
}

static int64_t ticking(int i)
{
    return NOW_MS + i / 100;
}

static int64_t stepping_back(int i)
{
    return NOW_MS + i - (i % 10 == 9 ? 5000 : 0);
}

static void ids_rise_whatever_the_clock_does(void **state)
{
    struct supply supply = {.random = {4}};
    struct dlr_uuid_source source = {.refill = refill, .self = &supply};

    (void)state;
    /* More than the counter holds: the next milliseconds are borrowed. */
    assert_rising(&source, 20000, still);
    source.last_ms = 0;
    assert_rising(&source, 20000, ticking);
    source.last_ms = 0;
    assert_rising(&source, 20000, stepping_back);
}

static void large_step_back_is_followed(void **state)
{
    struct supply supply = {.random = {5}};
    struct dlr_uuid_source source = {.refill = refill, .self = &supply};
    char before[DLR_UUID_CAP];
    char id[DLR_UUID_CAP];

    (void)state;
    assert_true(dlr_uuid_make_v7(&source, NOW_MS, before));
    assert_true(dlr_uuid_make_v7(&source, NOW_MS - 3600000, id));
    assert_true(strcmp(before, id) > 0);
    assert_true(dlr_uuid_make_v7(&source, -1, id));
    assert_memory_equal(id, "00000000-0000-7", 15);
}

static void randomness_is_fetched_a_pool_at_a_time(void **state)
{
    struct supply supply = {.random = {6}};
    struct dlr_uuid_source source = {.refill = refill, .self = &supply};
    char id[DLR_UUID_CAP];

    (void)state;
    for (int i = 0; i < DLR_UUID_POOL_BYTES / 16; i++) {
        assert_true(dlr_uuid_make_v4(&source, id));
    }
    assert_int_equal(supply.given_bytes, DLR_UUID_POOL_BYTES);
    assert_true(dlr_uuid_make_v4(&source, id));
    assert_int_equal(supply.given_bytes, 2 * DLR_UUID_POOL_BYTES);
}

static void used_and_forgotten_bytes_do_not_lie_about(void **state)
{
    static const uint8_t zeros[DLR_UUID_POOL_BYTES];
    struct supply supply = {.random = {7}};
    struct dlr_uuid_source source = {.refill = refill, .self = &supply};
    char id[DLR_UUID_CAP];

    (void)state;
    assert_true(dlr_uuid_make_v4(&source, id));
    assert_memory_equal(source.pool, zeros, 16);
    assert_memory_not_equal(source.pool + 16, zeros, 16);
    dlr_uuid_forget(&source);
    assert_memory_equal(source.pool, zeros, DLR_UUID_POOL_BYTES);
    assert_true(dlr_uuid_make_v4(&source, id));
    assert_int_equal(supply.given_bytes, 2 * DLR_UUID_POOL_BYTES);
}

static void no_randomness_is_no_id(void **state)
{
    struct supply supply = {.random = {8}, .is_empty = true};
    struct dlr_uuid_source source = {.refill = refill, .self = &supply};
    char id[DLR_ANONYMOUS_ID_CAP];

    (void)state;
    assert_false(dlr_uuid_make_v7(&source, NOW_MS, id));
    assert_false(dlr_uuid_make_v4(&source, id));
    assert_false(dlr_uuid_make_anonymous(&source, id));
    supply.is_empty = false;
    assert_true(dlr_uuid_make_v7(&source, NOW_MS, id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_laid_out_as_usual),
        cmocka_unit_test(version_7_carries_its_time),
        cmocka_unit_test(version_4_is_random_all_over),
        cmocka_unit_test(anonymous_id_is_a_prefixed_version_4),
        cmocka_unit_test(ids_rise_whatever_the_clock_does),
        cmocka_unit_test(large_step_back_is_followed),
        cmocka_unit_test(randomness_is_fetched_a_pool_at_a_time),
        cmocka_unit_test(used_and_forgotten_bytes_do_not_lie_about),
        cmocka_unit_test(no_randomness_is_no_id),
    };

    return cmocka_run_group_tests_name("uuid", tests, NULL, NULL);
}
