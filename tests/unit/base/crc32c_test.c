/* SPDX-License-Identifier: MIT */
#include "base/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void published_messages_have_their_sums(void **state)
{
    /* RFC 3720, B.4 */
    char bytes[32] = {0};

    (void)state;
    assert_int_equal(dlr_crc32c_portable(0, "123456789", 9), 0xe3069283);
    assert_int_equal(dlr_crc32c_portable(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    assert_int_equal(dlr_crc32c_portable(0, bytes, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++) {
        bytes[i] = (char)i;
    }
    assert_int_equal(dlr_crc32c_portable(0, bytes, 32), 0x46dd794e);
    assert_int_equal(dlr_crc32c_portable(0, bytes, 0), 0);
}

/* One bit at a time, as the definition has it. */
static uint32_t sum_bitwise(uint32_t crc, const unsigned char *at, size_t len)
{
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78U : 0);
        }
    }
    return ~crc;
}

static void every_byte_at_every_place_counts_as_defined(void **state)
{
    unsigned char bytes[40] = {0};

    (void)state;
    for (size_t at = 0; at < sizeof bytes; at++) {
        for (int byte = 0; byte < 256; byte++) {
            bytes[at] = (unsigned char)byte;
            assert_int_equal(dlr_crc32c_portable(7, bytes, sizeof bytes),
                             sum_bitwise(7, bytes, sizeof bytes));
        }
    }
}

static void pieces_add_up_to_the_whole(void **state)
{
    unsigned char bytes[100];
    uint32_t whole;

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i * 31);
    }
    whole = sum_bitwise(0, bytes, sizeof bytes);
    for (size_t cut = 0; cut <= sizeof bytes; cut++) {
        uint32_t first = dlr_crc32c_portable(0, bytes, cut);

        assert_int_equal(
            dlr_crc32c_portable(first, bytes + cut, sizeof bytes - cut), whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_messages_have_their_sums),
        cmocka_unit_test(every_byte_at_every_place_counts_as_defined),
        cmocka_unit_test(pieces_add_up_to_the_whole),
    };

    return cmocka_run_group_tests_name("crc32c", tests, NULL, NULL);
}
