/* SPDX-License-Identifier: MIT */
/* The commented sample of a configuration, made from the option tables: conf/moonhook.lua. */
#ifndef MOONHOOK_CLI_SAMPLE_H
#define MOONHOOK_CLI_SAMPLE_H

#include "base/buf.h"

enum rc sample_write(struct buf *out) must_check;

#endif
