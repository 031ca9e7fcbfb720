/* SPDX-License-Identifier: MIT */
/* Map: --map FIELD=SOURCE read and resolved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "import/map.h"

struct fixture {
    struct cli_maps maps;
    struct cli_record record;
    struct dlr_buf scratch;
    struct dlr_buf problem;
};

static void begin(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    dlr_buf_init(&fixture->scratch, 65536);
    assert_non_null(dlr_buf_reserve(&fixture->scratch, 65536));
    dlr_buf_init(&fixture->problem, 4096);
}

static void end(struct fixture *fixture)
{
    cli_maps_clear(&fixture->maps);
    cli_record_clear(&fixture->record);
    dlr_buf_clear(&fixture->scratch);
    dlr_buf_clear(&fixture->problem);
}

/* Resolves one source against one JSON object and returns it as text. */
static const char *resolve(struct fixture *fixture, const char *source,
                           const char *json)
{
    static char shown[1024];
    char spec[256] = "user_id=";
    struct cli_value value;
    struct dlr_buf out;

    memcpy(spec + 8, source, strlen(source) + 1);
    cli_maps_clear(&fixture->maps);
    dlr_buf_rewind(&fixture->problem, 0);
    dlr_buf_rewind(&fixture->scratch, 0);
    assert_true(cli_maps_add(&fixture->maps, spec, &fixture->problem));
    assert_true(cli_record_set_object(&fixture->record,
                                      dlr_json_root(dlr_text_of(json))));
    dlr_buf_init_fixed(&out, shown, sizeof shown);
    if (!cli_map_resolve(fixture->maps.items, &fixture->record,
                         &fixture->scratch, &value, &fixture->problem)) {
        return "refused";
    }
    if (value.type == DLR_JSON_NONE) {
        return "none";
    }
    assert_true(cli_value_put_json(&value, &out));
    return dlr_buf_terminate(&out);
}

static void sources_give_values_byte_for_byte(void **state)
{
    static const char json[] =
        "{\"a\":\"\",\"b\":null,\"c\":\"x\\u00e9\",\"n\":1.50,"
        "\"o\":{\"p\":[10,{\"q\":12345678901234567890}]},\"d.e\":true,"
        "\"k\\u0065y\":\"spelled\",\"0.5\":\"named\"}";
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    assert_string_equal(resolve(&fixture, "c", json), "\"x\\u00e9\"");
    assert_string_equal(resolve(&fixture, "a|b|c", json), "\"x\\u00e9\"");
    assert_string_equal(resolve(&fixture, "a|b|=t|x", json), "\"t|x\"");
    assert_string_equal(resolve(&fixture, "b|a", json), "\"\"");
    assert_string_equal(resolve(&fixture, "zzz", json), "none");
    assert_string_equal(resolve(&fixture, "o.p.1.q", json),
                        "12345678901234567890");
    assert_string_equal(resolve(&fixture, "o.p.7", json), "none");
    assert_string_equal(resolve(&fixture, "d.e", json), "true");
    assert_string_equal(resolve(&fixture, "key", json), "\"spelled\"");
    assert_string_equal(resolve(&fixture, "0.5", json), "\"named\"");
    assert_string_equal(resolve(&fixture, "n*2", json), "3.00");
    assert_string_equal(resolve(&fixture, "n*n*n", json), "3.375000");
    assert_string_equal(resolve(&fixture, "n*zzz", json), "none");
    assert_string_equal(resolve(&fixture, "n*zzz|n", json), "1.50");
    assert_string_equal(resolve(&fixture, "c:number", json), "refused");
    assert_string_equal(resolve(&fixture, "n|c:number", json), "1.50");
    end(&fixture);
}

static void columns_that_were_mapped_are_used(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    assert_string_equal(
        resolve(&fixture, "a|b*c", "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}"), "1");
    assert_true(fixture.record.columns[0].is_used);
    assert_true(fixture.record.columns[1].is_used);
    assert_true(fixture.record.columns[2].is_used);
    assert_false(fixture.record.columns[3].is_used);
    end(&fixture);
}

static void fields_of_parents_are_found_from_the_inside_out(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    fixture.record.scopes[0] =
        dlr_json_root(DLR_TEXT("{\"id\":\"outer\",\"shop\":{\"name\":\"s\"}}"));
    fixture.record.scopes[1] = dlr_json_root(DLR_TEXT("{\"id\":\"inner\"}"));
    fixture.record.scope_count = 2;
    assert_string_equal(resolve(&fixture, "id", "{\"id\":\"own\"}"), "\"own\"");
    assert_string_equal(resolve(&fixture, "id", "{}"), "\"inner\"");
    assert_string_equal(resolve(&fixture, "shop.name", "{}"), "\"s\"");
    end(&fixture);
}

static void expect_refusal(const char *spec, const char *part)
{
    struct fixture fixture;

    begin(&fixture);
    assert_false(cli_maps_add(&fixture.maps, spec, &fixture.problem));
    assert_non_null(strstr(dlr_buf_terminate(&fixture.problem), part));
    assert_int_equal(fixture.maps.count, 0);
    end(&fixture);
}

static void what_is_no_map_is_refused_with_the_reason(void **state)
{
    (void)state;
    expect_refusal("user_id", "FIELD=COLUMN");
    expect_refusal("=x", "FIELD=COLUMN");
    expect_refusal("user_id=", "column is missing");
    expect_refusal("user_id=a|", "column is missing");
    expect_refusal("user_id=a**b", "column is missing");
    expect_refusal("userid=a", "did you mean user_id?");
    expect_refusal("price=a", "properties.price=");
    expect_refusal("properties.=a", "there is no field");
}

static void a_field_is_mapped_once(void **state)
{
    struct fixture fixture;

    (void)state;
    begin(&fixture);
    assert_true(cli_maps_add(&fixture.maps, "event=a", &fixture.problem));
    assert_true(
        cli_maps_add(&fixture.maps, "properties.x=a", &fixture.problem));
    assert_true(
        cli_maps_add(&fixture.maps, "properties.y=a", &fixture.problem));
    assert_false(cli_maps_add(&fixture.maps, "event=b", &fixture.problem));
    assert_non_null(strstr(dlr_buf_terminate(&fixture.problem), "event=a"));
    assert_false(
        cli_maps_add(&fixture.maps, "properties.x=b", &fixture.problem));
    assert_int_equal(fixture.maps.count, 3);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sources_give_values_byte_for_byte),
        cmocka_unit_test(columns_that_were_mapped_are_used),
        cmocka_unit_test(fields_of_parents_are_found_from_the_inside_out),
        cmocka_unit_test(what_is_no_map_is_refused_with_the_reason),
        cmocka_unit_test(a_field_is_mapped_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
