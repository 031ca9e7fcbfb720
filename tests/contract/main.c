/* SPDX-License-Identifier: MIT */
/* Runs the cases of contract/ against the library: one TAP line a case. What
 * they mean is in contract/README.md. */
#include "contract/contract.h"

#include "base/json_check.h"
#include "support/shared.h"

#include <stdarg.h>
#include <string.h>

struct suite {
    const char *file;
    bool (*run)(struct contract_case *one);
};

static const struct suite suites[] = {
    {"wire/track.json", contract_run_wire},
    {"wire/calls.json", contract_run_wire},
    {"wire/event-ids.json", contract_run_wire},
    {"wire/timestamps.json", contract_run_wire},
    {"wire/batches.json", contract_run_wire},
    {"wire/refused.json", contract_run_wire},
    {"answers/answers.json", contract_run_answers},
    {"settings/settings.json", contract_run_settings},
};

bool contract_fail(struct contract_case *one, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (one->wrong[0] == '\0') {
        (void)vsnprintf(one->wrong, sizeof one->wrong, format, args);
    }
    va_end(args);
    return false;
}

struct dlr_json_value contract_get(const struct contract_case *one,
                                   const char *name)
{
    return dlr_json_get(one->json, dlr_text_of(name));
}

const char *contract_text(struct dlr_json_value value, char *out, size_t cap)
{
    struct dlr_buf buf;

    dlr_buf_init_fixed(&buf, out, cap - 1);
    (void)dlr_json_decode(value, &buf);
    out[buf.len] = '\0';
    return out;
}

int64_t contract_integer(struct dlr_json_value object, const char *name,
                         int64_t fallback)
{
    int64_t number = fallback;

    return dlr_json_to_int64(dlr_json_get(object, dlr_text_of(name)), &number)
               ? number
               : fallback;
}

bool contract_configure(struct contract_case *one, datalyr_config *config)
{
    struct dlr_json_iter iter = dlr_json_iterate(contract_get(one, "settings"));
    struct dlr_json_value name;
    struct dlr_json_value value;
    datalyr_error error;
    char host[64];

    (void)snprintf(host, sizeof host, "http://127.0.0.1:%d/track",
                   one->server->port);
    *config = (datalyr_config){DATALYR_CONFIG_INIT, .max_in_flight = 1};
    if (datalyr_config_set(config, "host", host, &error) != DATALYR_OK ||
        datalyr_config_set(config, "api_key", "dk_contract_key", &error) !=
            DATALYR_OK) {
        return contract_fail(one, "%s", error.message);
    }
    while (dlr_json_next_member(&iter, &name, &value)) {
        char key[64];
        char text[256];

        if (datalyr_config_set(config, contract_text(name, key, sizeof key),
                               contract_text(value, text, sizeof text),
                               &error) != DATALYR_OK) {
            return contract_fail(one, "%s", error.message);
        }
    }
    return true;
}

static void run_case(const struct suite *suite, struct contract_case *one,
                     unsigned *number, unsigned *failed)
{
    static struct server server;
    char name[256];
    bool is_ok;

    /* Its own server: what a closed client still had on the wire must not
     * count for the next case. */
    one->server = &server;
    if (!server_start(&server)) {
        is_ok = contract_fail(one, "no socket");
    } else {
        is_ok = suite->run(one) && one->wrong[0] == '\0';
        server_stop(&server);
    }
    *number += 1;
    *failed += is_ok ? 0 : 1;
    (void)printf("%s %u - %s: %s\n", is_ok ? "ok" : "not ok", *number,
                 suite->file,
                 contract_text(contract_get(one, "name"), name, sizeof name));
    if (!is_ok) {
        (void)printf("# %s\n", one->wrong);
    }
}

/* False if the file cannot be read, or holds no cases. */
static bool run_suite(const struct suite *suite, unsigned *number,
                      unsigned *failed)
{
    const char *source = getenv("DATALYR_SOURCE");
    unsigned before = *number;
    struct dlr_json_iter iter;
    struct dlr_json_value json;
    char path[1024];
    size_t len;
    char *text;

    (void)snprintf(path, sizeof path, "%s/contract/%s",
                   source == NULL ? "." : source, suite->file);
    text = shared_read(path, &len);
    if (text != NULL &&
        dlr_json_check(dlr_text_n(text, len), DLR_JSON_DEPTH, NULL)) {
        iter = dlr_json_iterate(dlr_json_get(
            dlr_json_root(dlr_text_n(text, len)), DLR_TEXT("cases")));
        while (dlr_json_next_element(&iter, &json)) {
            struct contract_case one = {json, NULL, ""};

            run_case(suite, &one, number, failed);
        }
    }
    free(text);
    if (*number == before) {
        (void)printf("# no cases in %s\n", path);
    }
    return *number > before;
}

int main(void)
{
    unsigned number = 0;
    unsigned failed = 0;

    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
        if (!run_suite(&suites[i], &number, &failed)) {
            failed += 1;
        }
    }
    (void)printf("1..%u\n", number);
    return failed == 0 ? 0 : 1;
}
