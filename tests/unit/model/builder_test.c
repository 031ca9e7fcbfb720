/* SPDX-License-Identifier: MIT */
/* Properties known at run time. */
#include "model/built.h"

#include "base/mem.h"
#include "model/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void check_text(const datalyr_builder *builder, const char *expected)
{
    struct dlr_text text = {0};

    assert_null(dlr_builder_text(builder, &text));
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.ptr, expected, text.len);
}

static void members_come_in_the_order_of_their_addition(void **state)
{
    datalyr_builder *builder = datalyr_builder_new();

    (void)state;
    check_text(builder, "{}");
    assert_int_equal(datalyr_builder_add(builder, "a", DATALYR(1)), DATALYR_OK);
    assert_int_equal(datalyr_builder_open_object(builder, "o"), DATALYR_OK);
    assert_int_equal(datalyr_builder_add(builder, "b", DATALYR("x")),
                     DATALYR_OK);
    assert_int_equal(datalyr_builder_open_list(builder, "l"), DATALYR_OK);
    assert_int_equal(datalyr_builder_add(builder, NULL, DATALYR_TRUE),
                     DATALYR_OK);
    assert_int_equal(datalyr_builder_open_list(builder, NULL), DATALYR_OK);
    assert_int_equal(datalyr_builder_close(builder), DATALYR_OK);
    assert_int_equal(datalyr_builder_close(builder), DATALYR_OK);
    assert_int_equal(datalyr_builder_close(builder), DATALYR_OK);
    assert_int_equal(datalyr_builder_add(builder, "z", DATALYR_NULL),
                     DATALYR_OK);
    check_text(builder, "{\"a\":1,\"o\":{\"b\":\"x\",\"l\":[true,[]]},"
                        "\"z\":null}");
    check_text(builder, "{\"a\":1,\"o\":{\"b\":\"x\",\"l\":[true,[]]},"
                        "\"z\":null}");
    datalyr_builder_reset(builder);
    check_text(builder, "{}");
    datalyr_builder_free(&builder);
    assert_null(builder);
    datalyr_builder_free(&builder);
    datalyr_builder_free(NULL);
    datalyr_builder_reset(NULL);
}

static void the_first_failure_is_kept_until_a_reset(void **state)
{
    datalyr_builder *builder = datalyr_builder_new();
    struct dlr_text text;

    (void)state;
    assert_int_equal(datalyr_builder_add(builder, "a", DATALYR(1)), DATALYR_OK);
    assert_int_equal(datalyr_builder_add(builder, "n", DATALYR(NAN)),
                     DATALYR_INVALID);
    assert_int_equal(datalyr_builder_add(builder, "b", DATALYR(2)),
                     DATALYR_INVALID);
    assert_non_null(dlr_builder_text(builder, &text));
    datalyr_builder_reset(builder);
    assert_int_equal(datalyr_builder_add(builder, "b", DATALYR(2)), DATALYR_OK);
    check_text(builder, "{\"b\":2}");
    datalyr_builder_free(&builder);
}

static void names_belong_to_objects_only(void **state)
{
    datalyr_builder *builder = datalyr_builder_new();

    (void)state;
    assert_int_equal(datalyr_builder_add(builder, NULL, DATALYR(1)),
                     DATALYR_INVALID);
    datalyr_builder_reset(builder);
    assert_int_equal(datalyr_builder_open_list(builder, "l"), DATALYR_OK);
    assert_int_equal(datalyr_builder_add(builder, "a", DATALYR(1)),
                     DATALYR_INVALID);
    datalyr_builder_reset(builder);
    assert_int_equal(datalyr_builder_close(builder), DATALYR_INVALID);
    datalyr_builder_free(&builder);
    assert_int_equal(datalyr_builder_add(NULL, "a", DATALYR(1)),
                     DATALYR_INVALID);
    assert_int_equal(datalyr_builder_close(NULL), DATALYR_INVALID);
    assert_int_equal(datalyr_builder_open_list(NULL, "a"), DATALYR_INVALID);
}

static void an_open_level_is_refused_when_read(void **state)
{
    datalyr_builder *builder = datalyr_builder_new();
    struct dlr_text text;

    (void)state;
    assert_int_equal(datalyr_builder_open_object(builder, "o"), DATALYR_OK);
    assert_string_equal(dlr_builder_text(builder, &text),
                        "is a builder with a level still open");
    assert_int_equal(datalyr_builder_close(builder), DATALYR_OK);
    check_text(builder, "{\"o\":{}}");
    datalyr_builder_free(&builder);
}

static void levels_end_at_the_limit(void **state)
{
    datalyr_builder *builder = datalyr_builder_new();
    unsigned depth = 0;

    (void)state;
    while (datalyr_builder_open_object(builder, "o") == DATALYR_OK) {
        depth++;
    }
    assert_int_equal(depth, DLR_VALUE_DEPTH);
    datalyr_builder_free(&builder);
}

/* It would read its own text while that grows. */
static void a_builder_cannot_hold_itself(void **state)
{
    datalyr_builder *builder = datalyr_builder_new();
    datalyr_value self = datalyr_built(builder);

    (void)state;
    assert_int_equal(datalyr_builder_add(builder, "a", DATALYR("some text")),
                     DATALYR_OK);
    assert_int_equal(datalyr_builder_add(builder, "self", self),
                     DATALYR_INVALID);
    datalyr_builder_reset(builder);
    assert_int_equal(
        datalyr_builder_add(builder, "self", datalyr_list(&self, 1)),
        DATALYR_INVALID);
    datalyr_builder_free(&builder);
}

/* Builders in builders count their levels, or a reader somewhere ends. */
static void nested_builders_end_at_the_limit(void **state)
{
    datalyr_builder *inner = datalyr_builder_new();
    datalyr_status status = DATALYR_OK;
    unsigned levels = 0;

    (void)state;
    while (status == DATALYR_OK && levels < 2 * DLR_VALUE_DEPTH) {
        datalyr_builder *outer = datalyr_builder_new();

        status = datalyr_builder_add(outer, "b", datalyr_built(inner));
        datalyr_builder_free(&inner);
        inner = outer;
        levels++;
    }
    assert_int_equal(status, DATALYR_INVALID);
    assert_true(levels <= DLR_VALUE_DEPTH + 1);
    datalyr_builder_free(&inner);
}

static void a_thousand_members_fit(void **state)
{
    datalyr_builder *builder = datalyr_builder_new();
    struct dlr_text text;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "m%d", i);
        assert_int_equal(datalyr_builder_add(builder, name, DATALYR(i)),
                         DATALYR_OK);
    }
    assert_null(dlr_builder_text(builder, &text));
    assert_int_equal(text.ptr[text.len - 1], '}');
    datalyr_builder_free(&builder);
}

static void memory_that_runs_out_is_told(void **state)
{
    datalyr_builder *builder;
    struct dlr_text text;
    char *large = malloc(100000);

    (void)state;
    assert_non_null(large);
    memset(large, 'x', 100000);
    dlr_mem_set_fail_at(1);
    assert_null(datalyr_builder_new());
    dlr_mem_set_fail_at(2);
    assert_null(datalyr_builder_new());
    dlr_mem_set_fail_at(0);
    builder = datalyr_builder_new();
    dlr_mem_set_fail_at(1);
    assert_int_equal(
        datalyr_builder_add(builder, "l", datalyr_text_n(large, 100000)),
        DATALYR_NOMEM);
    dlr_mem_set_fail_at(0);
    assert_string_equal(dlr_builder_text(builder, &text),
                        "is a builder that ran out of memory");
    datalyr_builder_free(&builder);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_come_in_the_order_of_their_addition),
        cmocka_unit_test(the_first_failure_is_kept_until_a_reset),
        cmocka_unit_test(names_belong_to_objects_only),
        cmocka_unit_test(an_open_level_is_refused_when_read),
        cmocka_unit_test(levels_end_at_the_limit),
        cmocka_unit_test(a_builder_cannot_hold_itself),
        cmocka_unit_test(nested_builders_end_at_the_limit),
        cmocka_unit_test(a_thousand_members_fit),
        cmocka_unit_test(memory_that_runs_out_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
