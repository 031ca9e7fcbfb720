/* SPDX-License-Identifier: MIT */
/*
 * Script: small steps between JavaScript values and C.
 */
#ifndef DLN_SCRIPT_H
#define DLN_SCRIPT_H

#include "handle.h"

/* Ends the call with a JavaScript exception where Node-API itself failed; what
 * failed left one pending or gets one. */
napi_value dln_script_fail(napi_env env, const char *what);

/* The handle behind a value that dln_open() made; NULL if it is none. */
struct dln_handle *dln_script_handle(napi_env env, napi_value value);

/* Whether `value` is a string: undefined and null are "not given". */
bool dln_script_is_text(napi_env env, napi_value value);

/* A copy that ends in NUL, owned: free(). NULL with an exception pending. */
char *dln_script_copy_text(napi_env env, napi_value value, size_t *len);

int64_t dln_script_integer(napi_env env, napi_value value, int64_t fallback);

napi_value dln_script_number(napi_env env, double number);
napi_value dln_script_text(napi_env env, const char *text, size_t len);

/* Passes messages to dispatch(kind, text, json, n0, n1, n2, n3) and frees
 * them. */
void dln_deliver(napi_env env, napi_value dispatch,
                 struct dln_message *messages);

/* What the module exports, by file. */
napi_value dln_open(napi_env env, napi_callback_info info);
napi_value dln_settings(napi_env env, napi_callback_info info);
napi_value dln_track(napi_env env, napi_callback_info info);
napi_value dln_record(napi_env env, napi_callback_info info);
napi_value dln_gauge(napi_env env, napi_callback_info info);
napi_value dln_stats(napi_env env, napi_callback_info info);
napi_value dln_anonymous_id(napi_env env, napi_callback_info info);
napi_value dln_new_anonymous_id(napi_env env, napi_callback_info info);
napi_value dln_flush(napi_env env, napi_callback_info info);
napi_value dln_flush_now(napi_env env, napi_callback_info info);
napi_value dln_close(napi_env env, napi_callback_info info);
napi_value dln_close_now(napi_env env, napi_callback_info info);
napi_value dln_drain(napi_env env, napi_callback_info info);
napi_value dln_release(napi_env env, napi_callback_info info);

#endif
