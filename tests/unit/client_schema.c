/* SPDX-License-Identifier: MIT */
/*
 * What a workspace says of its own fields: the answer that a real server was recorded to give (33
 * objects, 587 fields), custom objects in it, names that could mean several fields, and answers
 * that are no such thing. From: tests/data/twenty/rest/metadata-objects-all.body.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "client/schema.h"
#include "client/where.h"
#include "tests/unit/client_rig.h"

#define REST "tests/data/twenty/rest/"

static struct schema *recorded(void)
{
	json_t *body = json_load_file(REST "metadata-objects-all.body", 0, NULL);
	struct schema *schema = NULL;
	struct err err = {.msg = ""};
	cr_assert_not_null(body, "the recording is there");
	cr_assert_eq(schema_read(body, &schema, &err), RC_OK, "%s", err.msg);
	json_decref(body);
	return schema;
}

/* An object `things` (`thing`) with the fields {name: type}; a relation to one is "-> column". */
static struct schema *made(const char *fields)
{
	json_t *each = rig_json(fields), *list = json_array(), *type;
	const char *name;
	json_object_foreach(each, name, type)
	{
		const char *text = json_string_value(type);
		bool relation = strncmp(text, "-> ", 3) == 0;
		json_t *f =
			json_pack("{s:s, s:s}", "name", name, "type", relation ? "RELATION" : text);
		if (relation)
			json_object_set_new(f, "settings",
				json_pack("{s:s, s:s}", "relationType", "MANY_TO_ONE",
					"joinColumnName", text + 3));
		json_array_append_new(list, f);
	}
	json_t *body = json_pack("{s:{s:[{s:s, s:s, s:o}]}}", "data", "objects", "nameSingular",
		"thing", "namePlural", "things", "fields", list);
	struct schema *schema = NULL;
	struct err err = {.msg = ""};
	cr_assert_eq(schema_read(body, &schema, &err), RC_OK, "%s", err.msg);
	json_decref(body);
	json_decref(each);
	return schema;
}

Test(client_schema, the_recorded_answer_becomes_small)
{
	struct schema *s = recorded();
	size_t objects = 0, fields = 0;
	for (const struct schema_object *o; (o = schema_object_at(s, objects)) != NULL; objects++)
		fields += o->fields_n;
	cr_expect_eq(objects, 33);
	cr_expect_eq(fields, 587);
	printf("a schema of %zu objects and %zu fields takes %zu bytes\n", objects, fields,
		schema_bytes(s));
	cr_expect_lt(schema_bytes(s), 80000);
	schema_free(s);
	schema_free(NULL);
}

Test(client_schema, the_request_is_the_recorded_one)
{
	struct request r;
	request_init(&r);
	cr_assert_eq(schema_ask(&r, NULL), RC_OK);
	cr_expect_str_eq(r.target.p, "/rest/metadata/objects");
	cr_expect_eq(r.method, REQUEST_GET);
	cr_expect(!r.effect);
	request_done(&r);
}

Test(client_schema, objects_and_fields_are_found_by_name)
{
	struct schema *s = recorded();
	const struct schema_object *people = schema_object(s, "people");
	cr_assert_not_null(people);
	cr_expect_str_eq(people->singular, "person");
	cr_expect_eq(people, schema_object(s, "person"));
	cr_expect_null(schema_object(s, "nobody"));
	cr_expect_null(schema_object(NULL, "people"));
	cr_expect_null(schema_object_at(NULL, 0));
	const struct schema_field *f = schema_field(people, "emails");
	cr_assert_not_null(f);
	cr_expect_eq(f->type, SCHEMA_EMAILS);
	cr_expect(f->unique && f->active && !f->system);
	cr_expect_null(schema_field(people, "email"));
	f = schema_field_join(people, "companyId");
	cr_assert_not_null(f);
	cr_expect_str_eq(f->name, "company");
	cr_expect_eq(f, schema_field(people, "company"));
	const struct schema_object *pets = schema_object(s, "pets");
	f = schema_field(pets, "species");
	cr_assert(f->values_n == 6);
	cr_expect_str_eq(f->values[0], "DOG");
	cr_expect_str_eq(f->values[5], "HAMSTER");
	f = schema_field_join(pets, "polymorphicOwnerRocketId");
	cr_expect_eq(f->type, SCHEMA_MORPH_RELATION);
	for (const struct schema_field *p = pets->fields; p < pets->fields + pets->fields_n; p++)
		cr_expect_neq(p->type, SCHEMA_OTHER, "%s", p->name);
	schema_free(s);
}

struct meaning {
	const char *object, *name, *path, *plain;
	enum field_type type;
};

static void hold(const struct schema *s, const struct meaning *m)
{
	struct field f;
	struct err err = {.msg = ""};
	cr_assert_eq(field_find(s, m->object, m->name, &f, &err), RC_OK, "%s", err.msg);
	cr_expect(
		strcmp(f.path, m->path) == 0 && strcmp(f.plain, m->plain) == 0 && f.type == m->type,
		"%s.%s: %s %s %d", m->object, m->name, f.path, f.plain, f.type);
}

Test(client_schema, names_mean_the_fields_of_the_workspace)
{
	static const struct meaning cases[] = {
		{"people", "email", "emails.primaryEmail", "", FIELD_EMAIL},
		{"person", "email", "emails.primaryEmail", "", FIELD_EMAIL},
		{"people", "emails", "emails", "emails.primaryEmail", FIELD_EMAIL},
		{"people", "phone", "phones", "phones.primaryPhoneNumber", FIELD_PHONE},
		{"people", "whatsapp", "whatsapp", "whatsapp.primaryPhoneNumber", FIELD_PHONE},
		{"people", "firstName", "name.firstName", "", FIELD_TEXT},
		{"people", "linkedin", "linkedinLink.primaryLinkUrl", "", FIELD_TEXT},
		{"people", "companyId", "companyId", "", FIELD_ID},
		{"people", "company", "company", "companyId", FIELD_ID},
		{"people", "company.name", "company.name", "", FIELD_OTHER},
		{"people", "city", "city", "", FIELD_OTHER},
		{"people", "performanceRating", "performanceRating", "", FIELD_CHOICE},
		{"people", "workPreference", "workPreference", "", FIELD_LIST},
		{"people", "deletedAt", "deletedAt", "", FIELD_DATE},
		{"people", "createdBy.workspaceMemberId", "createdBy.workspaceMemberId", "",
			FIELD_ID},
		{"people", "nope", "nope", "", FIELD_OTHER},
		{"people", "nopeId", "nopeId", "", FIELD_ID},
		{"companies", "domain", "domainName.primaryLinkUrl", "", FIELD_DOMAIN},
		{"companies", "domainName", "domainName", "domainName.primaryLinkUrl",
			FIELD_DOMAIN},
		{"companies", "introVideo", "introVideo", "introVideo.primaryLinkUrl", FIELD_TEXT},
		{"companies", "city", "address.addressCity", "", FIELD_TEXT},
		{"companies", "address.addressLat", "address.addressLat", "", FIELD_NUMBER},
		{"companies", "visaSponsorship", "visaSponsorship", "", FIELD_BOOLEAN},
		{"companies", "annualRevenue", "annualRevenue", "annualRevenue.amountMicros",
			FIELD_MONEY},
		{"opportunities", "stage", "stage", "", FIELD_CHOICE},
		{"opportunities", "owner", "owner", "ownerId", FIELD_ID},
		{"tasks", "body", "bodyV2.markdown", "", FIELD_TEXT},
		{"workspaceMembers", "email", "userEmail", "", FIELD_TEXT},
		{"pets", "email", "vetEmail.primaryEmail", "", FIELD_EMAIL},
		{"pets", "phone", "vetPhone", "vetPhone.primaryPhoneNumber", FIELD_PHONE},
		{"pets", "firstName", "makesOwnerThinkOf.firstName", "", FIELD_TEXT},
		{"pets", "city", "location.addressCity", "", FIELD_TEXT},
		{"pets", "street", "location.addressStreet1", "", FIELD_TEXT},
		{"pets", "averageCostOfKibblePerMonth", "averageCostOfKibblePerMonth",
			"averageCostOfKibblePerMonth.amountMicros", FIELD_MONEY},
		{"pets", "birthday", "birthday", "", FIELD_DATE},
		{"pets", "age", "age", "", FIELD_NUMBER},
		{"pets", "isGoodWithKids", "isGoodWithKids", "", FIELD_BOOLEAN},
		{"pets", "interestingFacts", "interestingFacts", "", FIELD_LIST},
		{"pets", "traits", "traits", "", FIELD_LIST},
		{"pets", "extraData", "extraData", "", FIELD_OTHER},
		{"pets", "domain", "domain", "", FIELD_OTHER},
		{"pets", "polymorphicOwnerRocket", "polymorphicOwnerRocket",
			"polymorphicOwnerRocketId", FIELD_ID},
		{"pets", "caretakers", "caretakers", "", FIELD_OTHER},
		{"rockets", "email", "email", "", FIELD_OTHER},
		{"nobody", "email", "email", "", FIELD_OTHER},
	};
	struct schema *s = recorded();
	for (size_t i = 0; i < ARRAY_N(cases); i++)
		hold(s, &cases[i]);
	schema_free(s);
}

Test(client_schema, a_field_of_that_very_name_wins)
{
	struct schema *s = made("{'email':'TEXT','contactEmails':'EMAILS','city':'SELECT',"
				"'address':'ADDRESS','customerId':'TEXT','openedAt':'TEXT',"
				"'domain':'NUMBER','website':'LINKS'}");
	static const struct meaning cases[] = {
		{"things", "email", "email", "", FIELD_TEXT},
		{"things", "city", "city", "", FIELD_CHOICE},
		{"things", "country", "address.addressCountry", "", FIELD_TEXT},
		{"things", "customerId", "customerId", "", FIELD_TEXT},
		{"things", "openedAt", "openedAt", "", FIELD_TEXT},
		{"things", "domain", "domain", "", FIELD_NUMBER},
		{"things", "website", "website", "website.primaryLinkUrl", FIELD_DOMAIN},
	};
	for (size_t i = 0; i < ARRAY_N(cases); i++)
		hold(s, &cases[i]);
	schema_free(s);
}

Test(client_schema, a_name_for_several_fields_is_refused_with_what_to_write)
{
	struct field f;
	struct err err = {.msg = ""};
	struct schema *s = made("{'contactEmails':'EMAILS','billingEmails':'EMAILS',"
				"'a':'PHONES','b':'PHONES','c':'PHONES','site':'LINKS',"
				"'pages':'LINKS','home':'ADDRESS','work':'ADDRESS'}");
	cr_assert_eq(field_find(s, "things", "email", &f, &err), RC_INVALID);
	cr_expect_str_eq(err.msg,
		"email: could be billingEmails or contactEmails; write billingEmails.primaryEmail");
	cr_assert_eq(field_find(s, "things", "phone", &f, &err), RC_INVALID);
	cr_expect_str_eq(err.msg, "phone: could be a, another or b; write a");
	cr_assert_eq(field_find(s, "things", "city", &f, &err), RC_INVALID);
	static const struct meaning rest[] = {
		{"things", "billingEmails.primaryEmail", "billingEmails.primaryEmail", "",
			FIELD_EMAIL},
		{"things", "domain", "domain", "", FIELD_OTHER},
	};
	hold(s, &rest[0]);
	hold(s, &rest[1]);
	schema_free(s);
	s = made("{'emails':'EMAILS','billingEmails':'EMAILS','aDomain':'LINKS',"
		 "'myWebsite':'LINKS','blogLink':'LINKS','storyV2':'RICH_TEXT'}");
	static const struct meaning standard[] = {
		{"things", "email", "emails.primaryEmail", "", FIELD_EMAIL},
		{"things", "blog", "blogLink.primaryLinkUrl", "", FIELD_TEXT},
		{"things", "story", "storyV2.markdown", "", FIELD_TEXT},
	};
	for (size_t i = 0; i < ARRAY_N(standard); i++)
		hold(s, &standard[i]);
	cr_assert_eq(field_find(s, "things", "domain", &f, &err), RC_INVALID);
	schema_free(s);
}

Test(client_schema, what_is_not_active_is_not_there)
{
	json_t *body = rig_json(
		"{'data':{'objects':["
		"{'nameSingular':'thing','namePlural':'things','isActive':true,'fields':["
		"{'name':'oldEmails','type':'EMAILS','isActive':false},"
		"{'name':'owner','type':'RELATION','isActive':false,'settings':"
		"{'relationType':'MANY_TO_ONE','joinColumnName':'ownerId'}},"
		"{'name':'newEmails','type':'EMAILS','isActive':true}]},"
		"{'nameSingular':'gone','namePlural':'gones','isActive':false,'fields':[]}]}}");
	struct schema *s = NULL;
	cr_assert_eq(schema_read(body, &s, NULL), RC_OK);
	static const struct meaning email = {
		"things", "email", "newEmails.primaryEmail", "", FIELD_EMAIL};
	hold(s, &email);
	cr_expect_null(schema_object(s, "gones"));
	cr_expect_null(schema_field(schema_object(s, "things"), "oldEmails"));
	cr_expect_null(schema_field_join(schema_object(s, "things"), "ownerId"));
	schema_free(s);
	json_decref(body);
}

Test(client_schema, rich_text_is_composite_but_where_a_server_has_both_kinds)
{
	struct schema *s = made("{'body':'RICH_TEXT','bodyV2':'RICH_TEXT_V2'}");
	static const struct meaning both[] = {
		{"things", "body", "body", "", FIELD_TEXT},
		{"things", "bodyV2", "bodyV2", "bodyV2.markdown", FIELD_TEXT},
	};
	hold(s, &both[0]);
	hold(s, &both[1]);
	schema_free(s);
	s = made("{'body':'RICH_TEXT'}");
	static const struct meaning one = {"things", "body", "body", "body.markdown", FIELD_TEXT};
	hold(s, &one);
	schema_free(s);
}

Test(client_schema, what_a_rule_writes_becomes_composite)
{
	static const struct {
		const char *object, *data, *kept;
	} cases[] = {
		{"pets", "{'averageCostOfKibblePerMonth':12.5}",
			"{'averageCostOfKibblePerMonth':{'amountMicros':12500000}}"},
		{"pets", "{'phone':'+33612345678'}",
			"{'vetPhone':{'primaryPhoneNumber':'612345678',"
			"'primaryPhoneCallingCode':'+33','primaryPhoneCountryCode':'FR'}}"},
		{"pets", "{'vetPhone':'+33612345678'}",
			"{'vetPhone':{'primaryPhoneNumber':'612345678',"
			"'primaryPhoneCallingCode':'+33','primaryPhoneCountryCode':'FR'}}"},
		{"pets", "{'email':'a@b.c','vetEmail':{'additionalEmails':['d@e.f']}}",
			"{'vetEmail':{'additionalEmails':['d@e.f'],'primaryEmail':'a@b.c'}}"},
		{"pets", "{'vetEmail':'a@b.c','vetEmail.additionalEmails':['d@e.f']}",
			"{'vetEmail':{'primaryEmail':'a@b.c','additionalEmails':['d@e.f']}}"},
		{"pets", "{'vetEmail.additionalEmails':['d@e.f'],'vetEmail':'a@b.c'}",
			"{'vetEmail':{'additionalEmails':['d@e.f'],'primaryEmail':'a@b.c'}}"},
		{"pets", "{'firstName':'A','lastName':'B','city':'Ulm'}",
			"{'makesOwnerThinkOf':{'firstName':'A','lastName':'B'},"
			"'location':{'addressCity':'Ulm'}}"},
		{"pets", "{'pictures':'https://x.org/1'}",
			"{'pictures':{'primaryLinkUrl':'https://x.org/1'}}"},
		{"pets", "{'traits':'SHY','interestingFacts':'x','species':'DOG'}",
			"{'traits':['SHY'],'interestingFacts':['x'],'species':'DOG'}"},
		{"pets", "{'traits':['SHY','BRAVE'],'extraData':{'a':[1]},'age':3,'comments':null}",
			"{'traits':['SHY','BRAVE'],'extraData':{'a':[1]},'age':3,'comments':null}"},
		{"pets", "{'polymorphicOwnerRocket':'11111111-2222-4333-8444-555555555555'}",
			"{'polymorphicOwnerRocketId':'11111111-2222-4333-8444-555555555555'}"},
		{"people", "{'company':'11111111-2222-4333-8444-555555555555'}",
			"{'companyId':'11111111-2222-4333-8444-555555555555'}"},
		{"people", "{'company':null}", "{'companyId':null}"},
		{"people", "{'companyId':null}", "{'companyId':null}"},
		{"people", "{'company':{'connect':{'where':{'id':'x'}}}}",
			"{'company':{'connect':{'where':{'id':'x'}}}}"},
		{"people", "{'emails':{'primaryEmail':'a@b.c'},'nope':1}",
			"{'emails':{'primaryEmail':'a@b.c'},'nope':1}"},
		{"people", "{'emails':null}", "{'emails':null}"},
		{"people", "{'phone':'+33612345678','phones':{'additionalPhones':[]}}",
			"{'phones':{'additionalPhones':[],'primaryPhoneNumber':'612345678',"
			"'primaryPhoneCallingCode':'+33','primaryPhoneCountryCode':'FR'}}"},
		{"companies", "{'domainName':'acme.io','introVideo':'https://v.io/1'}",
			"{'domainName':{'primaryLinkUrl':'https://acme.io'},"
			"'introVideo':{'primaryLinkUrl':'https://v.io/1'}}"},
		{"tasks", "{'bodyV2':'# x'}", "{'bodyV2':{'markdown':'# x'}}"},
		{"notes", "{'body':'# x'}", "{'bodyV2':{'markdown':'# x'}}"},
		{"rockets", "{'email':'a@b.c'}", "{'email':'a@b.c'}"},
	};
	struct schema *s = recorded();
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		json_t *data = rig_json(cases[i].data), *before = json_deep_copy(data);
		json_t *kept = rig_json(cases[i].kept), *out = NULL;
		struct err err = {.msg = ""};
		cr_assert_eq(fields_expand(s, cases[i].object, data, &out, &err), RC_OK, "%s: %s",
			cases[i].data, err.msg);
		char *text = json_dumps(out, JSON_COMPACT);
		cr_expect(json_equal(out, kept), "%s -> %s", cases[i].data, text);
		cr_expect(json_equal(data, before), "the input stays as it was: %s", cases[i].data);
		free(text);
		json_decref(out);
		json_decref(kept);
		json_decref(before);
		json_decref(data);
	}
	schema_free(s);
}

Test(client_schema, conditions_on_fields_of_ones_own_are_said_rightly)
{
	static const struct {
		const char *object, *where, *filter;
		enum where_fit fit;
	} cases[] = {
		{"pets", "{'email':'Ann@B.c'}", "vetEmail.primaryEmail[eq]:\"ann@b.c\"",
			WHERE_EXACT},
		{"pets", "{'vetEmail':{'contains':'b.c'}}",
			"vetEmail.primaryEmail[ilike]:\"%b.c%\"", WHERE_EXACT},
		{"pets", "{'averageCostOfKibblePerMonth':{'gt':10}}",
			"averageCostOfKibblePerMonth.amountMicros[gt]:10000000", WHERE_EXACT},
		{"pets", "{'phone':'+33789012345'}",
			"and(vetPhone.primaryPhoneNumber[eq]:\"789012345\","
			"vetPhone.primaryPhoneCallingCode[eq]:\"+33\")",
			WHERE_EXACT},
		{"pets", "{'species':'DOG'}", "species[eq]:\"DOG\"", WHERE_EXACT},
		{"pets", "{'species':['DOG','CAT']}", "species[in]:[\"DOG\",\"CAT\"]", WHERE_EXACT},
		{"pets", "{'species':{'empty':true}}", "species[is]:NULL", WHERE_EXACT},
		{"pets", "{'traits':'SHY'}", "traits[containsAny]:[\"SHY\"]", WHERE_WIDER},
		{"pets", "{'traits':['SHY','BRAVE']}", "traits[containsAny]:[\"SHY\",\"BRAVE\"]",
			WHERE_WIDER},
		{"pets", "{'interestingFacts':'x'}", "interestingFacts[containsAny]:[\"x\"]",
			WHERE_WIDER},
		{"pets", "{'age':{'gte':3}}", "age[gte]:3", WHERE_EXACT},
		{"pets", "{'age':{'empty':true}}", "age[is]:NULL", WHERE_EXACT},
		{"pets", "{'isGoodWithKids':true}", "isGoodWithKids[eq]:true", WHERE_EXACT},
		{"pets", "{'isGoodWithKids':{'empty':true}}", "isGoodWithKids[is]:NULL",
			WHERE_EXACT},
		{"pets", "{'birthday':{'lt':'2020-01-01'}}", "birthday[lt]:\"2020-01-01\"",
			WHERE_EXACT},
		{"pets", "{'birthday':{'empty':true}}", "birthday[is]:NULL", WHERE_EXACT},
		{"pets", "{'comments':'a(b'}", "comments[like]:\"a_b\"", WHERE_WIDER},
		{"pets", "{'makesOwnerThinkOf.lastName':{'empty':true}}",
			"or(makesOwnerThinkOf.lastName[is]:NULL,"
			"not(makesOwnerThinkOf.lastName[like]:\"_%\"))",
			WHERE_EXACT},
		{"pets", "{'polymorphicOwnerRocket':null}", "polymorphicOwnerRocketId[is]:NULL",
			WHERE_EXACT},
		{"people", "{'company':'11111111-2222-4333-8444-555555555555'}",
			"companyId[eq]:\"11111111-2222-4333-8444-555555555555\"", WHERE_EXACT},
		{"people", "{'company':{'empty':false}}", "companyId[is]:NOT_NULL", WHERE_EXACT},
		{"people", "{'company.name':'x'}", "company.name[eq]:\"x\"", WHERE_EXACT},
		{"companies", "{'domainName':{'contains':'acme'}}",
			"domainName.primaryLinkUrl[ilike]:\"%acme%\"", WHERE_EXACT},
	};
	struct schema *s = recorded();
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		struct where *w = NULL;
		struct err err = {.msg = ""};
		json_t *json = rig_json(cases[i].where);
		cr_assert_eq(where_parse(s, cases[i].object, json, &w, &err), RC_OK, "%s: %s",
			cases[i].where, err.msg);
		struct buf b;
		enum where_fit fit;
		buf_init(&b, 9000);
		cr_assert_eq(where_format_core(w, &b, &fit), RC_OK);
		cr_expect_str_eq(b.p, cases[i].filter, "%s: %s", cases[i].where, b.p);
		cr_expect(fit <= cases[i].fit, "%s: fit %d", cases[i].where, fit);
		buf_done(&b);
		where_free(w);
		json_decref(json);
	}
	schema_free(s);
}

/* The recorded pet meets conditions said in short names. */
Test(client_schema, records_are_checked_where_the_schema_says)
{
	static const struct {
		const char *where;
		enum match match;
	} cases[] = {
		{"{'email':'JOHN@twenty.com','phone':'+33789012345','city':'Jacksonstad'}",
			MATCH_YES},
		{"{'traits':'CURIOUS','species':['DOG'],'age':{'gt':2}}", MATCH_YES},
		{"{'vetEmail':'somebody@else.org'}", MATCH_NO},
		{"{'birthday':{'lte':'2019-01-01'}}", MATCH_YES},
		{"{'traits':'SHY'}", MATCH_NO},
		{"{'averageCostOfKibblePerMonth':{'lt':0.5}}", MATCH_NO},
	};
	json_t *recording = json_load_file(REST "pets-list.json", 0, NULL);
	json_t *pet = json_array_get(
		json_object_get(
			json_object_get(
				json_object_get(json_object_get(recording, "response"), "body"),
				"data"),
			"pets"),
		0);
	cr_assert(json_is_object(pet), "the recording is there");
	struct schema *s = recorded();
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		struct where *w = NULL;
		json_t *json = rig_json(cases[i].where);
		cr_assert_eq(where_parse(s, "pets", json, &w, NULL), RC_OK, "%s", cases[i].where);
		cr_expect_eq(
			where_match(w, pet, MATCH_EXACT), cases[i].match, "%s", cases[i].where);
		where_free(w);
		json_decref(json);
	}
	json_t *names = rig_json("['email','city','age','phone']"), *part = NULL;
	cr_assert_eq(fields_pick(s, "pets", pet, names, &part, NULL), RC_OK);
	cr_expect_str_eq(rig_text(part, "vetEmail.primaryEmail"), "john@twenty.com");
	cr_expect_str_eq(rig_text(part, "location.addressCity"), "Jacksonstad");
	cr_expect_str_eq(rig_text(part, "vetPhone.primaryPhoneCallingCode"), "+33");
	cr_expect_eq(json_object_size(part), 5, "these and the id");
	json_decref(part);
	json_decref(names);
	schema_free(s);
	json_decref(recording);
}

static bool says_unknown(const char *recording)
{
	char file[160];
	snprintf(file, sizeof(file), REST "%s.json", recording);
	json_t *json = json_load_file(file, 0, NULL);
	json_t *body = json_object_get(json_object_get(json, "response"), "body");
	const char *text = json_string_value(json_array_get(json_object_get(body, "messages"), 0));
	if (text == NULL)
		text = json_string_value(json_object_get(
			json_array_get(json_object_get(body, "errors"), 0), "message"));
	cr_assert_not_null(text, "%s", recording);
	bool unknown = schema_names_unknown(text);
	json_decref(json);
	return unknown;
}

Test(client_schema, a_server_that_does_not_know_a_field_is_understood)
{
	static const char *const yes[] = {"filter-unknown-field",
		"list-people-order_by-unknown-field", "person-create-unknown-field",
		"person-update-unknown-field", "groupBy-bad-field", "groupBy-bad-aggregate",
		"get-object-singular", "graphql-error"};
	static const char *const no[] = {"opportunity-stage-invalid", "filter-bad-uuid",
		"person-create-wrong-type", "filter-syntax-error", "get-person-404",
		"person-update-duplicate-email"};
	for (size_t i = 0; i < ARRAY_N(yes); i++)
		cr_expect(says_unknown(yes[i]), "%s", yes[i]);
	for (size_t i = 0; i < ARRAY_N(no); i++)
		cr_expect(!says_unknown(no[i]), "%s", no[i]);
	cr_expect(!schema_names_unknown(NULL));
	cr_expect(!schema_names_unknown(""));
}

Test(client_schema, what_is_nearly_a_name_is_suggested)
{
	static const struct {
		const char *object, *name, *text;
	} cases[] = {
		{"people", "jobTitel", "did you mean jobTitle"},
		{"people", "compnayId", "did you mean companyId"},
		{"people", "emial", "did you mean email"},
		{"people", "emails.primaryMail", "did you mean emails.primaryEmail"},
		{"pets", "specis", "did you mean species"},
		{"pets", "frstName", "did you mean firstName"},
		{"peple", NULL, "did you mean people"},
		{"people", "zzzzzzzzzz", NULL},
		{"people", "jobTitle", NULL},
		{"people", "emails.primaryEmail", NULL},
		{"people", NULL, NULL},
		{"nobody", "jobTitel", NULL},
	};
	struct schema *s = recorded();
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		char text[200] = "";
		bool any = schema_suggest(s, cases[i].object, cases[i].name, text, sizeof(text));
		cr_expect_eq(any, cases[i].text != NULL, "%s.%s: %s", cases[i].object,
			cases[i].name, text);
		cr_expect_str_eq(text, cases[i].text != NULL ? cases[i].text : "");
	}
	char small[8];
	cr_expect(!schema_suggest(s, "people", "jobTitel", small, sizeof(small)), "no half words");
	cr_expect(!schema_suggest(NULL, "people", "jobTitel", small, sizeof(small)));
	schema_free(s);
}

static enum rc read_text(const char *text, struct schema **ret_schema)
{
	json_t *body = rig_json(text);
	struct err err = {.msg = ""};
	enum rc rc = schema_read(body, ret_schema, &err);
	cr_expect(rc == RC_OK || *err.msg != '\0', "with a sentence");
	json_decref(body);
	return rc;
}

Test(client_schema, an_answer_that_is_something_else_is_refused)
{
	static const char *const bad[] = {"{}", "[]", "{'data':[]}", "{'data':{'objects':{}}}",
		"{'data':{'objects':null}}", "{'data':{'objects':[1]}}",
		"{'data':{'objects':[null]}}",
		"{'data':{'objects':[{'nameSingular':'a','namePlural':'b'}]}}",
		"{'data':{'objects':[{'nameSingular':'a','namePlural':7,'fields':[]}]}}",
		"{'data':{'objects':[{'nameSingular':'a','namePlural':'b','fields':{}}]}}",
		"{'data':{'objects':[{'nameSingular':'a','namePlural':'b','fields':[1]}]}}",
		"{'data':{'objects':[{'nameSingular':'a','namePlural':'b','fields':"
		"[{'name':'x'}]}]}}",
		"{'data':{'objects':[{'nameSingular':'a','namePlural':'b','fields':"
		"[{'name':['x'],'type':'TEXT'}]}]}}",
		"{'data':{'objects':[{'nameSingular':'a','namePlural':'b','fields':"
		"[{'name':'x','type':{}}]}]}}",
		"{'data':{'people':[]}}", "{'statusCode':403,'messages':['no']}"};
	struct schema *s = NULL;
	for (size_t i = 0; i < ARRAY_N(bad); i++)
		cr_expect_eq(read_text(bad[i], &s), RC_UPSTREAM, "%s", bad[i]);
	cr_expect_eq(schema_read(NULL, &s, NULL), RC_UPSTREAM);
	cr_expect_null(s, "nothing is given on failure");
	cr_assert_eq(read_text("{'data':{'objects':[]}}", &s), RC_OK);
	cr_expect_null(schema_object(s, "people"));
	schema_free(s);
}

Test(client_schema, odd_members_do_no_harm)
{
	struct schema *s = NULL;
	cr_assert_eq(read_text("{'data':{'objects':["
			       "{'nameSingular':'thing','namePlural':'things','isActive':'yes',"
			       "'fields':["
			       "{'name':'a','type':'TEXT','isActive':7,'options':'x',"
			       "'settings':[]},"
			       "{'name':'a','type':'NUMBER'},"
			       "{'name':'b','type':'SELECT','options':[1,{'value':2},"
			       "{'value':'Y'}]},"
			       "{'name':'c','type':'FROM_THE_FUTURE'},"
			       "{'name':'d','type':'RELATION','settings':"
			       "{'relationType':'MANY_TO_ONE','joinColumnName':'x)y'}},"
			       "{'name':'e','type':'RELATION','settings':"
			       "{'relationType':'MANY_TO_ONE'}},"
			       "{'name':'f','type':'RELATION','settings':"
			       "{'relationType':'MANY_TO_ONE','joinColumnName':'eId'}},"
			       "{'name':'../x','type':'TEXT'},{'name':'','type':'TEXT'}]},"
			       "{'nameSingular':'thing','namePlural':'things','fields':[]},"
			       "{'nameSingular':'../../x','namePlural':'y','fields':[]}]}}",
			     &s),
		RC_OK);
	const struct schema_object *o = schema_object(s, "things");
	cr_assert_not_null(o);
	cr_expect_eq(o->fields_n, 6, "%zu", o->fields_n);
	cr_expect_eq(schema_field(o, "a")->type, SCHEMA_TEXT, "the first of one name counts");
	cr_expect_eq(schema_field(o, "b")->values_n, 1);
	cr_expect_str_eq(schema_field(o, "b")->values[0], "Y");
	cr_expect_eq(schema_field(o, "c")->type, SCHEMA_OTHER);
	cr_expect_null(schema_field(o, "d")->join);
	cr_expect_str_eq(schema_field(o, "e")->join, "eId");
	cr_expect_eq(schema_field_join(o, "eId"), schema_field(o, "e"));
	cr_expect_null(schema_object_at(s, 1), "each name once, and no path");
	schema_free(s);
}

/* n objects of as many fields, each with as many values. */
static json_t *huge(size_t objects_n, size_t fields_n, size_t values_n)
{
	json_t *values = json_array(), *fields = json_array(), *objects = json_array();
	for (size_t i = 0; i < values_n; i++)
		json_array_append_new(
			values, json_pack("{s:o}", "value", json_sprintf("VALUE_%zu", i)));
	for (size_t i = 0; i < fields_n; i++)
		json_array_append_new(
			fields, json_pack("{s:o, s:s, s:O}", "name", json_sprintf("field%zu", i),
					"type", "SELECT", "options", values));
	for (size_t i = 0; i < objects_n; i++)
		json_array_append_new(objects,
			json_pack("{s:o, s:o, s:O}", "nameSingular", json_sprintf("thing%zu", i),
				"namePlural", json_sprintf("things%zu", i), "fields", fields));
	json_decref(values);
	json_decref(fields);
	return json_pack("{s:{s:o}}", "data", "objects", objects);
}

Test(client_schema, a_huge_answer_is_not_kept)
{
	static const size_t sizes[][3] = {
		{2001, 1, 0}, {1, 2001, 0}, {1, 1, 1001}, {2000, 200, 0}, {10, 100, 1000}};
	struct schema *s = NULL;
	for (size_t i = 0; i < ARRAY_N(sizes); i++) {
		json_t *body = huge(sizes[i][0], sizes[i][1], sizes[i][2]);
		cr_expect_eq(schema_read(body, &s, NULL), RC_UPSTREAM, "%zu", i);
		json_decref(body);
	}
	json_t *body = huge(500, 100, 5);
	cr_assert_eq(schema_read(body, &s, NULL), RC_OK);
	cr_expect_lt(schema_bytes(s), 8U << 20);
	static const struct meaning last = {"things499", "field99", "field99", "", FIELD_CHOICE};
	hold(s, &last);
	schema_free(s);
	json_decref(body);
}

Test(client_schema, any_part_of_the_answer_may_be_missing_or_wrong)
{
	json_t *body = json_load_file(REST "metadata-objects-all.body", 0, NULL);
	json_t *objects = json_object_get(json_object_get(body, "data"), "objects");
	json_t *wrong[] = {json_null(), json_integer(7), json_string(""), json_array(),
		json_object(), json_true(), json_pack("[[[[{s:[]}]]]]", "a")};
	const char *key;
	json_t *value;
	void *tmp;
	json_t *object = json_deep_copy(json_array_get(objects, 7));
	for (size_t i = 0; i < ARRAY_N(wrong); i++)
		for (size_t k = 0; k < 2; k++) {
			json_t *one = json_deep_copy(object);
			json_t *at =
				k == 0 ? one : json_array_get(json_object_get(one, "fields"), 17);
			json_object_foreach_safe(at, tmp, key, value)
			{
				json_t *had = json_incref(value);
				struct schema *s = NULL;
				json_t *all = json_pack("{s:{s:[O]}}", "data", "objects", one);
				json_object_set(at, key, wrong[i]);
				if (schema_read(all, &s, NULL) == RC_OK)
					schema_free(s);
				json_object_set_new(at, key, had);
				json_decref(all);
			}
			json_decref(one);
		}
	for (size_t i = 0; i < ARRAY_N(wrong); i++)
		json_decref(wrong[i]);
	json_decref(object);
	json_decref(body);
}

Test(client_schema, a_lookup_scans_nothing)
{
	static const char *const names[] = {"email", "jobTitle", "companyId", "createdAt", "city",
		"nope", "emails.primaryEmail", "updatedAt"};
	struct schema *s = recorded();
	enum { N = 200000 };
	struct field f;
	int64_t from = clock_mono_us();
	for (int i = 0; i < N; i++)
		cr_assert_eq(field_find(s, "people", names[i % 8], &f, NULL), RC_OK);
	int64_t took = clock_mono_us() - from;
	printf("finding a field takes %.2f us\n", (double)took / N);
	cr_expect_lt(took, 20LL * N, "%ld us for %d", (long)took, N);
	schema_free(s);
}

Test(client_schema, an_own_field_is_not_taken_for_a_documented_one)
{
	static const char *const records[][2] = {
		{"company", "{'id':'1','website':'w','domainName':{'primaryLinkUrl':'d'}}"},
		{"person", "{'id':'1','email':'own','emails':{'primaryEmail':'a@b.c'}}"},
		{"task", "{'id':'1','body':'old','bodyV2':{'markdown':'new'}}"},
		{"task", "{'id':'1','body':'old','bodyV2':null}"},
	};
	for (size_t i = 0; i < ARRAY_N(records); i++) {
		json_t *record = rig_json(records[i][1]);
		json_t *seen = client_record(records[i][0], record);
		cr_expect(json_equal(seen, record), "%s", records[i][1]);
		json_decref(seen);
		json_decref(record);
	}
}

Test(client_schema, a_key_is_a_single_value)
{
	static const char *const cases[][3] = {{"person", "email", "emails.primaryEmail"},
		{"people", "phone", "phones.primaryPhoneNumber"},
		{"opportunity", "amount", "amount.amountMicros"}, {"person", "own", "own"}};
	char path[FIELD_PATH_MAX];
	for (size_t i = 0; i < ARRAY_N(cases); i++) {
		cr_assert(client_path(NULL, cases[i][0], cases[i][1], path, sizeof(path)));
		cr_expect_str_eq(path, cases[i][2]);
	}
	cr_expect(!client_path(NULL, "person", "a b", path, sizeof(path)));
	cr_expect(!client_path(NULL, "person", "email", path, 5));
	cr_expect_null(client_schema(NULL));
}

Test(client_schema, plurals_of_standard_objects_are_known_without_a_workspace)
{
	char name[16];
	cr_assert(client_plural(NULL, "person", name, sizeof(name)));
	cr_expect_str_eq(name, "people");
	cr_assert(client_plural(NULL, "company", name, sizeof(name)));
	cr_expect_str_eq(name, "companies");
	cr_expect(!client_plural(NULL, "rocket", name, sizeof(name)), "ours are not to form");
	cr_expect(!client_plural(NULL, "opportunity", name, 13), "it does not fit");
}
