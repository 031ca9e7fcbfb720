/* SPDX-License-Identifier: MIT */
/* Ids: the format is frozen; these literals are what keeps it so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "import/ids.h"

static void derive(const char *source, uint64_t number, uint32_t item,
                   const char *bytes, char out[DLR_UUID_CAP])
{
    struct cli_ids ids;
    struct cli_record record = {
        .bytes = dlr_text_of(bytes), .number = number, .item = item};

    cli_ids_init(&ids, dlr_text_of(source));
    cli_ids_derive(&ids, &record, out);
}

static void an_id_is_what_it_was_in_the_first_version(void **state)
{
    struct cli_record record = {.bytes = DLR_TEXT("{\"a\":1}")};
    char id[DLR_UUID_CAP];

    (void)state;
    derive("orders.csv", 1, 0, "a,b,c", id);
    assert_string_equal(id, "d8f0fbce-0000-8001-9dc0-4496e83b34e7");
    derive("orders.csv", 268435455, 7, "a,b,c", id);
    assert_string_equal(id, "d8f0fbce-ffff-8fff-85e1-56c5363a4899");
    cli_ids_derive_message(DLR_TEXT("\"m-1\""), &record, id);
    assert_string_equal(id, "81544aa1-8aa5-8878-a962-f635aba99178");
}

static void every_part_makes_another_id(void **state)
{
    static const char long_name[] =
        "a-name-that-is-longer-than-one-block-of-the-hash-which-has-64-bytes";
    char ids[6][DLR_UUID_CAP];

    (void)state;
    derive("a", 1, 0, "x", ids[0]);
    derive("b", 1, 0, "x", ids[1]);
    derive("a", 2, 0, "x", ids[2]);
    derive("a", 1, 1, "x", ids[3]);
    derive("a", 1, 0, "y", ids[4]);
    derive(long_name, 1, 0, "x", ids[5]);
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = i + 1; j < 6; j++) {
            assert_string_not_equal(ids[i], ids[j]);
        }
    }
}

static void ids_of_a_source_ascend_with_the_place(void **state)
{
    char last[DLR_UUID_CAP] = "";
    char id[DLR_UUID_CAP];

    (void)state;
    for (uint64_t number = 1; number < 300000; number += 997) {
        derive("a", number, 0, "same bytes", id);
        assert_true(strcmp(last, id) < 0);
        memcpy(last, id, sizeof last);
    }
}

static void ids_are_uuids_of_version_8(void **state)
{
    char id[DLR_UUID_CAP];

    (void)state;
    for (uint64_t number = 0; number < 4000; number += 250) {
        derive("a", number, 0, "x", id);
        assert_int_equal(strlen(id), 36);
        assert_int_equal(id[14], '8');
        assert_non_null(strchr("89ab", id[19]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_what_it_was_in_the_first_version),
        cmocka_unit_test(every_part_makes_another_id),
        cmocka_unit_test(ids_of_a_source_ascend_with_the_place),
        cmocka_unit_test(ids_are_uuids_of_version_8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
