/* SPDX-License-Identifier: MIT */
/*
 * Map: reading --map FIELD=SOURCE; see map.h for the grammar.
 *
 * DESIGN
 * Texts are put into one buffer that never moves: it is reserved at once for
 * all there can be (a text takes at most six times its length as JSON, twice:
 * whole and in steps).
 */
#include "import/map.h"

#include "base/json_write.h"
#include "import/decimal.h"
#include "nearest.h"

#include <stdlib.h>

#define TEXTS_MAX  ((size_t)8 << 20)
#define SPEC_MAX   ((size_t)4096)
#define SPECS_MAX  ((size_t)100)
#define TEXTS_ROOM (SPEC_MAX * SPECS_MAX * 16)

static const char *const field_names[CLI_FIELD_COUNT] = {
    "type",      "event",    "user_id",     "anonymous_id", "event_id",
    "timestamp", "group_id", "previous_id", "session_id",
};

const char *cli_field_name(enum cli_field field)
{
    return field < CLI_FIELD_COUNT ? field_names[field] : "properties";
}

static struct dlr_text keep(struct cli_maps *maps, struct dlr_text text)
{
    size_t start = maps->texts.len;

    dlr_buf_append_text(&maps->texts, text);
    return dlr_text_n(maps->texts.ptr + start, text.len);
}

static struct dlr_text keep_key(struct cli_maps *maps, struct dlr_text name)
{
    size_t start = maps->texts.len;

    if (!dlr_json_put_text(&maps->texts, name.ptr, name.len)) {
        return dlr_text_n("", 0);
    }
    return dlr_text_n(maps->texts.ptr + start, maps->texts.len - start);
}

/* The text up to an unescaped one of `stops`, with escapes resolved; `*at` moves
 * there. Escaped dots become \001 for the moment, so that steps can be told. */
static struct dlr_text read_word(struct cli_maps *maps, const char **at,
                                 const char *stops)
{
    size_t start = maps->texts.len;

    while (**at != '\0' && strchr(stops, **at) == NULL) {
        char byte = **at;

        if (byte == '\\' && (*at)[1] != '\0') {
            byte = *++*at == '.' ? '\001' : **at;
        }
        dlr_buf_append_char(&maps->texts, byte);
        ++*at;
    }
    return dlr_text_n(maps->texts.ptr + start, maps->texts.len - start);
}

static void restore_dots(struct dlr_text text)
{
    char *at = (char *)(uintptr_t)text.ptr; /* our own buffer */

    for (size_t i = 0; i < text.len; i++) {
        at[i] = at[i] == '\001' ? '.' : at[i];
    }
}

static void split_steps(struct cli_maps *maps, struct cli_factor *factor)
{
    struct dlr_text rest = factor->name;

    while (factor->step_count < CLI_PATH_MAX) {
        const char *dot =
            rest.len == 0 ? NULL : memchr(rest.ptr, '.', rest.len);
        struct dlr_text step =
            dot == NULL ? rest : dlr_text_n(rest.ptr, (size_t)(dot - rest.ptr));
        size_t at = factor->step_count++;

        factor->steps[at] = keep(maps, step);
        restore_dots(factor->steps[at]);
        factor->step_keys[at] = keep_key(maps, factor->steps[at]);
        if (dot == NULL) {
            return;
        }
        rest = dlr_text_n(dot + 1, rest.len - step.len - 1);
    }
}

static bool is_number(struct dlr_text text)
{
    char storage[CLI_DECIMAL_DIGITS + 8];
    struct dlr_buf tidy;

    dlr_buf_init_fixed(&tidy, storage, sizeof storage);
    return cli_decimal_tidy(text, &tidy) &&
           dlr_text_equals(dlr_buf_text(&tidy), text);
}

static bool add_factor(struct cli_maps *maps, struct cli_choice *choice,
                       const char **at, struct dlr_buf *problem)
{
    static const struct dlr_text suffix = {":number", 7};
    struct cli_factor *grown =
        realloc(choice->factors, (choice->factor_count + 1) * sizeof *grown);
    struct cli_factor *factor;

    if (grown == NULL) {
        dlr_buf_append_string(problem, "out of memory");
        return false;
    }
    choice->factors = grown;
    factor = &grown[choice->factor_count++];
    *factor = (struct cli_factor){.name = read_word(maps, at, "|*")};
    if (factor->name.len > suffix.len &&
        memcmp(factor->name.ptr + factor->name.len - suffix.len, suffix.ptr,
               suffix.len) == 0) {
        factor->name.len -= suffix.len;
        factor->as_number = true;
    }
    if (factor->name.len == 0) {
        dlr_buf_append_string(problem, "a column is missing: FIELD=COLUMN, "
                                       "FIELD=A|B, FIELD=A*B or FIELD==TEXT");
        return false;
    }
    /* A number alone is a column of that name; in a product it is a number. */
    factor->is_number =
        is_number(factor->name) && (choice->factor_count > 1 || **at == '*');
    split_steps(maps, factor);
    restore_dots(factor->name);
    factor->key = keep_key(maps, factor->name);
    if (factor->key.len == 0) {
        dlr_buf_append_string(problem, "a column's name is not UTF-8");
        return false;
    }
    return true;
}

static bool add_choice(struct cli_maps *maps, struct cli_map *map,
                       const char **at, struct dlr_buf *problem)
{
    struct cli_choice *grown =
        realloc(map->choices, (map->choice_count + 1) * sizeof *grown);
    struct cli_choice *choice;

    if (grown == NULL) {
        dlr_buf_append_string(problem, "out of memory");
        return false;
    }
    map->choices = grown;
    choice = &grown[map->choice_count++];
    *choice = (struct cli_choice){0};
    if (**at == '=') {
        choice->is_constant = true;
        choice->constant = dlr_text_of(*at + 1);
        *at += 1 + choice->constant.len;
        return true;
    }
    for (;;) {
        if (!add_factor(maps, choice, at, problem)) {
            return false;
        }
        if (**at != '*') {
            return true;
        }
        ++*at;
    }
}

static bool refuse_field(struct dlr_text name, struct dlr_buf *problem)
{
    struct cli_nearest nearest = {.wanted = name};

    for (size_t i = 0; i < CLI_FIELD_COUNT; i++) {
        cli_nearest_offer(&nearest, dlr_text_of(field_names[i]));
    }
    dlr_buf_printf(problem, "there is no field %.*s", (int)name.len, name.ptr);
    if (nearest.best.len > 0) {
        dlr_buf_printf(problem, ": did you mean %.*s?", (int)nearest.best.len,
                       nearest.best.ptr);
    } else {
        dlr_buf_printf(problem, "; for a property write properties.%.*s=…",
                       (int)name.len, name.ptr);
    }
    return false;
}

static bool read_field(struct cli_maps *maps, struct cli_map *map,
                       struct dlr_text name, struct dlr_buf *problem)
{
    static const struct dlr_text prefixes[] = {{"properties.", 11},
                                               {"traits.", 7}};

    for (size_t i = 0; i < CLI_FIELD_COUNT; i++) {
        if (dlr_text_equals(name, dlr_text_of(field_names[i]))) {
            map->field = (enum cli_field)i;
            return true;
        }
    }
    for (size_t i = 0; i < 2; i++) {
        if (dlr_text_starts_with(name, prefixes[i]) &&
            name.len > prefixes[i].len) {
            map->field = CLI_FIELD_PROPERTY;
            map->property_key =
                keep_key(maps, dlr_text_n(name.ptr + prefixes[i].len,
                                          name.len - prefixes[i].len));
            return map->property_key.len > 0;
        }
    }
    return refuse_field(name, problem);
}

static void clear_map(struct cli_map *map)
{
    for (size_t i = 0; i < map->choice_count; i++) {
        free(map->choices[i].factors);
    }
    free(map->choices);
}

static bool refuse_second(const struct cli_maps *maps,
                          const struct cli_map *map, struct dlr_buf *problem)
{
    for (size_t i = 0; i < maps->count; i++) {
        if (maps->items[i].field == map->field &&
            dlr_text_equals(maps->items[i].property_key, map->property_key)) {
            dlr_buf_printf(problem,
                           "the field is mapped twice, first by %s; a|b takes "
                           "the first that is not empty",
                           maps->items[i].spec);
            return false;
        }
    }
    return true;
}

bool cli_maps_add(struct cli_maps *maps, const char *spec,
                  struct dlr_buf *problem)
{
    const char *equals = strchr(spec, '=');
    struct cli_map map = {.spec = spec};
    struct cli_map *grown;
    const char *at;
    bool is_good;

    if (equals == NULL || equals == spec || strlen(spec) > SPEC_MAX ||
        maps->count == SPECS_MAX) {
        dlr_buf_append_string(problem, "write FIELD=COLUMN");
        return false;
    }
    if (maps->texts.max == 0) {
        dlr_buf_init(&maps->texts, TEXTS_MAX);
        (void)dlr_buf_reserve(&maps->texts, TEXTS_ROOM);
    }
    at = equals + 1;
    is_good = read_field(maps, &map, dlr_text_n(spec, (size_t)(equals - spec)),
                         problem) &&
              refuse_second(maps, &map, problem) &&
              add_choice(maps, &map, &at, problem);
    while (is_good && *at == '|') {
        at++;
        is_good = add_choice(maps, &map, &at, problem);
    }
    grown = is_good && !maps->texts.failed
                ? realloc(maps->items, (maps->count + 1) * sizeof *grown)
                : NULL;
    if (grown == NULL) {
        clear_map(&map);
        return false;
    }
    maps->items = grown;
    maps->items[maps->count++] = map;
    return true;
}

void cli_maps_clear(struct cli_maps *maps)
{
    for (size_t i = 0; i < maps->count; i++) {
        clear_map(&maps->items[i]);
    }
    free(maps->items);
    dlr_buf_clear(&maps->texts);
    *maps = (struct cli_maps){0};
}
