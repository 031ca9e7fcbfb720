/* SPDX-License-Identifier: MIT */
/*
 * Event objects of all SDKs, field by field.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event/event.h"

#include <stdio.h>
#include <string.h>

static char storage[8192];

static struct dld_event_fault read_event(const char *doc,
                                         struct dld_event *event)
{
    struct dld_event_fault fault;
    struct dlr_buf arena;

    dlr_buf_init_fixed(&arena, storage, sizeof storage);
    dld_event_read(dlr_text_of(doc), &arena, event, &fault);
    assert_false(arena.failed);
    return fault;
}

static void expect_text(struct dlr_text text, const char *expected)
{
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.ptr, expected, text.len);
}

static void takes_the_first_name_that_is_not_null(void **state)
{
    struct dld_event event;

    (void)state;
    assert_null(read_event("{\"event\":null,\"event_name\":\"a\",\"eventName\":"
                           "\"b\",\"user_id\":null,\"userId\":\"u\"}",
                           &event)
                    .error);
    expect_text(event.name, "a");
    expect_text(event.user, "u");
}

static void decodes_escapes_of_ids_only(void **state)
{
    struct dld_event event;

    (void)state;
    assert_null(read_event("{\"event\":\"\\u0041\",\"userId\":\"\\ud83d\\ude00"
                           "\",\"properties\":{\"\\u0041\":\"\\u0041\"}}",
                           &event)
                    .error);
    expect_text(event.name, "A");
    expect_text(event.user, "\xf0\x9f\x98\x80");
    expect_text(event.properties.text, "{\"\\u0041\":\"\\u0041\"}");
}

static void collapses_long_ids_as_the_vendor_does(void **state)
{
    struct dld_event event;
    char doc[600] = "{\"event\":\"x\",\"userId\":\"u\",\"eventId\":\"";
    size_t len = strlen(doc);

    (void)state;
    memset(doc + len, 'a', 257);
    memcpy(doc + len + 257, "\"}", 3);
    assert_null(read_event(doc, &event).error);
    assert_int_equal(event.id.len, 256);
    assert_int_equal(event.id.ptr[190], 'a');
    assert_int_equal(event.id.ptr[191], '-');
    /* SHA-256 of all 257, made elsewhere. */
    assert_memory_equal(event.id.ptr + 192,
                        "e8d95cc2b4bc198c54b40bd214df958a"
                        "fb65f5e73d2c2eafe0593cf5c635c1f0",
                        64);
    doc[len + 256] = '"';
    doc[len + 257] = '}';
    doc[len + 258] = '\0';
    assert_null(read_event(doc, &event).error);
    assert_int_equal(event.id.len, 256);
    assert_int_equal(event.id.ptr[191], 'a');
}

static void derives_an_id_from_content_and_time(void **state)
{
    struct dld_event first;
    struct dld_event second;
    char id[80];

    (void)state;
    (void)read_event("{\"event\":\"x\",\"userId\":\"u\",\"timestamp\":1}",
                     &first);
    assert_true(first.is_id_derived);
    assert_int_equal(first.id.len, 68);
    memcpy(id, first.id.ptr, 68);
    (void)read_event("{\"event\":\"x\",\"userId\":\"u\",\"timestamp\":2}",
                     &second);
    assert_memory_not_equal(id, second.id.ptr, 68);
    (void)read_event("{\"event\":\"x\",\"userId\":\"u\"}", &second);
    assert_int_equal(second.id.len, 0);
}

static void reads_every_form_of_time(void **state)
{
    static const char *const times[] = {
        "\"2026-03-04T05:06:07.089Z\"",
        "\"2026-03-04T05:06:07.089+0000\"",
        "\"2026-03-04T10:36:07.089+05:30\"",
        "1772600767089",
        "1772600767.089",
    };
    struct dld_event event;
    char doc[128];

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        (void)snprintf(doc, sizeof doc,
                       "{\"event\":\"x\",\"userId\":\"u\",\"timestamp\":%s}",
                       times[i]);
        (void)read_event(doc, &event);
        assert_true(event.has_time);
        assert_int_equal(event.time_ms, 1772600767089);
    }
    (void)read_event("{\"event\":\"x\",\"timestamp\":\"NOW\"}", &event);
    assert_false(event.has_time);
}

static void names_what_is_missing(void **state)
{
    struct dld_event event;

    (void)state;
    assert_string_equal(
        read_event("{\"event\":7,\"userId\":\"u\"}", &event).field, "event");
    assert_string_equal(
        read_event("{\"event\":\"x\",\"userId\":\"\"}", &event).field,
        "userId");
    assert_string_equal(
        read_event("{\"event\":\"x\",\"userId\":true}", &event).field,
        "userId");
    assert_string_equal(
        read_event("{\"event\":\"x\",\"userId\":\"u\",\"properties\":7}",
                   &event)
            .field,
        "properties");
    assert_non_null(read_event("[]", &event).error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_first_name_that_is_not_null),
        cmocka_unit_test(decodes_escapes_of_ids_only),
        cmocka_unit_test(collapses_long_ids_as_the_vendor_does),
        cmocka_unit_test(derives_an_id_from_content_and_time),
        cmocka_unit_test(reads_every_form_of_time),
        cmocka_unit_test(names_what_is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
