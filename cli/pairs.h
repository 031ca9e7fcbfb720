/* SPDX-License-Identifier: MIT */
/*
 * Pairs: `--prop key=value` and `--properties JSON` as one JSON object.
 */
#ifndef CLI_PAIRS_H
#define CLI_PAIRS_H

#include "args.h"

/* The most that the arguments of one event may hold. */
#define CLI_PAIRS_MAX ((size_t)4 << 20)

/* Appends the object. The repeated flag `pair` wins over members of the JSON
 * object in flag `whole`, a later pair over an earlier one. Returns an exit
 * code after saying what is wrong. */
int cli_pairs_put(const struct cli_args *args, const char *pair,
                  const char *whole, struct dlr_buf *out);

/* Appends the value of `key=text`: the text itself where it is exactly a number,
 * true, false or null in JSON, else as a string. False if it is not UTF-8. */
bool cli_pairs_put_value(struct dlr_text text, struct dlr_buf *out);

#endif
