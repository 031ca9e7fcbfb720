/* SPDX-License-Identifier: MIT */
/* Sources: the names of the files of an import, and where it goes on. */
#ifndef CLI_IMPORT_SOURCES_H
#define CLI_IMPORT_SOURCES_H

#include "import/run.h"

/* Names the sources and makes room for their marks. An exit code. */
int cli_sources_init(struct cli_import *import);
void cli_sources_clear(struct cli_import *import);

/* Finds the position file of this import; reads it if the import goes on. */
void cli_sources_find_position(struct cli_import *import,
                               const datalyr_config *config, bool goes_on);

/* The name of a source: the last `parts` parts of the path without ".gz". */
struct dlr_text cli_source_name(const char *path, size_t parts);

#endif
