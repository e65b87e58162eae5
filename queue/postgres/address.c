/* SPDX-License-Identifier: MIT */
/*
 * The address of a store in PostgreSQL, taken apart.
 *
 * From: postgres/postgres.c, with what the configuration says. To: libpq gets what is not ours.
 * schema=, lease= and durability= are ours. A password in an address would be seen wherever an
 * address is: in the configuration, in messages, in ps. It is refused, and no sentence of ours
 * shows it.
 */
#include "queue/postgres/address.h"

#include <ctype.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "queue/cluster.h"

#define SCHEMA "moonhook"
#define SCHEMA_N 60
enum { LEASE_LEAST_MS = 500, LEASE_MOST_MS = 600000 };

static bool is_name(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool fits = (text[i] >= 'a' && text[i] <= 'z') || text[i] == '_' ||
			    (i > 0 && text[i] >= '0' && text[i] <= '9');
		if (!fits)
			return false;
	}
	return n > 0 && n <= SCHEMA_N;
}

/* Where "key=" stands among the parameters, NULL: nowhere. */
static char *find_param(char *uri, const char *key)
{
	size_t n = strlen(key);
	for (char *p = strchr(uri, '?'); p != NULL; p = strchr(p + 1, '&'))
		if (strncmp(p + 1, key, n) == 0 && p[1 + n] == '=')
			return p + 1;
	return NULL;
}

/* Takes key=value out of the address. GIVES; NULL in *ret_value: it was not there. */
static enum rc take_param(char *uri, const char *key, char **ret_value, struct err *err)
{
	char *at = find_param(uri, key);
	*ret_value = NULL;
	if (at == NULL)
		return RC_OK;
	char *end = at + strcspn(at, "&"), *value = at + strlen(key) + 1;
	*ret_value = strndup(value, (size_t)(end - value));
	if (*end == '&')
		memmove(at, end + 1, strlen(end + 1) + 1);
	else
		at[-1] = '\0';
	return *ret_value != NULL ? RC_OK : err_set(err, RC_NOMEM, "out of memory");
}

/* "host/database", for people. */
static void name_of(const char *uri, char *out, size_t out_n)
{
	const char *host = strstr(uri, "://");
	host = host != NULL ? host + 3 : uri;
	size_t n = strcspn(host, "/?");
	for (size_t i = n; i > 0; i--) {
		if (host[i - 1] != '@')
			continue;
		host += i;
		break;
	}
	snprintf(out, out_n, "PostgreSQL at %.*s", (int)strcspn(host, "?"), host);
}

static bool has_password(char *uri)
{
	char *host = strstr(uri, "://"), *at = host != NULL ? strchr(host + 3, '@') : NULL;
	char *colon = host != NULL ? strchr(host + 3, ':') : NULL;
	return (at != NULL && colon != NULL && colon < at) || find_param(uri, "password") != NULL;
}

static enum rc refuse_password(struct err *err)
{
	return err_set(err, RC_INVALID,
		"the address of the store holds a password, which others could see; take it out "
		"and "
		"write database = { password = file \"..\" }, or name a file in PGPASSFILE");
}

static const char *value_of(const PQconninfoOption *options, const char *key)
{
	for (; options != NULL && options->keyword != NULL; options++)
		if (strcmp(options->keyword, key) == 0)
			return options->val;
	return NULL;
}

/* libpq fills up what an address leaves out. */
static const char *or_environment(const char *value, const char *variable)
{
	if (value == NULL)
		value = getenv(variable);
	return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool is_near(const char *host)
{
	return host == NULL || host[0] == '\0' || host[0] == '/' || host[0] == '@' ||
	       strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
	       strcmp(host, "::1") == 0;
}

/* What libpq makes of it. */
static enum rc look(struct postgres_address *a, struct err *err)
{
	enum rc rc = RC_OK;
	char *why = NULL;
	PQconninfoOption *options = PQconninfoParse(a->uri, &why);
	if (options == NULL) {
		size_t n = why != NULL ? strcspn(why, "\n") : 0;
		rc = err_set(
			err, RC_INVALID, "store: %.*s", (int)(n < 160 ? n : 160), n > 0 ? why : "");
		PQfreemem(why);
		return rc;
	}
	const char *host = or_environment(value_of(options, "hostaddr"), "PGHOSTADDR");
	if (host == NULL)
		host = or_environment(value_of(options, "host"), "PGHOST");
	a->several = host != NULL && strchr(host, ',') != NULL;
	/* A service file may name any host. */
	a->near = !a->several && is_near(host) &&
		  or_environment(value_of(options, "service"), "PGSERVICE") == NULL;
	if (value_of(options, "password") != NULL)
		rc = refuse_password(err);
	PQconninfoFree(options);
	return rc;
}

/* lease=500ms, lease=10s: how long a runner may give no sign of life. */
static enum rc take_lease(struct postgres_address *a, struct err *err)
{
	char *text = NULL, *unit = NULL;
	enum rc rc = take_param(a->uri, "lease", &text, err);
	a->lease_ms = QUEUE_LEASE_MS;
	if (rc != RC_OK || text == NULL)
		return rc;
	long long n = isdigit((unsigned char)text[0]) ? strtoll(text, &unit, 10) : 0;
	bool seconds = unit != NULL && strcmp(unit, "s") == 0;
	bool fits = seconds || (unit != NULL && strcmp(unit, "ms") == 0);
	if (fits && n <= LEASE_MOST_MS)
		n *= seconds ? 1000 : 1;
	if (!fits || n < LEASE_LEAST_MS || n > LEASE_MOST_MS)
		rc = err_set(err, RC_INVALID,
			"store: lease=%.40s is no time between 500ms and 600s; leave it out for "
			"10s",
			text);
	else
		a->lease_ms = n;
	free(text);
	return rc;
}

static enum rc take_ours(struct postgres_address *a, struct err *err)
{
	char *durability = NULL;
	enum rc rc = take_param(a->uri, "schema", &a->schema, err);
	if (rc == RC_OK && a->schema == NULL && (a->schema = strdup(SCHEMA)) == NULL)
		rc = err_set(err, RC_NOMEM, "out of memory");
	if (rc == RC_OK && !is_name(a->schema, strlen(a->schema)))
		rc = err_set(err, RC_INVALID,
			"store: schema=%.60s is no name; use small letters, digits and _",
			a->schema);
	if (rc == RC_OK)
		rc = take_lease(a, err);
	if (rc == RC_OK)
		rc = take_param(a->uri, "durability", &durability, err);
	if (rc == RC_OK && durability != NULL && strcmp(durability, "relaxed") == 0)
		a->relaxed = true;
	else if (rc == RC_OK && durability != NULL && strcmp(durability, "full") != 0)
		rc = err_set(err, RC_INVALID, "store: durability= is full or relaxed");
	free(durability);
	return rc;
}

enum rc postgres_address_parse(
	const struct queue_place *place, struct postgres_address *ret_address, struct err *err)
{
	struct postgres_address *a = ret_address;
	*a = (struct postgres_address){
		.uri = strdup(place->store), .relaxed = place->durability == QUEUE_RELAXED};
	if (a->uri == NULL)
		return err_set(err, RC_NOMEM, "out of memory");
	name_of(a->uri, a->name, sizeof(a->name));
	if (has_password(a->uri))
		return refuse_password(err);
	enum rc rc = take_ours(a, err);
	return rc == RC_OK ? look(a, err) : rc;
}

void postgres_address_done(struct postgres_address *address)
{
	free(address->uri);
	free(address->schema);
	*address = (struct postgres_address){0};
}
