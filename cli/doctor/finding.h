/* SPDX-License-Identifier: MIT */
/* Finding: one thing that the doctor looked at, and what to do about it. */
#ifndef CLI_DOCTOR_FINDING_H
#define CLI_DOCTOR_FINDING_H

enum cli_verdict { CLI_FINE, CLI_DOUBTFUL, CLI_WRONG };

/* Prints one finding; `cure` is a command or an instruction, NULL only where
 * nothing is wrong. */
void cli_finding(enum cli_verdict verdict, const char *check, const char *cure,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
