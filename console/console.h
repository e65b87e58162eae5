/* SPDX-License-Identifier: MIT */
/* The console process: health, readiness and metrics over HTTP, and the control socket of the CLI.
 */
#ifndef MOONHOOK_CONSOLE_CONSOLE_H
#define MOONHOOK_CONSOLE_CONSOLE_H

#include "base/conf.h"
#include "base/err.h"

/* console.listen, console.token, control; STATIC. */
extern const struct conf_table console_conf_table;

/* The whole life of the process, on the descriptors of base/link.h; returns its exit status. */
int console_main(void);

#endif
