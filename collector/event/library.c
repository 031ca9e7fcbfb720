/* SPDX-License-Identifier: MIT */
/*
 * Library: defects of old SDK versions that would otherwise look like data.
 */
#include "event/library.h"

#include <stddef.h>
#include <stdint.h>

#define UUID_LEN 36

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
           (c >= 'A' && c <= 'F');
}

static bool is_bare_uuid(struct dlr_text text)
{
    if (text.len != UUID_LEN) {
        return false;
    }
    for (size_t i = 0; i < UUID_LEN; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (is_dash ? text.ptr[i] != '-' : !is_hex(text.ptr[i])) {
            return false;
        }
    }
    return true;
}

/* Three numbers of a version as one; what is not a digit ends a part. */
static uint64_t read_version(struct dlr_text version)
{
    uint64_t parts[3] = {0};
    size_t part = 0;

    for (size_t i = 0; i < version.len && part < 3; i++) {
        char c = version.ptr[i];

        if (c >= '0' && c <= '9' && parts[part] < 100000) {
            parts[part] = parts[part] * 10 + (uint64_t)(c - '0');
        } else {
            part++;
        }
    }
    return (parts[0] << 40) + (parts[1] << 20) + parts[2];
}

bool dld_library_sends_visitor_as_user(struct dlr_text library,
                                       struct dlr_text version,
                                       struct dlr_text user)
{
    struct dlr_text fixed = {0};

    if (dlr_text_equals(library, DLR_TEXT("@datalyr/react-native"))) {
        fixed = DLR_TEXT("1.7.13");
    } else if (dlr_text_equals(library, DLR_TEXT("@datalyr/swift"))) {
        fixed = DLR_TEXT("2.1.8");
    }
    return fixed.len > 0 && version.len > 0 && is_bare_uuid(user) &&
           read_version(version) < read_version(fixed);
}
