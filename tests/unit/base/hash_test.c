/* SPDX-License-Identifier: MIT */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* Values of an independent implementation: CPython 3.11 and later hash bytes
 * with SipHash-1-3, and with PYTHONHASHSEED=0 the key is zero. */
static void values_are_those_of_siphash_1_3(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } cases[] = {
        {"a", UINT64_C(0x407448d2b89b1813)},
        {"abc", UINT64_C(0xc03bc3a0042630f2)},
        {"user_12", UINT64_C(0x733fcacf7937c16b)},
        {"user_123", UINT64_C(0x520348db94a18971)},
        {"user_1234", UINT64_C(0xcce54e0ffbd0bee2)},
        {"the quick brown fox jumps over the lazy dog",
         UINT64_C(0x80a65583f613da2d)},
    };
    struct dlr_hash_key key = {{0, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(dlr_hash(&key, cases[i].text, strlen(cases[i].text)) ==
                    cases[i].value);
    }
}

static void key_changes_every_value(void **state)
{
    struct dlr_hash_key keys[3] = {{{1, 0}}, {{0, 1}}, {{0, 0}}};

    (void)state;
    for (size_t len = 0; len < 32; len++) {
        char text[32];
        uint64_t values[3];

        memset(text, 'x', sizeof text);
        for (int i = 0; i < 3; i++) {
            values[i] = dlr_hash(&keys[i], text, len);
        }
        assert_true(values[0] != values[1] && values[1] != values[2] &&
                    values[0] != values[2]);
    }
}

static int compare_values(const void *a, const void *b)
{
    const uint64_t *left = a;
    const uint64_t *right = b;

    return (*left > *right) - (*left < *right);
}

/* Ids as people number them: no two collide, not even in 32 bits more often
 * than chance has it. */
static void similar_texts_have_different_values(void **state)
{
    enum { COUNT = 20000 };
    uint64_t *values = calloc(COUNT, sizeof *values);
    struct dlr_hash_key key = {{11, 22}};
    int near_misses = 0;

    (void)state;
    assert_non_null(values);
    for (uint32_t i = 0; i < COUNT; i++) {
        char text[] = "user_00000";

        for (uint32_t n = i, at = 9; n > 0; n /= 10, at--) {
            text[at] = (char)('0' + n % 10);
        }
        values[i] = dlr_hash(&key, text, sizeof text - 1);
    }
    qsort(values, COUNT, sizeof *values, compare_values);
    for (int i = 1; i < COUNT; i++) {
        assert_true(values[i] != values[i - 1]);
        near_misses += values[i] >> 32 == values[i - 1] >> 32;
    }
    free(values);
    assert_in_range(near_misses, 0, 3);
}

static void length_counts_even_for_zero_bytes(void **state)
{
    static const char zeros[32];
    struct dlr_hash_key key = {{3, 4}};

    (void)state;
    for (size_t len = 1; len <= sizeof zeros; len++) {
        assert_true(dlr_hash(&key, zeros, len) !=
                    dlr_hash(&key, zeros, len - 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_those_of_siphash_1_3),
        cmocka_unit_test(key_changes_every_value),
        cmocka_unit_test(similar_texts_have_different_values),
        cmocka_unit_test(length_counts_even_for_zero_bytes),
    };

    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
