/* SPDX-License-Identifier: MIT */
/* What the files of the contract runner share. */
#ifndef DATALYR_TESTS_CONTRACT_CONTRACT_H
#define DATALYR_TESTS_CONTRACT_CONTRACT_H

#include "base/json_read.h"
#include "contract/server.h"

#include <datalyr.h>

/* The case in hand: where it stands and what went wrong first. */
struct contract_case {
    struct dlr_json_value json;
    struct server *server;
    char wrong[1024]; /* empty: nothing */
};

/* Notes what is wrong unless something was already. Returns false. */
bool contract_fail(struct contract_case *one, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A member of the case, and its text decoded into `out`. */
struct dlr_json_value contract_get(const struct contract_case *one,
                                   const char *name);
const char *contract_text(struct dlr_json_value value, char *out, size_t cap);

/* The member `name` of an object as an integer, or `fallback`. */
int64_t contract_integer(struct dlr_json_value object, const char *name,
                         int64_t fallback);

/* A configuration for the server of the case, with its settings. */
bool contract_configure(struct contract_case *one, datalyr_config *config);

bool contract_run_wire(struct contract_case *one);
bool contract_run_answers(struct contract_case *one);
bool contract_run_settings(struct contract_case *one);

#endif
