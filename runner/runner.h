/* SPDX-License-Identifier: MIT */
/* The runner process: a due event -> rule runs -> effects -> outcome. */
#ifndef MOONHOOK_RUNNER_RUNNER_H
#define MOONHOOK_RUNNER_RUNNER_H

#include "base/conf.h"
#include "base/err.h"

/* rules, workers, limits.cpu, limits.wall, limits.memory, limits.calls, limits.logs; STATIC. */
extern const struct conf_table runner_conf_table;

/* The whole life of the process, on the descriptors of base/link.h; returns its exit status. */
int runner_main(void);

#endif
