/* SPDX-License-Identifier: MIT */
#include "base/swar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

static void first_byte_is_the_lowest(void **state)
{
    (void)state;
    assert_true(dlr_swar_load_4("\x01\x02\x03\xff") == 0xff030201);
    assert_true(dlr_swar_load_8("\x01\x02\x03\x04\x05\x06\x07\xff") ==
                UINT64_C(0xff07060504030201));
}

static bool is_plain(int byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* All pairs of bytes at all places, the rest plain: the lowest mark is at the
 * first byte that needs attention, and there is none if none does. */
static void lowest_mark_is_at_the_first_special_byte(void **state)
{
    (void)state;
    for (int pair = 0; pair < 65536; pair++) {
        int first = pair >> 8;
        int second = pair & 255;

        for (size_t at = 0; at < 7; at++) {
            char text[9] = "01234567";
            uint64_t marks;

            text[at] = (char)first;
            text[at + 1] = (char)second;
            marks = dlr_swar_mark_json(dlr_swar_load_8(text));
            if (is_plain(first) && is_plain(second)) {
                assert_true(marks == 0);
            } else {
                assert_true(marks != 0);
                assert_int_equal(dlr_swar_first(marks), at + is_plain(first));
            }
        }
    }
}

/* Every byte at every place of texts of every length up to three times sixteen:
 * stepping stops there if it is special, else at the end. */
static void steps_end_at_the_first_special_byte_or_at_the_end(void **state)
{
    char text[48];

    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t at = 0; at < sizeof text; at++) {
        for (int byte = 0; byte < 256; byte++) {
            const char *stop = is_plain(byte) ? NULL : text + at;

            text[at] = (char)byte;
            for (size_t len = 0; len <= sizeof text; len++) {
                const char *end = text + len;

                assert_ptr_equal(dlr_bytes_skip_plain(text, end),
                                 stop == NULL || stop > end ? end : stop);
            }
        }
        text[at] = 'x';
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_byte_is_the_lowest),
        cmocka_unit_test(lowest_mark_is_at_the_first_special_byte),
        cmocka_unit_test(steps_end_at_the_first_special_byte_or_at_the_end),
    };

    return cmocka_run_group_tests_name("swar", tests, NULL, NULL);
}
