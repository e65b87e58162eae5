/* SPDX-License-Identifier: MIT */
/*
 * The values behind secret "NAME" of rules: `secrets` of the configuration. A rule, and whatever
 * keeps what it says, has the names only; a value is put in when a request is made, and taken out
 * of what is answered where it comes back.
 */
#ifndef MOONHOOK_CLIENT_WEB_SECRET_H
#define MOONHOOK_CLIENT_WEB_SECRET_H

#include <jansson.h>

#include "base/buf.h"
#include "base/conf.h"

#define WEB_SECRET_MAX 64    /* of them */
#define WEB_SECRET_NAME_N 64 /* bytes of a name and its NUL */
#define WEB_SECRET_LEAST 4   /* bytes; shorter ones are not looked for in answers */

struct web_secrets;

/* Refcounted, so that a request that is under way keeps those it was made of. GIVES one reference
 * (web_secrets_unref). RC_INVALID with "file:line: sentence", RC_NOMEM. */
enum rc web_secrets_new(
	const struct conf *conf, struct web_secrets **ret_secrets, struct err *err) must_check;
struct web_secrets *web_secrets_ref(struct web_secrets *secrets);
/* Wipes them with the last one. Accepts NULL. */
void web_secrets_unref(struct web_secrets *secrets);

/*
 * Appends a text, or parts [text | {"secret": NAME, "json"?: true}, ..] with their values put in;
 * json: as JSON writes them between its quotes. used: a bit for each secret that was. RC_INVALID
 * (no such secret, its sentence says which was meant; nothing that has this form), RC_NOMEM,
 * RC_TOO_LARGE.
 */
enum rc web_secret_put(const struct web_secrets *secrets, const json_t *text, struct buf *out,
	uint64_t *used, struct err *err) must_check;
/* The name, where the whole text is one secret; else NULL. BORROWS. */
const char *web_secret_whole(const json_t *text);
/* Appends text with "(secret NAME)" for each value of those used: as it is, as JSON or a
 * query writes it, and of one that is an address what stands behind its host. RC_NOMEM,
 * RC_TOO_LARGE. */
enum rc web_secret_hide(const struct web_secrets *secrets, uint64_t used, struct slice text,
	struct buf *out) must_check;

#endif
