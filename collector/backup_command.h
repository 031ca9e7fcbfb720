/* SPDX-License-Identifier: MIT */
#ifndef DLD_BACKUP_COMMAND_H
#define DLD_BACKUP_COMMAND_H

/* `datalyrd backup ...`; the arguments are those behind "backup". Returns the
 * exit code. */
int dld_backup_command(int argc, char **argv);

#endif
