/* SPDX-License-Identifier: MIT */
/* Man: the command table as a manual page. */
#ifndef CLI_MAN_H
#define CLI_MAN_H

#include "base/buf.h"

/* Appends datalyr(1) as roff; docs/man/datalyr.1 is this text. */
void cli_man_put(struct dlr_buf *out);

#endif
