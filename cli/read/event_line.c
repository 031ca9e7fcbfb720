/* SPDX-License-Identifier: MIT */
/* Event line: see event_line.h. */
#include "read/event_line.h"

#include "say.h"

#include <unistd.h>

/* Properties that are shown; the rest is counted. */
#define SHOWN_PROPERTIES 8

static void put_shown(struct dlr_json_value value, struct dlr_buf *out)
{
    struct dlr_buf text;

    if (value.type != DLR_JSON_STRING) {
        cli_put_shown(out, value.text);
        return;
    }
    dlr_buf_init(&text, value.text.len * 2 + 16);
    if (dlr_json_decode(value, &text)) {
        cli_put_shown(out, dlr_buf_text(&text));
    }
    dlr_buf_clear(&text);
}

static void put_styled(struct dlr_json_value value, const char *style,
                       struct dlr_buf *out)
{
    bool has_style = cli_say_has_color() && isatty(STDOUT_FILENO) == 1;

    dlr_buf_append_string(out, has_style ? style : "");
    put_shown(value, out);
    dlr_buf_append_string(out, has_style ? "\033[0m" : "");
}

static void put_properties(struct dlr_json_value properties,
                           struct dlr_buf *out)
{
    struct dlr_json_iter iter = dlr_json_iterate(properties);
    struct dlr_json_value name;
    struct dlr_json_value value;
    size_t count = 0;

    while (dlr_json_next_member(&iter, &name, &value)) {
        if (dlr_json_string_equals(name, DLR_TEXT("anonymous_id"))) {
            continue;
        }
        if (count++ >= SHOWN_PROPERTIES) {
            continue;
        }
        dlr_buf_append_string(out, "  ");
        put_shown(name, out);
        dlr_buf_append_char(out, '=');
        put_shown(value, out);
    }
    if (count > SHOWN_PROPERTIES) {
        dlr_buf_printf(out, "  … %zu more", count - SHOWN_PROPERTIES);
    }
}

void cli_event_line_put(struct dlr_json_value event, struct dlr_buf *out)
{
    struct dlr_json_value who = dlr_json_get(event, DLR_TEXT("userId"));

    if (who.type == DLR_JSON_NONE) {
        who = dlr_json_get(event, DLR_TEXT("anonymousId"));
    }
    put_styled(dlr_json_get(event, DLR_TEXT("timestamp")), "\033[2m", out);
    dlr_buf_append_string(out, "  ");
    put_styled(dlr_json_get(event, DLR_TEXT("event")), "\033[1m", out);
    dlr_buf_append_string(out, "  ");
    put_styled(who, "\033[36m", out);
    put_properties(dlr_json_get(event, DLR_TEXT("properties")), out);
    dlr_buf_append_char(out, '\n');
}

void cli_event_line_put_json(struct dlr_json_value event, const char *type,
                             struct dlr_buf *out)
{
    dlr_buf_printf(out, "{\"type\":\"%s\",", type);
    dlr_buf_append(out, event.text.ptr + 1, event.text.len - 1);
    dlr_buf_append_char(out, '\n');
}

void cli_event_line_print(struct dlr_json_value event, struct dlr_buf *line)
{
    dlr_buf_rewind(line, 0);
    if (cli_say_is_json()) {
        cli_event_line_put_json(event, "event", line);
    } else {
        cli_event_line_put(event, line);
    }
    cli_out(dlr_buf_text(line));
}
