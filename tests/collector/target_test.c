/* SPDX-License-Identifier: MIT */
/*
 * Paths and queries as they come from the request line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/target.h"

static void expect_text(struct dlr_text text, const char *bytes, size_t len)
{
    assert_int_equal(text.len, len);
    assert_memory_equal(text.ptr, bytes, len);
}

static void splits_before_it_decodes(void **state)
{
    struct dld_target target;

    (void)state;
    dld_target_read(&target, "/api/a%2Fb/c%00d//?x=1%262&y&z=a+b%2B");
    assert_null(target.fault);
    assert_int_equal(target.segment_count, 3);
    expect_text(target.segments[1], "a/b", 3);
    expect_text(target.segments[2], "c\0d", 3);
    assert_int_equal(target.param_count, 3);
    expect_text(target.params[0].value, "1&2", 3);
    assert_int_equal(target.params[1].value.len, 0);
    expect_text(target.params[2].value, "a b+", 4);
    assert_string_equal(target.raw, "/api/a%2Fb/c%00d//?x=1%262&y&z=a+b%2B");
    dld_target_clear(&target);
}

static void reads_the_form_of_proxies(void **state)
{
    struct dld_target target;

    (void)state;
    dld_target_read(&target, "http://host:1/track?a=http://b/c");
    assert_null(target.fault);
    assert_int_equal(target.segment_count, 1);
    expect_text(target.params[0].value, "http://b/c", 10);
    dld_target_clear(&target);
    dld_target_read(&target, "http://host");
    assert_null(target.fault);
    assert_int_equal(target.segment_count, 0);
    dld_target_clear(&target);
}

static void names_what_it_cannot_read(void **state)
{
    static const char *const bad[] = {
        "/%",
        "/%2",
        "/%zz",
        "/a/../b",
        "/%2e/b",
        "/\x01",
        "/a b",
        "/%ff",
        "/?a=%",
        "/?%=a",
        "/a\x7f",
        "/1/2/3/4/5/6/7/8/9/10/11/12/13",
        "/?1&2&3&4&5&6&7&8&9&10&11&12&13&14&15&16&17&18&19&20&21&22&23&24&25",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct dld_target target;

        dld_target_read(&target, bad[i]);
        assert_non_null(target.fault);
        dld_target_clear(&target);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_before_it_decodes),
        cmocka_unit_test(reads_the_form_of_proxies),
        cmocka_unit_test(names_what_it_cannot_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
