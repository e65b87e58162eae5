/* SPDX-License-Identifier: MIT */
/*
 * Will Twenty's webhooks reach us, signed, once each, and with what the rules listen to?
 * From: doctor.c, with the list of the workspace, the rules, the newest deliveries. A delivery that
 * came is proof: it silences what an address makes one suspect.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/judge.h"
#include "cli/pattern.h"

#define SAFE_MODE "OUTBOUND_HTTP_SAFE_MODE_ENABLED=false"

static bool is_inside(enum address_kind kind)
{
	return kind == ADDRESS_PRIVATE || kind == ADDRESS_LINK || kind == ADDRESS_LOOPBACK;
}

/* The trap: such a call is dropped without a word. */
static void judge_address(
	struct findings *f, const struct webhook_facts *facts, const struct target *target)
{
	char text[TARGET_TEXT_N];
	struct finding *row;
	target_format(target, text);
	enum address_kind kind = facts->lookup(facts->lookup_ctx, target->host);
	if (kind == ADDRESS_UNKNOWN || kind == ADDRESS_SPECIAL) {
		row = finding_put(f, "webhook", FINDING_WARN, "webhook target %s %s", text,
			kind == ADDRESS_UNKNOWN ? "has no address that this machine finds"
						: "is an address of nobody");
		finding_fix(row, "moonhook webhook add --url https://.. --replace");
		return;
	}
	if (!is_inside(kind))
		return;
	bool near = is_inside(facts->lookup(facts->lookup_ctx, facts->twenty_host));
	row = finding_put(f, "webhook", near ? FINDING_WARN : FINDING_FAIL,
		near ? "webhook target %s is %s, as Twenty is: it drops such calls without a word, "
		       "unless it is told not to"
		     : "webhook target %s is %s: Twenty drops such calls without a word",
		text, address_kind_text(kind));
	finding_fix(row, "set " SAFE_MODE " on Twenty's server and worker%s",
		near ? "" : ", or use a public URL");
}

/* Customers' data over the internet, for everybody on the way to read. */
static void judge_clear(
	struct findings *f, const struct webhook_facts *facts, const struct target *target)
{
	char text[TARGET_TEXT_N];
	if (target->tls || facts->lookup(facts->lookup_ctx, target->host) != ADDRESS_PUBLIC)
		return;
	target_format(target, text);
	struct finding *row = finding_put(f, "webhook", FINDING_WARN,
		"webhook target %s is not https: customers' data crosses the internet in the clear",
		text);
	finding_fix(row, "let a proxy end TLS, then: moonhook webhook add --url https://.. "
			 "--replace");
}

static void judge_signature(struct findings *f, const struct webhook_facts *facts,
	const struct webhook *w, enum hooks_place place)
{
	char text[TARGET_TEXT_N];
	enum hooks_sign sign = hooks_sign(&facts->known, w);
	struct finding *row;
	hooks_target(w, text);
	if (sign == HOOKS_BARE)
		row = finding_put(f, "webhook", place == HOOKS_HERE ? FINDING_FAIL : FINDING_WARN,
			"webhook %s has no secret: Twenty sends it unsigned, and each delivery is "
			"refused",
			text);
	else if (sign == HOOKS_UNFIT)
		row = finding_put(f, "webhook", place == HOOKS_HERE ? FINDING_FAIL : FINDING_WARN,
			"webhook %s signs with a secret that source \"%s\" does not have: each "
			"delivery is refused",
			text, facts->known.here->source);
	else
		return;
	finding_fix(row, "moonhook webhook add --replace");
}

/* Does it work: is it signed, with a secret of ours, as far as anybody tells? */
static bool is_signed(const struct webhook_facts *facts, const struct webhook *w)
{
	enum hooks_sign sign = hooks_sign(&facts->known, w);
	return sign == HOOKS_FITS || sign == HOOKS_UNTOLD;
}

static int64_t last_of(const struct webhook_facts *facts, const struct webhook *w)
{
	return facts->known.arrivals != NULL ? arrivals_last(facts->known.arrivals, w->id) : 0;
}

static void judge_one(struct findings *f, const struct webhook_facts *facts,
	const struct webhook *w, enum hooks_place place)
{
	struct target target;
	char text[TARGET_TEXT_N], operations[200], age[24];
	int64_t last_ms = last_of(facts, w);
	bool parsed = target_parse(w->target, &target);
	judge_signature(f, facts, w, place);
	if (parsed && last_ms == 0)
		judge_address(f, facts, &target);
	if (parsed)
		judge_clear(f, facts, &target);
	if (place != HOOKS_HERE || !is_signed(facts, w))
		return;
	hooks_target(w, text);
	patterns_format(w->operations, operations, sizeof(operations));
	if (last_ms != 0)
		judge_age(facts->now_ms - last_ms, age);
	finding_put(f, "webhook", FINDING_OK,
		last_ms != 0 ? "webhook %s sends %s; the last delivery came %s ago"
			     : "webhook %s sends %s; no delivery has come yet%s",
		text, operations, last_ms != 0 ? age : "");
}

/* Do both send something of the same? */
static bool overlap(const struct webhook *a, const struct webhook *b)
{
	size_t i;
	json_t *each;
	json_array_foreach((json_t *)(uintptr_t)a->operations, i, each)
	{
		if (operations_send(b->operations, json_string_value(each)))
			return true;
	}
	json_array_foreach((json_t *)(uintptr_t)b->operations, i, each)
	{
		if (operations_send(a->operations, json_string_value(each)))
			return true;
	}
	return false;
}

static void judge_repeats(struct findings *f, const struct webhook_facts *facts)
{
	for (size_t i = 0; i < facts->list->n; i++) {
		const struct webhook *a = &facts->list->p[i];
		if (hooks_place(&facts->known, a) != HOOKS_HERE)
			continue;
		for (size_t k = i + 1; k < facts->list->n; k++) {
			const struct webhook *b = &facts->list->p[k];
			if (hooks_place(&facts->known, b) != HOOKS_HERE || !overlap(a, b))
				continue;
			struct finding *row = finding_put(f, "webhook", FINDING_WARN,
				"webhooks %.8s and %.8s both point here: Twenty sends what they "
				"have "
				"in common twice",
				a->id, b->id);
			finding_fix(row, "moonhook webhook remove %s",
				a->created_ms > b->created_ms ? a->id : b->id);
			return;
		}
	}
}

/* Which rules wait for something that nobody sends? */
static void judge_rules_heard(struct findings *f, const struct webhook_facts *facts)
{
	json_t *sent = json_array(), *row;
	size_t i;
	for (i = 0; i < facts->list->n; i++) {
		const struct webhook *w = &facts->list->p[i];
		if (hooks_place(&facts->known, w) == HOOKS_HERE)
			json_array_extend(sent, (json_t *)(uintptr_t)w->operations);
	}
	json_array_foreach((json_t *)(uintptr_t)facts->patterns, i, row)
	{
		const char *on = json_string_value(json_object_get(row, "on"));
		if (on == NULL || operations_send(sent, on))
			continue;
		struct finding *found = finding_put(f, "webhook", FINDING_FAIL,
			"rule \"%.100s\" is on %.100s, but no webhook sends that",
			json_string_value(json_object_get(row, "rule")), on);
		finding_fix(found, "moonhook webhook add --replace");
	}
	json_decref(sent);
}

static void judge_none(struct findings *f, const struct webhook_facts *facts, size_t alike)
{
	const struct here *here = facts->known.here;
	struct finding *row;
	if (here->origin != NULL)
		judge_address(f, facts, &here->target);
	if (here->origin == NULL && alike != 0) {
		row = finding_put(f, "webhook", FINDING_WARN,
			"nothing says where the world reaches this Moonhook, so that nobody can "
			"tell "
			"whether a webhook points here");
		finding_fix(row, "set public = \"https://hooks.example.com\" in the configuration");
		return;
	}
	row = finding_put(f, "webhook", FINDING_FAIL, "no webhook of this workspace points here");
	finding_fix(row, here->origin != NULL ? "moonhook webhook add"
					      : "moonhook webhook add --url https://..");
}

void judge_webhooks(struct findings *findings, const struct webhook_facts *facts)
{
	size_t here = 0, alike = 0;
	for (size_t i = 0; i < facts->list->n; i++) {
		const struct webhook *w = &facts->list->p[i];
		enum hooks_place place = hooks_place(&facts->known, w);
		if (place == HOOKS_ELSEWHERE)
			continue;
		here += place == HOOKS_HERE;
		alike += place == HOOKS_ALIKE;
		judge_one(findings, facts, w, place);
	}
	if (here == 0) {
		judge_none(findings, facts, alike);
		return;
	}
	judge_repeats(findings, facts);
	judge_rules_heard(findings, facts);
}

void judge_door(struct findings *findings, const struct here *here, const char *listen, enum rc rc,
	const char *problem, int status)
{
	struct finding *row;
	if (rc == RC_OK && status == 405) {
		finding_put(findings, "door", FINDING_OK, "%s leads to this receiver", here->url);
		return;
	}
	if (rc != RC_OK)
		row = finding_put(findings, "door", FINDING_WARN,
			"%s cannot be reached from this machine: %s", here->url, problem);
	else
		row = finding_put(findings, "door", FINDING_FAIL,
			"%s answers %d, which is not this receiver's answer (405)", here->url,
			status);
	finding_fix(row, "have the proxy pass /hooks/ on to http://%s, unchanged", listen);
}
