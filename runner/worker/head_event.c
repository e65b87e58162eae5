/* SPDX-License-Identifier: MIT */
/*
 * Which of the events `on` names a rule runs for, and under which key: `when`, `key`, `echo`.
 * From: head.c. To: HEAD. A function is asked of a worker; what is data the runner decides.
 */
#include <string.h>

#include "runner/worker/binding.h"
#include "runner/worker/head_part.h"
#include "runner/worker/json_text.h"

#define KEY_MAX 200

void head_put_when(const struct head *h)
{
	int type = lua_type(h->L, -1);
	const char *predicate = predicate_text(h->L, -1);
	if (type == LUA_TSTRING)
		head_wrong(h,
			"when = \"%.60s\": write when = changed \"%.60s\", or a function of the "
			"event",
			lua_tostring(h->L, -1), lua_tostring(h->L, -1));
	if (type != LUA_TFUNCTION && predicate == NULL)
		head_wrong(h,
			"when must be a function of the event, or changed \"field\"; it is a %s",
			lua_typename(h->L, type));
	head_check(h, buf_put_text(h->out, ",\"when\":"));
	head_check(h, buf_put_text(h->out, predicate != NULL ? predicate : "true"));
}

void head_put_key(const struct head *h)
{
	int type = lua_type(h->L, -1);
	struct slice key = {0};
	if (type == LUA_TSTRING)
		key.p = lua_tolstring(h->L, -1, &key.n);
	if (type == LUA_TSTRING && (key.n == 0 || key.n > KEY_MAX || strlen(key.p) != key.n))
		head_wrong(h, "key must be the name of a field, like \"companyId\"");
	if (type != LUA_TFUNCTION && type != LUA_TSTRING)
		head_wrong(h,
			"key must be the name of a field or a function of the event, it is a %s",
			lua_typename(h->L, type));
	head_check(h, buf_put_text(h->out, ",\"key\":"));
	if (type == LUA_TSTRING)
		head_check(h, json_text_put(h->out, key));
	else
		head_check(h, buf_put_text(h->out, "true"));
}

/* "others" is the default: null. */
void head_put_echo(const struct head *h)
{
	int type = lua_type(h->L, -1);
	bool others = type == LUA_TSTRING && strcmp(lua_tostring(h->L, -1), "others") == 0;
	if (!others && type != LUA_TBOOLEAN)
		head_wrong(h, "echo is \"others\" (what people and other rules write), true (what "
			      "it wrote itself, too) or false (people only)");
	head_check(h, buf_put_text(h->out, ",\"echo\":"));
	head_check(h, buf_put_text(h->out, others                    ? "null"
					   : lua_toboolean(h->L, -1) ? "true"
								     : "false"));
}
