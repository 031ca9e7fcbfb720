/* SPDX-License-Identifier: MIT */
#include "queue/record.h"

#include "os/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static unsigned distance(uint8_t a, uint8_t b)
{
    unsigned bits = 0;

    for (uint8_t diff = a ^ b; diff != 0; diff = (uint8_t)(diff >> 1)) {
        bits += diff & 1u;
    }
    return bits;
}

static void states_differ_in_at_least_four_bits(void **state)
{
    (void)state;
    for (uint32_t a = 0; a < 16; a++) {
        for (uint32_t b = 0; b < a; b++) {
            assert_true(distance(dlr_record_code(a), dlr_record_code(b)) >= 4);
        }
    }
}

static void one_flipped_bit_is_corrected(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 16; code++) {
        assert_int_equal(dlr_record_state_of(dlr_record_code(code)), code);
        for (unsigned bit = 0; bit < 8; bit++) {
            uint8_t flipped = (uint8_t)(dlr_record_code(code) ^ (1u << bit));

            assert_int_equal(dlr_record_state_of(flipped), code);
        }
    }
}

static void two_flipped_bits_are_damage_and_never_another_state(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 16; code++) {
        for (unsigned a = 0; a < 8; a++) {
            for (unsigned b = 0; b < a; b++) {
                uint8_t flipped =
                    (uint8_t)(dlr_record_code(code) ^ (1u << a) ^ (1u << b));

                assert_int_equal(dlr_record_state_of(flipped),
                                 DLR_RECORD_DAMAGED);
            }
        }
    }
}

static void memory_of_zeros_reads_as_free(void **state)
{
    char zeros[DLR_RECORD_HEAD_BYTES] = {0};

    (void)state;
    assert_int_equal(dlr_record_read(zeros).state, DLR_RECORD_FREE);
    assert_int_equal(dlr_record_read(zeros).len, 0);
}

static void what_is_written_is_read(void **state)
{
    static const uint32_t lengths[] = {0, 1, 2, 3, 4, 255, 256, 65535, 65536};
    static char json[65536];
    static _Alignas(4) char at[DLR_RECORD_HEAD_BYTES + sizeof json];

    (void)state;
    memset(json, 'j', sizeof json);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct dlr_record_head head = {0xdeadbeefu, 0xfffffffeu, lengths[i],
                                       DLR_RECORD_PENDING};
        struct dlr_record_head seen;

        dlr_record_write(at, &head, dlr_text_n(json, lengths[i]));
        seen = dlr_record_read(at);
        assert_int_equal(seen.crc, head.crc);
        assert_int_equal(seen.time_ms, head.time_ms);
        assert_int_equal(seen.len, head.len);
        assert_int_equal(seen.state, DLR_RECORD_PENDING);
        assert_memory_equal(at + DLR_RECORD_HEAD_BYTES, json, lengths[i]);
    }
}

static void the_largest_length_keeps_its_24_bits(void **state)
{
    _Alignas(4) char at[DLR_RECORD_HEAD_BYTES] = {0};
    struct dlr_record_head head = {0, 0, DLR_RECORD_MAX_BYTES, 1};

    (void)state;
    dlr_record_write(at, &head, dlr_text_n("", 0));
    assert_int_equal(dlr_record_read(at).len, DLR_RECORD_MAX_BYTES);
    assert_int_equal(dlr_record_span(DLR_RECORD_MAX_BYTES) % 4, 0);
    assert_true(dlr_record_span(DLR_RECORD_MAX_BYTES) >=
                DLR_RECORD_MAX_BYTES + DLR_RECORD_HEAD_BYTES);
}

static void settling_inverts_the_checksum_and_dropping_does_not(void **state)
{
    _Alignas(4) char at[32];
    struct dlr_record_head head = {0x01020304u, 7, 2, DLR_RECORD_PENDING};

    (void)state;
    dlr_record_write(at, &head, DLR_TEXT("{}"));
    dlr_record_mark(at, DLR_RECORD_DEAD + 3);
    assert_int_equal(dlr_record_read(at).crc, 0x01020304u);
    assert_int_equal(dlr_record_read(at).state, DLR_RECORD_DEAD + 3);
    dlr_record_mark(at, DLR_RECORD_DONE);
    assert_int_equal(dlr_record_read(at).crc, ~0x01020304u);
    assert_int_equal(dlr_record_read(at).state, DLR_RECORD_DONE);
}

static void every_drop_reason_has_a_state_of_its_own(void **state)
{
    (void)state;
    for (uint32_t reason = 0; reason < DATALYR_DROP_COUNT; reason++) {
        assert_true(dlr_record_is_dead(DLR_RECORD_DEAD + reason));
    }
    assert_false(dlr_record_is_dead(DLR_RECORD_PENDING));
    assert_false(dlr_record_is_dead(DLR_RECORD_DONE));
    assert_false(dlr_record_is_dead(DLR_RECORD_FREE));
    assert_false(dlr_record_is_dead(DLR_RECORD_DAMAGED));
}

static void the_checksum_covers_time_length_generation_and_json(void **state)
{
    struct dlr_record_head head = {0, 5, 2, DLR_RECORD_PENDING};
    struct dlr_record_head other = head;
    uint32_t json_crc = dlr_crc32c(0, "{}", 2);
    uint32_t crc = dlr_record_crc(&head, 9, json_crc);

    (void)state;
    other.time_ms = 6;
    assert_int_not_equal(dlr_record_crc(&other, 9, json_crc), crc);
    other = head;
    other.len = 3;
    assert_int_not_equal(dlr_record_crc(&other, 9, json_crc), crc);
    assert_int_not_equal(dlr_record_crc(&head, 10, json_crc), crc);
    assert_int_not_equal(dlr_record_crc(&head, 9, dlr_crc32c(0, "{ ", 2)), crc);
    other = head;
    other.state = DLR_RECORD_DONE;
    assert_int_equal(dlr_record_crc(&other, 9, json_crc), crc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_differ_in_at_least_four_bits),
        cmocka_unit_test(one_flipped_bit_is_corrected),
        cmocka_unit_test(two_flipped_bits_are_damage_and_never_another_state),
        cmocka_unit_test(memory_of_zeros_reads_as_free),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(the_largest_length_keeps_its_24_bits),
        cmocka_unit_test(settling_inverts_the_checksum_and_dropping_does_not),
        cmocka_unit_test(every_drop_reason_has_a_state_of_its_own),
        cmocka_unit_test(the_checksum_covers_time_length_generation_and_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
