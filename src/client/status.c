/* SPDX-License-Identifier: MIT */
/*
 * Status: names and texts of the numbers in the public header, made from the
 * same lists.
 */
#include <datalyr.h>

const char *datalyr_version(void)
{
    return DATALYR_VERSION;
}

const char *datalyr_status_name(datalyr_status status)
{
    switch (status) {
#define XX(name, number, text) \
    case DATALYR_##name:       \
        return #name;
        DATALYR_STATUS_MAP(XX)
#undef XX
    case DATALYR_STATUS_COUNT_:
        break;
    }
    return "UNKNOWN";
}

const char *datalyr_status_text(datalyr_status status)
{
    switch (status) {
#define XX(name, number, text) \
    case DATALYR_##name:       \
        return text;
        DATALYR_STATUS_MAP(XX)
#undef XX
    case DATALYR_STATUS_COUNT_:
        break;
    }
    return "a status that this version does not know";
}

const char *datalyr_drop_reason_name(datalyr_drop_reason reason)
{
    switch (reason) {
#define XX(name, number, text, help) \
    case DATALYR_DROP_##name:        \
        return text;
        DATALYR_DROP_MAP(XX)
#undef XX
    case DATALYR_DROP_COUNT:
        break;
    }
    return "unknown";
}

const char *datalyr_refusal_name(datalyr_refusal refusal)
{
    switch (refusal) {
#define XX(name, number, text)   \
    case DATALYR_REFUSED_##name: \
        return text;
        DATALYR_REFUSAL_MAP(XX)
#undef XX
    case DATALYR_REFUSED_COUNT:
        break;
    }
    return "unknown";
}
