/* SPDX-License-Identifier: MIT */
/*
 * What a delivery says.
 * From: hook.c, a change and its subscription. To: the bytes of the body, in the form of either
 * dialect. Fails when memory is short. Does not sign or send.
 */
#include "base/clock.h"
#include "tests/twin/hook.h"
#include "tests/twin/print.h"
#include "tests/twin/schema.h"

static enum rc body_docs(struct buf *out, const struct hook_event *e, const char *at)
{
	enum rc rc = buf_printf(out, "{\"event\":\"%s.%s\",\"data\":", e->object, e->action);
	if (rc == RC_OK)
		rc = print_json(out, e->data);
	return rc == RC_OK ? buf_printf(out, ",\"timestamp\":\"%s\"}", at) : rc;
}

static enum rc body_core(struct buf *out, const struct hook_event *e, const char *at)
{
	const json_t *url = json_object_get(e->webhook, "targetUrl");
	enum rc rc = buf_put_text(out, "{\"targetUrl\":");
	if (rc == RC_OK)
		rc = print_json(out, url);
	if (rc == RC_OK)
		rc = buf_printf(out, ",\"eventName\":\"%s.%s\"", e->object, e->action);
	if (rc == RC_OK && e->object_id != NULL)
		rc = buf_printf(out, ",\"objectMetadata\":{\"id\":\"%s\",\"nameSingular\":\"%s\"}",
			e->object_id, e->object);
	if (rc == RC_OK)
		rc = buf_printf(out,
			",\"workspaceId\":\"" WORKSPACE_ID
			"\",\"webhookId\":\"%s\",\"eventDate\":\"%s\"",
			json_string_value(json_object_get(e->webhook, "id")), at);
	if (rc == RC_OK && e->object_id == NULL)
		rc = buf_put_text(
			out, ",\"apiKeyId\":\"8381ab5c-3a4b-4cdc-b08f-bc3e4bee6163\",\"event\":");
	else if (rc == RC_OK)
		rc = buf_put_text(out, ",\"record\":");
	if (rc == RC_OK)
		rc = print_json(out, e->data);
	if (rc == RC_OK && e->fields != NULL) {
		rc = buf_put_text(out, ",\"updatedFields\":");
		if (rc == RC_OK)
			rc = print_json(out, e->fields);
	}
	return rc == RC_OK ? buf_put(out, "}", 1) : rc;
}

enum rc hook_body(const struct hook_event *event, int64_t now_ms, struct buf *out)
{
	char at[CLOCK_TEXT_N];
	clock_format(now_ms, at);
	return event->docs ? body_docs(out, event, at) : body_core(out, event, at);
}
