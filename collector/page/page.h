/* SPDX-License-Identifier: MIT */
/*
 * Page: what a person sees at the address of the collector.
 */
#ifndef DLD_PAGE_PAGE_H
#define DLD_PAGE_PAGE_H

#include "base/buf.h"
#include "base/text.h"

/* Appends the page. `address` is our own, such as "http://127.0.0.1:8484". */
void dld_page_write(struct dlr_buf *out, struct dlr_text address);

#endif
