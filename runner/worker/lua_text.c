/* SPDX-License-Identifier: MIT */
/*
 * text.email, text.domain, text.name, text.is_freemail: what people typed, made comparable.
 * From: rules. Each answers nil where nothing usable is left; none guesses.
 *
 *   email    blanks and "mailto:" off, lower case; one @, a local part, a domain with a dot
 *   domain   the host of an e-mail address, a URL or a bare host; lower case, without "www."
 *   name     single blanks; letter case repaired only where a name is all upper or all lower case:
 *            "JEAN-LUC O'NEIL" becomes "Jean-Luc O'Neil", "McDONALD" and "van Gogh" stay as typed
 */
#include <string.h>
#include <wctype.h>

#include "base/utf8.h"
#include "runner/worker/binding.h"
#include "runner/worker/freemail.h"
#include "runner/worker/json_text.h"
#include "runner/worker/kit.h"
#include "runner/worker/state.h"

#define TEXT_N 320 /* longest address: 64 + @ + 255 */
#define HOST_N 254
#define LABEL_N 63
#define NAME_N 512

/* --- letters --------------------------------------------------------------------------------- */

/* Reads the character at p, valid UTF-8; answers its bytes. */
static size_t read_char(const char *p, wint_t *ret_c)
{
	const unsigned char *u = (const unsigned char *)p;
	if (u[0] < 0x80) {
		*ret_c = u[0];
		return 1;
	}
	if (u[0] < 0xe0) {
		*ret_c = (wint_t)(u[0] & 0x1f) << 6 | (u[1] & 0x3f);
		return 2;
	}
	if (u[0] < 0xf0) {
		*ret_c = (wint_t)(u[0] & 0x0f) << 12 | (wint_t)(u[1] & 0x3f) << 6 | (u[2] & 0x3f);
		return 3;
	}
	*ret_c = (wint_t)(u[0] & 0x07) << 18 | (wint_t)(u[1] & 0x3f) << 12 |
		 (wint_t)(u[2] & 0x3f) << 6 | (u[3] & 0x3f);
	return 4;
}

static bool is_blank(wint_t c)
{
	return c <= ' ' || c == 0x7f || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200d) ||
	       c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x2060 ||
	       c == 0x3000 || c == 0xfeff;
}

/* The argument without blanks around it; n 0 where it is no text or no UTF-8. */
static struct slice take_text(lua_State *L)
{
	struct slice s = {0};
	if (lua_type(L, 1) == LUA_TSTRING)
		s.p = lua_tolstring(L, 1, &s.n);
	else if (!lua_isnoneornil(L, 1) && !json_is_null(L, 1))
		luaL_checktype(L, 1, LUA_TSTRING);
	if (!json_text_utf8(s))
		return (struct slice){0};
	while (s.n > 0) {
		wint_t c;
		size_t step = read_char(s.p, &c);
		if (!is_blank(c))
			break;
		s.p += step;
		s.n -= step;
	}
	while (s.n > 0) {
		size_t step = 1;
		wint_t c;
		while (step < s.n && ((unsigned char)s.p[s.n - step] & 0xc0) == 0x80)
			step++;
		read_char(s.p + s.n - step, &c);
		if (!is_blank(c))
			break;
		s.n -= step;
	}
	return s;
}

/* Copies in lower case; 0 where it does not fit or a blank is inside. out gets a NUL. */
static size_t copy_lower(lua_State *L, struct slice s, char *out, size_t size)
{
	locale_t locale = state_of(L)->kit->locale;
	size_t n = 0;
	for (size_t i = 0; i < s.n;) {
		wint_t c;
		i += read_char(s.p + i, &c);
		if (is_blank(c) || n + 5 > size)
			return 0;
		n += utf8_put(towlower_l(c, locale), out + n);
	}
	out[n] = '\0';
	return n;
}

/* --- hosts and addresses --------------------------------------------------------------------- */

static bool label_valid(const char *p, size_t n)
{
	if (n == 0 || n > LABEL_N || p[0] == '-' || p[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		bool letter = (c >= 'a' && c <= 'z') || c >= 0x80;
		if (!letter && !(c >= '0' && c <= '9') && c != '-')
			return false;
	}
	return true;
}

/* Labels with dots between, the last of them no number (then it would be an address). */
static bool host_valid(const char *host)
{
	const char *label = host;
	size_t labels = 0;
	if (strlen(host) >= HOST_N)
		return false;
	for (;;) {
		size_t n = strcspn(label, ".");
		if (!label_valid(label, n))
			return false;
		labels++;
		if (label[n] == '\0')
			return labels >= 2 && n >= 2 && strspn(label, "0123456789") < n;
		label += n + 1;
	}
}

static bool local_valid(const char *p, size_t n)
{
	if (n == 0 || n > 64 || p[0] == '.' || p[n - 1] == '.')
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		if (c <= ' ' || c == 0x7f || strchr("\"(),:;<>@[\\]", c) != NULL ||
			(c == '.' && p[i + 1] == '.'))
			return false;
	}
	return true;
}

/* Puts the normal form of an address into out; false where it is none. */
static bool read_email(lua_State *L, struct slice s, char out[static TEXT_N])
{
	if (s.n > 7 && strncasecmp(s.p, "mailto:", 7) == 0)
		s = (struct slice){s.p + 7, s.n - 7};
	if (copy_lower(L, s, out, TEXT_N) == 0)
		return false;
	const char *at = strrchr(out, '@');
	return at != NULL && local_valid(out, (size_t)(at - out)) && host_valid(at + 1);
}

/* Puts the host of an address, a URL or a host into out; false where there is none. */
static bool read_domain(lua_State *L, struct slice s, char out[static TEXT_N])
{
	char text[2048];
	if (copy_lower(L, s, text, sizeof(text)) == 0)
		return false;
	char *host = strstr(text, "://");
	host = host != NULL ? host + 3 : text;
	if (strncmp(host, "mailto:", 7) == 0)
		host += 7;
	host[strcspn(host, "/?#")] = '\0';
	char *at = strrchr(host, '@');
	host = at != NULL ? at + 1 : host;
	host[strcspn(host, ":")] = '\0';
	size_t n = strlen(host);
	if (n > 0 && host[n - 1] == '.')
		host[--n] = '\0';
	if (strncmp(host, "www.", 4) == 0 && strchr(host + 4, '.') != NULL) {
		host += 4;
		n -= 4;
	}
	if (!host_valid(host))
		return false;
	memcpy(out, host, n + 1);
	return true;
}

/* text; nil for NULL. */
static int answer(lua_State *L, const char *text)
{
	lua_pushstring(L, text);
	return 1;
}

static int text_email(lua_State *L)
{
	char email[TEXT_N];
	return answer(L, read_email(L, take_text(L), email) ? email : NULL);
}

static int text_domain(lua_State *L)
{
	char domain[TEXT_N];
	return answer(L, read_domain(L, take_text(L), domain) ? domain : NULL);
}

static int text_is_freemail(lua_State *L)
{
	char domain[TEXT_N];
	lua_pushboolean(L, read_domain(L, take_text(L), domain) && freemail_has(domain));
	return 1;
}

/* --- names ----------------------------------------------------------------------------------- */

/* Copies with single blanks; 0 where it does not fit. Tells which letter cases occur. */
static size_t copy_name(lua_State *L, struct slice s, char *out, bool *ret_upper, bool *ret_lower)
{
	locale_t locale = state_of(L)->kit->locale;
	size_t n = 0;
	bool blank = false;
	*ret_upper = *ret_lower = false;
	for (size_t i = 0; i < s.n;) {
		wint_t c;
		i += read_char(s.p + i, &c);
		if (is_blank(c)) {
			blank = true;
			continue;
		}
		if (n + 6 > NAME_N)
			return 0;
		if (blank)
			out[n++] = ' ';
		blank = false;
		*ret_upper = *ret_upper || iswupper_l(c, locale);
		*ret_lower = *ret_lower || iswlower_l(c, locale);
		n += utf8_put(c, out + n);
	}
	return n;
}

static bool is_apostrophe(wint_t c)
{
	return c == '\'' || c == 0x2019;
}

/* A letter goes on with a word unless a blank, a hyphen or a dot was before it, or an apostrophe
 * with more than an s behind it: O'Neil, but Anna's. */
static size_t repair_case(lua_State *L, const char *name, size_t n, char *out)
{
	locale_t locale = state_of(L)->kit->locale;
	size_t to = 0;
	bool inside = false;
	wint_t c, before = 0;
	for (size_t i = 0; i < n; before = c) {
		wint_t behind = 0;
		i += read_char(name + i, &c);
		if (i < n)
			read_char(name + i, &behind);
		bool letter = iswalpha_l(c, locale);
		inside = inside || (is_apostrophe(before) && !iswalpha_l(behind, locale));
		if (letter)
			c = inside ? towlower_l(c, locale) : towupper_l(c, locale);
		if (c == 0x3c3 && inside && !iswalpha_l(behind, locale))
			c = 0x3c2; /* the sigma at the end of a Greek word */
		inside = letter || (c >= '0' && c <= '9');
		to += utf8_put(c, out + to);
	}
	return to;
}

static int text_name(lua_State *L)
{
	char name[NAME_N], repaired[NAME_N * 2];
	bool upper, lower;
	size_t n = copy_name(L, take_text(L), name, &upper, &lower);
	if (n == 0) {
		lua_pushnil(L);
		return 1;
	}
	if (upper != lower) {
		n = repair_case(L, name, n, repaired);
		lua_pushlstring(L, repaired, n);
	} else {
		lua_pushlstring(L, name, n);
	}
	return 1;
}

const luaL_Reg text_functions[] = {
	{"domain", text_domain},
	{"email", text_email},
	{"is_freemail", text_is_freemail},
	{"name", text_name},
	{NULL, NULL},
};
