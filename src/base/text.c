/* SPDX-License-Identifier: MIT */
/*
 * Text: the comparisons that are too long for the header.
 *
 * DESIGN
 * Only ASCII letters have case here. The names we compare so (HTTP fields,
 * units, setting values) are ASCII, and tolower() asks the locale.
 */
#include "base/text.h"

static unsigned char lower(char byte)
{
    unsigned char value = (unsigned char)byte;

    return value >= 'A' && value <= 'Z' ? (unsigned char)(value | 0x20) : value;
}

bool dlr_text_equals_nocase(struct dlr_text a, struct dlr_text b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

struct dlr_text dlr_text_trim(struct dlr_text text)
{
    while (text.len > 0 && is_blank(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

bool dlr_text_read_header(struct dlr_text line, struct dlr_text name,
                          struct dlr_text *value)
{
    if (line.len <= name.len || line.ptr[name.len] != ':' ||
        !dlr_text_equals_nocase(dlr_text_n(line.ptr, name.len), name)) {
        return false;
    }
    *value = dlr_text_trim(
        dlr_text_n(line.ptr + name.len + 1, line.len - name.len - 1));
    return true;
}
