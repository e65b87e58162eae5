/* SPDX-License-Identifier: MIT */
/*
 * Puts secrets into requests and takes them out of answers.
 * From: the configuration; web_request.c and web_answer.c. To: buffers that are wiped by whoever
 * has them. No message holds a value. What a server makes of a value (reverses it, hashes it) is
 * not found again: an answer goes to the rule that sent it there.
 */
#include "client/web_secret.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define FORMS_MAX 10 /* five of the value, and of what stands behind the host of an address */

struct secret {
	char *name, *value;
	char *json;             /* the value as JSON writes it between quotes */
	char *forms[FORMS_MAX]; /* how it may come back, none twice */
	size_t forms_n;
};

struct web_secrets {
	unsigned refs;
	struct secret list[WEB_SECRET_MAX];
	size_t n;
};

static void wipe(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

struct web_secrets *web_secrets_ref(struct web_secrets *secrets)
{
	secrets->refs++;
	return secrets;
}

void web_secrets_unref(struct web_secrets *secrets)
{
	if (secrets == NULL || --secrets->refs > 0)
		return;
	for (size_t i = 0; i < secrets->n; i++) {
		free(secrets->list[i].name);
		wipe(secrets->list[i].value);
		wipe(secrets->list[i].json);
		for (size_t k = 0; k < secrets->list[i].forms_n; k++)
			wipe(secrets->list[i].forms[k]);
	}
	free(secrets);
}

static bool name_valid(const char *name)
{
	size_t n = 0;
	for (; name[n] != '\0'; n++)
		if (!isalpha((unsigned char)name[n]) && name[n] != '_' &&
			(n == 0 || !isdigit((unsigned char)name[n])))
			return false;
	return n > 0 && n < WEB_SECRET_NAME_N;
}

/* GIVES; NULL: no memory, or no UTF-8. */
static char *as_json(const char *value, size_t flags)
{
	json_t *text = json_string(value);
	char *quoted = text != NULL ? json_dumps(text, JSON_ENCODE_ANY | flags) : NULL;
	json_decref(text);
	if (quoted == NULL)
		return NULL;
	size_t n = strlen(quoted);
	memmove(quoted, quoted + 1, n - 2);
	quoted[n - 2] = '\0';
	return quoted;
}

/* As forms and addresses write it. GIVES; NULL: no memory. */
static char *as_query(const char *value, const char *digits)
{
	char *out = malloc(3 * strlen(value) + 1), *at = out;
	for (const char *p = value; out != NULL && *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;
		if (isalnum(c) || strchr("-._~", c) != NULL) {
			*at++ = *p;
			continue;
		}
		*at++ = '%';
		*at++ = digits[c >> 4];
		*at++ = digits[c & 15];
	}
	if (out != NULL)
		*at = '\0';
	return out;
}

/* TAKES form. False: it is NULL. */
static bool add_form(struct secret *one, char *form)
{
	bool there = false;
	for (size_t i = 0; form != NULL && i < one->forms_n; i++)
		there = there || strcmp(one->forms[i], form) == 0;
	if (form != NULL && !there && one->forms_n < FORMS_MAX)
		one->forms[one->forms_n++] = form;
	else
		wipe(form);
	return form != NULL;
}

/* As it is, as JSON has it (PHP's with slashes of its own, Python's in ASCII), in a query. */
static bool add_forms(struct secret *one, const char *text)
{
	return add_form(one, strdup(text)) && add_form(one, as_json(text, 0)) &&
	       add_form(one, as_json(text, JSON_ESCAPE_SLASH | JSON_ENSURE_ASCII)) &&
	       add_form(one, as_query(text, "0123456789ABCDEF")) &&
	       add_form(one, as_query(text, "0123456789abcdef"));
}

/* Of an address, what stands behind its host; "": nothing. */
static const char *behind_host(const char *value)
{
	const char *at = strstr(value, "://");
	if (at == NULL)
		return "";
	at += 3 + strcspn(at + 3, "/?#");
	return at[0] != '\0' && at[1] != '\0' ? at : "";
}

static enum rc add(struct web_secrets *secrets, const struct conf_setting *s, struct err *err)
{
	const char *name = s->key + strlen("secrets.");
	struct secret *one = &secrets->list[secrets->n];
	if (secrets->n == WEB_SECRET_MAX)
		return err_set(
			err, RC_INVALID, "%s: at most %d secrets", s->origin, WEB_SECRET_MAX);
	if (!name_valid(name))
		return err_set(err, RC_INVALID,
			"%s: a secret's name has letters, digits and _ only, as in "
			"secrets = { ENRICH_KEY = .. }",
			s->origin);
	secrets->n++;
	one->name = strdup(name);
	one->value = strdup(s->value);
	one->json = one->value != NULL ? as_json(one->value, 0) : NULL;
	if (one->name == NULL || one->value == NULL)
		return err_set(err, RC_NOMEM, "no memory for secrets");
	if (one->json == NULL)
		return err_set(
			err, RC_INVALID, "%s: secrets.%s is no text in UTF-8", s->origin, name);
	const char *rest = behind_host(one->value);
	bool ok = add_forms(one, one->value) &&
		  (strlen(rest) < 2 * WEB_SECRET_LEAST || add_forms(one, rest));
	return ok ? RC_OK : err_set(err, RC_NOMEM, "no memory for secrets");
}

/* A secret that stands in another must not be hidden first: the rest of that would show. */
static int compare(const void *a, const void *b)
{
	size_t x = strlen(((const struct secret *)a)->value);
	size_t y = strlen(((const struct secret *)b)->value);
	return (x < y) - (x > y);
}

enum rc web_secrets_new(const struct conf *conf, struct web_secrets **ret_secrets, struct err *err)
{
	struct web_secrets *secrets = calloc(1, sizeof(*secrets));
	struct conf_setting s;
	enum rc rc = secrets != NULL ? RC_OK : err_set(err, RC_NOMEM, "no memory for secrets");
	if (secrets != NULL)
		secrets->refs = 1;
	for (size_t i = 0; rc == RC_OK && conf_below(conf, "secrets", i, &s); i++)
		rc = add(secrets, &s, err);
	if (rc == RC_OK)
		qsort(secrets->list, secrets->n, sizeof(secrets->list[0]), compare);
	if (rc != RC_OK) {
		web_secrets_unref(secrets);
		return rc;
	}
	*ret_secrets = secrets;
	return RC_OK;
}

static enum rc unknown(const struct web_secrets *secrets, const char *name, struct err *err)
{
	const char *words[WEB_SECRET_MAX + 1];
	for (size_t i = 0; i < secrets->n; i++)
		words[i] = secrets->list[i].name;
	words[secrets->n] = NULL;
	const char *near = conf_nearest(name, words);
	if (near != NULL)
		return err_set(err, RC_INVALID,
			"http: there is no secret \"%.60s\"; did you mean \"%s\"?", name, near);
	return err_set(err, RC_INVALID,
		"http: there is no secret \"%.60s\"; `secrets = { %.60s = .. }` of the "
		"configuration has to have it",
		name, name);
}

static enum rc put_value(const struct web_secrets *secrets, const json_t *part, struct buf *out,
	uint64_t *used, struct err *err)
{
	const char *name = json_string_value(json_object_get(part, "secret"));
	if (name == NULL)
		return err_set(err, RC_INVALID, "http: a part that is no text");
	for (size_t i = 0; i < secrets->n; i++) {
		const struct secret *s = &secrets->list[i];
		if (strcmp(s->name, name) != 0)
			continue;
		if (s->value[0] == '\0')
			return err_set(err, RC_INVALID, "http: the secret \"%s\" is empty", name);
		*used |= UINT64_C(1) << i;
		return buf_put_text(
			out, json_is_true(json_object_get(part, "json")) ? s->json : s->value);
	}
	return unknown(secrets, name, err);
}

static enum rc put_text(const json_t *text, struct buf *out)
{
	return buf_put(out, json_string_value(text), json_string_length(text));
}

enum rc web_secret_put(const struct web_secrets *secrets, const json_t *text, struct buf *out,
	uint64_t *used, struct err *err)
{
	size_t i;
	json_t *part;
	enum rc rc = RC_OK;
	err->code = RC_OK;
	if (json_is_string(text))
		rc = put_text(text, out);
	else if (!json_is_array(text))
		rc = err_set(err, RC_INVALID, "http: a text is expected");
	json_array_foreach(text, i, part)
	{
		if (rc == RC_OK)
			rc = json_is_string(part) ? put_text(part, out)
						  : put_value(secrets, part, out, used, err);
	}
	if (rc != RC_OK && err->code != rc)
		return err_set(err, rc, "http: the request is %s", rc_text(rc));
	return rc;
}

const char *web_secret_whole(const json_t *text)
{
	const json_t *part = json_array_size(text) == 1 ? json_array_get(text, 0) : NULL;
	return json_string_value(json_object_get(part, "secret"));
}

/* Appends text with what for each needle in it. */
static enum rc replace(struct slice text, const char *needle, const char *name, struct buf *out)
{
	size_t n = strlen(needle);
	enum rc rc = RC_OK;
	const char *at;
	while (rc == RC_OK && text.n >= n && (at = memmem(text.p, text.n, needle, n)) != NULL) {
		size_t before = (size_t)(at - text.p);
		rc = buf_put(out, text.p, before);
		if (rc == RC_OK)
			rc = buf_printf(out, "(secret %s)", name);
		text.p += before + n;
		text.n -= before + n;
	}
	return rc == RC_OK ? buf_put(out, text.p, text.n) : rc;
}

/* The same within a buffer. */
static enum rc hide_one(struct buf *b, const char *needle, const char *name)
{
	struct buf changed;
	if (strlen(needle) < WEB_SECRET_LEAST || b->n == 0 ||
		memmem(b->p, b->n, needle, strlen(needle)) == NULL)
		return RC_OK;
	buf_init(&changed, b->max);
	enum rc rc = replace(buf_slice(b), needle, name, &changed);
	if (rc != RC_OK) {
		buf_done(&changed);
		return rc;
	}
	buf_done(b);
	*b = changed;
	return RC_OK;
}

enum rc web_secret_hide(
	const struct web_secrets *secrets, uint64_t used, struct slice text, struct buf *out)
{
	enum rc rc = buf_put(out, text.p, text.n);
	for (size_t i = 0; i < secrets->n && rc == RC_OK; i++) {
		const struct secret *s = &secrets->list[i];
		if ((used >> i & 1) == 0)
			continue;
		for (size_t k = 0; k < s->forms_n && rc == RC_OK; k++)
			rc = hide_one(out, s->forms[k], s->name);
	}
	return rc;
}
