/* SPDX-License-Identifier: MIT */
/*
 * Pairs: see pairs.h. Numbers are copied digit for digit, never through a
 * double: --prop id=820982911946154508 arrives as it was typed.
 */
#include "pairs.h"

#include "base/json_check.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/number.h"
#include "say.h"

enum pair_kind { PAIR_GUESS, PAIR_JSON, PAIR_TEXT };

struct pair {
    enum pair_kind kind;
    struct dlr_text key;
    struct dlr_text value;
};

static bool split(const char *word, struct pair *pair)
{
    const char *equals = strchr(word, '=');

    if (equals == NULL || equals == word) {
        return false;
    }
    pair->kind = PAIR_GUESS;
    pair->key = dlr_text_n(word, (size_t)(equals - word));
    pair->value = dlr_text_of(equals + 1);
    if (equals[-1] == ':') {
        pair->kind = PAIR_JSON;
        pair->key.len--;
    } else if (equals[1] == '=') {
        pair->kind = PAIR_TEXT;
        pair->value = dlr_text_of(equals + 2);
    }
    return pair->key.len > 0;
}

bool cli_pairs_put_value(struct dlr_text text, struct dlr_buf *out)
{
    double ignored;

    if (dlr_number_read_double(text.ptr, text.len, &ignored) ||
        dlr_text_equals(text, DLR_TEXT("true")) ||
        dlr_text_equals(text, DLR_TEXT("false")) ||
        dlr_text_equals(text, DLR_TEXT("null"))) {
        dlr_buf_append_text(out, text);
        return true;
    }
    return dlr_json_put_text(out, text.ptr, text.len);
}

static int put_pair(const char *flag, const struct pair *pair,
                    struct dlr_buf *out)
{
    struct dlr_json_error wrong = {0};
    bool is_put = false;

    if (out->ptr[out->len - 1] != '{') {
        dlr_buf_append_char(out, ',');
    }
    if (!dlr_json_put_key(out, pair->key.ptr, pair->key.len)) {
        return cli_fail(CLI_EXIT_USAGE, "a name in --%s is not UTF-8", flag);
    }
    switch (pair->kind) {
    case PAIR_GUESS:
        is_put = cli_pairs_put_value(pair->value, out);
        break;
    case PAIR_TEXT:
        is_put = dlr_json_put_text(out, pair->value.ptr, pair->value.len);
        break;
    case PAIR_JSON:
        is_put = dlr_json_compact(pair->value, DLR_JSON_DEPTH, out, &wrong);
        break;
    }
    if (is_put) {
        return CLI_EXIT_OK;
    }
    if (wrong.message != NULL) {
        return cli_fail(CLI_EXIT_USAGE,
                        "--%s %.*s:=… is no JSON: %s at byte %zu; %.*s==… "
                        "would take it as text",
                        flag, (int)pair->key.len, pair->key.ptr, wrong.message,
                        wrong.position, (int)pair->key.len, pair->key.ptr);
    }
    return cli_fail(CLI_EXIT_USAGE, "the value of --%s %.*s is not UTF-8", flag,
                    (int)pair->key.len, pair->key.ptr);
}

static bool comes_again(const struct cli_args *args, const char *flag,
                        size_t index, struct dlr_text key)
{
    const char *word;
    struct pair later;

    while ((word = cli_args_value_at(args, flag, ++index)) != NULL) {
        if (split(word, &later) && dlr_text_equals(later.key, key)) {
            return true;
        }
    }
    return false;
}

static bool is_paired(const struct cli_args *args, const char *flag,
                      struct dlr_json_value name)
{
    const char *word;
    struct pair pair;

    for (size_t i = 0; (word = cli_args_value_at(args, flag, i)) != NULL; i++) {
        if (split(word, &pair) && dlr_json_string_equals(name, pair.key)) {
            return true;
        }
    }
    return false;
}

static int put_whole(const struct cli_args *args, const char *pair,
                     const char *whole, struct dlr_buf *out)
{
    struct dlr_text text = dlr_text_of(cli_args_value(args, whole));
    struct dlr_json_error wrong = {0};
    struct dlr_json_iter iter;
    struct dlr_json_value name;
    struct dlr_json_value value;

    if (text.ptr == NULL) {
        return CLI_EXIT_OK;
    }
    if (!dlr_json_check_object(text, DLR_JSON_DEPTH, &wrong)) {
        return cli_fail(CLI_EXIT_USAGE,
                        "--%s is no JSON object: %s at byte %zu", whole,
                        wrong.message, wrong.position);
    }
    iter = dlr_json_iterate(dlr_json_root(text));
    while (dlr_json_next_member(&iter, &name, &value)) {
        if (is_paired(args, pair, name)) {
            continue;
        }
        if (out->ptr[out->len - 1] != '{') {
            dlr_buf_append_char(out, ',');
        }
        dlr_buf_append_text(out, name.text);
        dlr_buf_append_char(out, ':');
        dlr_buf_append_text(out, value.text);
    }
    return CLI_EXIT_OK;
}

int cli_pairs_put(const struct cli_args *args, const char *pair,
                  const char *whole, struct dlr_buf *out)
{
    struct pair parts;
    const char *word;
    int code = CLI_EXIT_OK;

    dlr_buf_append_char(out, '{');
    for (size_t i = 0; code == CLI_EXIT_OK &&
                       (word = cli_args_value_at(args, pair, i)) != NULL;
         i++) {
        if (!split(word, &parts)) {
            return cli_fail(CLI_EXIT_USAGE,
                            "--%s %s is not understood: write key=value, "
                            "key:=JSON or key==text",
                            pair, word);
        }
        if (!comes_again(args, pair, i, parts.key)) {
            code = put_pair(pair, &parts, out);
        }
    }
    if (code == CLI_EXIT_OK) {
        code = put_whole(args, pair, whole, out);
    }
    dlr_buf_append_char(out, '}');
    if (code == CLI_EXIT_OK && out->failed) {
        code = cli_fail(CLI_EXIT_USAGE, "the properties are too large");
    }
    return code;
}
