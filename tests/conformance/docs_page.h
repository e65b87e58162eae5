/* SPDX-License-Identifier: MIT */
/* The published REST documentation, tests/data/twenty/docs/page.txt, cut into its blocks of code.
 */
#ifndef MOONHOOK_TESTS_CONFORMANCE_DOCS_PAGE_H
#define MOONHOOK_TESTS_CONFORMANCE_DOCS_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#define DOCS_PAGE_FILE "tests/data/twenty/docs/page.txt"
#define DOCS_BLOCK_MAX 96

enum docs_kind {
	DOCS_CURL,       /* one command */
	DOCS_SHELL,      /* a script, from #! to the next heading */
	DOCS_JAVASCRIPT, /* to the next heading */
	DOCS_PYTHON,     /* to the next heading */
	DOCS_SAMPLE,     /* an answer: JSON, maybe with comments */
	DOCS_HEADERS,    /* header lines of an answer */
	DOCS_ENDPOINT,   /* a path in a list of them */
	DOCS_KIND_N,
};

struct docs_block {
	enum docs_kind kind;
	int line;         /* of the page, from 1 */
	char heading[64]; /* above it */
	char note[64];    /* the comment right above it, without "# "; "" where there is none */
	bool response;    /* of a sample: "Response:" stands above it, it is the example's before */
	char *text;       /* as printed, every line with its end */
};

struct docs_page { /* docs_page_done */
	struct docs_block blocks[DOCS_BLOCK_MAX];
	size_t n;
	char *prose; /* the lines that are in no block */
};

/* Reads the page; prints why on failure. */
bool docs_page_open(struct docs_page *ret_page);
void docs_page_done(struct docs_page *page);

const char *docs_kind_name(enum docs_kind kind); /* STATIC */
bool docs_kind_runs(enum docs_kind kind);        /* is an example that can be run */
/* The one block of that kind, heading and note; NULL where there is none, or more than one. */
const struct docs_block *docs_page_find(
	const struct docs_page *page, enum docs_kind kind, const char *heading, const char *note);
/* The answer printed below an example; NULL where there is none. */
const struct docs_block *docs_page_response(
	const struct docs_page *page, const struct docs_block *example);
/* A sample as JSON, its comments left out. GIVES. */
json_t *docs_sample(const struct docs_block *sample);

/* True where got has every key of want, with a value of the same type; else why says which not.
 * Elements of lists are compared one by one, as far as want has them. */
bool docs_has_shape(const json_t *want, const json_t *got, const char *path, char why[static 160]);

#endif
