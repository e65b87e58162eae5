/* SPDX-License-Identifier: MIT */
/*
 * Rules by the clock: `every`, `cron`, `tz`.
 * From: head.c. To: HEAD's "every_ms", "cron", "tz". Whether there is such a time zone is not known
 * here: a worker has no files. The runner looks when it takes the head.
 */
#include <inttypes.h>
#include <string.h>

#include "runner/cron.h"
#include "runner/worker/head_part.h"
#include "runner/worker/json_text.h"

#define EVERY_MIN_MS 1000
#define EVERY_MAX_MS (INT64_C(366) * 24 * 3600 * 1000)
#define ZONE_MAX 60

void head_put_every(const struct head *h)
{
	int64_t ms = head_duration(h, "every", EVERY_MIN_MS, EVERY_MAX_MS, "1h");
	head_check(h, buf_printf(h->out, ",\"every_ms\":%" PRId64, ms));
}

void head_put_cron(const struct head *h)
{
	struct cron cron;
	struct err err = {0};
	struct slice text = head_text(h, "cron", CRON_TEXT_MAX, "0 9 * * 1-5");
	if (cron_parse(text.p, &cron, &err) != RC_OK)
		head_wrong(h, "cron: %s", err.msg);
	head_check(h, buf_put_text(h->out, ",\"cron\":"));
	head_check(h, json_text_put(h->out, text));
}

void head_put_tz(const struct head *h)
{
	struct slice zone = head_text(h, "tz", ZONE_MAX, "Europe/Paris");
	size_t n = strspn(
		zone.p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+/");
	if (n != zone.n || zone.p[0] == '/')
		head_wrong(
			h, "tz: \"%s\" is no time zone, write one like \"Europe/Paris\"", zone.p);
	head_check(h, buf_put_text(h->out, ",\"tz\":"));
	head_check(h, json_text_put(h->out, zone));
}
