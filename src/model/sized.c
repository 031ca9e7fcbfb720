/* SPDX-License-Identifier: MIT */
/*
 * Sized: fields are only ever appended, in multiples of eight bytes, and zero
 * means default. An older caller's struct is therefore a prefix of ours, and a
 * newer caller's may be used as long as it asks for nothing we do not know.
 */
#include "model/sized.h"

#include "model/refuse.h"

#include <string.h>

datalyr_status dlr_sized_read(void *into, size_t known, const void *from,
                              const char *name, datalyr_error *error)
{
    const unsigned char *bytes = from;
    size_t shared;
    size_t size;

    memcpy(&size, from, sizeof size);
    shared = size < known ? size : known;
    if (size < sizeof(size_t) || size % 8 != 0) {
        return dlr_refuse(error,
                          "%s has a size of %zu: begin it with its _INIT macro",
                          name, size);
    }
    for (size_t i = known; i < size; i++) {
        if (bytes[i] != 0) {
            return dlr_refuse(error,
                              "%s has a field set that libdatalyr %s does not "
                              "know: use the library that the program was "
                              "built for",
                              name, DATALYR_VERSION);
        }
    }
    memset(into, 0, known);
    memcpy(into, from, shared);
    return DATALYR_OK;
}
