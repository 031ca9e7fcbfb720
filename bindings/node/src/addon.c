/* SPDX-License-Identifier: MIT */
/*
 * Addon: what lib/native.js finds in datalyr.node.
 */
#include "script.h"

static const struct {
    const char *name;
    napi_callback function;
} exports_list[] = {
    {"open", dln_open},
    {"settings", dln_settings},
    {"track", dln_track},
    {"record", dln_record},
    {"gauge", dln_gauge},
    {"stats", dln_stats},
    {"anonymousId", dln_anonymous_id},
    {"newAnonymousId", dln_new_anonymous_id},
    {"flush", dln_flush},
    {"flushNow", dln_flush_now},
    {"close", dln_close},
    {"closeNow", dln_close_now},
    {"drain", dln_drain},
    {"release", dln_release},
};

NAPI_MODULE_INIT()
{
    napi_value function;

    for (size_t i = 0; i < sizeof exports_list / sizeof exports_list[0]; i++) {
        if (napi_create_function(env, exports_list[i].name, NAPI_AUTO_LENGTH,
                                 exports_list[i].function, NULL,
                                 &function) != napi_ok ||
            napi_set_named_property(env, exports, exports_list[i].name,
                                    function) != napi_ok) {
            return dln_script_fail(env, "the module cannot be set up");
        }
    }
    if (napi_set_named_property(env, exports, "version",
                                dln_script_text(env, datalyr_version(),
                                                NAPI_AUTO_LENGTH)) != napi_ok) {
        return dln_script_fail(env, "the module cannot be set up");
    }
    return exports;
}
