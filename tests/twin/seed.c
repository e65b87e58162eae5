/* SPDX-License-Identifier: MIT */
/*
 * Fills the twin: members, made-up records, a file.
 * From: main.c. To: change.c (unchecked loading, so that large numbers are quick and no webhook is
 * sent). Fails when out of memory or when a file cannot be read.
 */
#include "tests/twin/seed.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "tests/twin/change.h"

static const char *const firsts[] = {"Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald",
	"Frances", "Niklaus", "Margaret", "Dennis", "Radia", "Leslie", "Jean", "Kenneth", "Adele"};
static const char *const lasts[] = {"Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth",
	"Allen", "Wirth", "Hamilton", "Ritchie", "Perlman", "Lamport", "Bartik", "Thompson",
	"Goldberg"};
static const char *const trades[] = {
	"Analytics", "Robotics", "Foods", "Logistics", "Energy", "Systems", "Textiles", "Optics"};
static const char *const titles[] = {
	"Engineer", "Head of Sales", "CTO", "Buyer", "Assistant", "CEO", ""};
static const char *const stages[] = {"NEW", "SCREENING", "MEETING", "PROPOSAL", "CUSTOMER"};

static uint64_t next(uint64_t *seed)
{
	uint64_t x = *seed += 0x9e3779b97f4a7c15u; /* splitmix64 */
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

#define PICK(list, seed) (list)[next(seed) % ARRAY_N(list)]

static bool put(struct world *w, const char *plural, json_t *rec, const char *kind, unsigned i)
{
	char text[64], id[IDENT_N], at[CLOCK_TEXT_N];
	snprintf(text, sizeof(text), "%s-%u", kind, i);
	ident_of(text, id);
	clock_format(w->now_ms, at);
	if (json_object_get(rec, "id") == NULL)
		json_object_set_new(rec, "id", json_string(id));
	json_object_set_new(rec, "createdAt", json_string(at));
	json_object_set_new(rec, "updatedAt", json_string(at));
	return change_load(schema_find_plural(&w->schema, plural), rec);
}

bool seed_members(struct world *w)
{
	static const char *const members[][4] = {
		{"20202020-0687-4c41-b707-ed1bfca972a7", "Tim", "Apple", "tim@apple.dev"},
		{"20202020-77d5-4cb6-b60a-f4a835a85d61", "Jony", "Ive", "jony.ive@apple.dev"},
		{"20202020-463f-435b-828c-107e007a2711", "Jane", "Austen", "jane.austen@apple.dev"},
		{"20202020-1553-45c6-a028-5a9064cce07f", "Phil", "Schiler",
			"phil.schiler@apple.dev"}};
	bool ok = true;
	for (unsigned i = 0; ok && i < ARRAY_N(members); i++) {
		const char *const *m = members[i];
		ok = put(w, "workspaceMembers",
			json_pack("{s:s,s:{s:s,s:s},s:s,s:s}", "id", m[0], "name", "firstName",
				m[1], "lastName", m[2], "userEmail", m[3], "userId", m[0]),
			"member", i);
	}
	return ok;
}

static bool seed_company(struct world *w, unsigned i, uint64_t *seed)
{
	char name[96], domain[96];
	snprintf(name, sizeof(name), "%s %s %u", PICK(lasts, seed), PICK(trades, seed), i);
	snprintf(domain, sizeof(domain), "https://company-%u.example", i);
	return put(w, "companies",
		json_pack("{s:s,s:{s:s,s:s,s:[]},s:I,s:i}", "name", name, "domainName",
			"primaryLinkLabel", "", "primaryLinkUrl", domain, "secondaryLinks",
			"employees", (json_int_t)(next(seed) % 5000), "position", (int)i),
		"company", i);
}

static bool seed_person(struct world *w, unsigned i, unsigned companies, uint64_t *seed)
{
	char email[128], company[IDENT_N], text[64];
	const char *first = PICK(firsts, seed), *last = PICK(lasts, seed);
	char own[64];
	snprintf(own, sizeof(own), "%s%u", last, i);
	bool twice = i != 0 && i % 20 == 0;
	snprintf(email, sizeof(email), "person-%u@company-%u.example", i,
		companies != 0 ? i % companies : 0);
	snprintf(text, sizeof(text), "company-%u", companies != 0 ? i % companies : 0);
	ident_of(text, company);
	if (twice) { /* the one before, under another address */
		struct object *o = schema_find_plural(&w->schema, "people");
		char before[IDENT_N];
		snprintf(text, sizeof(text), "person-%u", i - 1);
		ident_of(text, before);
		const json_t *name = json_object_get(table_find(o->table, before)->rec, "name");
		first = json_string_value(json_object_get(name, "firstName"));
		snprintf(own, sizeof(own), "%s",
			json_string_value(json_object_get(name, "lastName")));
	}
	return put(w, "people",
		json_pack("{s:{s:s,s:s},s:{s:s,s:[]},s:s,s:s?,s:i}", "name", "firstName", first,
			"lastName", own, "emails", "primaryEmail", email, "additionalEmails",
			"jobTitle", PICK(titles, seed), "companyId",
			companies != 0 ? company : NULL, "position", (int)i),
		"person", i);
}

static bool seed_opportunity(struct world *w, unsigned i, unsigned companies, uint64_t *seed)
{
	char name[64], company[IDENT_N], text[64];
	snprintf(name, sizeof(name), "Deal %u", i);
	snprintf(text, sizeof(text), "company-%u", companies != 0 ? i % companies : 0);
	ident_of(text, company);
	json_int_t micros = (json_int_t)(1000 + next(seed) % 99000) * 1000000;
	return put(w, "opportunities",
		json_pack("{s:s,s:{s:I,s:s},s:s,s:s?,s:i}", "name", name, "amount", "amountMicros",
			micros, "currencyCode", "USD", "stage", PICK(stages, seed), "companyId",
			companies != 0 ? company : NULL, "position", (int)i),
		"opportunity", i);
}

bool seed_records(struct world *w, unsigned n, uint64_t seed)
{
	unsigned companies = n / 4;
	bool ok = true;
	for (unsigned i = 0; ok && i < companies; i++)
		ok = seed_company(w, i, &seed);
	for (unsigned i = 0; ok && i < n; i++)
		ok = seed_person(w, i, companies, &seed);
	for (unsigned i = 0; ok && i < n / 8; i++)
		ok = seed_opportunity(w, i, companies, &seed);
	return ok;
}

enum rc seed_load(struct world *w, const char *path, struct err *err)
{
	json_error_t error;
	json_t *file = json_load_file(path, 0, &error);
	if (!json_is_object(file)) {
		json_decref(file);
		return err_set(err, RC_PARSE, "%s:%d: %.150s", path, error.line,
			file == NULL ? error.text : "an object of lists is expected");
	}
	enum rc rc = RC_OK;
	const char *plural;
	json_t *list, *rec;
	size_t i;
	json_object_foreach(file, plural, list)
	{
		struct object *o = schema_find_plural(&w->schema, plural);
		if (o == NULL && rc == RC_OK)
			rc = err_set(err, RC_PARSE, "%s: there is no object \"%s\"", path, plural);
		json_array_foreach(list, i, rec)
		{
			if (o != NULL && !change_load(o, json_incref(rec)))
				rc = err_set(err, RC_NOMEM, "out of memory");
		}
	}
	json_decref(file);
	return rc;
}
