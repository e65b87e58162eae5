/* SPDX-License-Identifier: MIT */
/* A delivery as Twenty's webhooks send it, made up on the spot. */
#ifndef MOONHOOK_CLI_DELIVERY_H
#define MOONHOOK_CLI_DELIVERY_H

#include <jansson.h>

#include "base/err.h"

/*
 * The whole body of the webhook for event ("person.created") with a fresh record and this moment's
 * times; sets: "path=value" texts (value: JSON where it is some, else text), applied to the record.
 * RC_INVALID with a sentence. GIVES.
 */
enum rc delivery_new(const char *event, const char *const *sets, size_t sets_n, json_t **ret_body,
	struct err *err) must_check;
/* The body of a source of another scheme: what sets say; Stripe's has the id and type that each
 * event of it has. As above. */
enum rc delivery_of_hook(const char *scheme, const char *const *sets, size_t sets_n,
	json_t **ret_body, struct err *err) must_check;

#endif
