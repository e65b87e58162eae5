/* SPDX-License-Identifier: MIT */
/* Mail providers whose addresses say nothing about the company of their owner. */
#ifndef MOONHOOK_RUNNER_WORKER_FREEMAIL_H
#define MOONHOOK_RUNNER_WORKER_FREEMAIL_H

#include <stdbool.h>

/* domain: lower case, without "www.". */
bool freemail_has(const char *domain);

#endif
