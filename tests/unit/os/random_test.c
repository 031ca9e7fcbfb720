/* SPDX-License-Identifier: MIT */
#include "os/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void large_and_small_requests_are_filled_whole(void **state)
{
    static const size_t sizes[] = {1, 16, 256, 257, 512, 100000};
    static unsigned char bytes[100001];

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t changed = 0;

        /* Each byte differs from zero in one of ten tries, or luck is out: one
         * in 10^19 runs. */
        for (int round = 0; round < 10; round++) {
            memset(bytes, 0, sizeof bytes);
            assert_true(dlr_random_fill(bytes, sizes[i]));
            assert_int_equal(bytes[sizes[i]], 0);
            changed += bytes[0] != 0;
            changed += bytes[sizes[i] - 1] != 0;
        }
        assert_true(changed > 0);
    }
    assert_true(dlr_random_fill(bytes, 0));
}

static void two_fills_differ(void **state)
{
    unsigned char first[32];
    unsigned char second[32];

    (void)state;
    assert_true(dlr_random_fill(first, sizeof first));
    assert_true(dlr_random_fill(second, sizeof second));
    assert_memory_not_equal(first, second, sizeof first);
}

static void numbers_use_all_their_bits(void **state)
{
    uint64_t ones = 0;
    uint64_t zeros = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        uint64_t number = dlr_random_uint64();

        ones |= number;
        zeros |= ~number;
    }
    assert_true(ones == UINT64_MAX);
    assert_true(zeros == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_and_small_requests_are_filled_whole),
        cmocka_unit_test(two_fills_differ),
        cmocka_unit_test(numbers_use_all_their_bits),
    };

    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
