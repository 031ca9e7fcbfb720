/* SPDX-License-Identifier: MIT */
#include "base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* The examples of FIPS 180-4 and NIST's long message. */
static void published_messages_have_their_sums(void **state)
{
    char hex[DLR_SHA256_HEX_CAP];
    char *million = malloc(1000000);

    (void)state;
    dlr_sha256_hex("", 0, hex);
    assert_string_equal(
        hex,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    dlr_sha256_hex("abc", 3, hex);
    assert_string_equal(
        hex,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    dlr_sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                   56, hex);
    assert_string_equal(
        hex,
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_non_null(million);
    memset(million, 'a', 1000000);
    dlr_sha256_hex(million, 1000000, hex);
    free(million);
    assert_string_equal(
        hex,
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void pieces_add_up_to_the_whole(void **state)
{
    char text[300];

    (void)state;
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (char)(i * 7);
    }
    for (size_t len = 0; len <= sizeof text; len += 1 + len / 50) {
        uint8_t whole[DLR_SHA256_BYTES];
        struct dlr_sha256 hash;

        dlr_sha256_init(&hash);
        dlr_sha256_add(&hash, text, len);
        dlr_sha256_finish(&hash, whole);
        for (size_t cut = 0; cut <= len; cut++) {
            uint8_t sum[DLR_SHA256_BYTES];

            dlr_sha256_init(&hash);
            dlr_sha256_add(&hash, text, cut);
            dlr_sha256_add(&hash, text + cut, len - cut);
            dlr_sha256_finish(&hash, sum);
            assert_memory_equal(sum, whole, sizeof sum);
        }
    }
}

/* Around the end of a block the padding takes one block or two. Sums by
 * Python's hashlib. */
static void padding_is_right_around_the_end_of_a_block(void **state)
{
    static const struct {
        size_t len;
        const char *sum;
    } cases[] = {
        {55,
         "d5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072"},
        {56,
         "04c26261370ee7541549d16dee320c723e3fd14671e66a099afe0a377c16888e"},
        {63,
         "75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2"},
        {64,
         "7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c"},
        {65,
         "9537c5fdf120482f7d58d25e9ed583f52c02b4e304ea814db1633ad565aed7e9"},
        {119,
         "000b48d4edf0fa7bee3c6236ecd2785baa5db4eeb8bb54341b029e0d9fa5fb0c"},
        {120,
         "13f05a0b594787f5ecd315edc96141bd3243203d1b7d4f0836f37308b276ba98"},
        {128,
         "24da1b81d0b16df6428eee73c69fcb2a93c76bc6df706f0c6670fe6bfe800464"},
    };
    char text[128];

    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char hex[DLR_SHA256_HEX_CAP];

        dlr_sha256_hex(text, cases[i].len, hex);
        assert_string_equal(hex, cases[i].sum);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_messages_have_their_sums),
        cmocka_unit_test(pieces_add_up_to_the_whole),
        cmocka_unit_test(padding_is_right_around_the_end_of_a_block),
    };

    return cmocka_run_group_tests_name("sha256", tests, NULL, NULL);
}
