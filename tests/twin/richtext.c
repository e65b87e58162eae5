/* SPDX-License-Identifier: MIT */
/*
 * Gives a RICH_TEXT value the blocknote text that a real server derives from markdown.
 * From: value.c. Cannot fail (without memory the value stays as it is).
 * Does not parse inline styles: what is bold in markdown stays plain text in the block.
 */
#include "tests/twin/richtext.h"

#include <string.h>

#include "tests/twin/print.h"
#include "tests/twin/schema.h"

static json_t *block(const char *line, size_t n)
{
	char id[IDENT_N];
	ident_random(id);
	const char *type = "paragraph";
	if (n >= 2 && (line[0] == '-' || line[0] == '*') && line[1] == ' ') {
		type = "bulletListItem";
		line += 2;
		n -= 2;
	}
	return json_pack("{s:s,s:s,s:{s:s,s:s,s:s},s:[{s:s,s:s%,s:{}}],s:[]}", "id", id, "type",
		type, "props", "backgroundColor", "default", "textColor", "default",
		"textAlignment", "left", "content", "type", "text", "text", line, n, "styles",
		"children");
}

void richtext_complete(json_t *value, const json_t *in)
{
	const char *text = json_string_value(json_object_get(in, "markdown"));
	if (text == NULL || json_object_get(in, "blocknote") != NULL)
		return;
	json_t *blocks = json_array();
	while (*text != '\0') {
		size_t n = strcspn(text, "\n");
		if (n != 0)
			json_array_append_new(blocks, block(text, n));
		text += n + (text[n] == '\n');
	}
	struct buf out;
	buf_init(&out, 64u << 20);
	if (print_json(&out, blocks) == RC_OK)
		json_object_set_new(value, "blocknote", json_stringn(out.p, out.n));
	buf_done(&out);
	json_decref(blocks);
}
