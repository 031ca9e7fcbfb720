/* SPDX-License-Identifier: MIT */
/* Ids: event ids that are the same each time a file is imported. */
#ifndef CLI_IMPORT_IDS_H
#define CLI_IMPORT_IDS_H

#include "base/sha256.h"
#include "base/uuid.h"
#include "import/record.h"

/* What all records of a source have in common. */
struct cli_ids {
    struct dlr_sha256 begun; /* with the name in it */
    uint8_t source[4];
};

void cli_ids_init(struct cli_ids *ids, struct dlr_text source);

/* From the source's name, the record's position and its bytes. */
void cli_ids_derive(const struct cli_ids *ids, const struct cli_record *record,
                    char out[DLR_UUID_CAP]);

/* From a Segment messageId and the bytes: the same in every file. */
void cli_ids_derive_message(struct dlr_text message_id,
                            const struct cli_record *record,
                            char out[DLR_UUID_CAP]);

#endif
