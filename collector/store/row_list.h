/* SPDX-License-Identifier: MIT */
/*
 * Row list: copies of rows that outlive a scan.
 */
#ifndef DLD_STORE_ROW_LIST_H
#define DLD_STORE_ROW_LIST_H

#include "store/store.h"

/* All zero is empty. */
struct dld_row_list {
    struct dld_row *rows;
    size_t count;
    size_t capacity;
    size_t bytes; /* of texts */
    bool has_failed;
};

/* Copies what the store gives of a row. False (and `has_failed`): no memory. */
bool dld_row_list_add(struct dld_row_list *list, const struct dld_row *row);
void dld_row_list_clear(struct dld_row_list *list);

#endif
