/* SPDX-License-Identifier: MIT */
/*
 * What ICU and libpsl know, in the few forms that text.* needs.
 * From: kit.c, which opens it once; lua_text.c, lua_similarity.c. Fails by answering nothing.
 */
#include "runner/worker/letters.h"

#include <string.h>

#include <unicode/uchar.h>
#include <unicode/udata.h>
#include <unicode/ustring.h>

#include "base/attr.h"

#define WIDE_N 2048 /* units of a text on its way through a normal form */

enum rc letters_open(struct letters *letters, struct err *err)
{
	UErrorCode status = U_ZERO_ERROR;
	*letters = (struct letters){.suffixes = psl_builtin()};
	udata_setFileAccess(UDATA_NO_FILES, &status);
	letters->composed = unorm2_getNFCInstance(&status);
	letters->apart = unorm2_getNFDInstance(&status);
	letters->folded = unorm2_getNFKCCasefoldInstance(&status);
	letters->compat = unorm2_getNFKCInstance(&status);
	letters->lower = ucasemap_open("", 0, &status);
	letters->title = ucasemap_open(
		"", U_TITLECASE_WHOLE_STRING | U_TITLECASE_NO_BREAK_ADJUSTMENT, &status);
	letters->idna = uidna_openUTS46(
		UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_NONTRANSITIONAL_TO_UNICODE |
			UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ,
		&status);
	if (U_SUCCESS(status) && letters->suffixes != NULL)
		return RC_OK;
	letters_done(letters);
	if (status == U_MEMORY_ALLOCATION_ERROR)
		return err_set(err, RC_NOMEM, "no memory for the library of letters");
	return err_set(err, RC_INVALID, "the libraries of letters and of domains: %s",
		U_SUCCESS(status) ? "no list of suffixes" : u_errorName(status));
}

void letters_done(struct letters *letters)
{
	ucasemap_close(letters->lower);
	ucasemap_close(letters->title);
	uidna_close(letters->idna);
	*letters = (struct letters){0};
}

/* out holds n bytes, or has overflowed. */
static size_t finish(UErrorCode status, int32_t n, size_t size, char *out)
{
	if (U_FAILURE(status) || n <= 0 || (size_t)n >= size)
		return 0;
	out[n] = '\0';
	return (size_t)n;
}

static size_t normalise(const UNormalizer2 *form, struct slice text, char *out, size_t size)
{
	UChar from[WIDE_N], to[WIDE_N];
	UErrorCode status = U_ZERO_ERROR;
	int32_t n = 0;
	if (text.n >= WIDE_N || text.n == 0)
		return 0;
	u_strFromUTF8(from, WIDE_N, &n, text.p, (int32_t)text.n, &status);
	n = unorm2_normalize(form, from, n, to, WIDE_N, &status);
	if (U_SUCCESS(status))
		u_strToUTF8(out, (int32_t)size, &n, to, n, &status);
	return finish(status, n, size, out);
}

size_t letters_compose(const struct letters *letters, struct slice text, char *out, size_t size)
{
	return normalise(letters->composed, text, out, size);
}

size_t letters_plain(const struct letters *letters, struct slice text, char *out, size_t size)
{
	return normalise(letters->compat, text, out, size);
}

size_t letters_lower(const struct letters *letters, struct slice text, char *out, size_t size)
{
	char composed[WIDE_N];
	UErrorCode status = U_ZERO_ERROR;
	size_t n = letters_compose(letters, text, composed, sizeof(composed));
	if (n == 0)
		return 0;
	int32_t m = ucasemap_utf8ToLower(
		letters->lower, out, (int32_t)size, composed, (int32_t)n, &status);
	return finish(status, m, size, out);
}

size_t letters_title(const struct letters *letters, struct slice text, char *out, size_t size)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t n = ucasemap_utf8ToTitle(
		letters->title, out, (int32_t)size, text.p, (int32_t)text.n, &status);
	return finish(status, n, size, out);
}

bool letters_blank(int32_t c)
{
	/* Joiners belong to the spelling of some names. */
	return u_isUWhiteSpace(c) || u_charType(c) == U_CONTROL_CHAR ||
	       (u_charType(c) == U_FORMAT_CHAR && c != 0x200c && c != 0x200d);
}

/* --- hosts ----------------------------------------------------------------------------------- */

bool letters_host(const struct letters *letters, const char *text, char ret_host[static HOST_N])
{
	char ascii[HOST_N], host[HOST_N];
	UErrorCode status = U_ZERO_ERROR;
	UIDNAInfo info = UIDNA_INFO_INITIALIZER;
	int32_t n = uidna_nameToASCII_UTF8(
		letters->idna, text, -1, ascii, sizeof(ascii), &info, &status);
	if (U_FAILURE(status) || info.errors != 0 || n <= 0 || n > 253)
		return false;
	ascii[n] = '\0';
	const char *last = strrchr(ascii, '.');
	if (last == NULL || last == ascii || strlen(last) < 3 ||
		strspn(last + 1, "0123456789") == strlen(last + 1))
		return false;
	info = (UIDNAInfo)UIDNA_INFO_INITIALIZER;
	n = uidna_nameToUnicodeUTF8(letters->idna, ascii, n, host, sizeof(host), &info, &status);
	if (U_FAILURE(status) || info.errors != 0 || n <= 0 || n >= (int32_t)sizeof(host))
		return false;
	host[n] = '\0';
	memcpy(ret_host, host, (size_t)n + 1);
	return true;
}

const char *letters_registrable(const struct letters *letters, const char *host)
{
	const char *found = psl_registrable_domain(letters->suffixes, host);
	if (found != NULL)
		return found;
	/* github.io is a suffix for who has a page there, and the domain of a company. */
	const char *dot = strchr(host, '.');
	bool suffix = psl_is_public_suffix2(letters->suffixes, host, PSL_TYPE_ICANN) != 0;
	if (suffix || dot == NULL)
		return NULL;
	while (dot != NULL &&
		psl_is_public_suffix2(letters->suffixes, dot + 1, PSL_TYPE_ICANN) == 0) {
		host = dot + 1;
		dot = strchr(host, '.');
	}
	return dot != NULL ? host : NULL;
}
