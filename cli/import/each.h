/* SPDX-License-Identifier: MIT */
/* Each: --each PATH, the items of arrays inside a record as records. */
#ifndef CLI_IMPORT_EACH_H
#define CLI_IMPORT_EACH_H

#include "import/record.h"

/* The steps of a path and where in its arrays we are. All-zero is "no --each":
 * the record itself is the only item. */
struct cli_each {
    struct dlr_text steps[CLI_SCOPE_MAX];
    size_t step_count;
    struct dlr_json_iter iters[CLI_SCOPE_MAX]; /* of step i's array */
    bool is_open[CLI_SCOPE_MAX];               /* step i is being walked */
    size_t depth;
    uint32_t item;
    bool is_started;
    bool was_found; /* some record had something there */
};

/* False if the path has no or too many steps. `path` is borrowed. */
bool cli_each_init(struct cli_each *each, const char *path);

/* Begins with a checked JSON object. */
void cli_each_begin(struct cli_each *each, struct cli_record *record,
                    struct dlr_json_value object);

enum cli_item {
    CLI_ITEM_RECORD, /* the columns of `record` are the item's */
    CLI_ITEM_BAD,    /* the item is no object */
    CLI_ITEM_END
};

enum cli_item cli_each_next(struct cli_each *each, struct cli_record *record);

#endif
