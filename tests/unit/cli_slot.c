/* SPDX-License-Identifier: MIT */
/* A fresh secret goes where the next start reads it, and over nothing that is there. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/settings.h"
#include "cli/slot.h"
#include "tests/harness/process.h"

static char dir[128], path[192];
static struct conf *conf;
static struct slot slot;

static void load(const char *secrets)
{
	char text[512];
	struct err err = {.msg = ""};
	snprintf(text, sizeof(text),
		"source \"twenty\" { scheme = \"twenty\", secrets = { %s } }\n", secrets);
	cr_assert(process_write(dir, "m.lua", text));
	struct args args = {.verb = &verb_webhook_add, .config = path};
	conf_free(conf);
	conf = NULL;
	cr_assert_eq(
		cli_settings_read(&args, CLI_SETTINGS_PARTIAL, &conf, &err), RC_OK, "%s", err.msg);
	slot_find(conf, "twenty", &slot);
}

static void setup(void)
{
	cr_assert(process_folder(dir));
	snprintf(path, sizeof(path), "%s/m.lua", dir);
	unsetenv("SLOT_TEST_UNSET");
}

static void teardown(void)
{
	conf_free(conf);
	process_folder_remove(dir);
}

TestSuite(cli_slot, .init = setup, .fini = teardown);

static bool holds(const char *text)
{
	char *got = process_read(slot.name);
	bool is = got != NULL && strcmp(got, text) == 0;
	free(got);
	return is;
}

static size_t files_n(void)
{
	size_t n = 0;
	DIR *d = opendir(dir);
	while (d != NULL && readdir(d) != NULL)
		n++;
	closedir(d);
	return n - 2;
}

Test(cli_slot, a_file_that_is_missing_or_empty_is_room_a_secret_is_not)
{
	load("file \"a.secret\"");
	cr_expect_eq(slot.kind, SLOT_FILE);
	cr_expect(strstr(slot.name, "/a.secret") != NULL && !slot.was_there);
	cr_assert(process_write(dir, "a.secret", "\n"));
	load("file \"a.secret\"");
	cr_expect(slot.kind == SLOT_FILE && slot.was_there);
	cr_assert(process_write(dir, "a.secret", "x\n"));
	load("file \"a.secret\"");
	cr_expect(slot.kind == SLOT_TAKEN && strcmp(slot.secret, "x") == 0);
	load("file \"a.secret\", file \"b.secret\"");
	cr_expect(slot.kind == SLOT_FILE && strstr(slot.name, "/b.secret") != NULL);
	cr_expect_str_eq(slot.secret, "x");
	load("env \"SLOT_TEST_UNSET\"");
	cr_expect(slot.kind == SLOT_VARIABLE && strcmp(slot.name, "SLOT_TEST_UNSET") == 0);
	load("env \"SLOT_TEST_UNSET\", \"literal\"");
	cr_expect(slot.kind == SLOT_TAKEN && strcmp(slot.secret, "literal") == 0);
	load("");
	cr_expect_eq(slot.kind, SLOT_NONE);
}

Test(cli_slot, a_secret_is_put_for_us_alone_and_taken_back_without_a_trace)
{
	char secret[SLOT_SECRET_N], other[SLOT_SECRET_N], line[SLOT_SECRET_N + 1];
	struct err err = {.msg = ""};
	struct stat st;
	cr_assert_eq(slot_secret(secret, &err), RC_OK);
	cr_assert_eq(slot_secret(other, &err), RC_OK);
	cr_expect_eq(strlen(secret), 64);
	cr_expect_str_neq(secret, other);
	load("file \"a.secret\"");
	size_t before = files_n();
	umask(0);
	cr_assert_eq(slot_fill(&slot, secret, dir, &err), RC_OK, "%s", err.msg);
	snprintf(line, sizeof(line), "%s\n", secret);
	cr_expect(holds(line));
	cr_expect(stat(slot.name, &st) == 0 && (st.st_mode & 0777) == 0600);
	cr_expect_eq(files_n(), before + 1);
	cr_expect_eq(slot_fill(&slot, other, dir, &err), RC_DUPLICATE, "never over a secret");
	cr_expect_eq(slot_clear(&slot, other, &err), RC_OK);
	cr_expect(holds(line), "what is not ours stays");
	cr_expect_eq(slot_clear(&slot, secret, &err), RC_OK);
	cr_expect_eq(files_n(), before);
}

Test(cli_slot, an_empty_file_is_filled_and_is_empty_again_after)
{
	struct err err = {.msg = ""};
	cr_assert(process_write(dir, "a.secret", ""));
	load("file \"a.secret\"");
	cr_assert_eq(slot_fill(&slot, "fresh", dir, &err), RC_OK, "%s", err.msg);
	cr_expect(holds("fresh\n"));
	cr_expect_eq(slot_clear(&slot, "fresh", &err), RC_OK);
	cr_expect(holds(""));
}

Test(cli_slot, a_folder_that_is_not_there_is_named_and_the_secret_is_not)
{
	struct err err = {.msg = ""};
	load("file \"nowhere/a.secret\"");
	cr_expect_eq(slot_fill(&slot, "geheim", dir, &err), RC_DENIED);
	cr_expect(strstr(err.msg, "nowhere/a.secret") != NULL, "%s", err.msg);
	cr_expect(strstr(err.msg, "geheim") == NULL);
}
