/* SPDX-License-Identifier: MIT */
#include "transport/gzip.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <zlib.h>

#define BODY_LEN 300000

/* Text like ours: much of it repeats. */
static char *make_body(void)
{
    static const char event[] = "{\"event\":\"purchase\",\"value\":00000},";
    char *body = malloc(BODY_LEN);

    assert_non_null(body);
    for (size_t i = 0; i < BODY_LEN; i++) {
        body[i] = event[i % (sizeof event - 1)];
        if (body[i] == '0') {
            body[i] = (char)('0' + i * 2654435761u / 65536 % 10);
        }
    }
    return body;
}

static void assert_unpacks(struct dlr_text packed, const char *body, size_t len)
{
    z_stream stream = {0};
    char *out = malloc(len + 1);

    assert_non_null(out);
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    stream.next_in = (Bytef *)packed.ptr;
    stream.avail_in = (uInt)packed.len;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)len + 1;
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    assert_int_equal(stream.total_out, len);
    if (len > 0) {
        assert_memory_equal(out, body, len);
    }
    (void)inflateEnd(&stream);
    free(out);
}

static void packed_body_unpacks_to_the_same_bytes(void **state)
{
    char *body = make_body();
    struct dlr_gzip *gzip;
    struct dlr_buf out;

    (void)state;
    dlr_buf_init(&out, BODY_LEN);
    assert_int_equal(dlr_gzip_new(&gzip), DATALYR_OK);
    assert_int_equal(dlr_gzip_pack(gzip, body, BODY_LEN, &out), DATALYR_OK);
    assert_true(out.len < BODY_LEN / 3);
    assert_unpacks(dlr_buf_text(&out), body, BODY_LEN);
    dlr_gzip_free(&gzip);
    assert_null(gzip);
    dlr_gzip_free(&gzip);
    dlr_buf_clear(&out);
    free(body);
}

static void state_is_used_again_without_a_trace(void **state)
{
    char *body = make_body();
    struct dlr_gzip *gzip;
    struct dlr_buf first;
    struct dlr_buf second;

    (void)state;
    dlr_buf_init(&first, BODY_LEN);
    dlr_buf_init(&second, BODY_LEN);
    assert_int_equal(dlr_gzip_new(&gzip), DATALYR_OK);
    assert_int_equal(dlr_gzip_pack(gzip, body, 5000, &first), DATALYR_OK);
    assert_int_equal(dlr_gzip_pack(gzip, body + 7, 90000, &second), DATALYR_OK);
    dlr_buf_rewind(&second, 0);
    assert_int_equal(dlr_gzip_pack(gzip, body, 5000, &second), DATALYR_OK);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.ptr, second.ptr, first.len);
    dlr_gzip_free(&gzip);
    dlr_buf_clear(&first);
    dlr_buf_clear(&second);
    free(body);
}

static void result_is_appended_and_may_fill_the_ceiling_exactly(void **state)
{
    char *body = make_body();
    struct dlr_gzip *gzip;
    struct dlr_buf out;
    size_t len;

    (void)state;
    dlr_buf_init(&out, BODY_LEN);
    assert_int_equal(dlr_gzip_new(&gzip), DATALYR_OK);
    assert_int_equal(dlr_gzip_pack(gzip, body, 5000, &out), DATALYR_OK);
    len = out.len;
    dlr_buf_clear(&out);
    dlr_buf_init(&out, len + 2);
    dlr_buf_append_string(&out, "ab");
    assert_int_equal(dlr_gzip_pack(gzip, body, 5000, &out), DATALYR_OK);
    assert_int_equal(out.len, len + 2);
    assert_memory_equal(out.ptr, "ab", 2);
    assert_unpacks(dlr_text_n(out.ptr + 2, len), body, 5000);
    dlr_gzip_free(&gzip);
    dlr_buf_clear(&out);
    free(body);
}

static void result_that_does_not_fit_leaves_the_buffer_as_it_was(void **state)
{
    char *body = make_body();
    struct dlr_gzip *gzip;
    struct dlr_buf out;

    (void)state;
    dlr_buf_init(&out, 300);
    dlr_buf_append_string(&out, "ab");
    assert_int_equal(dlr_gzip_new(&gzip), DATALYR_OK);
    assert_int_equal(dlr_gzip_pack(gzip, body, BODY_LEN, &out),
                     DATALYR_TOO_LARGE);
    assert_int_equal(out.len, 2);
    assert_false(out.failed);
    /* And the state survives it. */
    assert_int_equal(dlr_gzip_pack(gzip, body, 40, &out), DATALYR_OK);
    assert_unpacks(dlr_text_n(out.ptr + 2, out.len - 2), body, 40);
    dlr_gzip_free(&gzip);
    dlr_buf_clear(&out);
    free(body);
}

static void nothing_packs_to_an_empty_member(void **state)
{
    struct dlr_gzip *gzip;
    struct dlr_buf out;

    (void)state;
    dlr_buf_init(&out, 100);
    assert_int_equal(dlr_gzip_new(&gzip), DATALYR_OK);
    assert_int_equal(dlr_gzip_pack(gzip, NULL, 0, &out), DATALYR_OK);
    assert_unpacks(dlr_buf_text(&out), NULL, 0);
    dlr_gzip_free(&gzip);
    dlr_buf_clear(&out);
}

static void running_out_of_memory_is_told(void **state)
{
    struct dlr_gzip *gzip;
    struct dlr_buf out;
    uint64_t n = 1;

    (void)state;
    for (;; n++) {
        dlr_mem_set_fail_at(n);
        if (dlr_gzip_new(&gzip) == DATALYR_OK) {
            break;
        }
        assert_null(gzip);
    }
    assert_true(n > 2); /* our struct, and at least one block of zlib's */
    dlr_buf_init(&out, 100);
    dlr_mem_set_fail_at(1);
    assert_int_equal(dlr_gzip_pack(gzip, "abc", 3, &out), DATALYR_NOMEM);
    assert_false(out.failed);
    dlr_mem_set_fail_at(0);
    assert_int_equal(dlr_gzip_pack(gzip, "abc", 3, &out), DATALYR_OK);
    dlr_gzip_free(&gzip);
    dlr_buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_body_unpacks_to_the_same_bytes),
        cmocka_unit_test(state_is_used_again_without_a_trace),
        cmocka_unit_test(result_is_appended_and_may_fill_the_ceiling_exactly),
        cmocka_unit_test(result_that_does_not_fit_leaves_the_buffer_as_it_was),
        cmocka_unit_test(nothing_packs_to_an_empty_member),
        cmocka_unit_test(running_out_of_memory_is_told),
    };

    return cmocka_run_group_tests_name("gzip", tests, NULL, NULL);
}
