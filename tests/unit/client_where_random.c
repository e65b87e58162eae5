/* SPDX-License-Identifier: MIT */
/*
 * Lists with random conditions over nasty values, in both dialects, against an oracle that knows
 * nothing but the meaning of a condition as client/where.h tells it: the records that come, over
 * all pages, are exactly those that are meant. A failure prints the seed and the condition.
 */
#include <criterion/criterion.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>
#include <wctype.h>

#include "base/attr.h"
#include "base/clock.h"
#include "tests/unit/client_rig.h"

#define RECORDS 90
#define ROUNDS_MS 8000 /* of conditions, each dialect */
#define PICK(list) (list)[dice(ARRAY_N(list))]

static uint64_t state;
static bool in_core;

static unsigned dice(size_t n)
{
	state += 0x9e3779b97f4a7c15u; /* splitmix64 */
	uint64_t x = state;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return (unsigned)((x ^ (x >> 31)) % n);
}

/* ---- what there is ---- */

enum kind { TEXT, MAIL, PHONE, LINK, NUMBER, MONEY, DATE, ID, CHOICE, CHOICES, FLAG };

static const struct field_of {
	const char *object, *name, *path; /* name as a rule writes it */
	enum kind kind;
	bool docs; /* the docs dialect shows it, and can say so */
} fields[] = {
	{"people", "jobTitle", "jobTitle", TEXT, true},
	{"people", "linkedin", "linkedinLink.primaryLinkUrl", TEXT, true},
	{"people", "firstName", "name.firstName", TEXT, true},
	{"people", "name.lastName", "name.lastName", TEXT, true},
	{"people", "email", "emails.primaryEmail", MAIL, true},
	{"people", "phone", "phones", PHONE, true},
	{"people", "companyId", "companyId", ID, true},
	{"people", "workPreference", "workPreference", CHOICES, true},
	{"people", "createdAt", "createdAt", DATE, true},
	{"people", "position", "position", NUMBER, true},
	{"companies", "name", "name", TEXT, true},
	{"companies", "domain", "domainName.primaryLinkUrl", LINK, true},
	{"companies", "employees", "employees", NUMBER, true},
	{"companies", "annualRevenue", "annualRevenue.amountMicros", MONEY, true},
	{"companies", "visaSponsorship", "visaSponsorship", FLAG, true},
	{"companies", "address.addressCity", "address.addressCity", TEXT, true},
	{"companies", "id", "id", ID, true},
	{"opportunities", "name", "name", TEXT, true},
	{"opportunities", "stage", "stage", CHOICE, true},
	{"opportunities", "amount", "amount.amountMicros", MONEY, true},
	{"opportunities", "closeDate", "closeDate", DATE, true},
	{"opportunities", "companyId", "companyId", ID, true},
};

static const char *const texts[] = {"a", "A", "ab", "a b", " a", "a ", "  ", "a(b)", "(", ")", "a)",
	"and(a[eq]:b)", "a,b", ",", "Acme, Inc.", "O'Brien", "'", "''", "a\"b", "\"", "\"a\"",
	"a\\", "\\", "\\%", "a[b]", "[", "]", "]:", "50%", "%", "a_b", "_", "a%b_c", "x\ny", "\t",
	"\x01z", "caf\xC3\xA9", "CAF\xC3\x89", "cafe\xCC\x81", "\xC3\xA9",
	"\xD0\x96\xD1\x83\xD0\xBA", "\xD0\xB6\xD0\xA3\xD0\x9A", "\xCE\xA3\xCE\xBF\xCF\x86",
	"\xCF\x83\xCE\x9F\xCE\xA6", "\xF0\x9F\x98\x80",
	"\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB", "\xE2\x80\xA8", "a\xE2\x80\xA9z",
	"\xE2\x82\xAC", "\xEF\xBB\xBF", "null", "NULL", "NOT_NULL", "true", "undefined",
	"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "a&limit=1", "a#b", "a+b", "a%20b", "a;b", "=", "?",
	"{\"a\":1}", "0", "-1", "1e9", "2026-01-01", "\x7F", "stra\xC3\x9F\x65", "STRASSE",
	"\xC4\xB0stanbul", "istanbul", "\xE2\x84\xAA", "k", "K", "Angstr\xC3\xB6m", "x'y'z",
	"a''b"};
static const char *const choices[] = {"NEW", "MEETING", "PROPOSAL"};
static const char *const works[] = {"ON_SITE", "HYBRID", "REMOTE_WORK"};
static const double numbers[] = {0, 1, -1, 2.5, -2.5, 0.1, 1e-7, 7, 42, 1000000, 123456789012.0,
	9007199254740991.0, 9007199254740993.0, -9007199254740993.0, 0.3333333333333333};
static const double amounts[] = {0, 1, -1, 0.1, 0.3, 19.99, 1234.56, -0.01, 1e6, 1.1, 2.675,
	8999999999.99, 0.000001, 1.005, 33.333333};
static const char *const dates[] = {"2026-01-01T00:00:00.000Z", "2026-01-01T12:30:00.123Z",
	"2026-01-02T00:00:00.000Z", "1999-12-31T23:59:59.999Z", "2030-06-15T08:00:00.000Z"};
static const char *const days[] = {"2026-01-01", "2026-01-02", "1999-12-31", "2031-01-01"};
static const char *const hosts[] = {"acme.io", "b(c).com", "x_y.org", "a,b.net", "o'h.de"};
static const char *const phones[][2] = {
	{"+33", "612345678"}, {"+49", "612345678"}, {"+1", "5550100"}, {"+44", "2079460958"}};

static const char *long_text(void)
{
	static char text[2][301];
	int which = (int)dice(2);
	for (int i = 0; i < 300; i++)
		text[which][i] = which == 0 ? 'x' : "l(o,n'g%_"[i % 9];
	return text[which];
}

static const char *any_text(void)
{
	return dice(30) == 0 ? long_text() : PICK(texts);
}

/* ---- records ---- */

static json_t *text_or_not(void)
{
	return dice(8) == 0 ? json_string("") : json_string(any_text());
}

static json_t *number_or_not(void)
{
	return dice(6) == 0 ? json_null() : json_real(PICK(numbers));
}

static json_t *money(void)
{
	json_t *micros =
		dice(5) == 0
			? json_null()
			: json_integer((json_int_t)(PICK(amounts) * 1e6 + (dice(4) == 0 ? 1 : 0)));
	return json_pack("{s:o, s:s?}", "amountMicros", micros, "currencyCode",
		json_is_null(micros) ? NULL : "EUR");
}

static json_t *id_of(const char *kind, unsigned i)
{
	return json_sprintf(
		"%08x-%04x-4000-8000-%012x", (unsigned)kind[0] * 7919u * (i + 1), i % 7, i);
}

static json_t *person(unsigned i)
{
	const char *const *phone = PICK(phones);
	bool called = dice(3) > 0;
	json_t *work = json_array();
	for (size_t k = 0; k < 3; k++)
		if (dice(3) == 0)
			json_array_append_new(work, json_string(works[k]));
	return json_pack("{s:o, s:o, s:{s:s, s:o, s:[]}, s:{s:o, s:o}, s:{s:o, s:[]}, s:{s:s, s:s, "
			 "s:s, s:[]}, s:o, "
			 "s:o, s:s, s:s, s:o}",
		"id", id_of("p", i), "jobTitle", text_or_not(), "linkedinLink", "primaryLinkLabel",
		"", "primaryLinkUrl", text_or_not(), "secondaryLinks", "name", "firstName",
		text_or_not(), "lastName", text_or_not(), "emails", "primaryEmail",
		dice(6) == 0 ? json_string("")
			     : json_sprintf("%s%u@%s", i % 3 == 0 ? "o'h%_" : "x.y+z", i, "a.co"),
		"additionalEmails", "phones", "primaryPhoneNumber", called ? phone[1] : "",
		"primaryPhoneCountryCode", "", "primaryPhoneCallingCode", called ? phone[0] : "",
		"additionalPhones", "companyId", dice(4) == 0 ? json_null() : id_of("c", dice(5)),
		"workPreference", work, "createdAt", PICK(dates), "updatedAt", PICK(dates),
		"position", json_integer((json_int_t)dice(20) - 5));
}

static json_t *company(unsigned i)
{
	char link[64] = "";
	if (i < ARRAY_N(hosts) * 5) {
		json_t *text = json_sprintf("%s%s%s",
			i % 5 == 0   ? "https://"
			: i % 5 == 1 ? "http://"
			: i % 5 == 2 ? "https://www."
			: i % 5 == 3 ? "www."
				     : "",
			hosts[i / 5], i % 3 == 0 ? "/" : "");
		snprintf(link, sizeof(link), "%s", json_string_value(text));
		json_decref(text);
	}
	return json_pack("{s:o, s:o, s:{s:s, s:s, s:[]}, s:o, s:o, s:o, s:{s:o}, s:s, s:s}", "id",
		id_of("c", i), "name", text_or_not(), "domainName", "primaryLinkLabel", "",
		"primaryLinkUrl", link, "secondaryLinks", "employees", number_or_not(),
		"annualRevenue", money(), "visaSponsorship",
		dice(4) == 0 ? json_null() : json_boolean((int)dice(2)), "address", "addressCity",
		text_or_not(), "createdAt", PICK(dates), "updatedAt", PICK(dates));
}

static json_t *deal(unsigned i)
{
	return json_pack("{s:o, s:o, s:s, s:o, s:s?, s:o, s:s, s:s}", "id", id_of("o", i), "name",
		text_or_not(), "stage", PICK(choices), "amount", money(), "closeDate",
		dice(4) == 0 ? NULL : PICK(dates), "companyId",
		dice(4) == 0 ? json_null() : id_of("c", dice(5)), "createdAt", PICK(dates),
		"updatedAt", PICK(dates));
}

/* ---- conditions ---- */

static json_t *plain_value(enum kind kind)
{
	switch (kind) {
	case TEXT:
		return json_string(any_text());
	case MAIL:
		return dice(5) == 0 ? json_string(any_text())
				    : json_sprintf("%s%u@%s", dice(3) == 0 ? "O'h%_" : "x.Y+z",
					      dice(RECORDS), "A.co");
	case PHONE: {
		const char *const *phone = PICK(phones);
		return dice(3) == 0 ? json_string(phone[1])
				    : json_sprintf("%s%s", phone[0], phone[1]);
	}
	case LINK:
		return json_sprintf("%s%s%s", dice(3) == 0 ? "https://www." : "", PICK(hosts),
			dice(5) == 0 ? "/" : "");
	case NUMBER:
		return dice(3) == 0 ? json_integer((json_int_t)dice(20) - 5)
				    : json_real(PICK(numbers));
	case MONEY:
		return json_real(PICK(amounts));
	case DATE:
		return json_string(dice(2) ? PICK(dates) : PICK(days));
	case ID:
		return id_of("c", dice(7));
	case CHOICE:
		return json_string(in_core && dice(6) == 0 ? "a)b" : PICK(choices));
	case CHOICES:
		return json_string(PICK(works));
	case FLAG:
		return json_boolean((int)dice(2));
	}
	return json_null();
}

/* Part of a text, whole characters. */
static json_t *part_of(const char *text, bool start, bool end)
{
	size_t n = strlen(text), from = start ? 0 : dice(n),
	       to = end ? n : from + 1 + dice(n - from);
	while (from > 0 && ((unsigned char)text[from] & 0xC0) == 0x80)
		from--;
	while (to < n && ((unsigned char)text[to] & 0xC0) == 0x80)
		to++;
	return json_stringn(text + from, to - from);
}

static json_t *pattern(const char *text)
{
	json_t *part = part_of(text, dice(2) == 0, dice(2) == 0);
	const char *p = json_string_value(part);
	json_t *out = NULL;
	switch (dice(6)) {
	case 0:
		out = json_sprintf("%%%s%%", p);
		break;
	case 1:
		out = json_sprintf("%s%%", p);
		break;
	case 2:
		out = json_sprintf("%%%s", p);
		break;
	case 3:
		out = json_sprintf("_%s", p);
		break;
	case 4:
		out = json_sprintf("%s_%%", p);
		break;
	default:
		out = json_incref(part);
	}
	json_decref(part);
	return out;
}

static json_t *text_test(void)
{
	const char *text = any_text();
	switch (dice(4)) {
	case 0:
		return json_pack("{s:o}", "contains", part_of(text, false, false));
	case 1:
		return json_pack("{s:o}", "startsWith", part_of(text, true, false));
	case 2:
		return json_pack("{s:o}", "endsWith", part_of(text, false, true));
	default:
		return json_pack("{s:o}", "like", pattern(text));
	}
}

static json_t *random_list(enum kind kind)
{
	json_t *list = json_array();
	unsigned n = dice(20) == 0 ? 260 : 1 + dice(6);
	if (kind == FLAG || kind == CHOICE || kind == CHOICES || kind == PHONE)
		n = 1 + dice(3);
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(
			list, dice(12) == 0 && kind != MONEY ? json_null() : plain_value(kind));
	return list;
}

static json_t *random_test(const struct field_of *f)
{
	static const char *const orders[] = {"gt", "gte", "lt", "lte"};
	switch (dice(9)) {
	case 0:
		return json_pack("{s:b}", "empty", (int)dice(2));
	case 1:
		return json_null();
	case 2:
		return random_list(f->kind);
	case 3:
		return json_pack("{s:o}", "neq", plain_value(f->kind));
	case 4:
		return json_pack("{s:o}", "eq", dice(5) == 0 ? json_null() : plain_value(f->kind));
	case 5:
	case 6:
		if (f->kind == TEXT)
			return text_test();
		if (f->kind == NUMBER || f->kind == MONEY || f->kind == DATE)
			return json_pack("{s:o, s:o}", PICK(orders), plain_value(f->kind),
				PICK(orders), plain_value(f->kind));
		if (f->kind == FLAG || f->kind == ID || f->kind == CHOICE || f->kind == CHOICES)
			break;
		return json_pack("{s:s}", "contains",
			f->kind == PHONE  ? "61"
			: f->kind == LINK ? "b"
					  : "H%");
	case 7:
		if (f->kind == NUMBER || f->kind == MONEY || f->kind == DATE)
			return json_pack("{s:o}", PICK(orders), plain_value(f->kind));
		break;
	default:
		break;
	}
	return plain_value(f->kind);
}

static const struct field_of *random_field(const char *object)
{
	for (;;) {
		const struct field_of *f = &PICK(fields);
		if (strcmp(f->object, object) == 0)
			return f;
	}
}

static json_t *random_where(const char *object, int depth)
{
	static const char *const groups[] = {"all", "any", "none"};
	json_t *out = json_object();
	for (unsigned n = dice(3) == 0 ? 2 : 1; n > 0; n--) {
		const struct field_of *f = random_field(object);
		json_object_set_new(out, f->name, random_test(f));
	}
	if (depth > 0 && dice(2) == 0)
		json_object_set_new(out, PICK(groups),
			dice(4) == 0 ? random_where(object, depth - 1)
				     : json_pack("[o, o]", random_where(object, depth - 1),
					       random_where(object, depth - 1)));
	return out;
}

/* ---- the oracle ---- */

static const json_t *at(const json_t *record, const char *path)
{
	char copy[128], *save = NULL;
	snprintf(copy, sizeof(copy), "%s", path);
	for (char *p = strtok_r(copy, ".", &save); p != NULL; p = strtok_r(NULL, ".", &save))
		record = json_object_get(record, p);
	return record;
}

static bool is_nothing(const json_t *v)
{
	return v == NULL || json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0) ||
	       (json_is_array(v) && json_array_size(v) == 0);
}

static int64_t ms_of(const char *text)
{
	char whole[48];
	snprintf(whole, sizeof(whole), "%s%s", text, strlen(text) == 10 ? "T00:00:00Z" : "");
	return clock_parse(whole);
}

static double micros(const json_t *units)
{
	double d = json_number_value(units) * 1e6;
	return (double)(int64_t)(d < 0 ? d - 0.5 : d + 0.5);
}

static void host_of(const char *text, char *out, size_t n)
{
	const char *rest = strstr(text, "://");
	rest = rest != NULL ? rest + 3 : text;
	snprintf(out, n, "%s", strncmp(rest, "www.", 4) == 0 ? rest + 4 : rest);
	size_t end = strlen(out);
	if (end > 0 && out[end - 1] == '/')
		out[end - 1] = '\0';
}

static bool same(
	const struct field_of *f, const json_t *record, const json_t *have, const json_t *want)
{
	if (is_nothing(want) || is_nothing(have))
		return is_nothing(want) && is_nothing(have);
	const char *a = json_string_value(have), *b = json_string_value(want);
	char x[512], y[512];
	size_t i;
	json_t *each;
	switch (f->kind) {
	case TEXT:
	case CHOICE:
		return strcmp(a, b) == 0;
	case MAIL:
	case ID:
		return strcasecmp(a, b) == 0;
	case PHONE:
		if (b[0] != '+' || strchr(b, '(') != NULL)
			return strcmp(a, b) == 0;
		snprintf(x, sizeof(x), "%s%s",
			json_string_value(at(record, "phones.primaryPhoneCallingCode")), a);
		return strcmp(x, b) == 0;
	case LINK:
		host_of(a, x, sizeof(x));
		host_of(b, y, sizeof(y));
		return strcmp(x, y) == 0;
	case NUMBER:
		return json_number_value(have) == json_number_value(want);
	case MONEY:
		return json_number_value(have) == micros(want);
	case DATE:
		return ms_of(a) == ms_of(b);
	case CHOICES:
		json_array_foreach(
			have, i, each) if (strcmp(json_string_value(each), b) == 0) return true;
		return false;
	case FLAG:
		return json_is_true(have) == json_is_true(want);
	}
	return false;
}

/* reach[i]: the pattern so far fits the first i characters. */
static bool wide_like(const wchar_t *t, const wchar_t *p)
{
	bool reach[513] = {true};
	size_t n = wcslen(t);
	for (; *p != 0; p++) {
		bool any = false;
		if (*p == L'%') {
			for (size_t i = 0; i <= n; i++)
				reach[i] = any = any || reach[i];
			continue;
		}
		for (size_t i = n; i > 0; i--)
			reach[i] = reach[i - 1] && (*p == L'_' || *p == t[i - 1]);
		reach[0] = false;
	}
	return reach[n];
}

static bool tested(const char *op, const char *text, const char *want)
{
	wchar_t t[512], w[512];
	cr_assert(mbstowcs(t, text, 511) != (size_t)-1 && mbstowcs(w, want, 511) != (size_t)-1);
	t[511] = w[511] = 0;
	size_t n = wcslen(t), m = wcslen(w);
	if (strcmp(op, "like") == 0)
		return wide_like(t, w);
	if (strcmp(op, "contains") == 0) {
		for (size_t i = 0; i < n; i++)
			t[i] = (wchar_t)towlower((wint_t)t[i]);
		for (size_t i = 0; i < m; i++)
			w[i] = (wchar_t)towlower((wint_t)w[i]);
		return wcsstr(t, w) != NULL;
	}
	return m <= n && wcsncmp(strcmp(op, "startsWith") == 0 ? t : t + n - m, w, m) == 0;
}

static bool one_test(
	const struct field_of *f, const json_t *record, const char *op, const json_t *want)
{
	const json_t *have = at(record, f->kind == PHONE ? "phones.primaryPhoneNumber" : f->path);
	if (strcmp(op, "eq") == 0)
		return same(f, record, have, want);
	if (strcmp(op, "neq") == 0)
		return !same(f, record, have, want);
	if (strcmp(op, "empty") == 0)
		return is_nothing(have) == json_is_true(want);
	if (is_nothing(have))
		return false;
	if (op[0] == 'g' || (op[0] == 'l' && op[1] == 't')) {
		double a = f->kind == DATE ? (double)ms_of(json_string_value(have))
					   : json_number_value(have);
		double b = f->kind == DATE    ? (double)ms_of(json_string_value(want))
			   : f->kind == MONEY ? micros(want)
					      : json_number_value(want);
		bool or_equal = op[2] == 'e';
		return (or_equal && a == b) || (op[0] == 'g' ? a > b : a < b);
	}
	return tested(op, json_string_value(have), json_string_value(want));
}

static const struct field_of *field_named(const char *object, const char *name)
{
	for (size_t i = 0; i < ARRAY_N(fields); i++)
		if (strcmp(fields[i].object, object) == 0 && strcmp(fields[i].name, name) == 0)
			return &fields[i];
	cr_assert_fail("%s.%s", object, name);
	return NULL;
}

static bool meant(const char *object, const json_t *where, const json_t *record);

static bool group(const char *object, const json_t *list, const json_t *record, const char *kind)
{
	bool any = false, all = true;
	size_t i;
	json_t *each;
	if (json_is_object(list))
		any = all = meant(object, list, record);
	json_array_foreach(list, i, each)
	{
		bool yes = meant(object, each, record);
		any = any || yes;
		all = all && yes;
	}
	return kind[0] == 'n' ? !any : strcmp(kind, "any") == 0 ? any : all;
}

static bool meant(const char *object, const json_t *where, const json_t *record)
{
	const char *key, *op;
	json_t *value, *want;
	bool yes = true;
	json_object_foreach((json_t *)(uintptr_t)where, key, value)
	{
		if (strcmp(key, "all") == 0 || strcmp(key, "any") == 0 ||
			strcmp(key, "none") == 0) {
			yes = yes && group(object, value, record, key);
			continue;
		}
		const struct field_of *f = field_named(object, key);
		if (json_is_object(value)) {
			json_object_foreach(value, op, want) yes =
				yes && one_test(f, record, op, want);
			continue;
		}
		bool any = !json_is_array(value) && one_test(f, record, "eq", value);
		for (size_t i = 0; i < json_array_size(value); i++)
			any = any || one_test(f, record, "eq", json_array_get(value, i));
		yes = yes && any;
	}
	return yes;
}

/* ---- the test ---- */

static const char *const objects[] = {"people", "companies", "opportunities"};

struct bench {
	struct rig rig;
	json_t *all[3];
	bool core;
	int rounds, found, pages, whole;
};

static bool bench_open(struct bench *b, const char *dialect)
{
	char dir[] = "/tmp/moonhook-where-XXXXXX", file[64], args[128];
	json_t *made = json_pack("{s:[], s:[], s:[]}", objects[0], objects[1], objects[2]);
	for (unsigned i = 0; i < RECORDS; i++) {
		json_array_append_new(json_object_get(made, objects[0]), person(i));
		json_array_append_new(json_object_get(made, objects[1]), company(i));
		json_array_append_new(json_object_get(made, objects[2]), deal(i));
	}
	if (mkdtemp(dir) == NULL)
		return false;
	snprintf(file, sizeof(file), "%s/made.json", dir);
	snprintf(args, sizeof(args), "--budget none --load %s", file);
	bool ok = json_dump_file(made, file, 0) == 0 &&
		  rig_open(&b->rig, &(struct rig_conf){.twin = dialect, .twin_args = args});
	json_decref(made);
	remove(file);
	remove(dir);
	in_core = b->core = strcmp(dialect, "core") == 0;
	for (int i = 0; ok && i < 3; i++) {
		struct rig_answer a = rig_call(&b->rig, CLIENT_LIST, objects[i],
			json_pack("{s:i}", "limit", 10000), "w/all");
		ok = a.code == RC_OK;
		b->all[i] = json_incref(json_object_get(a.value, "records"));
		ok = ok && json_array_size(b->all[i]) == RECORDS;
		rig_answer_done(&a);
	}
	return ok;
}

static void bench_close(struct bench *b)
{
	for (int i = 0; i < 3; i++)
		json_decref(b->all[i]);
	rig_close(&b->rig);
}

/* The value that a list was ordered by never goes back; nothing comes first going up, last going
 * down. */
static void check_order(
	const json_t *last, const json_t *now, const char *order, bool core, uint64_t seed)
{
	bool down = *order == '-';
	const json_t *a = at(last, order + down), *b = at(now, order + down);
	if (last == NULL)
		return;
	if (is_nothing(a) || is_nothing(b)) {
		cr_assert(!core || (down ? is_nothing(b) : is_nothing(a)), "seed %lu: %s", seed,
			order);
		return;
	}
	double x = json_is_string(a) ? (double)ms_of(json_string_value(a)) : json_number_value(a);
	double y = json_is_string(b) ? (double)ms_of(json_string_value(b)) : json_number_value(b);
	cr_assert(down ? x >= y : x <= y, "seed %lu: %s: %f then %f", seed, order, x, y);
}

static void one_round(struct bench *b, uint64_t seed)
{
	state = seed;
	int which = (int)dice(3);
	const char *object = objects[which], *order = NULL;
	static const int limits[] = {1, 3, 7, 20, 60, 200, 1000};
	int limit = PICK(limits);
	json_t *where = random_where(object, 2);
	if (dice(3) == 0)
		order = which == 0 ? "-createdAt" : which == 1 ? "employees" : "createdAt";
	char *said = json_dumps(where, JSON_ENCODE_ANY), *after = NULL;
	json_t *want = json_object(), *last = NULL;
	size_t i, want_n = 0, got = 0;
	json_t *each;
	json_array_foreach(b->all[which], i, each) if (meant(object, where, each))
		json_object_set_new(
			want, json_string_value(json_object_get(each, "id")), json_true());
	want_n = json_object_size(want);
	for (int page = 0; page <= RECORDS + 1; page++) {
		struct rig_answer a = rig_call(&b->rig, CLIENT_LIST, object,
			json_pack("{s:O, s:i, s:s?, s:s?}", "where", where, "limit", limit, "order",
				order, "after", after),
			"w/1");
		bool long_and_ordered = a.code == RC_INVALID && order != NULL &&
					strstr(a.message, "in parts") != NULL;
		if (long_and_ordered) {
			rig_answer_done(&a);
			json_object_clear(want);
			break;
		}
		cr_assert_eq(
			a.code, RC_OK, "seed %lu: %s: %s: %.700s", seed, a.message, object, said);
		json_t *records = json_object_get(a.value, "records");
		cr_assert_leq(json_array_size(records), (size_t)limit, "seed %lu", seed);
		json_array_foreach(records, i, each)
		{
			const char *id = json_string_value(json_object_get(each, "id"));
			char *shown = json_dumps(each, 0);
			cr_assert_eq(json_object_del(want, id), 0,
				"seed %lu: found and not meant, or twice: %.300s\n%.400s", seed,
				shown, said);
			free(shown);
			if (order != NULL)
				check_order(last, each, order, b->core, seed);
			json_decref(last);
			last = json_incref(each);
			got++;
		}
		json_t *total = json_object_get(a.value, "total");
		cr_assert(json_is_null(total) || json_integer_value(total) == (json_int_t)want_n,
			"seed %lu: total %d of %zu (limit %d, page %d, %s): %.400s", seed,
			(int)json_integer_value(total), want_n, limit, page,
			order != NULL ? order : "", said);
		b->whole += json_is_integer(total);
		b->pages++;
		free(after);
		const char *next = rig_text(a.value, "next");
		after = *next != '\0' ? strdup(next) : NULL;
		rig_answer_done(&a);
		if (after == NULL)
			break;
	}
	cr_assert_null(after, "seed %lu: %s: no end", seed, said);
	cr_assert_eq(json_object_size(want), 0, "seed %lu: %s %s\n%zu of %zu; not found: %s", seed,
		object, said, got, want_n, json_object_iter_key(json_object_iter(want)));
	b->found += want_n > 0;
	b->rounds++;
	json_decref(want);
	json_decref(where);
	json_decref(last);
	free(said);
	free(after);
}

static void hold(const char *dialect)
{
	static struct bench b;
	const char *only = getenv("MOONHOOK_SEED");
	setlocale(LC_CTYPE, "C.UTF-8");
	state = 4711;
	cr_assert(bench_open(&b, dialect));
	int64_t end = clock_mono_ms() + ROUNDS_MS;
	for (uint64_t seed = 1; only == NULL && seed <= 3000 && clock_mono_ms() < end; seed++)
		one_round(&b, seed);
	if (only != NULL)
		one_round(&b, strtoull(only, NULL, 10));
	printf("%s: %d conditions, %d that find something, %d pages\n", dialect, b.rounds, b.found,
		b.pages);
	cr_assert(only != NULL || (b.rounds > 30 && b.found > 10));
	bench_close(&b);
}

TestSuite(client_where_random, .timeout = 120);

Test(client_where_random, a_core_list_is_what_was_meant)
{
	hold("core");
}

Test(client_where_random, a_docs_list_is_what_was_meant)
{
	hold("docs");
}
