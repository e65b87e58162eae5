/* SPDX-License-Identifier: MIT */
/*
 * What the files head_<part>.c share: one rule's table being read, and the values in it. Tables are
 * read raw, so nothing of the rule's is called. Whatever is wrong raises one sentence with the
 * rule's file and line.
 */
#ifndef MOONHOOK_RUNNER_WORKER_HEAD_PART_H
#define MOONHOOK_RUNNER_WORKER_HEAD_PART_H

#include <stdbool.h>
#include <stdint.h>

#include <lua.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/slice.h"

struct head { /* one rule being read */
	lua_State *L;
	struct buf *out;
	const char *file, *name;
	lua_Integer line;
	int at; /* stack index of its table */
};

/* Raises "file:line: rule "name": ..". */
noreturn_ void head_wrong(const struct head *h, const char *fmt, ...) printf_like(2, 3);
/* Raises where writing failed. */
void head_check(const struct head *h, enum rc rc);

/* Pushes an option's value; answers its Lua type. */
int head_push(const struct head *h, const char *option);
bool head_has(const struct head *h, const char *option);
/* Does `on` say "timer"? Other events, too, where others is set. */
enum head_timer { HEAD_NO_TIMER, HEAD_TIMER_TOO, HEAD_TIMER_ONLY };
enum head_timer head_timer(const struct head *h);

/* Is each of its patterns such? False where there is no `on`. */
bool head_each_on(const struct head *h, bool (*is)(const char *pattern));

/*
 * Readers of the value at the top of the stack, which stays there. what: its name in a sentence.
 */
/* A text of 1 to max bytes. BORROWS. example: how one would write it. */
struct slice head_text(const struct head *h, const char *what, size_t max, const char *example);
/* One of words, NULL-terminated, at most 4. BORROWS. */
const char *head_word(const struct head *h, const char *what, const char *const *words);
/* "30s" -> ms, min_ms to most_ms; example: one that would be right. */
int64_t head_duration(const struct head *h, const char *what, int64_t min_ms, int64_t most_ms,
	const char *example);
/* A whole number. */
int64_t head_whole(const struct head *h, const char *what, int64_t min, int64_t max);
/* The value is a table with no other members than these, NULL-terminated, at most 4. */
void head_members(
	const struct head *h, const char *what, const char *const *names, const char *example);

/* One function for each option: writes the value at the top as a member of HEAD's rule. */
void head_put_on(const struct head *h);
void head_put_every(const struct head *h);
void head_put_cron(const struct head *h);
void head_put_tz(const struct head *h);
void head_put_when(const struct head *h);
void head_put_key(const struct head *h);
void head_put_echo(const struct head *h);
void head_put_settle(const struct head *h);
void head_put_max_settle(const struct head *h);
void head_put_batch(const struct head *h);
void head_put_concurrency(const struct head *h);
void head_put_timeout(const struct head *h);
void head_put_cpu(const struct head *h);
void head_put_retry(const struct head *h);
void head_put_fresh(const struct head *h);
void head_put_lane(const struct head *h);
void head_put_max_writes(const struct head *h);
void head_put_mode(const struct head *h);
void head_put_was(const struct head *h);

/* Options that mean nothing together, or without another. Each is right by itself already. */
void head_check_together(const struct head *h);

#endif
