/* SPDX-License-Identifier: MIT */
/*
 * text.email, text.domain, text.phone, text.name, text.is_freemail: what people typed, made
 * comparable. From: rules. To: letters.c, base/phone.c. Each answers nil where nothing usable is
 * left; none guesses. text.similarity is in lua_similarity.c.
 *
 *   email    blanks and "mailto:" off, lower case; one @, a local part, a domain with a dot
 *   domain   what somebody registered of an e-mail address, a URL or a bare host: "acme.co.uk" of
 *            "https://www.shop.acme.co.uk/x"; in letters, also where it was punycode
 *   phone    E.164, of a text or of a record's phones
 *   name     single blanks; letter case repaired only where a name is all upper or all lower case:
 *            "JEAN-LUC O'NEIL" becomes "Jean-Luc O'Neil", "McDONALD" and "van Gogh" stay as typed
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "base/phone.h"
#include "base/utf8.h"
#include "runner/worker/binding.h"
#include "runner/worker/freemail.h"
#include "runner/worker/json_text.h"
#include "runner/worker/kit.h"
#include "runner/worker/state.h"

#define TEXT_N 320 /* longest address: 64 + @ + 255 */
#define NAME_N 512
#define PHONE_N 128

static const struct letters *letters_of(lua_State *L)
{
	return &state_of(L)->kit->letters;
}

/* --- letters --------------------------------------------------------------------------------- */

/* Reads the character at p, valid UTF-8; answers its bytes. */
static size_t read_char(const char *p, UChar32 *ret_c)
{
	size_t n = 0;
	U8_NEXT_UNSAFE(p, n, *ret_c);
	return n;
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
		UChar32 c;
		size_t step = read_char(s.p, &c);
		if (!letters_blank(c))
			break;
		s.p += step;
		s.n -= step;
	}
	while (s.n > 0) {
		size_t step = 1;
		UChar32 c;
		while (step < s.n && ((unsigned char)s.p[s.n - step] & 0xc0) == 0x80)
			step++;
		read_char(s.p + s.n - step, &c);
		if (!letters_blank(c))
			break;
		s.n -= step;
	}
	return s;
}

static bool has_blank(struct slice s)
{
	UChar32 c;
	for (size_t i = 0; i < s.n;) {
		i += read_char(s.p + i, &c);
		if (letters_blank(c))
			return true;
	}
	return false;
}

/* --- hosts and addresses --------------------------------------------------------------------- */

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
	char text[TEXT_N], host[HOST_N];
	if (s.n > 7 && strncasecmp(s.p, "mailto:", 7) == 0)
		s = (struct slice){s.p + 7, s.n - 7};
	if (has_blank(s) || letters_lower(letters_of(L), s, text, sizeof(text)) == 0)
		return false;
	const char *at = strrchr(text, '@');
	if (at == NULL || !local_valid(text, (size_t)(at - text)) ||
		!letters_host(letters_of(L), at + 1, host))
		return false;
	int n = snprintf(out, TEXT_N, "%.*s@%s", (int)(at - text), text, host);
	return n < TEXT_N;
}

/* Cuts the host out of an address, a URL or a host. */
static char *cut_host(char *text)
{
	char *host = strstr(text, "://");
	host = host != NULL ? host + 3 : text;
	if (strncmp(host, "mailto:", 7) == 0)
		host += 7;
	host[strcspn(host, "/?#\\")] = '\0';
	char *at = strrchr(host, '@');
	host = at != NULL ? at + 1 : host;
	host[strcspn(host, ":")] = '\0';
	size_t n = strlen(host);
	if (n > 0 && host[n - 1] == '.')
		host[n - 1] = '\0';
	return host;
}

/* Puts the host of an address, a URL or a host into out; false where there is none. */
static bool read_host(lua_State *L, struct slice s, char out[static HOST_N])
{
	char text[2048];
	return !has_blank(s) && letters_lower(letters_of(L), s, text, sizeof(text)) != 0 &&
	       letters_host(letters_of(L), cut_host(text), out);
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
	char host[HOST_N];
	bool there = read_host(L, take_text(L), host);
	return answer(L, there ? letters_registrable(letters_of(L), host) : NULL);
}

static int text_is_freemail(lua_State *L)
{
	char host[HOST_N];
	const char *domain = NULL;
	if (read_host(L, take_text(L), host))
		domain = letters_registrable(letters_of(L), host);
	lua_pushboolean(L, domain != NULL && (freemail_has(host) || freemail_has(domain)));
	return 1;
}

/* --- phones ---------------------------------------------------------------------------------- */

/* The text of a member of the table at 1, "" where there is none. Stays on the stack. */
static const char *part_of_phones(lua_State *L, const char *name)
{
	lua_pushstring(L, name);
	return lua_rawget(L, 1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
}

/* Raises where the country at 2 is no country; "" where it is not given. */
static const char *check_country(lua_State *L)
{
	char code[4];
	if (lua_isnoneornil(L, 2) || json_is_null(L, 2))
		return "";
	luaL_checktype(L, 2, LUA_TSTRING);
	const char *country = lua_tostring(L, 2);
	if (*country != '\0' && !phone_calling(country, code))
		state_raise(L,
			"text.phone: \"%.40s\" is no country, they are like \"FR\" and \"+33\"",
			country);
	return country;
}

/* text.phone("06 12 34 56 78", "FR"), text.phone(person.phones) */
static int text_phone(lua_State *L)
{
	char number[PHONE_N], phone[PHONE_TEXT_N], code[4];
	const char *country = check_country(L);
	if (lua_istable(L, 1)) {
		const char *calling = part_of_phones(L, "primaryPhoneCallingCode");
		const char *named = part_of_phones(L, "primaryPhoneCountryCode");
		if (phone_calling(calling, code))
			country = calling;
		else if (phone_calling(named, code))
			country = named;
		part_of_phones(L, "primaryPhoneNumber");
		lua_replace(L, 1);
	}
	bool there = letters_plain(letters_of(L), take_text(L), number, sizeof(number)) != 0;
	return answer(L, there && phone_normalise(number, country, phone) ? phone : NULL);
}

/* --- names ----------------------------------------------------------------------------------- */

/* Copies with single blanks; 0 where it does not fit. Tells which letter cases occur. */
static size_t copy_name(struct slice s, char *out, bool *ret_upper, bool *ret_lower)
{
	size_t n = 0;
	bool blank = false;
	*ret_upper = *ret_lower = false;
	for (size_t i = 0; i < s.n;) {
		UChar32 c;
		i += read_char(s.p + i, &c);
		if (letters_blank(c)) {
			blank = true;
			continue;
		}
		if (n + 6 > NAME_N)
			return 0;
		if (blank)
			out[n++] = ' ';
		blank = false;
		*ret_upper = *ret_upper || u_isUUppercase(c);
		*ret_lower = *ret_lower || u_isULowercase(c);
		n += utf8_put((uint32_t)c, out + n);
	}
	return n;
}

static bool is_apostrophe(UChar32 c)
{
	return c == '\'' || c == 0x2019;
}

/* A mark above or below a letter is part of it. */
static bool is_letter(UChar32 c)
{
	return u_isUAlphabetic(c) || u_charType(c) == U_NON_SPACING_MARK ||
	       u_charType(c) == U_COMBINING_SPACING_MARK;
}

/*
 * The length of the word that begins at p. Digits go on with it; an apostrophe ends one unless only
 * a single letter is behind it: O'Neil are two, Anna's is one.
 */
static size_t word_length(const char *p, size_t n)
{
	size_t at = 0;
	UChar32 c;
	while (at < n) {
		size_t step = read_char(p + at, &c), next;
		if (!is_letter(c) && !u_isdigit(c)) {
			if (!is_apostrophe(c) || at + step >= n)
				return at;
			next = at + step;
			step += read_char(p + next, &c);
			UChar32 behind = ' ';
			if (at + step < n)
				read_char(p + at + step, &behind);
			if (!is_letter(c) || is_letter(behind))
				return at;
		}
		at += step;
	}
	return at;
}

/* Each word with its first letter in title case; what is between words stays. */
static size_t repair_case(lua_State *L, const char *name, size_t n, char *out, size_t size)
{
	size_t to = 0;
	for (size_t i = 0; i < n;) {
		UChar32 c;
		size_t step = read_char(name + i, &c);
		size_t word = is_letter(c) || u_isdigit(c) ? word_length(name + i, n - i) : 0;
		if (word > 0) {
			struct slice text = {name + i, word};
			size_t m = letters_title(letters_of(L), text, out + to, size - to);
			if (m == 0)
				return 0;
			to += m;
			step = word;
		} else {
			if (to + step >= size)
				return 0;
			memcpy(out + to, name + i, step);
			to += step;
		}
		i += step;
	}
	return to;
}

static int text_name(lua_State *L)
{
	char name[NAME_N], composed[NAME_N * 3], repaired[NAME_N * 4];
	const char *text = composed;
	bool upper, lower;
	size_t n = copy_name(take_text(L), name, &upper, &lower);
	n = letters_compose(letters_of(L), (struct slice){name, n}, composed, sizeof(composed));
	if (n > 0 && upper != lower) {
		n = repair_case(L, composed, n, repaired, sizeof(repaired));
		text = repaired;
	}
	if (n == 0)
		lua_pushnil(L);
	else
		lua_pushlstring(L, text, n);
	return 1;
}

const luaL_Reg text_functions[] = {
	{"domain", text_domain},
	{"email", text_email},
	{"is_freemail", text_is_freemail},
	{"name", text_name},
	{"phone", text_phone},
	{"similarity", text_similarity},
	{NULL, NULL},
};
