/* SPDX-License-Identifier: MIT */
/*
 * The verb `init`: a configuration that works, a first rule, and types for the editor.
 * From: main.c. To: the terminal, or TWENTY_URL and TWENTY_API_KEY of the environment; Twenty,
 * which has to take the key (workspace.h); editor.c. What is tried is what was written; where it
 * fails, all of it is taken back. The key goes into a file of its own that nobody else may read,
 * and is never shown. Nothing that is there is overwritten, but for the sample of the distribution.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/editor.h"
#include "cli/hooks.h"
#include "cli/sample.h"
#include "cli/schema.h"
#include "cli/settings.h"

#define PATH_N 512
#define ANSWER_N 4096
#define TWENTY_MS 10000
#define RULES "scripts/rules"
#define LIVE "local preview = false" /* of a rule that merges */

struct beginning {
	const struct args *args;
	char folder[PATH_N];              /* of the configuration */
	char fresh[PATH_N];               /* the configuration until it has been tried */
	char key[PATH_N];                 /* the file of the key */
	char url[1024], secret[ANSWER_N]; /* the key itself */
	bool key_made;
};

/* ---- asking ---- */

static void set_echo(bool on)
{
	struct termios t;
	if (tcgetattr(STDIN_FILENO, &t) != 0)
		return;
	t.c_lflag = on ? t.c_lflag | ECHO : t.c_lflag & ~(tcflag_t)ECHO;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &t);
}

enum ask_kind { ASK_SHOWN, ASK_HIDDEN };

/* The variable where it is set, else a line of the terminal. False: neither has it. */
static bool ask(const char *variable, const char *question, enum ask_kind kind, char *out, size_t n)
{
	const char *value = getenv(variable);
	if (value != NULL && value[0] != '\0')
		return (size_t)snprintf(out, n, "%s", value) < n;
	if (!isatty(STDIN_FILENO))
		return false;
	fprintf(stderr, "%s: ", question);
	if (kind == ASK_HIDDEN)
		set_echo(false);
	bool there = fgets(out, (int)n, stdin) != NULL;
	if (kind == ASK_HIDDEN)
		set_echo(true);
	if (kind == ASK_HIDDEN)
		fputc('\n', stderr);
	if (!there)
		return false;
	out[strcspn(out, "\r\n")] = '\0';
	return out[0] != '\0';
}

static enum cli_exit ask_all(struct beginning *b)
{
	if (!ask("TWENTY_URL", "Address of Twenty, such as https://crm.acme.io", ASK_SHOWN, b->url,
		    sizeof(b->url)) ||
		!ask("TWENTY_API_KEY", "API key (Settings, APIs & Webhooks; it is not shown)",
			ASK_HIDDEN, b->secret, sizeof(b->secret)))
		return (enum cli_exit)args_fail(CLI_USAGE, "the address of Twenty and its key are "
							   "wanted: answer at a terminal, or set "
							   "TWENTY_URL and TWENTY_API_KEY");
	if (strpbrk(b->url, "\"\\\n") != NULL)
		return (enum cli_exit)args_fail(CLI_USAGE, "that is no address");
	if (strncasecmp(b->url, "https://", 8) != 0 && strncasecmp(b->url, "http://", 7) != 0)
		return (enum cli_exit)args_fail(CLI_CONFIG,
			"\"%.200s\" is no address: it begins with https:// (or http://)", b->url);
	return CLI_OK;
}

/* ---- writing ---- */

/* A file that was not there before. */
static enum rc write_fresh(const char *path, mode_t mode, const char *text, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return err_set(err, errno == EEXIST ? RC_DUPLICATE : RC_IO,
			"%.200s cannot be written: %s", path, strerror(errno));
	size_t n = strlen(text);
	bool ok = write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
	int why = errno;
	close(fd);
	if (ok)
		return RC_OK;
	(void)unlink(path);
	return err_set(err, RC_IO, "%.200s cannot be written: %s", path, strerror(why));
}

/* Nothing is lost where the file is missing or the distribution's sample. */
static bool may_write(const char *path)
{
	struct buf is, sample;
	struct err err;
	buf_init(&is, 1 << 20);
	buf_init(&sample, 1 << 20);
	enum rc rc = file_read(AT_FDCWD, path, FILE_LINKS_REFUSED, &is, &err);
	bool may = rc == RC_NOT_FOUND || (rc == RC_OK && sample_write(&sample) == RC_OK &&
						 slice_equal(buf_slice(&is), buf_slice(&sample)));
	buf_done(&is);
	buf_done(&sample);
	return may;
}

/* The folders of a path, as mkdir -p. */
static void make_folders(const char *path)
{
	char part[PATH_N];
	for (const char *p = strchr(path + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(p - path), path);
		(void)mkdir(part, 0755);
	}
	(void)mkdir(path, 0755);
}

static enum rc write_conf(struct beginning *b, struct err *err)
{
	char text[4096];
	enum rc rc = write_fresh(b->key, 0600, b->secret, err);
	b->key_made = rc == RC_OK;
	if (rc == RC_DUPLICATE)
		return err_set(err, rc,
			"%.200s is there already: move it away, it is where the key would go",
			b->key);
	if (rc != RC_OK)
		return rc;
	(void)unlink(b->fresh); /* of a try that was interrupted */
	snprintf(text, sizeof(text),
		"-- Made by moonhook init. Every setting, with its default: moonhook config "
		"sample\n"
		"twenty = { url = \"%s\", key = file \"twenty.key\" }\n"
		"rules  = \"" RULES "\"\n"
		"store  = \"var\"\n\n"
		"-- moonhook webhook add makes the secret and tells Twenty\n"
		"source \"twenty\" { scheme = \"twenty\", secrets = { file \"twenty.secret\" } }\n",
		b->url);
	return write_fresh(b->fresh, 0644, text, err);
}

static const char first_rule[] =
	"-- A first rule: it only says whom it has seen, in the log of its run.\n"
	"-- Every call has an example in scripts/README.md; moonhook help rules explains them.\n"
	"rule \"welcome\" {\n"
	"\ton = \"person.created\",\n"
	"\trun = function(event)\n"
	"\t\tlog.info(\"a new person: \" .. (event.record.firstName or \"somebody\"))\n"
	"\tend,\n"
	"}\n";

static void write_rule(void)
{
	struct err err = {.msg = ""};
	make_folders(RULES);
	if (write_fresh(RULES "/first.lua", 0644, first_rule, &err) == RC_OK)
		puts(RULES "/first.lua");
	else if (err.code != RC_DUPLICATE)
		fprintf(stderr, "moonhook: %s\n", err.msg);
}

/* ---- what else is there ---- */

static int is_other_rule(const struct dirent *e)
{
	size_t n = strlen(e->d_name);
	return n > 4 && strcmp(e->d_name + n - 4, ".lua") == 0 &&
	       !(n > 9 && strcmp(e->d_name + n - 9, "_test.lua") == 0) &&
	       strcmp(e->d_name, "first.lua") != 0;
}

/* By itself, or as the shipped rules say it, whose modules do it. */
static bool merges(const char *name)
{
	char path[PATH_N];
	struct buf text;
	struct err err;
	buf_init(&text, 1 << 20);
	snprintf(path, sizeof(path), RULES "/%.255s", name);
	bool found = file_read(AT_FDCWD, path, FILE_LINKS_REFUSED, &text, &err) == RC_OK &&
		     (memmem(text.p, text.n, ":merge", 6) != NULL ||
			     memmem(text.p, text.n, "\n" LIVE, sizeof(LIVE)) != NULL);
	buf_done(&text);
	return found;
}

/* Rules that nobody wrote here, such as those of the distribution, are live with the first. */
static void tell_others(void)
{
	struct dirent **found = NULL;
	int n = scandir(RULES, &found, is_other_rule, alphasort);
	if (n > 0)
		fputs("these rules go live with it, and write to this Twenty; move away what you "
		      "do not want:\n",
			stderr);
	for (int i = 0; i < n; i++) {
		fprintf(stderr, "  " RULES "/%s%s\n", found[i]->d_name,
			merges(found[i]->d_name)
				? "  (it merges: what is merged away is GONE FOR GOOD)"
				: "");
		free(found[i]);
	}
	free(found);
}

/* ---- trying ---- */

static enum cli_exit greet(const struct conf *conf)
{
	struct err err = {.msg = ""};
	struct workspace *workspace = NULL;
	const char *dialect = "";
	enum rc rc = workspace_open(conf, TWENTY_MS, &workspace, &err);
	if (rc == RC_OK)
		rc = workspace_greet(workspace, &dialect, &err);
	workspace_close(workspace);
	if (rc == RC_OK)
		fprintf(stderr, "Twenty takes the key (%s dialect)\n", dialect);
	else
		args_fail(hooks_exit(rc), "%s", err.msg);
	return hooks_exit(rc);
}

/* Without them rules work as well. */
static void write_types(const struct conf *conf)
{
	struct cli_schema schema = {.body = NULL};
	struct err err = {.msg = ""};
	enum rc rc = cli_schema_ask(conf, &schema, &err);
	if (rc == RC_OK)
		rc = editor_write(".", schema.schema, conf, EDITOR_KEEPS, &err);
	if (rc != RC_OK)
		fprintf(stderr, "moonhook: there are no types for the editor: %s\n", err.msg);
	cli_schema_done(&schema);
}

static enum cli_exit try_out(struct beginning *b)
{
	struct conf *conf = NULL;
	struct err err = {.msg = ""};
	struct args args = *b->args;
	args.config = b->fresh;
	if (cli_settings_read(&args, CLI_SETTINGS_PARTIAL, &conf, &err) != RC_OK)
		return (enum cli_exit)args_fail(CLI_CONFIG, "%s", err.msg);
	enum cli_exit status = greet(conf);
	if (status == CLI_OK && rename(b->fresh, b->args->config) != 0)
		status = (enum cli_exit)args_fail(
			CLI_FAILED, "%s cannot be written: %s", b->args->config, strerror(errno));
	if (status == CLI_OK) {
		printf("%s\n%s\n", b->args->config, b->key);
		write_rule();
		write_types(conf);
	}
	conf_free(conf);
	return status;
}

static int run_init(const struct args *args)
{
	struct beginning b = {.args = args};
	struct err err = {.msg = ""};
	char path[PATH_N];
	snprintf(path, sizeof(path), "%s", args->config);
	snprintf(b.folder, sizeof(b.folder), "%.400s", dirname(path));
	snprintf(b.fresh, sizeof(b.fresh), "%.490s.new", args->config);
	snprintf(b.key, sizeof(b.key), "%.400s/twenty.key", b.folder);
	if (strlen(args->config) > 400)
		return args_fail(CLI_USAGE, "the name of the configuration is too long");
	if (!may_write(args->config))
		return args_fail(CLI_FAILED,
			"%s is there already; name another with --config FILE, or see what it "
			"lacks: moonhook doctor",
			args->config);
	enum cli_exit status = ask_all(&b);
	if (status == CLI_OK) {
		make_folders(b.folder);
		if (write_conf(&b, &err) != RC_OK)
			status = (enum cli_exit)args_fail(CLI_FAILED, "%s", err.msg);
	}
	if (status == CLI_OK)
		status = try_out(&b);
	explicit_bzero(b.secret, sizeof(b.secret));
	if (status != CLI_OK && b.key_made) {
		(void)unlink(b.fresh);
		(void)unlink(b.key);
	}
	if (status == CLI_OK) {
		tell_others();
		fputs("next: moonhook webhook add, then moonhook serve; moonhook doctor says what "
		      "is missing\n",
			stderr);
	}
	return (int)status;
}

const struct verb verb_init = {
	.name = "init",
	.operands = "",
	.summary = "begin: a configuration that works, a first rule, types for the editor",
	.text = "Asks for the address of Twenty and an API key, which is not shown, and tries "
		"them.\nTWENTY_URL and TWENTY_API_KEY of the environment answer for scripts. "
		"Writes "
		"the\nconfiguration with the key in a file of its own beside it, " RULES
		"/first.lua,\nand what `moonhook types` writes. Nothing that is there is "
		"overwritten, but for the\nsample that stands in conf/. Other rules of that "
		"folder are named: they go live, too.",
	.examples = {"moonhook init", "moonhook init --config /etc/moonhook/moonhook.lua",
		"TWENTY_URL=https://crm.acme.io TWENTY_API_KEY=$KEY moonhook init"},
	.exits = {CLI_FAILED, CLI_USAGE, CLI_KEY, CLI_TWENTY, CLI_BUSY, CLI_CONFIG},
	.run = run_init,
};
