/* SPDX-License-Identifier: MIT */
/* Finding: see finding.h. Findings are the doctor's data: they go to stdout. */
#include "doctor/finding.h"

#include "base/json_write.h"
#include "say.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const words[] = {"ok", "warning", "problem"};

static void put_json(struct dlr_buf *line, enum cli_verdict verdict,
                     const char *check, const char *cure,
                     struct dlr_text message)
{
    dlr_buf_printf(line,
                   "{\"type\":\"finding\",\"check\":\"%s\","
                   "\"verdict\":\"%s\",\"message\":",
                   check, words[verdict]);
    (void)dlr_json_put_text(line, message.ptr, message.len);
    if (cure != NULL) {
        dlr_buf_append_string(line, ",\"try\":");
        (void)dlr_json_put_text(line, cure, strlen(cure));
    }
    dlr_buf_append_string(line, "}\n");
}

void cli_finding(enum cli_verdict verdict, const char *check, const char *cure,
                 const char *format, ...)
{
    static const char *const colors[] = {"\033[32m", "\033[33m", "\033[31m"};
    bool has_color = cli_say_has_color();
    char raw[2048];
    struct dlr_buf shown;
    struct dlr_buf line;
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    dlr_buf_init(&shown, 16384);
    dlr_buf_init(&line, 65536);
    cli_put_shown(&shown, dlr_text_of(raw));
    if (cli_say_is_json()) {
        put_json(&line, verdict, check, cure, dlr_buf_text(&shown));
    } else {
        dlr_buf_printf(&line, "%s%-8s%s %-7s %.*s\n",
                       has_color ? colors[verdict] : "", words[verdict],
                       has_color ? "\033[0m" : "", check, (int)shown.len,
                       shown.ptr);
        if (cure != NULL) {
            dlr_buf_printf(&line, "  try: %s\n", cure);
        }
    }
    cli_out(dlr_buf_text(&line));
    dlr_buf_clear(&shown);
    dlr_buf_clear(&line);
}
