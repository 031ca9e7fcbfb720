/* SPDX-License-Identifier: MIT */
/*
 * Row list: one allocation a row for its texts.
 */
#include "store/row_list.h"

#include "base/mem.h"

#include <string.h>

static bool make_room(struct dld_row_list *list)
{
    size_t capacity = list->capacity * 2 + 16;
    struct dld_row *larger;

    if (list->count < list->capacity) {
        return true;
    }
    larger = dlr_realloc(list->rows, capacity * sizeof *larger);
    if (larger == NULL) {
        return false;
    }
    list->rows = larger;
    list->capacity = capacity;
    return true;
}

bool dld_row_list_add(struct dld_row_list *list, const struct dld_row *row)
{
    size_t size = row->id.len + row->doc.len;
    struct dld_row *copy;
    char *text;

    if (list->has_failed || !make_room(list)) {
        list->has_failed = true;
        return false;
    }
    text = dlr_malloc(size);
    if (text == NULL) {
        list->has_failed = true;
        return false;
    }
    copy = &list->rows[list->count++];
    *copy = *row;
    copy->name = copy->user = copy->anonymous = copy->link =
        (struct dlr_text){0};
    memcpy(text, row->id.ptr, row->id.len);
    memcpy(text + row->id.len, row->doc.ptr, row->doc.len);
    copy->id.ptr = text;
    copy->doc.ptr = text + row->id.len;
    list->bytes += size;
    return true;
}

void dld_row_list_clear(struct dld_row_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        dlr_free((void *)(uintptr_t)list->rows[i].id.ptr);
    }
    dlr_free(list->rows);
    *list = (struct dld_row_list){0};
}
