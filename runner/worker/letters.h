/* SPDX-License-Identifier: MIT */
/*
 * Letters of every script and names of hosts, by ICU and libpsl. Opened before the walls go up:
 * both carry their data inside and read no file afterwards.
 */
#ifndef MOONHOOK_RUNNER_WORKER_LETTERS_H
#define MOONHOOK_RUNNER_WORKER_LETTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpsl.h>
#include <unicode/ucasemap.h>
#include <unicode/uidna.h>
#include <unicode/unorm2.h>

#include "base/err.h"
#include "base/slice.h"

#define HOST_N 256 /* bytes of a host's name in letters, its NUL too: longer ones are none */

struct letters {
	const UNormalizer2 *composed, *apart, *folded, *compat;
	UCaseMap *lower, *title;
	UIDNA *idna;
	const psl_ctx_t *suffixes;
};

/* RC_INVALID, RC_NOMEM. letters is filled; letters_done frees. Also forbids ICU all files. */
enum rc letters_open(struct letters *letters, struct err *err) must_check;
void letters_done(struct letters *letters);

/* All: text is valid UTF-8, out gets a NUL; 0 where it does not fit, or is empty. */
size_t letters_lower(const struct letters *letters, struct slice text, char *out, size_t size);
/* The whole text as one word: its first letter in title case, the others lower. */
size_t letters_title(const struct letters *letters, struct slice text, char *out, size_t size);
/* The one form of letters that can be written several ways (NFC). */
size_t letters_compose(const struct letters *letters, struct slice text, char *out, size_t size);
/* Wide, narrow and styled letters and digits as the plain ones (NFKC). */
size_t letters_plain(const struct letters *letters, struct slice text, char *out, size_t size);

/* White space, controls and marks that nobody sees. */
bool letters_blank(int32_t c);

/* A host's name in lower-case letters, also where it was written in punycode. False: it is no name
 * of two labels at least, or an address. */
bool letters_host(const struct letters *letters, const char *text, char ret_host[static HOST_N]);
/* The part of a host (of letters_host) that somebody has registered; NULL: it is all suffix.
 * BORROWS from host. */
const char *letters_registrable(const struct letters *letters, const char *host);

#endif
