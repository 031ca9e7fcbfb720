/* SPDX-License-Identifier: MIT */
/* CSV: the header of a file, and its rows as records. */
#ifndef CLI_IMPORT_CSV_H
#define CLI_IMPORT_CSV_H

#include "import/record.h"

struct cli_csv {
    char delimiter;
    struct dlr_buf names;    /* the header's names as JSON, one after another */
    struct dlr_buf unquoted; /* fields of the row at hand that had "" in them */
    struct dlr_text *keys;   /* into `names` */
    size_t count;
};

/* Reads the header row. False with `reason` set. */
bool cli_csv_begin(struct cli_csv *csv, struct dlr_text row, char delimiter,
                   const char **reason);
void cli_csv_clear(struct cli_csv *csv);

/* Takes a row apart into the columns of `record`; values are lent from the row
 * and from `csv` until the next one. False with `reason` set (lent). */
bool cli_csv_split(struct cli_csv *csv, struct dlr_text row,
                   struct cli_record *record, struct dlr_buf *reason);

#endif
