/* SPDX-License-Identifier: MIT */
/*
 * text.similarity(a, b): how alike two texts look, 0 to 1.
 * From: rules. The measure is Dice's over trigrams: of each text, folded (letter case, width, marks
 * above and below letters, and what is neither letter nor digit do not count), every word gets two
 * blanks in front and one behind; the different groups of three characters in it are its trigrams.
 * Twice the number that both have, divided by the sum of what each has. So it does not matter which
 * comes first, nor the order of words; 1 means the same trigrams. Nothing is like nothing: 0.
 */
#include <string.h>

#include <unicode/uchar.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

#include "runner/worker/binding.h"
#include "runner/worker/json_text.h"
#include "runner/worker/kit.h"
#include "runner/worker/state.h"

#define BYTES_MAX 10000
#define CHAR_BITS 21

/* Pushes room for the normal form of n units at `from`, and fills it; answers its units. */
static int32_t push_form(
	lua_State *L, const UNormalizer2 *form, const UChar *from, int32_t n, UChar **ret_to)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t room = unorm2_normalize(form, from, n, NULL, 0, &status) + 1;
	UChar *to = lua_newuserdatauv(L, (size_t)room * sizeof(UChar), 0);
	status = U_ZERO_ERROR;
	int32_t m = unorm2_normalize(form, from, n, to, room, &status);
	if (U_FAILURE(status))
		luaL_error(L, "text.similarity: %s", u_errorName(status));
	*ret_to = to;
	return m;
}

/* Pushes what counts of the text at arg, in pieces that an accent is one of; answers its units. */
static int32_t push_folded(lua_State *L, int arg, UChar **ret_to)
{
	const struct letters *letters = &state_of(L)->kit->letters;
	UErrorCode status = U_ZERO_ERROR;
	struct slice s = {0};
	int32_t n = 0;
	if (lua_type(L, arg) == LUA_TSTRING)
		s.p = lua_tolstring(L, arg, &s.n);
	else if (!lua_isnoneornil(L, arg) && !json_is_null(L, arg))
		luaL_checktype(L, arg, LUA_TSTRING);
	if (s.n > BYTES_MAX)
		state_raise(L, "text.similarity: a text is longer than %d bytes", BYTES_MAX);
	if (s.n == 0 || !json_text_utf8(s))
		return 0;
	UChar *wide = lua_newuserdatauv(L, (s.n + 1) * sizeof(UChar), 0);
	u_strFromUTF8(wide, (int32_t)s.n + 1, &n, s.p, (int32_t)s.n, &status);
	n = push_form(L, letters->folded, wide, n, &wide);
	return push_form(L, letters->apart, wide, n, ret_to);
}

static void sink(uint64_t *heap, size_t n, size_t at)
{
	uint64_t value = heap[at];
	for (size_t child; (child = 2 * at + 1) < n; at = child) {
		if (child + 1 < n && heap[child + 1] > heap[child])
			child++;
		if (heap[child] <= value)
			break;
		heap[at] = heap[child];
	}
	heap[at] = value;
}

/* qsort of libc asks the system how much memory there is, for which the sandbox ends the worker. */
static void sort(uint64_t *list, size_t n)
{
	for (size_t i = n / 2; i-- > 0;)
		sink(list, n, i);
	for (size_t last = n; last-- > 1;) {
		uint64_t value = list[0];
		list[0] = list[last];
		list[last] = value;
		sink(list, last, 0);
	}
}

/* Three characters are one number. */
static void put(uint64_t *grams, size_t *n, uint64_t *last, uint64_t c)
{
	*last = (*last << CHAR_BITS | c) & ((UINT64_C(1) << 3 * CHAR_BITS) - 1);
	grams[(*n)++] = *last;
}

/* Pushes the sorted trigrams of the text at arg, each once; answers how many. */
static size_t push_grams(lua_State *L, int arg, uint64_t **ret_grams)
{
	UChar *text = NULL;
	int32_t units = push_folded(L, arg, &text), i = 0;
	uint64_t *grams = lua_newuserdatauv(L, ((size_t)units * 2 + 1) * sizeof(*grams), 0);
	uint64_t last = 0;
	size_t n = 0, unique = 0;
	while (i < units) {
		UChar32 c;
		U16_NEXT(text, i, units, c);
		if (u_charType(c) == U_NON_SPACING_MARK)
			continue;
		if (u_isUAlphabetic(c) || u_isdigit(c)) {
			if (last == 0)
				last = ' ' << CHAR_BITS | ' ';
			put(grams, &n, &last, (uint64_t)c);
		} else if (last != 0) {
			put(grams, &n, &last, ' ');
			last = 0;
		}
	}
	if (last != 0)
		put(grams, &n, &last, ' ');
	sort(grams, n);
	for (size_t k = 0; k < n; k++)
		if (unique == 0 || grams[k] != grams[unique - 1])
			grams[unique++] = grams[k];
	*ret_grams = grams;
	return unique;
}

int text_similarity(lua_State *L)
{
	uint64_t *a, *b;
	lua_settop(L, 2);
	size_t a_n = push_grams(L, 1, &a), b_n = push_grams(L, 2, &b), common = 0;
	for (size_t i = 0, k = 0; i < a_n && k < b_n;) {
		common += a[i] == b[k];
		bool both = a[i] == b[k], first = a[i] < b[k];
		i += both || first;
		k += both || !first;
	}
	lua_pushnumber(
		L, a_n + b_n != 0 ? 2.0 * (lua_Number)common / (lua_Number)(a_n + b_n) : 0.0);
	return 1;
}
