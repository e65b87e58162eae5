/* SPDX-License-Identifier: MIT */
/* The body of an HTML form (application/x-www-form-urlencoded), as some senders use it. */
#ifndef MOONHOOK_RUNNER_FORM_H
#define MOONHOOK_RUNNER_FORM_H

#include <jansson.h>

#include "base/err.h"
#include "base/slice.h"

#define FORM_FIELDS_MAX 1000

/* Do these "name: value\n" lines say that the body is one? */
bool form_is(struct slice headers);
/*
 * {"name":"value"}; a name that comes again holds a list. Where `payload` is all there is, and its
 * value is JSON (GitHub, Slack), that is the answer. RC_PARSE: no UTF-8, or broken escapes;
 * RC_TOO_LARGE, also as scan_parse; RC_NOMEM. GIVES.
 */
enum rc form_parse(struct slice body, json_t **ret_value, struct err *err) must_check;

#endif
