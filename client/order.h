/* SPDX-License-Identifier: MIT */
/* Whether records come in the order that was asked for, as far as that can be told from outside. */
#ifndef MOONHOOK_CLIENT_ORDER_H
#define MOONHOOK_CLIENT_ORDER_H

#include <jansson.h>

#include "client/fields.h"

#define ORDER_MAX 5 /* names */

struct order {
	struct {
		struct field field; /* with the part of a composite field that is compared */
		bool down;
	} keys[ORDER_MAX];
	size_t n;
};

/* names: array of "name" or "-name"; NULL: none. RC_INVALID with a sentence where one is no name or
 * there are too many. */
enum rc order_parse(const struct schema *schema, const char *object, const json_t *names,
	struct order *ret_order, struct err *err) must_check;
/* False where a can certainly not come before b. nulls: they come first going up and last going
 * down; else nothing is known of them. */
bool order_fits(const struct order *order, const json_t *a, const json_t *b, bool nulls);

#endif
