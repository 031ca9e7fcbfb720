/* SPDX-License-Identifier: MIT */
/*
 * Host: see host.h.
 *
 * DESIGN
 * Loopback is decided by the text of the host: the answer must come at once,
 * and a name that resolves to 127.0.0.1 today may not tomorrow.
 */
#include "base/host.h"

#include <stddef.h>

static bool ends_with_nocase(struct dlr_text text, struct dlr_text end)
{
    return text.len >= end.len &&
           dlr_text_equals_nocase(
               dlr_text_n(text.ptr + text.len - end.len, end.len), end);
}

bool dlr_host_is_loopback_ipv4(struct dlr_text host)
{
    size_t dots = 0;

    for (size_t i = 0; i < host.len; i++) {
        if (host.ptr[i] == '.') {
            dots++;
        } else if (host.ptr[i] < '0' || host.ptr[i] > '9') {
            return false;
        }
    }
    return dots == 3 && dlr_text_starts_with(host, DLR_TEXT("127."));
}

bool dlr_host_is_loopback(struct dlr_text host)
{
    if (host.len >= 2 && host.ptr[0] == '[') {
        host = dlr_text_n(host.ptr + 1, host.len - 2);
    }
    if (host.len > 0 && host.ptr[host.len - 1] == '.') {
        host.len--; /* a name with its root */
    }
    return dlr_text_equals_nocase(host, DLR_TEXT("localhost")) ||
           ends_with_nocase(host, DLR_TEXT(".localhost")) ||
           dlr_text_equals(host, DLR_TEXT("::1")) ||
           dlr_host_is_loopback_ipv4(host);
}
