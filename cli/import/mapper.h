/* SPDX-License-Identifier: MIT */
/* Mapper: one record in, one event out. */
#ifndef CLI_IMPORT_MAPPER_H
#define CLI_IMPORT_MAPPER_H

#include "import/event.h"
#include "import/ids.h"
#include "import/zone.h"

struct cli_mapper {
    struct cli_maps maps;
    const char *event_name; /* --event; NULL: the record's */
    struct cli_zone zone;
    struct cli_ids ids; /* of the source at hand */
    struct dlr_buf scratch;
    uint64_t untimed_count; /* events without a time of their own */
};

void cli_mapper_init(struct cli_mapper *mapper);
void cli_mapper_clear(struct cli_mapper *mapper);

/* False with `problem` filled if the record makes no event. */
bool cli_mapper_run(struct cli_mapper *mapper, struct cli_record *record,
                    struct cli_event *event, struct dlr_buf *problem);

#endif
