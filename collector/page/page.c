/* SPDX-License-Identifier: MIT */
/*
 * Page: the address and commands that work. No script, nothing from elsewhere.
 */
#include "page/page.h"

static void put_command(struct dlr_buf *out, const char *title,
                        const char *before, struct dlr_text address,
                        const char *after)
{
    dlr_buf_append_string(out, "<h2>");
    dlr_buf_append_string(out, title);
    dlr_buf_append_string(out, "</h2><pre>");
    dlr_buf_append_string(out, before);
    dlr_buf_append_text(out, address);
    dlr_buf_append_string(out, after);
    dlr_buf_append_string(out, "</pre>");
}

void dld_page_write(struct dlr_buf *out, struct dlr_text address)
{
    dlr_buf_append_string(
        out, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
             "<meta name=\"viewport\" content=\"width=device-width\">"
             "<title>datalyrd</title><h1>datalyrd</h1>"
             "<p>This collector takes events of every DATALYR SDK.</p>");
    put_command(out, "Send an event",
                "curl -H 'X-API-Key: dk_...' -d '{\"event\":\"purchase\","
                "\"userId\":\"user_123\",\"properties\":{\"revenue\":99.99}}' ",
                address, "/track");
    put_command(out, "See what came in", "curl '", address,
                "/api/v1/events?order=desc&amp;limit=10'");
    put_command(out, "Follow one user", "curl ", address,
                "/api/v1/users/user_123/journey");
    put_command(out, "Wait for an event in a test", "curl '", address,
                "/api/v1/wait?event=purchase&amp;count=1&amp;timeout=5s'");
    put_command(out, "Count", "curl ", address, "/api/v1/stats");
    dlr_buf_append_string(out, "</html>");
}
