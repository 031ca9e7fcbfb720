/* SPDX-License-Identifier: MIT */
/*
 * Doctor: `datalyr doctor`, what stands between this machine and the server:
 * key, address, proxy, name, connection, TLS, answer, clock; with --send one
 * event. Each finding that is not "ok" ends with what to do about it.
 */
#include "commands.h"
#include "doctor/finding.h"
#include "doctor/probe.h"
#include "host.h"
#include "say.h"
#include "session.h"
#include "stop.h"

#include "base/escape.h"
#include "base/time.h"

#include <curl/curl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The vendor's clocks and ours are fine within this. */
#define SKEW_FINE_MS 5000
#define SKEW_BAD_MS  300000

struct doctor {
    const struct cli_args *args;
    datalyr_config config;
    struct cli_probe_plan plan;
    struct cli_probe probe;
    struct cli_host host;
    int code;
};

static void note(struct doctor *doctor, int code)
{
    if (doctor->code == CLI_EXIT_OK) {
        doctor->code = code;
    }
}

/* What a text setting is; NULL where it is not set. */
static const char *setting(const struct doctor *doctor, const char *name)
{
    const char *value = cli_args_setting(doctor->args, name);

    return value == NULL || value[0] == '\0' ? NULL : value;
}

static void check_key(struct doctor *doctor)
{
    const char *key = doctor->config.api_key != NULL
                          ? doctor->config.api_key
                          : getenv("DATALYR_API_KEY");
    const char *from = doctor->args->secrets.api_key != NULL ? "--api-key"
                       : doctor->config.api_key != NULL      ? "--api-key-file"
                                                        : "DATALYR_API_KEY";
    char masked[DLR_MASKED_KEY_CAP];

    doctor->plan.api_key = key;
    if (key == NULL || key[0] == '\0') {
        cli_finding(CLI_WRONG, "key", "export DATALYR_API_KEY=dk_your_api_key",
                    "there is none: neither DATALYR_API_KEY nor "
                    "--api-key-file nor --api-key");
        note(doctor, CLI_EXIT_USAGE);
        return;
    }
    dlr_mask_key(dlr_text_of(key), masked);
    if (strpbrk(key, " \t\r\n") != NULL) {
        cli_finding(CLI_WRONG, "key", "printf %s \"$DATALYR_API_KEY\" | xxd",
                    "%s from %s holds blanks or a line end", masked, from);
        note(doctor, CLI_EXIT_USAGE);
    } else if (strncmp(key, "dk_", 3) != 0) {
        cli_finding(CLI_DOUBTFUL, "key",
                    "export DATALYR_API_KEY=dk_your_api_key",
                    "%s from %s does not begin with dk_", masked, from);
    } else {
        cli_finding(CLI_FINE, "key", NULL, "%s from %s", masked, from);
    }
}

static bool check_host(struct doctor *doctor)
{
    doctor->plan.host = setting(doctor, "host");
    if (!cli_host_read(&doctor->host, doctor->plan.host)) {
        cli_finding(CLI_WRONG, "host",
                    "datalyr doctor --host https://ingest.datalyr.com/track",
                    "%s is no http or https address",
                    doctor->plan.host == NULL ? "" : doctor->plan.host);
        note(doctor, CLI_EXIT_USAGE);
        return false;
    }
    doctor->plan.is_loopback = doctor->host.is_loopback;
    if (!doctor->host.is_tls && !doctor->host.is_loopback) {
        cli_finding(CLI_DOUBTFUL, "host",
                    "datalyr doctor --host https://ingest.datalyr.com/track",
                    "%s: the key travels readable for everyone on the way",
                    doctor->plan.host);
    } else {
        cli_finding(CLI_FINE, "host", NULL, "%s", doctor->plan.host);
    }
    return true;
}

/* A proxy setting as it may be shown: without the password in it. */
static void hide_password(const char *proxy, char *out, size_t cap)
{
    const char *at = strrchr(proxy, '@');
    const char *scheme = strstr(proxy, "://");

    (void)snprintf(out, cap, "%.*s%s%s",
                   scheme == NULL ? 0 : (int)(scheme + 3 - proxy), proxy,
                   at == NULL ? "" : "…@",
                   at != NULL       ? at + 1
                   : scheme == NULL ? proxy
                                    : scheme + 3);
}

static void check_proxy(struct doctor *doctor)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY",
                                        "http_proxy", "all_proxy", "ALL_PROXY"};
    const char *proxy = setting(doctor, "proxy");
    const char *from = "the setting proxy";
    char shown[512];

    doctor->plan.proxy = proxy;
    for (size_t i = 0; proxy == NULL && i < CLI_COUNT(names); i++) {
        bool is_for_tls = i < 2;
        bool is_for_plain = i == 2;

        if ((is_for_tls && !doctor->host.is_tls) ||
            (is_for_plain && doctor->host.is_tls)) {
            continue;
        }
        from = names[i];
        proxy = getenv(names[i]);
        proxy = proxy != NULL && proxy[0] == '\0' ? NULL : proxy;
    }
    if (proxy == NULL) {
        cli_finding(CLI_FINE, "proxy", NULL, "none");
    } else if (doctor->host.is_loopback) {
        cli_finding(CLI_FINE, "proxy", NULL,
                    "%s is set but not used: the server is on this machine",
                    from);
    } else {
        hide_password(proxy, shown, sizeof shown);
        cli_finding(CLI_FINE, "proxy", NULL,
                    "%s, from %s (unless no_proxy "
                    "names %s)",
                    shown, from, doctor->host.name);
    }
}

/* The check that a failed transfer belongs to, and its cure. */
static void explain_failure(struct doctor *doctor)
{
    const struct cli_probe *probe = &doctor->probe;
    const char *check = "answer";
    char cure[512];

    (void)snprintf(cure, sizeof cure, "curl -v %s", doctor->plan.host);
    switch (probe->curl_code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        check = "dns";
        (void)snprintf(cure, sizeof cure, "getent hosts %s", doctor->host.name);
        break;
    case CURLE_COULDNT_RESOLVE_PROXY:
        check = "proxy";
        (void)snprintf(cure, sizeof cure, "env | grep -i proxy");
        break;
    case CURLE_COULDNT_CONNECT:
        check = "connect";
        (void)snprintf(cure, sizeof cure,
                       doctor->host.is_loopback ? "datalyrd" : "curl -v %s",
                       doctor->plan.host);
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
        check = "tls";
        (void)snprintf(cure, sizeof cure,
                       "datalyr doctor --host %s --ca-file ca.pem",
                       doctor->plan.host);
        break;
    default: /* curl's list, not ours: the words of its message do */
        break;
    }
    cli_finding(CLI_WRONG, check, cure, "%s", probe->error);
    note(doctor, CLI_EXIT_UNREACHED);
}

static void check_way(const struct doctor *doctor)
{
    const struct cli_probe *probe = &doctor->probe;

    cli_finding(CLI_FINE, "dns", NULL, "%s is %s, %.1f ms", doctor->host.name,
                probe->address, probe->dns_ms);
    cli_finding(CLI_FINE, "connect", NULL, "%.1f ms",
                probe->connect_ms - probe->dns_ms);
    if (doctor->host.is_tls) {
        cli_finding(CLI_FINE, "tls", NULL,
                    "the certificate is valid for %s, %.1f ms",
                    doctor->host.name, probe->tls_ms - probe->connect_ms);
    }
}

static void check_answer(struct doctor *doctor)
{
    const struct cli_probe *probe = &doctor->probe;
    long status = probe->http_status;

    if (status == 401 || status == 403) {
        cli_finding(CLI_WRONG, "answer",
                    "export DATALYR_API_KEY=dk_your_api_key",
                    "HTTP %ld: the key is refused", status);
        note(doctor, CLI_EXIT_REFUSED);
    } else if (status == 404 || status == 405 ||
               (status >= 300 && status < 400)) {
        cli_finding(CLI_WRONG, "answer",
                    "datalyr doctor --host https://ingest.datalyr.com/track",
                    "HTTP %ld: nothing takes events at this address", status);
        note(doctor, CLI_EXIT_UNREACHED);
    } else if (status == 429) {
        cli_finding(CLI_DOUBTFUL, "answer",
                    "export DATALYR_MAX_REQUESTS_PER_SECOND=100",
                    "HTTP 429: too many requests for this key just now");
    } else if (status >= 500) {
        cli_finding(CLI_WRONG, "answer", "sleep 60; datalyr doctor",
                    "HTTP %ld: the server is in trouble", status);
        note(doctor, CLI_EXIT_UNREACHED);
    } else {
        cli_finding(CLI_FINE, "answer", NULL, "HTTP %ld in %.1f ms", status,
                    probe->answer_ms);
    }
    if (probe->takes_batches) {
        cli_finding(CLI_FINE, "batches", NULL, "up to %ld events a request%s",
                    probe->batch_max, probe->takes_gzip ? ", compressed" : "");
    } else {
        cli_finding(CLI_FINE, "batches", NULL,
                    "not offered: one event a request, several at a time");
    }
}

static void check_clock(struct doctor *doctor)
{
    const struct cli_probe *probe = &doctor->probe;
    int64_t server_ms;
    int64_t skew_ms;

    if (!dlr_time_parse_http(dlr_text_of(probe->date), probe->asked_ms,
                             &server_ms)) {
        cli_finding(CLI_FINE, "clock", NULL, "the server does not tell");
        return;
    }
    /* Its date has no fraction: on average it is half a second behind. */
    skew_ms = probe->asked_ms - (server_ms + 500);
    if (llabs(skew_ms) <= SKEW_FINE_MS) {
        cli_finding(CLI_FINE, "clock", NULL, "agrees with the server's");
        return;
    }
    cli_finding(llabs(skew_ms) > SKEW_BAD_MS ? CLI_WRONG : CLI_DOUBTFUL,
                "clock", "timedatectl set-ntp true",
                "this machine is %.0f seconds %s the server: events get wrong "
                "times",
                fabs((double)skew_ms) / 1000,
                skew_ms > 0 ? "ahead of" : "behind");
    if (llabs(skew_ms) > SKEW_BAD_MS) {
        note(doctor, CLI_EXIT_SOME_NOT);
    }
}

/* Everything else may be as it should, and still nothing arrives. */
static void check_enabled(struct doctor *doctor)
{
    if (cli_session_is_off(doctor->args)) {
        cli_finding(CLI_WRONG, "enabled", "export DATALYR_ENABLED=true",
                    "enabled is false: events are checked and forgotten, "
                    "nothing is sent");
        note(doctor, CLI_EXIT_SOME_NOT);
    }
}

static void check_journal(struct doctor *doctor)
{
    const char *folder = setting(doctor, "journal_dir");
    char cure[512];

    if (folder == NULL) {
        return;
    }
    (void)snprintf(cure, sizeof cure, "mkdir -p -m 700 %s", folder);
    if (access(folder, W_OK | X_OK) == 0) {
        cli_finding(CLI_FINE, "journal", NULL, "%s can be written", folder);
    } else {
        cli_finding(CLI_WRONG, "journal", cure, "%s cannot be written", folder);
        note(doctor, CLI_EXIT_LOCAL);
    }
}

static void send_one(struct doctor *doctor)
{
    struct cli_session session = {0};
    datalyr_ledger ledger = {DATALYR_LEDGER_INIT};
    datalyr_event event = {
        DATALYR_EVENT_INIT,
        .anonymous_id = "datalyr_doctor",
        .event = "datalyr_doctor",
    };
    datalyr_error error = {0};

    if (cli_session_open(&session, doctor->args, &doctor->config) !=
        CLI_EXIT_OK) {
        note(doctor, CLI_EXIT_USAGE);
        return;
    }
    if (datalyr_track_e(session.client, &event, &error) == DATALYR_OK) {
        cli_session_wait(&session, cli_session_budget_ms(doctor->args));
    }
    cli_session_close(&session, 0, &ledger);
    if (ledger.delivered == 1) {
        cli_finding(CLI_FINE, "send", NULL,
                    "the event datalyr_doctor was delivered as %s",
                    session.event_id);
        return;
    }
    cli_finding(CLI_WRONG, "send", "datalyr doctor",
                "the event datalyr_doctor was not delivered: %s",
                session.message[0] != '\0' ? session.message : error.message);
    note(doctor, CLI_EXIT_SOME_NOT);
}

static void examine(struct doctor *doctor)
{
    check_key(doctor);
    check_enabled(doctor);
    check_journal(doctor);
    if (!check_host(doctor)) {
        return;
    }
    check_proxy(doctor);
    doctor->plan.ca_file = setting(doctor, "ca_file");
    doctor->plan.client_cert = setting(doctor, "client_cert");
    doctor->plan.client_key = setting(doctor, "client_key");
    if (!cli_probe_run(&doctor->plan, &doctor->probe)) {
        note(doctor, cli_fail(CLI_EXIT_LOCAL, "out of memory"));
        return;
    }
    if (doctor->probe.curl_code != 0) {
        explain_failure(doctor);
        return;
    }
    check_way(doctor);
    check_answer(doctor);
    check_clock(doctor);
    if (doctor->code == CLI_EXIT_OK && cli_args_has(doctor->args, "send")) {
        send_one(doctor);
    }
}

static int run(struct cli_args *args)
{
    struct doctor doctor = {.args = args, .config = {DATALYR_CONFIG_INIT}};
    int code = cli_args_config(args, &doctor.config);

    if (code == CLI_EXIT_OK) {
        cli_stop_install();
        examine(&doctor);
        code = doctor.code;
    }
    datalyr_config_clear(&doctor.config);
    return cli_out_finish(code);
}

static const struct cli_flag flags[] = {
    {"send", NULL, "send one test event, named datalyr_doctor"},
    {"api-key-file", "FILE", "read the key from the first line of FILE"},
};

static const struct cli_example examples[] = {
    {"datalyr doctor --send", "look at everything and send one event"},
    {"datalyr doctor --host http://127.0.0.1:8484/track",
     "the collector on this machine"},
};

const struct cli_command cmd_doctor = {
    .name = "doctor",
    .usage = "[--send] [FLAGS]",
    .summary = "find out what stands between this machine and the server",
    .about = "Looks at the key, the address, the proxy, the name, the "
             "connection, TLS, what the server answers to an empty batch, and "
             "the clock. Each finding ends with what to do about it.",
    .flags = flags,
    .flag_count = CLI_COUNT(flags),
    .examples = examples,
    .example_count = CLI_COUNT(examples),
    .takes_settings = true,
    .run = run,
};
