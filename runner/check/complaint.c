/* SPDX-License-Identifier: MIT */
/*
 * Sentences about a text that is no Lua.
 * From: parser.c, where something else was expected. Each is told at the place where something has
 * to be changed, which is often before the word at which the parser got stuck. The first one
 * counts; a mistake that the lexer has told is not told again.
 */
#include "runner/check/complaint.h"

#include <stdio.h>

void check_parser_stop(struct check_parser *p)
{
	p->lexer.failed = true;
	p->lexer.at = (uint32_t)p->source->text.n;
	p->now.kind = TOKEN_EOF;
}

static struct check_finding *say(
	struct check_parser *p, uint32_t at, uint32_t end, const char *text)
{
	struct check_finding *f = NULL;
	if (!p->lexer.failed)
		f = check_finding_put(
			p->lexer.findings, p->source, CHECK_SYNTAX, at, end, "%s", text);
	check_parser_stop(p);
	return f;
}

/* "'end'", "the name 'foo'" */
static void name_now(const struct check_parser *p, char *out, size_t n)
{
	if (p->now.kind == TOKEN_NAME)
		snprintf(out, n, "'%.*s'", (int)(p->now.text.n < 60 ? p->now.text.n : 60),
			p->now.text.p);
	else
		snprintf(out, n, "%s", check_token_name(p->now.kind));
}

static int line_of(const struct check_parser *p, uint32_t at)
{
	return check_source_line(p->source, at);
}

/* --- what another language would write -------------------------------------------------------- */

static const struct {
	const char *bytes, *text, *suggestion;
} foreigns[] = {
	{"+=", "Lua has no '+='", "write x = x + .."},
	{"-=", "Lua has no '-='", "write x = x - .."},
	{"*=", "Lua has no '*='", "write x = x * .."},
	{"..=", "Lua has no '..='", "write x = x .. y"},
	{"++", "Lua has no '++'", "write x = x + 1"},
	{"&&", "'&&' is not Lua", "write and"},
	{"||", "'||' is not Lua", "write or"},
	{"===", "'===' is not Lua", "write =="},
	{"=>", "'=>' is not Lua", "write function(..) .. end, or key = value"},
};

static bool stands_at(const struct check_parser *p, uint32_t at, const char *bytes)
{
	size_t n = strlen(bytes);
	return at + n <= p->source->text.n && memcmp(p->source->text.p + at, bytes, n) == 0;
}

static bool say_foreign(struct check_parser *p)
{
	for (size_t i = 0; i < ARRAY_N(foreigns); i++) {
		bool here = stands_at(p, p->now.at, foreigns[i].bytes);
		bool before = p->last_end == p->now.at && p->last_at < p->now.at &&
			      stands_at(p, p->last_at, foreigns[i].bytes);
		uint32_t at = here ? p->now.at : p->last_at;
		if (!here && !before)
			continue;
		struct check_finding *f =
			say(p, at, at + (uint32_t)strlen(foreigns[i].bytes), foreigns[i].text);
		check_suggest(f, "%s", foreigns[i].suggestion);
		return true;
	}
	if (p->before == TOKEN_IDIV && p->now.kind == TOKEN_NAME) {
		struct check_finding *f = say(p, p->last_at, p->last_end, "'//' divides");
		check_suggest(f, "a comment begins with --");
		return true;
	}
	return false;
}

/* --- what the way it is written tells --------------------------------------------------------- */

static size_t indent_of(const struct check_parser *p, uint32_t at)
{
	struct slice line = check_source_text(p->source, line_of(p, at));
	size_t n = 0;
	while (n < line.n && (line.p[n] == ' ' || line.p[n] == '\t'))
		n++;
	return n;
}

void check_parser_closed(struct check_parser *p, enum check_token_kind opened, uint32_t at)
{
	if (p->suspect || line_of(p, at) == line_of(p, p->last_at) ||
		indent_of(p, p->last_at) >= indent_of(p, at))
		return;
	p->suspect = true;
	p->suspect_kind = opened;
	p->suspect_at = at;
	p->suspect_end = p->last_at;
}

/* Something was closed by an `end` or '}' that stands further left: that is where one is missing,
 * not where the text stops making sense. */
static bool say_suspect(struct check_parser *p)
{
	char text[300];
	if (!p->suspect)
		return false;
	bool brace = p->suspect_kind == TOKEN_OPEN_BRACE;
	snprintf(text, sizeof(text),
		"%s that begins here seems to have no %s of its own: the %s of line %d stands "
		"further left",
		check_token_name(p->suspect_kind), brace ? "'}'" : "'end'", brace ? "'}'" : "'end'",
		line_of(p, p->suspect_end));
	say(p, p->suspect_at, p->suspect_at + 1, text);
	return true;
}

/* --- expected --------------------------------------------------------------------------------- */

static void say_then(struct check_parser *p, const char *word, const char *of)
{
	char text[200];
	if (p->now.kind == TOKEN_ASSIGN) {
		struct check_finding *f =
			say(p, p->now.at, p->now.end, "'=' assigns, it does not compare");
		check_suggest(f, "write ==");
		return;
	}
	snprintf(text, sizeof(text), "'%s' is missing behind the condition of this %s", word, of);
	say(p, p->last_end, p->last_end + 1, text);
}

void check_complain_expected(struct check_parser *p, enum check_token_kind wanted)
{
	char text[300], got[80];
	if (p->lexer.failed || say_foreign(p))
		return;
	name_now(p, got, sizeof(got));
	if (wanted == TOKEN_THEN) {
		say_then(p, "then", "if");
	} else if (wanted == TOKEN_DO) {
		say_then(p, "do", "loop");
	} else if (wanted == TOKEN_NAME && p->now.kind > TOKEN_EOF && p->now.kind <= TOKEN_WHILE) {
		snprintf(text, sizeof(text), "%s is a word of Lua and cannot be a name", got);
		say(p, p->now.at, p->now.end, text);
	} else {
		snprintf(text, sizeof(text), "%s is missing in front of %s",
			check_token_name(wanted), got);
		say(p, p->now.at, p->now.end, text);
	}
}

static const char *thing(enum check_token_kind opened)
{
	switch ((int)opened) {
	case TOKEN_FUNCTION:
		return "the function";
	case TOKEN_OPEN_BRACE:
		return "the '{'";
	case TOKEN_OPEN:
		return "the '('";
	case TOKEN_OPEN_BRACKET:
		return "the '['";
	case TOKEN_LT:
		return "the '<'";
	default:
		return "";
	}
}

/* In a table or a list of arguments, where the next element begins. */
static bool begins_element(enum check_token_kind k)
{
	return k == TOKEN_NAME || k == TOKEN_STRING || k == TOKEN_NUMBER || k == TOKEN_FUNCTION ||
	       k == TOKEN_OPEN_BRACE || k == TOKEN_TRUE || k == TOKEN_FALSE || k == TOKEN_NIL ||
	       k == TOKEN_OPEN_BRACKET;
}

static bool say_comma(struct check_parser *p, enum check_token_kind opened, uint32_t at)
{
	char text[300], got[80];
	bool list = opened == TOKEN_OPEN_BRACE || opened == TOKEN_OPEN;
	if (!list || !begins_element(p->now.kind))
		return false;
	name_now(p, got, sizeof(got));
	if (line_of(p, p->now.at) == line_of(p, p->last_at))
		snprintf(text, sizeof(text), "a comma is missing in front of %s", got);
	else
		snprintf(text, sizeof(text), "a comma is missing here%s, in front of %s in line %d",
			opened == TOKEN_OPEN_BRACE && line_of(p, at) == line_of(p, p->last_at)
				? ", or a '}'"
				: "",
			got, line_of(p, p->now.at));
	say(p, p->last_end, p->last_end + 1, text);
	return true;
}

void check_complain_unclosed(struct check_parser *p, enum check_token_kind wanted,
	enum check_token_kind opened, uint32_t at)
{
	char text[400], got[80], what[40];
	if (p->lexer.failed || say_foreign(p) || say_comma(p, opened, at))
		return;
	if (opened == TOKEN_OPEN_BRACE && p->now.kind == TOKEN_ASSIGN) {
		struct check_finding *f = say(
			p, p->last_at, p->now.end, "in a table, a key in front of '=' is a name");
		check_suggest(f, "write any other key in brackets: [\"a.b\"] = ..");
		return;
	}
	if ((opened == TOKEN_OPEN_BRACE || opened == TOKEN_OPEN) && p->now.kind == TOKEN_COLON) {
		struct check_finding *f = say(p, p->now.at, p->now.end, "':' has no place here");
		check_suggest(f, "in a table, write key = value");
		return;
	}
	if (say_suspect(p))
		return;
	name_now(p, got, sizeof(got));
	snprintf(what, sizeof(what), "%s", thing(opened));
	if (what[0] == '\0')
		snprintf(what, sizeof(what), "the %s", check_token_name(opened));
	snprintf(text, sizeof(text), "%s that is opened here is never closed", what);
	if (p->now.kind == TOKEN_EOF) {
		struct check_finding *f = say(p, at, at + 1, text);
		check_suggest(f, "%s is missing, at the latest in line %d",
			check_token_name(wanted), line_of(p, p->last_at));
		return;
	}
	snprintf(text, sizeof(text), "%s was expected in place of %s: %s of line %d is still open",
		check_token_name(wanted), got, what, line_of(p, at));
	say(p, p->now.at, p->now.end, text);
}

void check_complain_levels(struct check_parser *p)
{
	say(p, p->now.at, p->now.end, "this is nested too deep, Lua takes about 190 levels");
}

void check_complain_arguments(struct check_parser *p)
{
	if (p->lexer.failed || say_foreign(p))
		return;
	struct check_finding *f =
		say(p, p->last_at, p->last_end, "behind a method's name stand its arguments");
	check_suggest(f, "write object:method(..) to call, object.field to read");
}

/* key = value */
static bool next_is_assign(const struct check_parser *p)
{
	const struct slice text = p->source->text;
	size_t i = p->now.end;
	while (i < text.n && (text.p[i] == ' ' || text.p[i] == '\t'))
		i++;
	return i < text.n && text.p[i] == '=' && (i + 1 == text.n || text.p[i + 1] != '=');
}

void check_complain_expression(struct check_parser *p)
{
	char text[300], got[80];
	if (p->lexer.failed || say_foreign(p))
		return;
	name_now(p, got, sizeof(got));
	if (p->now.kind > TOKEN_EOF && p->now.kind <= TOKEN_WHILE && next_is_assign(p)) {
		snprintf(text, sizeof(text), "%s is a word of Lua", got);
		check_suggest(say(p, p->now.at, p->now.end, text),
			"as a key, write [\"%.*s\"] = ..", (int)(p->now.end - p->now.at),
			p->source->text.p + p->now.at);
		return;
	}
	if (say_suspect(p))
		return;
	if (p->now.kind == TOKEN_EOF)
		snprintf(text, sizeof(text), "the file ends where a value is expected");
	else
		snprintf(text, sizeof(text), "%s stands where a value or a statement is expected",
			got);
	say(p, p->now.at, p->now.end, text);
}

void check_complain_vararg(struct check_parser *p)
{
	struct check_finding *f =
		say(p, p->now.at, p->now.end, "'...' is known only in a function that takes it");
	check_suggest(f, "write function(...)");
}

void check_complain_for(struct check_parser *p, size_t n)
{
	struct check_finding *f = say(p, p->last_at, p->last_end,
		n < 2 ? "a counting loop has a first and a last value"
		      : "a counting loop has at most three values: first, last, step");
	check_suggest(f, "write for i = 1, 10 do");
}

void check_complain_in(struct check_parser *p)
{
	struct check_finding *f =
		say(p, p->now.at, p->now.end, "'=' or 'in' is missing in this loop");
	check_suggest(f, "write for i = 1, 10 do, or for key, value in pairs(t) do");
}

void check_complain_attribute(struct check_parser *p)
{
	struct check_finding *f = say(p, p->now.at, p->now.end, "there is no such attribute");
	check_suggest(f, "there are <const> and <close>");
}

void check_complain_return(struct check_parser *p)
{
	if (p->lexer.failed || say_foreign(p) || say_suspect(p))
		return;
	struct check_finding *f = say(
		p, p->now.at, p->now.end, "behind `return` nothing more can stand in its block");
	check_suggest(f, "is an `end` missing in front of it?");
}

/* What the words of other languages would be. */
static bool say_word(struct check_parser *p, const struct check_node *what)
{
	static const struct {
		const char *word, *suggestion;
	} known[] = {
		{"continue", "Lua has no continue: write goto next, and ::next:: at the end of the "
			     "loop"},
		{"elif", "write elseif"},
		{"elsif", "write elseif"},
		{"try", "write local ok, err = pcall(function() .. end)"},
		{"var", "write local"},
		{"let", "write local"},
		{"const", "write local"},
		{"switch", "write if .. elseif .. end"},
		{"import", "write local m = use \"module\""},
		{"fn", "write function"},
		{"func", "write function"},
		{"def", "write function"},
	};
	for (size_t i = 0; i < ARRAY_N(known) && what->kind == NODE_NAME; i++) {
		char text[100];
		if (!slice_equal(what->text, slice_of(known[i].word)))
			continue;
		snprintf(text, sizeof(text), "'%s' is not Lua", known[i].word);
		check_suggest(say(p, what->at, what->end, text), "%s", known[i].suggestion);
		return true;
	}
	return false;
}

void check_complain_statement(struct check_parser *p, const struct check_node *what)
{
	char got[80];
	if (p->lexer.failed || say_foreign(p) || say_word(p, what))
		return;
	name_now(p, got, sizeof(got));
	struct check_finding *f =
		say(p, what->at, what->end, "this value is not used for anything");
	if (p->now.kind == TOKEN_EQ)
		check_suggest(f, "to assign, write =");
	else
		check_suggest(f, "a statement is a call, f(..), or an assignment, x = ..");
}

void check_complain_target(struct check_parser *p, const struct check_node *what)
{
	if (p->lexer.failed)
		return;
	struct check_finding *f = say(p, what->at, what->end, "nothing can be assigned to this");
	check_suggest(f, "a variable or a member of a table stands in front of '='");
}

void check_complain_rest(struct check_parser *p)
{
	char text[200];
	if (p->lexer.failed || say_suspect(p))
		return;
	snprintf(text, sizeof(text), "there is one %s too many", check_token_name(p->now.kind));
	struct check_finding *f = say(p, p->now.at, p->now.end, text);
	if (p->now.kind == TOKEN_ELSE || p->now.kind == TOKEN_ELSEIF)
		check_suggest(f, "its `if` has ended already");
}
