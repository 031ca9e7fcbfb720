/* SPDX-License-Identifier: MIT */
/* Summary: how an import ends: the last wait, the position, the ledger line. */
#ifndef CLI_IMPORT_SUMMARY_H
#define CLI_IMPORT_SUMMARY_H

#include "import/run.h"

/* Called by the session for what was settled; `self` is the import. */
void cli_summary_note_settled(void *self,
                              const struct cli_settlement *settlement);

/* Waits for what is under way, says how it went, prints the ledger line last.
 * Returns the exit code. */
int cli_summary_end(struct cli_import *import);

#endif
