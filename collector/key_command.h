/* SPDX-License-Identifier: MIT */
/*
 * Key command: datalyrd key add|list|revoke.
 */
#ifndef DLD_KEY_COMMAND_H
#define DLD_KEY_COMMAND_H

/* Runs it with the arguments behind "key"; returns the exit code. */
int dld_key_command(int argc, char **argv);

#endif
