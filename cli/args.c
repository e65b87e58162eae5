/* SPDX-License-Identifier: MIT */
/*
 * Sorts the words of the command line.
 * From: main.c. To: each verb. Fails with one sentence on stderr and CLI_USAGE, with the flag that
 * was probably meant. A flag with the name of a setting (--listen, --twenty.url) overrides it.
 */
#include "cli/args.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/settings.h"
#include "cli/terminal.h"

int args_fail(enum cli_exit status, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fputs("moonhook: ", stderr);
	terminal_put(stderr, text);
	fputc('\n', stderr);
	return (int)status;
}

static const struct verb_flag *find_flag(const struct verb *verb, const char *name)
{
	for (size_t i = 0; i < verb->flags_n; i++)
		if (strcmp(verb->flags[i].name, name) == 0)
			return &verb->flags[i];
	for (const struct verb_flag *f = verb_common_flags; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

static enum cli_exit refuse_flag(const struct verb *verb, const char *name)
{
	const char *words[64];
	size_t n = 0;
	for (size_t i = 0; i < verb->flags_n && n < ARRAY_N(words) - 1; i++)
		words[n++] = verb->flags[i].name;
	for (const struct verb_flag *f = verb_common_flags; f->name != NULL; f++)
		words[n++] = f->name;
	words[n] = NULL;
	const char *near = conf_nearest(name, words);
	if (near != NULL)
		return args_fail(CLI_USAGE, "unknown flag --%s; did you mean --%s?", name, near);
	return args_fail(
		CLI_USAGE, "unknown flag --%s; see: moonhook %s --help", name, verb_title(verb));
}

static enum cli_exit take_output(struct args *args, const char *value)
{
	static const char *const words[] = {"table", "json", "jsonl", "tap", "junit"};
	size_t n = args->verb->reports ? ARRAY_N(words) : ARGS_JSONL + 1;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(words[i], value) == 0) {
			args->output = (enum args_output)i;
			args->has_output = true;
			return CLI_OK;
		}
	}
	return args_fail(CLI_USAGE, "-o wants %s, not %s",
		args->verb->reports ? "table, json, jsonl, tap or junit" : "table, json or jsonl",
		value);
}

static enum cli_exit keep_flag(struct args *args, const struct verb_flag *flag, const char *value)
{
	if (strcmp(flag->name, "config") == 0)
		args->config = value;
	else if (strcmp(flag->name, "output") == 0)
		return take_output(args, value);
	else if (strcmp(flag->name, "help") == 0)
		args->help = true;
	else if (strcmp(flag->name, "no-color") == 0)
		terminal_plain();
	if (args->flags_n == ARGS_MAX)
		return args_fail(CLI_USAGE, "too many flags");
	args->flags[args->flags_n].name = flag->name;
	args->flags[args->flags_n++].value = value;
	return CLI_OK;
}

static enum cli_exit keep_override(struct args *args, const char *key, const char *value)
{
	size_t n = strlen(key) + strlen(value) + 2;
	char *text = malloc(n);
	if (text == NULL || args->overrides_n == ARGS_MAX) {
		free(text);
		return args_fail(CLI_USAGE, "too many settings");
	}
	snprintf(text, n, "%s=%s", key, value);
	args->overrides[args->overrides_n++] = text;
	return CLI_OK;
}

/* One flag with its value, which may be the next word. *ret_words: how many words it took. */
static enum cli_exit take_flag(
	struct args *args, const char *word, const char *next, int *ret_words)
{
	char name[128];
	const char *equals = strchr(word, '=');
	size_t n = equals != NULL ? (size_t)(equals - word) : strlen(word);
	snprintf(name, sizeof(name), "%.*s", (int)n, word);
	const struct verb_flag *flag = find_flag(args->verb, name);
	bool setting = flag == NULL && cli_settings_known(name);
	if (flag == NULL && !setting)
		return refuse_flag(args->verb, name);
	const char *value = equals != NULL ? equals + 1 : NULL;
	*ret_words = 1;
	if (flag != NULL && flag->value == NULL) {
		if (value != NULL)
			return args_fail(CLI_USAGE, "--%s takes no value", name);
		return keep_flag(args, flag, "");
	}
	if (value == NULL) {
		value = next;
		*ret_words = 2;
	}
	if (value == NULL)
		return args_fail(CLI_USAGE, "--%s wants a value: --%s %s", name, name,
			flag != NULL ? flag->value : "VALUE");
	return setting ? keep_override(args, name, value) : keep_flag(args, flag, value);
}

static enum cli_exit take_short(
	struct args *args, const char *word, const char *next, int *ret_words)
{
	*ret_words = 1;
	if (strcmp(word, "-h") == 0) {
		args->help = true;
		return CLI_OK;
	}
	if (strncmp(word, "-o", 2) == 0) {
		const char *value = word[2] != '\0' ? word + 2 : next;
		*ret_words = word[2] != '\0' ? 1 : 2;
		if (value == NULL)
			return args_fail(CLI_USAGE, "-o wants table, json or jsonl");
		return take_output(args, value);
	}
	return args_fail(CLI_USAGE, "unknown flag %s; see: moonhook %s --help", word,
		verb_title(args->verb));
}

static enum cli_exit take_operand(struct args *args, const char *word)
{
	if (args->verb->operands[0] == '\0')
		return args_fail(CLI_USAGE, "%s takes no further words, but there is %s",
			verb_title(args->verb), word);
	if (args->operands_n == ARGS_MAX)
		return args_fail(CLI_USAGE, "too many words");
	args->operands[args->operands_n++] = word;
	return CLI_OK;
}

enum cli_exit args_parse(struct args *args, const struct verb *verb, int argc, char *const *argv)
{
	const char *config = getenv("MOONHOOK_CONFIG");
	bool flags = !verb->takes_anything;
	*args = (struct args){.verb = verb,
		.config = config != NULL && config[0] != '\0' ? config : "conf/moonhook.lua"};
	for (int i = 0; i < argc;) {
		const char *word = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;
		enum cli_exit status;
		int words = 1;
		if (flags && strcmp(word, "--") == 0) {
			flags = false;
			status = CLI_OK;
		} else if (flags && strncmp(word, "--", 2) == 0) {
			status = take_flag(args, word + 2, next, &words);
		} else if (flags && word[0] == '-' && word[1] != '\0') {
			status = take_short(args, word, next, &words);
		} else {
			status = take_operand(args, word);
		}
		if (status != CLI_OK)
			return status;
		i += words;
	}
	return CLI_OK;
}

void args_done(struct args *args)
{
	for (size_t i = 0; i < args->overrides_n; i++)
		free(args->overrides[i]);
	args->overrides_n = 0;
}

const char *args_flag_at(const struct args *args, const char *name, size_t i)
{
	for (size_t k = 0; k < args->flags_n; k++)
		if (strcmp(args->flags[k].name, name) == 0 && i-- == 0)
			return args->flags[k].value;
	return NULL;
}

const char *args_flag(const struct args *args, const char *name)
{
	const char *found = NULL;
	for (size_t k = 0; k < args->flags_n; k++)
		if (strcmp(args->flags[k].name, name) == 0)
			found = args->flags[k].value;
	return found;
}
