/* SPDX-License-Identifier: MIT */
/*
 * Is an answer in the order that was asked for?
 * From: listing.c. Servers ignore an order that they do not understand, without a word. Numbers,
 * times and ids have one order everywhere. Texts are sorted by rules that are the server's own:
 * they are compared only where all rules agree. What cannot be told counts as being in order.
 */
#include "client/order.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"

#define EXACT_MAX 9e15 /* beyond, different numbers may look the same */

enum rc order_parse(const struct schema *schema, const char *object, const json_t *names,
	struct order *ret_order, struct err *err)
{
	struct order order = {.n = json_array_size(names)};
	if (order.n > ORDER_MAX)
		return err_set(err, RC_INVALID, "order: at most %d names", ORDER_MAX);
	for (size_t i = 0; i < order.n; i++) {
		const char *name = json_string_value(json_array_get(names, i));
		if (name == NULL)
			return err_set(err, RC_INVALID, "order: a list of names is expected");
		order.keys[i].down = *name == '-';
		struct field *field = &order.keys[i].field;
		enum rc rc = field_find(schema, object, name + (*name == '-'), field, err);
		if (rc != RC_OK)
			return rc;
		field_single(field);
	}
	*ret_order = order;
	return RC_OK;
}

enum ordered { BEFORE, SAME, BEHIND, UNKNOWN };

static enum ordered ordered_of(double a, double b)
{
	return a < b ? BEFORE : a > b ? BEHIND : SAME;
}

/* "Abbott": one capital at most, then small letters. Every alphabet sorts these alike. */
static bool is_word(const char *text, bool capital)
{
	if (capital && *text >= 'A' && *text <= 'Z')
		text++;
	else if (capital)
		return false;
	while (*text >= 'a' && *text <= 'z')
		text++;
	return *text == '\0';
}

static enum ordered texts(enum field_type type, const char *a, const char *b)
{
	bool same = strcmp(a, b) == 0;
	if (type == FIELD_ID)
		return strlen(a) == 36 && strlen(b) == 36 ? ordered_of(strcasecmp(a, b), 0)
							  : UNKNOWN;
	if (type == FIELD_TEXT || type == FIELD_EMAIL) {
		bool alike = (is_word(a, true) && is_word(b, true)) ||
			     (is_word(a, false) && is_word(b, false));
		return same ? SAME : alike ? ordered_of(strcmp(a, b), 0) : UNKNOWN;
	}
	int64_t x = clock_parse(a), y = clock_parse(b);
	if (same && x < 0)
		return SAME;
	/* the same millisecond: finer parts are not shown */
	return x < 0 || y < 0 || x == y ? UNKNOWN : ordered_of((double)x, (double)y);
}

static enum ordered values(enum field_type type, const json_t *a, const json_t *b)
{
	if (json_is_number(a) && json_is_number(b)) {
		double x = json_number_value(a), y = json_number_value(b);
		bool exact = x > -EXACT_MAX && x < EXACT_MAX && y > -EXACT_MAX && y < EXACT_MAX;
		return exact ? ordered_of(x, y) : UNKNOWN;
	}
	if (json_is_string(a) && json_is_string(b) && json_string_length(a) > 0 &&
		json_string_length(b) > 0)
		return texts(type, json_string_value(a), json_string_value(b));
	return UNKNOWN;
}

static bool is_plain_null(enum field_type type, const json_t *record, const char *path)
{
	bool textual = type == FIELD_TEXT || type == FIELD_EMAIL || type == FIELD_PHONE ||
		       type == FIELD_DOMAIN || type == FIELD_OTHER || type == FIELD_LIST;
	return !textual && field_known(record, path) && field_value(record, path) == NULL;
}

bool order_fits(const struct order *order, const json_t *a, const json_t *b, bool nulls)
{
	for (size_t i = 0; i < order->n; i++) {
		const struct field *field = &order->keys[i].field;
		const json_t *x = field_value(a, field->path), *y = field_value(b, field->path);
		enum ordered o = UNKNOWN;
		if (x != NULL && y != NULL)
			o = values(field->type, x, y);
		else if (nulls && is_plain_null(field->type, x == NULL ? a : b, field->path) &&
			 (x != NULL || y != NULL))
			o = x == NULL ? BEFORE : BEHIND;
		if (o == BEFORE || o == BEHIND)
			return (o == BEFORE) == !order->keys[i].down;
		if (o == UNKNOWN)
			return true;
	}
	return true;
}
