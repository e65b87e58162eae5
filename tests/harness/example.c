/* SPDX-License-Identifier: MIT */
/*
 * Takes rules out of the manual.
 * From: tests that run them. A block begins with an indented line behind one that is not, and ends
 * before the next that is not; empty lines belong to it.
 */
#include "tests/harness/example.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static char *take_block(const char **at)
{
	const char *from = *at, *to = from;
	while (*to == ' ' || *to == '\n')
		to += strcspn(to, "\n") + (to[strcspn(to, "\n")] == '\n');
	*at = to;
	return strndup(from, (size_t)(to - from));
}

char *example_next(const char **at)
{
	while (**at != '\0') {
		if (**at != ' ') {
			*at += strcspn(*at, "\n");
			*at += **at == '\n';
			continue;
		}
		char *block = take_block(at);
		/* The lists of what there is are blocks, too: a rule there is no declaration. */
		if (block != NULL && strstr(block, "    rule \"") != NULL &&
			strstr(block, "run ") != NULL)
			return block;
		free(block);
	}
	return NULL;
}
