/* SPDX-License-Identifier: MIT */
/*
 * The filter language of the core dialect, with its quirks: a comma is and(), brackets are counted
 * before anything else, values cannot be escaped, a parenthesis in a value breaks the filter.
 * From: core.c. To: filter.c (conditions). Fails with a real server's sentences.
 */
#include "tests/twin/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/twin/filter_node.h"

#define DEPTH_MAX 32
#define LIST_MAX 1024

struct parser {
	const struct schema *schema;
	const struct object *object;
	struct fail *fail;
	int depth;
};

static struct filter *parse(struct parser *p, const char *text);

static bool brackets_check(const char *text, struct fail *fail)
{
	int open = 0;
	for (const char *c = text; *c != '\0'; c++)
		open += (*c == '(') - (*c == ')');
	if (open == 0)
		return true;
	int n = open > 0 ? open : -open;
	return fail_bad(fail, "'filter' invalid. %d %s bracket%s missing in the query", n,
		open > 0 ? "close" : "open", n > 1 ? "s are" : " is");
}

/*
 * What real servers do not refuse but misread: a quote that is never closed swallows the conditions
 * behind it, and their patterns stop at the end of a line. Nobody may send that: it is refused
 * here.
 */
static bool quotes_check(const char *text, struct fail *fail)
{
	bool twice = false, once = false;
	for (const char *c = text; *c != '\0'; c++) {
		twice ^= *c == '"';
		once ^= *c == '\'';
		if (*c == '\n' || *c == '\r' || strncmp(c, "\xE2\x80\xA8", 3) == 0 ||
			strncmp(c, "\xE2\x80\xA9", 3) == 0)
			return fail_bad(
				fail, "'filter' invalid for '%.60s'. eg: price[gte]:10", text);
	}
	return (!twice && !once) ||
	       fail_bad(fail, "'filter' invalid for '%.60s'. eg: price[gte]:10", text);
}

/* The length of "and", "or", "not" where text is such a group, else 0. */
static size_t group_word(const char *text, enum filter_op *ret)
{
	static const struct {
		const char *word;
		enum filter_op op;
	} words[] = {{"and(", OP_AND}, {"or(", OP_OR}, {"not(", OP_NOT}};
	size_t n = strlen(text);
	for (size_t i = 0; i < ARRAY_N(words); i++) {
		size_t w = strlen(words[i].word);
		if (n > w + 1 && strncmp(text, words[i].word, w) == 0 && text[n - 1] == ')') {
			*ret = words[i].op;
			return w;
		}
	}
	return 0;
}

/* The end of the condition that starts at text: a comma outside brackets and quotes. */
static size_t part_length(const char *text)
{
	int depth = 0;
	bool bracket = false, twice = false, once = false;
	size_t i = 0;
	for (; text[i] != '\0'; i++) {
		char c = text[i];
		depth += (c == '(') - (c == ')');
		bracket ^= c == '[' || c == ']';
		twice ^= c == '"';
		once ^= c == '\'';
		if (c == ',' && depth == 0 && !bracket && !twice && !once)
			break;
	}
	return i;
}

static struct filter *parse_group(struct parser *p, enum filter_op op, char *content)
{
	struct filter *group = filter_group(op);
	if (group == NULL)
		fail_nomem(p->fail);
	for (char *at = content; group != NULL;) {
		size_t n = part_length(at);
		bool last = at[n] == '\0';
		at[n] = '\0';
		struct filter *kid = parse(p, at);
		if (kid == NULL || !filter_add(group, kid)) {
			filter_free(group);
			return NULL;
		}
		if (last)
			break;
		at += n + 1;
	}
	if (group != NULL && op == OP_NOT && group->kid_n > 1) {
		fail_bad(p->fail, "'filter' invalid. 'not' conjunction should contain only 1 "
				  "condition. eg: not(field[eq]:1)");
		filter_free(group);
		return NULL;
	}
	return group;
}

static char *unquote(char *text)
{
	size_t n = strlen(text);
	bool first = n >= 2 && (text[0] == '"' || text[0] == '\'');
	if (!first || (text[n - 1] != '"' && text[n - 1] != '\''))
		return text;
	text[n - 1] = '\0';
	return text + 1;
}

static struct filter *parse_list(
	struct parser *p, const char *path, enum filter_op op, const char *op_name, char *value)
{
	const char *values[LIST_MAX];
	size_t n = 0, len = strlen(value);
	if (len < 2 || value[0] != '[' || value[len - 1] != ']') {
		fail_bad(p->fail,
			"'filter' invalid for '%s' operator. Received '%s' but array value "
			"expected eg: 'field[%s]:[value_1,value_2]'",
			op_name, value, op_name);
		return NULL;
	}
	value[len - 1] = '\0';
	for (char *at = value + 1; at != NULL && n < LIST_MAX;) {
		char *next = strchr(at, ',');
		if (next != NULL)
			*next++ = '\0';
		size_t at_n = strlen(at);
		bool half = at_n > 0 && (at[0] == '"') != (at[at_n - 1] == '"');
		if (half) { /* the comma stood inside a quoted value */
			fail_bad(p->fail, "'filter' invalid for '%s'. eg: price[gte]:10", at);
			return NULL;
		}
		values[n++] = unquote(at);
		at = next;
	}
	return filter_leaf(p->schema, p->object, path, op, values, n, p->fail);
}

static struct filter *parse_condition(struct parser *p, const char *text)
{
	char *copy = strdup(text);
	if (copy == NULL) {
		fail_nomem(p->fail);
		return NULL;
	}
	struct filter *f = NULL;
	char *open = strchr(copy, '[');
	char *close = open != NULL ? strchr(open, ']') : NULL;
	if (open == NULL || open == copy || close == NULL || close == open + 1 || close[1] != ':' ||
		close[2] == '\0' || strpbrk(copy, "()") != NULL) {
		fail_bad(p->fail, "'filter' invalid for '%s'. eg: price[gte]:10", text);
		goto out;
	}
	*open = *close = '\0';
	const char *name = open + 1;
	char *value = close + 2;
	enum filter_op op = filter_op_find(name);
	if (op == OP_N) {
		fail_bad(p->fail,
			"'filter' invalid for '%s', comparator %s not in eq,neq,in,containsAny,is,"
			"gt,gte,lt,lte,startsWith,endsWith,like,ilike",
			text, name);
		goto out;
	}
	if (op == OP_IN || op == OP_CONTAINS_ANY) {
		f = parse_list(p, copy, op, name, value);
		goto out;
	}
	const char *one = op == OP_IS ? value : unquote(value);
	f = filter_leaf(p->schema, p->object, copy, op, &one, 1, p->fail);
out:
	free(copy);
	return f;
}

static struct filter *parse(struct parser *p, const char *text)
{
	enum filter_op op;
	size_t n = group_word(text, &op);
	if (n == 0)
		return parse_condition(p, text);
	if (p->depth == DEPTH_MAX) {
		fail_bad(p->fail, "'filter' invalid. It is nested too deep");
		return NULL;
	}
	char *content = strdup(text + n);
	if (content == NULL) {
		fail_nomem(p->fail);
		return NULL;
	}
	content[strlen(content) - 1] = '\0';
	p->depth++;
	struct filter *f = parse_group(p, op, content);
	p->depth--;
	free(content);
	return f;
}

/* True where the closing bracket of the first group is the last character. */
static bool is_one_group(const char *text)
{
	enum filter_op op;
	return group_word(text, &op) != 0 && part_length(text) == strlen(text);
}

struct filter *filter_parse(
	const struct schema *s, const struct object *o, const char *text, struct fail *fail)
{
	struct parser p = {.schema = s, .object = o, .fail = fail};
	if (!brackets_check(text, fail) || !quotes_check(text, fail))
		return NULL;
	if (is_one_group(text))
		return parse(&p, text);
	char *content = strdup(text);
	if (content == NULL) {
		fail_nomem(fail);
		return NULL;
	}
	struct filter *f = parse_group(&p, OP_AND, content);
	free(content);
	return f;
}
