/* SPDX-License-Identifier: MIT */
/*
 * Sized: reads a struct whose first field says how large its caller's version
 * of it is, so that programs and library of different versions fit.
 */
#ifndef DLR_MODEL_SIZED_H
#define DLR_MODEL_SIZED_H

#include <datalyr.h>

/* Copies the struct at `from`, whose first field is its size, into `into` of
 * `known` bytes and zeroes the rest. A larger struct is fine while the part that is unknown here is zero.
 * `name` is that of the struct, for the message. */
datalyr_status dlr_sized_read(void *into, size_t known, const void *from,
                              const char *name, datalyr_error *error);

#endif
