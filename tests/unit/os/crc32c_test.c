/* SPDX-License-Identifier: MIT */
#include "os/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/crc32c.h"
#include "support/random.h"

#include <stdlib.h>

static void published_message_has_its_sum(void **state)
{
    (void)state;
    assert_int_equal(dlr_crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(dlr_crc32c(0, NULL, 0), 0);
}

/* Around each border of lanes, at each alignment, in memory of exactly the
 * size. */
static void fast_way_agrees_with_the_portable_one(void **state)
{
    struct test_random random = {11};

    (void)state;
    for (size_t len = 0; len < 1200; len++) {
        size_t skew = len % 9;
        unsigned char *bytes = malloc(len + skew + 1);
        uint32_t start = (uint32_t)test_random_next(&random);

        assert_non_null(bytes);
        for (size_t i = 0; i < len + skew; i++) {
            bytes[i] = (unsigned char)test_random_next(&random);
        }
        assert_int_equal(dlr_crc32c(start, bytes + skew, len),
                         dlr_crc32c_portable(start, bytes + skew, len));
        free(bytes);
    }
}

static void pieces_add_up_to_the_whole(void **state)
{
    unsigned char bytes[1000];
    uint32_t whole;

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 13);
    }
    whole = dlr_crc32c(0, bytes, sizeof bytes);
    for (size_t cut = 0; cut <= sizeof bytes; cut++) {
        assert_int_equal(dlr_crc32c(dlr_crc32c(0, bytes, cut), bytes + cut,
                                    sizeof bytes - cut),
                         whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_message_has_its_sum),
        cmocka_unit_test(fast_way_agrees_with_the_portable_one),
        cmocka_unit_test(pieces_add_up_to_the_whole),
    };

    return cmocka_run_group_tests_name("os_crc32c", tests, NULL, NULL);
}
