/* SPDX-License-Identifier: MIT */
#include "queue/scan.h"

#include "support/segment_file.h"

#include <stdio.h>

static struct segment_file file;

static struct dlr_scan scan_from(void)
{
    struct dlr_scan scan = {.base = file.bytes + DLR_SEGMENT_HEAD_BYTES,
                            .len = file.len - DLR_SEGMENT_HEAD_BYTES,
                            .generation = file.generation};

    return scan;
}

/* What a scan finds, as text: each record's JSON behind a letter for its state,
 * with the damage at the end where there was any. */
static const char *scan_all(void)
{
    static char out[1024];
    struct dlr_scan scan = scan_from();
    struct dlr_found found;
    size_t len = 0;

    out[0] = '\0';
    while (dlr_scan_next(&scan, &found)) {
        const char *kind = found.head.state == DLR_RECORD_PENDING ? "p"
                           : found.head.state == DLR_RECORD_DONE  ? "d"
                                                                  : "x";

        len += (size_t)snprintf(out + len, sizeof out - len, "%s%.*s", kind,
                                (int)found.json.len, found.json.ptr);
    }
    if (scan.damaged_runs > 0) {
        (void)snprintf(out + len, sizeof out - len, " runs=%u bytes=%u",
                       (unsigned)scan.damaged_runs,
                       (unsigned)scan.damaged_bytes);
    }
    assert_false(dlr_scan_next(&scan, &found));
    return out;
}

static int begin(void **state)
{
    (void)state;
    segment_file_begin(&file, NULL);
    return 0;
}

static enum dlr_head_verdict read_head(struct dlr_segment_head *head)
{
    return dlr_segment_head_read(file.bytes, file.len, head);
}

static void a_head_comes_back_as_it_was_written(void **state)
{
    uint8_t destination[DLR_DESTINATION_BYTES] = "sixteen bytes..";
    struct dlr_segment_head head;

    (void)state;
    segment_file_begin(&file, destination);
    assert_int_equal(read_head(&head), DLR_HEAD_GOOD);
    assert_true(head.generation == SEGMENT_FILE_GENERATION);
    assert_true(head.created_ms == 1700000000000);
    assert_memory_equal(head.destination, destination, sizeof destination);
    assert_int_equal(head.boot_mark, 0);
    head.boot_mark = 0x12345678;
    head.booted_ms = -2;
    dlr_segment_head_write(file.bytes, &head);
    memset(&head, 0, sizeof head);
    assert_int_equal(read_head(&head), DLR_HEAD_GOOD);
    assert_int_equal(head.boot_mark, 0x12345678);
    assert_true(head.booted_ms == -2);
}

static void a_flipped_bit_anywhere_in_a_head_leaves_the_other_copy(void **state)
{
    struct dlr_segment_head head;

    (void)state;
    for (size_t bit = 0; bit < DLR_SEGMENT_HEAD_BYTES * 8; bit++) {
        file.bytes[bit / 8] = (char)(file.bytes[bit / 8] ^ (1 << bit % 8));
        memset(&head, 0, sizeof head);
        assert_int_equal(read_head(&head), DLR_HEAD_GOOD);
        assert_true(head.generation == SEGMENT_FILE_GENERATION);
        file.bytes[bit / 8] = (char)(file.bytes[bit / 8] ^ (1 << bit % 8));
    }
}

static void a_head_with_both_copies_damaged_is_damaged(void **state)
{
    struct dlr_segment_head head;

    (void)state;
    file.bytes[20] ^= 1;
    file.bytes[64 + 20] ^= 1;
    assert_int_equal(read_head(&head), DLR_HEAD_DAMAGED);
}

static void a_head_of_zeros_is_a_file_never_written_to(void **state)
{
    struct dlr_segment_head head;

    (void)state;
    memset(file.bytes, 0, DLR_SEGMENT_HEAD_BYTES);
    assert_int_equal(read_head(&head), DLR_HEAD_EMPTY);
    assert_int_equal(dlr_segment_head_read(file.bytes, 0, &head),
                     DLR_HEAD_EMPTY);
    assert_int_equal(dlr_segment_head_read(file.bytes, 10, &head),
                     DLR_HEAD_EMPTY);
}

/* A kill may come after any of the stores that renew a file. */
static void a_file_that_is_being_renewed_reads_as_empty(void **state)
{
    struct dlr_segment_head head;

    (void)state;
    dlr_segment_head_void(file.bytes);
    assert_int_equal(read_head(&head), DLR_HEAD_EMPTY);
    for (size_t i = 1; i < DLR_SEGMENT_HEAD_BYTES; i++) {
        file.bytes[i] = 0;
        assert_int_equal(read_head(&head), DLR_HEAD_EMPTY);
    }
    for (size_t i = 1; i < 8; i++) {
        file.bytes[i] = "DLRJRNL"[i];
        assert_int_equal(read_head(&head), DLR_HEAD_EMPTY);
    }
}

static void a_head_that_was_cut_off_is_damaged(void **state)
{
    struct dlr_segment_head head;

    (void)state;
    assert_int_equal(
        dlr_segment_head_read(file.bytes, DLR_SEGMENT_HEAD_BYTES - 1, &head),
        DLR_HEAD_DAMAGED);
}

static void a_head_in_the_other_byte_order_is_foreign(void **state)
{
    struct dlr_segment_head head;

    (void)state;
    for (size_t copy = 0; copy < 128; copy += 64) {
        char first = file.bytes[copy + 8];
        char second = file.bytes[copy + 9];

        file.bytes[copy + 8] = file.bytes[copy + 11];
        file.bytes[copy + 11] = first;
        file.bytes[copy + 9] = file.bytes[copy + 10];
        file.bytes[copy + 10] = second;
    }
    assert_int_equal(read_head(&head), DLR_HEAD_FOREIGN);
}

static void a_head_of_another_version_is_foreign(void **state)
{
    struct dlr_segment_head head;
    uint32_t version = DLR_JOURNAL_VERSION + 1;

    (void)state;
    for (size_t copy = 0; copy < 128; copy += 64) {
        uint32_t crc;

        memcpy(file.bytes + copy + 12, &version, 4);
        crc = dlr_crc32c(0, file.bytes + copy, 60);
        memcpy(file.bytes + copy + 60, &crc, 4);
    }
    assert_int_equal(read_head(&head), DLR_HEAD_FOREIGN);
}

static void records_come_back_in_order_with_their_states(void **state)
{
    (void)state;
    segment_file_add(&file, "{1}", DLR_RECORD_PENDING);
    segment_file_add(&file, "{2}", DLR_RECORD_DONE);
    segment_file_add(&file, "{3}", DLR_RECORD_DEAD + 2);
    segment_file_add(&file, "{}", DLR_RECORD_PENDING);
    assert_string_equal(scan_all(), "p{1}d{2}x{3}p{}");
}

static void a_segment_without_records_has_none(void **state)
{
    (void)state;
    assert_string_equal(scan_all(), "");
}

static void free_space_behind_the_records_is_no_damage(void **state)
{
    (void)state;
    segment_file_add(&file, "{1}", DLR_RECORD_PENDING);
    file.len = SEGMENT_FILE_CAP;
    assert_string_equal(scan_all(), "p{1}");
}

static void a_flipped_bit_never_settles_a_record(void **state)
{
    char *at = segment_file_add(&file, "{1}", DLR_RECORD_PENDING);

    (void)state;
    segment_file_add(&file, "{2}", DLR_RECORD_PENDING);
    for (unsigned bit = 0; bit < (DLR_RECORD_HEAD_BYTES + 3) * 8; bit++) {
        at[bit / 8] = (char)(at[bit / 8] ^ (1 << bit % 8));
        assert_null(strchr(scan_all(), 'd'));
        assert_non_null(strstr(scan_all(), "p{2}"));
        at[bit / 8] = (char)(at[bit / 8] ^ (1 << bit % 8));
    }
}

static void a_state_that_says_settled_alone_is_sent_again(void **state)
{
    char *at = segment_file_add(&file, "{1}", DLR_RECORD_PENDING);

    (void)state;
    at[11] = (char)dlr_record_code(DLR_RECORD_DONE);
    assert_string_equal(scan_all(), "p{1}");
}

static void a_record_killed_before_its_state_ends_the_log(void **state)
{
    char *at;

    (void)state;
    segment_file_add(&file, "{1}", DLR_RECORD_PENDING);
    at = segment_file_add(&file, "{\"n\":\"half\"}", DLR_RECORD_PENDING);
    at[11] = 0;
    memset(at + 16, 0, 4);
    file.len = SEGMENT_FILE_CAP;
    assert_string_equal(scan_all(), "p{1}");
}

static void a_hole_costs_the_records_in_it_and_none_behind(void **state)
{
    char *from;

    (void)state;
    segment_file_add(&file, "{1}", DLR_RECORD_PENDING);
    from = segment_file_add(&file, "{2}", DLR_RECORD_PENDING);
    segment_file_add(&file, "{3}", DLR_RECORD_PENDING);
    memset(from, 0, (size_t)(file.bytes + file.len - from));
    segment_file_add(&file, "{4}", DLR_RECORD_PENDING);
    assert_string_equal(scan_all(), "p{1}p{4}");
}

static void garbage_between_records_is_one_run_of_damage(void **state)
{
    char *from;

    (void)state;
    segment_file_add(&file, "{1}", DLR_RECORD_PENDING);
    from = segment_file_add(&file, "{\"two\":22222}", DLR_RECORD_PENDING);
    segment_file_add(&file, "{3}", DLR_RECORD_PENDING);
    memset(from, 'g', 20);
    assert_string_equal(scan_all(), "p{1}p{3} runs=1 bytes=25");
}

static void two_damaged_records_apart_are_two_runs(void **state)
{
    (void)state;
    segment_file_add(&file, "{1}", DLR_RECORD_PENDING)[12] = 'x';
    segment_file_add(&file, "{2}", DLR_RECORD_PENDING);
    segment_file_add(&file, "{3}", DLR_RECORD_PENDING)[13] ^= 1;
    segment_file_add(&file, "{4}", DLR_RECORD_PENDING);
    assert_string_equal(scan_all(), "p{2}p{4} runs=2 bytes=30");
}

static void a_length_beyond_the_file_is_damage(void **state)
{
    (void)state;
    segment_file_add(&file, "{1}", DLR_RECORD_PENDING)[10] = 0x7f;
    segment_file_add(&file, "{2}", DLR_RECORD_PENDING);
    assert_string_equal(scan_all(), "p{2} runs=1 bytes=15");
}

static void a_record_cut_off_at_the_end_is_damage(void **state)
{
    (void)state;
    segment_file_add(&file, "{1}", DLR_RECORD_PENDING);
    segment_file_add(&file, "{\"n\":\"cut off\"}", DLR_RECORD_PENDING);
    file.len -= 6;
    assert_string_equal(scan_all(), "p{1} runs=1 bytes=22");
}

static void a_stump_shorter_than_a_head_is_damage(void **state)
{
    (void)state;
    segment_file_add(&file, "{1}", DLR_RECORD_PENDING);
    memset(file.bytes + file.len, 'g', 7);
    file.len += 7;
    assert_string_equal(scan_all(), "p{1} runs=1 bytes=7");
}

static void
bytes_of_an_older_file_on_the_same_blocks_are_no_records(void **state)
{
    (void)state;
    segment_file_add(&file, "{1}", DLR_RECORD_PENDING);
    file.generation += 2; /* what another file left there */
    segment_file_add(&file, "{2}", DLR_RECORD_PENDING);
    file.generation -= 2;
    segment_file_add(&file, "{3}", DLR_RECORD_PENDING);
    assert_string_equal(scan_all(), "p{1}p{3} runs=1 bytes=15");
}

/* Whatever stands there, a scan ends, stays inside, and finds nothing that was
 * not written. */
static void a_scan_of_any_bytes_ends(void **state)
{
    uint64_t word = 88172645463325252u;

    (void)state;
    for (unsigned round = 0; round < 50; round++) {
        struct dlr_scan scan;
        struct dlr_found found;

        for (size_t i = DLR_SEGMENT_HEAD_BYTES; i < 8192; i++) {
            word ^= word << 13;
            word ^= word >> 7;
            word ^= word << 17;
            file.bytes[i] = (char)(word & (round % 2 ? 0xff : 0x1f));
        }
        file.len = 8192 - round;
        scan = scan_from();
        assert_false(dlr_scan_next(&scan, &found));
        assert_true(scan.offset >= scan.len);
        assert_true(scan.damaged_bytes <= scan.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_head_comes_back_as_it_was_written, begin),
        cmocka_unit_test_setup(
            a_flipped_bit_anywhere_in_a_head_leaves_the_other_copy, begin),
        cmocka_unit_test_setup(a_head_with_both_copies_damaged_is_damaged,
                               begin),
        cmocka_unit_test_setup(a_head_of_zeros_is_a_file_never_written_to,
                               begin),
        cmocka_unit_test_setup(a_file_that_is_being_renewed_reads_as_empty,
                               begin),
        cmocka_unit_test_setup(a_head_that_was_cut_off_is_damaged, begin),
        cmocka_unit_test_setup(a_head_in_the_other_byte_order_is_foreign,
                               begin),
        cmocka_unit_test_setup(a_head_of_another_version_is_foreign, begin),
        cmocka_unit_test_setup(records_come_back_in_order_with_their_states,
                               begin),
        cmocka_unit_test_setup(a_segment_without_records_has_none, begin),
        cmocka_unit_test_setup(free_space_behind_the_records_is_no_damage,
                               begin),
        cmocka_unit_test_setup(a_flipped_bit_never_settles_a_record, begin),
        cmocka_unit_test_setup(a_state_that_says_settled_alone_is_sent_again,
                               begin),
        cmocka_unit_test_setup(a_record_killed_before_its_state_ends_the_log,
                               begin),
        cmocka_unit_test_setup(a_hole_costs_the_records_in_it_and_none_behind,
                               begin),
        cmocka_unit_test_setup(garbage_between_records_is_one_run_of_damage,
                               begin),
        cmocka_unit_test_setup(two_damaged_records_apart_are_two_runs, begin),
        cmocka_unit_test_setup(a_length_beyond_the_file_is_damage, begin),
        cmocka_unit_test_setup(a_record_cut_off_at_the_end_is_damage, begin),
        cmocka_unit_test_setup(a_stump_shorter_than_a_head_is_damage, begin),
        cmocka_unit_test_setup(
            bytes_of_an_older_file_on_the_same_blocks_are_no_records, begin),
        cmocka_unit_test_setup(a_scan_of_any_bytes_ends, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
