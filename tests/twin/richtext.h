/* SPDX-License-Identifier: MIT */
/* Markdown and blocknote, the two texts of a RICH_TEXT value. */
#ifndef MOONHOOK_TESTS_TWIN_RICHTEXT_H
#define MOONHOOK_TESTS_TWIN_RICHTEXT_H

#include <jansson.h>

/* Where the input gave markdown and no blocknote, makes one: a block a line. */
void richtext_complete(json_t *value, const json_t *in);

#endif
