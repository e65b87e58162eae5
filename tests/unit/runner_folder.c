/* SPDX-License-Identifier: MIT */
/* The folder of rules: what is read, what is refused, and the sentence for each. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/folder.h"

static char path[64];
static struct folder folder;
static struct err err;

static void setup(void)
{
	snprintf(path, sizeof(path), "/tmp/moonhook-rules-XXXXXX");
	cr_assert(mkdtemp(path) != NULL);
}

static void name_of(char out[static 160], const char *name)
{
	snprintf(out, 160, "%s/%s", path, name);
}

static void put_bytes(const char *name, const char *bytes, size_t n)
{
	char full[160];
	name_of(full, name);
	int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, bytes, n), (ssize_t)n);
	close(fd);
}

static void put(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

static const struct folder_file *find(const char *name)
{
	for (size_t i = 0; i < folder.n; i++) {
		if (strcmp(folder.files[i].name, name) == 0)
			return &folder.files[i];
	}
	return NULL;
}

static void read_all(void)
{
	cr_assert_eq(folder_read(path, &folder, &err), RC_OK, "%s", err.msg);
}

static void cleanup(void)
{
	char full[160];
	static const char *const names[] = {
		"a.lua", "b.lua", "c.lua", "a_test.lua", "notes.txt", ".hidden.lua", "outside"};
	folder_done(&folder);
	for (size_t i = 0; i < ARRAY_N(names); i++) {
		name_of(full, names[i]);
		unlink(full);
	}
	rmdir(path);
}

TestSuite(runner_folder, .init = setup, .fini = cleanup);

Test(runner_folder, rule_files_are_read_in_order_of_their_names)
{
	put("b.lua", "two");
	put("a.lua", "one");
	put("a_test.lua", "a test beside it");
	put("notes.txt", "no rule");
	put(".hidden.lua", "an editor's");
	read_all();
	cr_assert_eq(folder.n, 2);
	cr_assert_str_eq(folder.files[0].name, "a.lua");
	cr_assert_str_eq(folder.files[0].text.p, "one");
	cr_assert_str_eq(folder.files[1].name, "b.lua");
	cr_assert_str_neq(folder.files[0].hash, folder.files[1].hash);
	cr_assert_eq(strlen(folder.files[0].hash), 64);
}

Test(runner_folder, byte_order_mark_and_crlf_change_nothing)
{
	put("a.lua", "\xef\xbb\xbfrule\r\n\r\nend\r\n");
	put("b.lua", "rule\n\nend\n");
	read_all();
	cr_assert_str_eq(find("a.lua")->text.p, "rule\n\nend\n");
	cr_assert_str_eq(find("b.lua")->text.p, find("a.lua")->text.p);
}

Test(runner_folder, the_hash_knows_the_name_so_that_a_copy_is_a_version_of_its_own)
{
	put("a.lua", "rule");
	put("b.lua", "rule");
	read_all();
	cr_assert_str_neq(find("a.lua")->hash, find("b.lua")->hash);
}

Test(runner_folder, a_nul_is_refused_with_its_line)
{
	put_bytes("a.lua", "one\ntwo\nth\0ree", 15);
	put("b.lua", "fine");
	read_all();
	cr_assert(find("a.lua")->error != NULL);
	cr_assert(strncmp(find("a.lua")->error, "a.lua:3: ", 9) == 0, "%s", find("a.lua")->error);
	cr_assert(find("b.lua")->error == NULL);
}

Test(runner_folder, a_large_file_is_refused_and_costs_no_more_than_the_limit)
{
	char full[160];
	name_of(full, "a.lua");
	put("a.lua", "");
	cr_assert_eq(truncate(full, 100 << 20), 0);
	read_all();
	cr_assert(strstr(find("a.lua")->error, "a.lua") != NULL);
	cr_assert(strstr(find("a.lua")->error, "larger than allowed") != NULL, "%s",
		find("a.lua")->error);
	cr_assert_eq(find("a.lua")->text.cap, 0);
}

Test(runner_folder, what_is_no_regular_file_is_refused_without_waiting)
{
	char fifo[160], link[160], target[160];
	name_of(fifo, "a.lua");
	name_of(link, "b.lua");
	name_of(target, "outside");
	put("outside", "rule");
	cr_assert_eq(mkfifo(fifo, 0600), 0);
	cr_assert_eq(symlink(target, link), 0);
	read_all();
	cr_assert(strstr(find("a.lua")->error, "not a regular file") != NULL, "%s",
		find("a.lua")->error);
	cr_assert(strstr(find("b.lua")->error, "b.lua is a symlink") != NULL, "%s",
		find("b.lua")->error);
}

Test(runner_folder, a_missing_folder_says_what_to_do)
{
	char full[160];
	name_of(full, "nowhere");
	cr_assert_eq(folder_read(full, &folder, &err), RC_NOT_FOUND);
	cr_assert(strstr(err.msg, "make it, or set rules") != NULL, "%s", err.msg);
}

Test(runner_folder, an_empty_folder_is_no_error)
{
	read_all();
	cr_assert_eq(folder.n, 0);
}
