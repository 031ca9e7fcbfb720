/* SPDX-License-Identifier: MIT */
/* Settled: marks move over what is done, in whichever order it gets done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "import/settled.h"

#include <stdio.h>

static void add(struct cli_settled *settled, uint64_t record, const char *id)
{
    struct cli_settled_item item = {
        .record = record, .hash = record * 10, .ends_record = true};

    cli_settled_add(settled, &item, id);
}

static uint64_t mark_of(struct cli_settled *settled)
{
    struct cli_mark mark;

    cli_settled_read(settled, &mark);
    assert_int_equal(mark.hash, mark.records * 10);
    return mark.records;
}

static void a_mark_waits_for_the_oldest(void **state)
{
    struct cli_settled settled;

    (void)state;
    assert_true(cli_settled_init(&settled, 1));
    add(&settled, 1, "a");
    add(&settled, 2, "b");
    add(&settled, 3, "c");
    cli_settled_note(&settled, "c", true);
    cli_settled_note(&settled, "b", true);
    assert_int_equal(mark_of(&settled), 0);
    cli_settled_note(&settled, "nobody", true);
    assert_int_equal(mark_of(&settled), 0);
    cli_settled_note(&settled, "a", true);
    assert_int_equal(mark_of(&settled), 3);
    cli_settled_clear(&settled);
}

static void an_id_that_stands_twice_is_served_oldest_first(void **state)
{
    struct cli_settled settled;

    (void)state;
    assert_true(cli_settled_init(&settled, 1));
    add(&settled, 1, "a");
    add(&settled, 2, "a");
    cli_settled_note(&settled, "a", true);
    assert_int_equal(mark_of(&settled), 1);
    cli_settled_note(&settled, "a", true);
    assert_int_equal(mark_of(&settled), 2);
    cli_settled_clear(&settled);
}

/* Each bit of texts around the lengths at which folding changes its way. */
static void the_hash_of_a_record_is_changed_by_each_of_its_bits(void **state)
{
    char text[100];

    (void)state;
    memset(text, 0, sizeof text);
    for (size_t len = 0; len < sizeof text; len++) {
        uint64_t before = cli_settled_hash(dlr_text_n(text, len));

        assert_true(before != cli_settled_hash(dlr_text_n(text, len + 1)));
        for (size_t bit = 0; bit < len * 8; bit++) {
            text[bit / 8] = (char)(1 << bit % 8);
            assert_true(before != cli_settled_hash(dlr_text_n(text, len)));
            text[bit / 8] = 0;
        }
    }
}

static void a_lost_event_stops_the_mark_before_it(void **state)
{
    struct cli_settled settled;

    (void)state;
    assert_true(cli_settled_init(&settled, 1));
    add(&settled, 1, "a");
    add(&settled, 2, "b");
    add(&settled, 3, "c");
    cli_settled_note(&settled, "a", true);
    cli_settled_note(&settled, "b", false);
    cli_settled_note(&settled, "c", true);
    add(&settled, 4, "d");
    cli_settled_note(&settled, "d", true);
    assert_int_equal(mark_of(&settled), 1);
    cli_settled_clear(&settled);
}

static void a_record_of_several_events_counts_when_all_are_done(void **state)
{
    struct cli_settled settled;
    struct cli_settled_item part = {.record = 1};
    struct cli_settled_item end = {
        .record = 1, .hash = 10, .ends_record = true};

    (void)state;
    assert_true(cli_settled_init(&settled, 1));
    cli_settled_add(&settled, &part, "a");
    cli_settled_add(&settled, &part, "b");
    cli_settled_add_done(&settled, &end);
    cli_settled_note(&settled, "b", true);
    assert_int_equal(mark_of(&settled), 0);
    cli_settled_note(&settled, "a", true);
    assert_int_equal(mark_of(&settled), 1);
    cli_settled_clear(&settled);
}

static void more_than_the_first_ring_holds_are_kept(void **state)
{
    struct cli_settled settled;
    char id[32];

    (void)state;
    assert_true(cli_settled_init(&settled, 1));
    for (uint64_t i = 1; i <= 100000; i++) {
        (void)snprintf(id, sizeof id, "id-%llu", (unsigned long long)i);
        add(&settled, i, id);
    }
    for (uint64_t i = 100000; i > 1; i--) {
        (void)snprintf(id, sizeof id, "id-%llu", (unsigned long long)i);
        cli_settled_note(&settled, id, true);
    }
    assert_int_equal(mark_of(&settled), 0);
    cli_settled_note(&settled, "id-1", true);
    assert_int_equal(mark_of(&settled), 100000);
    cli_settled_clear(&settled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_waits_for_the_oldest),
        cmocka_unit_test(an_id_that_stands_twice_is_served_oldest_first),
        cmocka_unit_test(a_lost_event_stops_the_mark_before_it),
        cmocka_unit_test(the_hash_of_a_record_is_changed_by_each_of_its_bits),
        cmocka_unit_test(a_record_of_several_events_counts_when_all_are_done),
        cmocka_unit_test(more_than_the_first_ring_holds_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
