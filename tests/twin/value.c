/* SPDX-License-Identifier: MIT */
/*
 * The types of fields: empty values, checks, normalisation.
 * From: schema.c (empty values), change.c (input). Fails with the sentences of a real server where
 * a recording has them. Does not know rows, relations or uniqueness: change.c does.
 */
#include "tests/twin/value.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/twin/print.h"
#include "tests/twin/richtext.h"

#define TEXT_MAX 8192

static const struct sub full_name[] = {{"firstName", SUB_TEXT}, {"lastName", SUB_TEXT}, {0}};
static const struct sub emails[] = {
	{"primaryEmail", SUB_EMAIL}, {"additionalEmails", SUB_EMAILS}, {0}};
static const struct sub phones[] = {{"primaryPhoneNumber", SUB_TEXT},
	{"primaryPhoneCountryCode", SUB_TEXT}, {"primaryPhoneCallingCode", SUB_TEXT},
	{"additionalPhones", SUB_LIST}, {0}};
static const struct sub links[] = {{"primaryLinkLabel", SUB_TEXT}, {"primaryLinkUrl", SUB_URL},
	{"secondaryLinks", SUB_LIST}, {0}};
static const struct sub address[] = {{"addressStreet1", SUB_TEXT}, {"addressStreet2", SUB_TEXT},
	{"addressCity", SUB_TEXT}, {"addressPostcode", SUB_TEXT}, {"addressState", SUB_TEXT},
	{"addressCountry", SUB_TEXT}, {"addressLat", SUB_NUMBER}, {"addressLng", SUB_NUMBER}, {0}};
static const struct sub currency[] = {
	{"amountMicros", SUB_NUMBER}, {"currencyCode", SUB_CODE}, {0}};
static const struct sub actor[] = {{"source", SUB_CODE}, {"workspaceMemberId", SUB_CODE},
	{"name", SUB_TEXT}, {"context", SUB_JSON}, {0}};
static const struct sub rich_text[] = {{"blocknote", SUB_CODE}, {"markdown", SUB_CODE}, {0}};

const struct sub *value_subs(enum field_type type)
{
	switch (type) {
	case FT_FULL_NAME:
		return full_name;
	case FT_EMAILS:
		return emails;
	case FT_PHONES:
		return phones;
	case FT_LINKS:
		return links;
	case FT_ADDRESS:
		return address;
	case FT_CURRENCY:
		return currency;
	case FT_ACTOR:
		return actor;
	case FT_RICH_TEXT:
		return rich_text;
	default:
		return NULL; /* the simple types, of which there are many */
	}
}

const struct sub *value_sub(enum field_type type, const char *name)
{
	for (const struct sub *s = value_subs(type); s != NULL && s->name != NULL; s++) {
		if (strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

/* The metadata writes texts as "'NEW'": the value is what stands between the quotes. */
static json_t *dflt_value(const json_t *dflt)
{
	const char *text = json_string_value(dflt);
	size_t n = text != NULL ? strlen(text) : 0;
	if (n >= 2 && text[0] == '\'' && text[n - 1] == '\'')
		return json_stringn(text + 1, n - 2);
	if (text != NULL) /* "uuid", "now": filled in by change.c */
		return json_null();
	return json_incref((json_t *)(uintptr_t)dflt);
}

static json_t *sub_empty(const struct sub *s)
{
	switch (s->kind) {
	case SUB_TEXT:
	case SUB_EMAIL:
	case SUB_URL:
		return json_string("");
	case SUB_EMAILS:
	case SUB_LIST:
		return json_array();
	case SUB_CODE:
	case SUB_NUMBER:
	case SUB_JSON:
		break;
	}
	return json_null();
}

json_t *value_empty(const struct field *f)
{
	const struct sub *subs = value_subs(f->type);
	if (subs != NULL) {
		json_t *o = json_object();
		for (; subs->name != NULL; subs++) {
			json_t *dflt = json_object_get(f->dflt, subs->name);
			json_object_set_new(o, subs->name,
				dflt != NULL && !json_is_null(dflt) ? dflt_value(dflt)
								    : sub_empty(subs));
		}
		return o;
	}
	if (f->dflt != NULL)
		return dflt_value(f->dflt);
	switch (f->type) {
	case FT_TEXT:
	case FT_TS_VECTOR:
		return json_string("");
	case FT_MULTI_SELECT:
	case FT_ARRAY:
		return json_array();
	case FT_POSITION:
		return json_integer(0);
	default:
		return json_null(); /* everything else that may be null */
	}
}

bool value_is_empty(const json_t *value)
{
	if (value == NULL || json_is_null(value))
		return true;
	if (json_is_string(value))
		return json_string_length(value) == 0;
	if (json_is_array(value))
		return json_array_size(value) == 0;
	if (!json_is_object(value))
		return false;
	json_t *object = (json_t *)(uintptr_t)value;
	for (void *it = json_object_iter(object); it != NULL;
		it = json_object_iter_next(object, it)) {
		if (!value_is_empty(json_object_iter_value(it)))
			return false;
	}
	return true;
}

const char *value_unique(const struct field *f, const json_t *value, char text[static 32])
{
	if (f->type == FT_EMAILS)
		value = json_object_get(value, "primaryEmail");
	else if (f->type == FT_LINKS)
		value = json_object_get(value, "primaryLinkUrl");
	else if (f->type == FT_PHONES)
		value = json_object_get(value, "primaryPhoneNumber");
	if (json_is_number(value)) {
		print_number(json_number_value(value), text);
		return text;
	}
	const char *s = json_string_value(value);
	return s != NULL && *s != '\0' ? s : NULL;
}

void value_normalise_url(const char *in, char *ret, size_t ret_n)
{
	snprintf(ret, ret_n, "%s", in);
	char *host = strstr(ret, "://");
	if (host == NULL)
		return; /* a real server leaves what is not a URL as it is */
	char *end = host + 3 + strcspn(host + 3, "/?#");
	for (char *p = ret; p < end; p++)
		*p = (char)tolower((unsigned char)*p);
	size_t n = strlen(ret);
	if (n > 0 && ret[n - 1] == '/')
		ret[n - 1] = '\0';
}

static bool email_valid(const char *text)
{
	const char *at = strchr(text, '@');
	if (at == NULL || at == text || strchr(at + 1, '@') != NULL)
		return false;
	const char *dot = strrchr(at, '.');
	return dot != NULL && dot > at + 1 && dot[1] != '\0' &&
	       strpbrk(text, " \t\r\n<>(),;:\"") == NULL;
}

static json_t *text_lower(const char *text)
{
	json_t *ret = NULL;
	char *copy = strdup(text);
	for (char *p = copy; p != NULL && *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (copy != NULL)
		ret = json_string(copy);
	free(copy);
	return ret;
}

/* Every number is a double on the other side; whole ones are printed without a point. */
static json_t *number_take(const json_t *in)
{
	double d = json_number_value(in);
	if (d == floor(d) && fabs(d) < 9.2e18)
		return json_integer((json_int_t)d);
	return json_real(d);
}

static bool fail_type(
	struct fail *fail, const char *what, const json_t *in, const char *kind, const char *path)
{
	char text[256];
	fail_inspect(in, text, sizeof(text));
	snprintf(fail->field, sizeof(fail->field), "%s", path);
	return fail_bad(fail, "Invalid %s value %s for %sfield \"%s\"", what, text, kind, path);
}

static bool emails_take(const json_t *in, const char *path, json_t **ret, struct fail *fail)
{
	if (!json_is_array(in))
		return fail_type(fail, "array", in, "", path);
	json_t *list = json_array();
	size_t i;
	json_t *e;
	json_array_foreach((json_t *)(uintptr_t)in, i, e)
	{
		if (!json_is_string(e) || !email_valid(json_string_value(e))) {
			json_decref(list);
			return fail_type(fail, "string", e, "email ", path);
		}
		json_array_append_new(list, text_lower(json_string_value(e)));
	}
	*ret = list;
	return true;
}

static bool sub_take(
	const struct sub *s, const json_t *in, const char *path, json_t **ret, struct fail *fail)
{
	char text[TEXT_MAX];
	if (json_is_null(in)) {
		*ret = sub_empty(s);
		return *ret != NULL || fail_nomem(fail);
	}
	switch (s->kind) {
	case SUB_EMAIL:
		if (!json_is_string(in))
			return fail_type(fail, "string", in, "email ", path);
		if (json_string_length(in) != 0 && !email_valid(json_string_value(in)))
			return fail_type(fail, "string", in, "email ", path);
		*ret = text_lower(json_string_value(in));
		break;
	case SUB_EMAILS:
		return emails_take(in, path, ret, fail);
	case SUB_URL:
		if (!json_is_string(in) || json_string_length(in) >= sizeof(text))
			return fail_type(fail, "string", in, "text ", path);
		value_normalise_url(json_string_value(in), text, sizeof(text));
		*ret = json_string(text);
		break;
	case SUB_TEXT:
	case SUB_CODE:
		if (!json_is_string(in))
			return fail_type(fail, "string", in, "text ", path);
		*ret = json_incref((json_t *)(uintptr_t)in);
		break;
	case SUB_LIST:
		if (!json_is_array(in))
			return fail_type(fail, "array", in, "", path);
		*ret = json_incref((json_t *)(uintptr_t)in);
		break;
	case SUB_NUMBER:
		if (!json_is_number(in))
			return fail_type(fail, "number", in, "", path);
		*ret = number_take(in);
		break;
	case SUB_JSON:
		*ret = json_incref((json_t *)(uintptr_t)in);
		break;
	}
	return *ret != NULL || fail_nomem(fail);
}

/* "+33612345678" is taken apart where the parts were not given. */
static void phone_split(json_t *phone)
{
	static const struct {
		const char *calling, *country;
	} codes[] = {{"+33", "FR"}, {"+49", "DE"}, {"+44", "GB"}, {"+34", "ES"}, {"+39", "IT"},
		{"+31", "NL"}, {"+32", "BE"}, {"+41", "CH"}, {"+43", "AT"}, {"+1", "US"}};
	const char *number = json_string_value(json_object_get(phone, "primaryPhoneNumber"));
	if (number == NULL || number[0] != '+')
		return;
	for (size_t i = 0; i < ARRAY_N(codes); i++) {
		size_t n = strlen(codes[i].calling);
		if (strncmp(number, codes[i].calling, n) != 0)
			continue;
		json_t *rest = json_string(number + n);
		json_object_set_new(
			phone, "primaryPhoneCallingCode", json_string(codes[i].calling));
		json_object_set_new(
			phone, "primaryPhoneCountryCode", json_string(codes[i].country));
		json_object_set_new(phone, "primaryPhoneNumber", rest);
		return;
	}
}

static bool composite_take(
	const struct field *f, const json_t *in, json_t *old, json_t **ret, struct fail *fail)
{
	if (json_is_null(in)) {
		*ret = value_empty(f);
		return *ret != NULL || fail_nomem(fail);
	}
	if (!json_is_object(in))
		return fail_type(fail, "object", in, "", f->name);
	json_t *next = json_copy(old);
	if (next == NULL)
		return fail_nomem(fail);
	json_t *object = (json_t *)(uintptr_t)in;
	for (void *it = json_object_iter(object); it != NULL;
		it = json_object_iter_next(object, it)) {
		const char *key = json_object_iter_key(it);
		const struct sub *s = value_sub(f->type, key);
		char path[160];
		snprintf(path, sizeof(path), "%s.%s", f->name, key);
		json_t *part = NULL;
		if (s == NULL) {
			json_decref(next);
			snprintf(fail->field, sizeof(fail->field), "%s", f->name);
			return fail_bad(fail, "Invalid subfield %s for composite field \"%s\"", key,
				f->name);
		}
		if (!sub_take(s, json_object_iter_value(it), path, &part, fail)) {
			json_decref(next);
			return false;
		}
		json_object_set_new(next, key, part);
	}
	if (f->type == FT_PHONES)
		phone_split(next);
	if (f->type == FT_RICH_TEXT)
		richtext_complete(next, in);
	*ret = next;
	return true;
}

static bool option_take(const struct field *f, const json_t *in, struct fail *fail)
{
	if (json_is_string(in) && schema_option_known(f, json_string_value(in)))
		return true;
	char valid[512] = "";
	size_t i;
	json_t *option;
	json_array_foreach(f->options, i, option)
	{
		size_t n = strlen(valid);
		snprintf(valid + n, sizeof(valid) - n, "%s%s", i != 0 ? ", " : "",
			json_string_value(json_object_get(option, "value")));
	}
	char text[256];
	if (json_is_string(in))
		snprintf(text, sizeof(text), "\"%s\"", json_string_value(in));
	else
		fail_inspect(in, text, sizeof(text));
	snprintf(fail->field, sizeof(fail->field), "%s", f->name);
	return fail_bad(fail, "Invalid value %s for field \"%s\". Valid values are: %s", text,
		f->name, valid);
}

static bool date_take(const struct field *f, const json_t *in, json_t **ret, struct fail *fail)
{
	const char *text = json_string_value(in);
	char day[11] = "";
	if (text != NULL)
		snprintf(day, sizeof(day), "%.10s", text);
	char whole[40];
	snprintf(whole, sizeof(whole), "%sT00:00:00Z", day);
	int64_t ms = text != NULL ? clock_parse(strlen(text) == 10 ? whole : text) : -1;
	if (ms < 0 && text != NULL && strlen(text) > 10 && clock_parse(whole) >= 0)
		ms = clock_parse(whole); /* an offset, a missing Z: the day is enough for a test */
	if (ms < 0)
		return fail_type(fail, "date", in, "", f->name);
	char iso[CLOCK_TEXT_N];
	clock_format(ms, iso);
	*ret = json_string(f->type == FT_DATE ? day : iso);
	return *ret != NULL || fail_nomem(fail);
}

static bool options_take(const struct field *f, const json_t *in, struct fail *fail)
{
	if (!json_is_array(in))
		return fail_type(fail, "array", in, "", f->name);
	size_t i;
	json_t *e;
	json_array_foreach((json_t *)(uintptr_t)in, i, e)
	{
		if (!option_take(f, e, fail))
			return false;
	}
	return true;
}

/* The simple types; in is not null. True where the input can be kept as it is. */
static bool simple_check(const struct field *f, const json_t *in, struct fail *fail)
{
	switch (f->type) {
	case FT_UUID:
		if (!json_is_string(in) || !ident_valid(json_string_value(in)))
			return fail_type(fail, "UUID", in, "", f->name);
		return true;
	case FT_TEXT:
		return json_is_string(in) || fail_type(fail, "string", in, "text ", f->name);
	case FT_NUMBER:
		return json_is_number(in) || fail_type(fail, "number", in, "", f->name);
	case FT_BOOLEAN:
		return json_is_boolean(in) || fail_type(fail, "boolean", in, "", f->name);
	case FT_SELECT:
	case FT_RATING:
		return option_take(f, in, fail);
	case FT_MULTI_SELECT:
		return options_take(f, in, fail);
	case FT_ARRAY:
	case FT_FILES:
		return json_is_array(in) || fail_type(fail, "array", in, "", f->name);
	default:
		return true; /* RAW_JSON and what the caller has dealt with */
	}
}

bool value_take(
	const struct field *f, const json_t *in, json_t *old, json_t **ret, struct fail *fail)
{
	if (value_subs(f->type) != NULL)
		return composite_take(f, in, old, ret, fail);
	if (json_is_null(in)) {
		*ret = f->type == FT_TEXT || f->type == FT_MULTI_SELECT || f->type == FT_ARRAY
			       ? value_empty(f)
			       : json_null();
		return true;
	}
	if (f->type == FT_DATE || f->type == FT_DATE_TIME)
		return date_take(f, in, ret, fail);
	if (!simple_check(f, in, fail))
		return false;
	if (json_is_number(in))
		*ret = number_take(in);
	else
		*ret = json_incref((json_t *)(uintptr_t)in);
	return true;
}
