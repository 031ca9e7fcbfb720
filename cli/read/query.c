/* SPDX-License-Identifier: MIT */
/* Query: see query.h. What the collector does not know it says itself. */
#include "read/query.h"

#include "say.h"

static const char *const fields[] = {"event", "user", "anonymous", "id",
                                     "session"};

static bool is_field(struct dlr_text name)
{
    for (size_t i = 0; i < CLI_COUNT(fields); i++) {
        if (dlr_text_equals(name, dlr_text_of(fields[i]))) {
            return true;
        }
    }
    return false;
}

static int add_word(struct cli_fetch *fetch, const char *word)
{
    size_t at = strcspn(word, ":=<>");
    struct dlr_text name = dlr_text_n(word, at);
    struct dlr_text value;
    char property[512] = "prop.";
    struct dlr_buf key;

    if (word[0] == '-' || word[at] == '<' || word[at] == '>') {
        return cli_fail_try(CLI_EXIT_USAGE, "datalyr help tail",
                            "the filter %s is not understood: only equality is",
                            word);
    }
    if (word[at] == '\0' || at == 0 || (word[at] == ':' && !is_field(name))) {
        cli_fetch_add(fetch, DLR_TEXT("q"), dlr_text_of(word));
        return CLI_EXIT_OK;
    }
    value = dlr_text_of(word + at + 1);
    if (is_field(name) || dlr_text_starts_with(name, DLR_TEXT("prop."))) {
        cli_fetch_add(fetch, name, value);
        return CLI_EXIT_OK;
    }
    dlr_buf_init_fixed(&key, property, sizeof property);
    key.len = 5;
    dlr_buf_append_text(&key, name);
    if (key.failed) {
        return cli_fail(CLI_EXIT_USAGE, "the filter %s is too long", word);
    }
    cli_fetch_add(fetch, dlr_buf_text(&key), value);
    return CLI_EXIT_OK;
}

static bool is_cursor(const char *text)
{
    return text[0] == 'c' && text[1] != '\0' &&
           strspn(text + 1, "0123456789") == strlen(text + 1);
}

int cli_query_add(struct cli_fetch *fetch, bool with_since)
{
    const char *since = cli_args_value(fetch->args, "since");
    const char *until = cli_args_value(fetch->args, "until");
    int code = CLI_EXIT_OK;

    for (size_t i = 0; i < fetch->args->argument_count && code == CLI_EXIT_OK;
         i++) {
        code = add_word(fetch, fetch->args->arguments[i]);
    }
    if (since != NULL && with_since) {
        cli_fetch_add(fetch,
                      is_cursor(since) ? DLR_TEXT("cursor") : DLR_TEXT("since"),
                      dlr_text_of(since));
    }
    if (until != NULL) {
        cli_fetch_add(fetch, DLR_TEXT("until"), dlr_text_of(until));
    }
    return code;
}
