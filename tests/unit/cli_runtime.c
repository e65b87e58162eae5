/* SPDX-License-Identifier: MIT */
/* Where daemons of one machine are found by the configuration that they share. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/listen.h"
#include "cli/runtime.h"
#include "cli/settings.h"
#include "tests/harness/process.h"

static char dir[128], config[200];

static void setup(void)
{
	cr_assert(process_folder(dir));
	snprintf(config, sizeof(config), "%s/m.lua", dir);
	cr_assert_eq(setenv("XDG_RUNTIME_DIR", dir, 1), 0);
	unsetenv("RUNTIME_DIRECTORY");
}

static void teardown(void)
{
	process_folder_remove(dir);
}

TestSuite(cli_runtime, .init = setup, .fini = teardown, .timeout = 30);

static struct conf *conf_of(const char *lines)
{
	struct conf *conf = NULL;
	struct err err = {.msg = ""};
	struct args args = {.config = config};
	cr_assert(process_write(dir, "m.lua", lines));
	cr_assert_eq(
		cli_settings_read(&args, CLI_SETTINGS_PARTIAL, &conf, &err), RC_OK, "%s", err.msg);
	return conf;
}

static void own_of(const char *lines, char ret_path[static RUNTIME_PATH_N])
{
	struct err err = {.msg = ""};
	struct conf *conf = conf_of(lines);
	cr_assert_eq(runtime_own(conf, ret_path, &err), RC_OK, "%s", err.msg);
	conf_free(conf);
}

static size_t found_of(const char *lines, struct runtime_socket *ret_first)
{
	struct conf *conf = conf_of(lines);
	struct runtime_list *list = runtime_find(conf);
	cr_assert_not_null(list);
	size_t n = list->n;
	*ret_first = list->at[0];
	free(list);
	conf_free(conf);
	return n;
}

/* As if by a daemon; the socket stays when its descriptor is closed, as after a kill. */
static int listen_as(const char *lines, const char *suffix, char ret_path[static RUNTIME_PATH_N])
{
	int fd = -1;
	struct err err = {.msg = ""};
	own_of(lines, ret_path);
	char *end = strstr(ret_path, ".sock");
	cr_assert_not_null(end);
	snprintf(end, 20, "%s.sock", suffix);
	cr_assert_eq(cli_listen_unix(ret_path, &fd, &err), RC_OK, "%s", err.msg);
	return fd;
}

Test(cli_runtime, a_folder_has_one_place_and_a_control_setting_wins)
{
	char path[RUNTIME_PATH_N];
	struct runtime_socket first;
	own_of("store = \"/var/lib/moonhook\"", path);
	cr_expect_str_eq(path, "/var/lib/moonhook/control.sock");
	cr_expect_eq(found_of("store = \"/var/lib/moonhook\"", &first), 1);
	cr_expect_str_eq(first.path, path);
	own_of("store = \"postgres://h/db\"\ncontrol = \"/x/y.sock\"", path);
	cr_expect_str_eq(path, "/x/y.sock");
	own_of("store = \"memory:\"", path);
	cr_expect_str_eq(path, "", "nobody could find it");
}

Test(cli_runtime, daemons_of_one_database_do_not_collide_and_all_are_found_a_runner_first)
{
	static const char receiver[] = "store = \"postgres://ann@h/db\"\nonly = { \"receiver\" }";
	static const char runner[] = "store = \"postgres://ann@h/db\"\nonly = { \"runner\" }";
	char one[RUNTIME_PATH_N], two[RUNTIME_PATH_N];
	struct runtime_socket first;
	int a = listen_as(receiver, "1", one), b = listen_as(runner, "2", two);
	cr_expect_str_neq(one, two);
	cr_expect_eq(found_of("store = \"postgres://bob@h/db\"", &first), 2,
		"another user of the same database means the same daemons");
	cr_expect_str_eq(first.path, two);
	cr_expect(first.runner);
	cr_expect_eq(found_of("store = \"postgres://ann@h/db?schema=b\"", &first), 0);
	cr_expect_eq(found_of("store = \"postgres://ann@h/other\"", &first), 0);
	cr_expect_eq(found_of("store = \"postgres://ann@h:5433/db\"", &first), 0);
	close(a);
	close(b);
}

Test(cli_runtime, what_a_killed_daemon_has_left_goes_with_the_next_start_and_what_lives_stays)
{
	static const char lines[] = "store = \"postgres://h/db\"";
	char dead[RUNTIME_PATH_N], alive[RUNTIME_PATH_N], own[RUNTIME_PATH_N];
	int a = listen_as(lines, "1", dead), b = listen_as(lines, "2", alive);
	close(a);
	cr_assert_eq(access(dead, F_OK), 0);
	own_of(lines, own);
	cr_expect_neq(access(dead, F_OK), 0);
	cr_expect_eq(access(alive, F_OK), 0);
	close(b);
}

Test(cli_runtime, a_folder_that_others_can_write_to_is_not_trusted)
{
	static const char lines[] = "store = \"postgres://h/db\"";
	char path[RUNTIME_PATH_N], folder[200];
	struct runtime_socket first;
	int fd = listen_as(lines, "1", path);
	cr_expect_eq(found_of(lines, &first), 1);
	snprintf(folder, sizeof(folder), "%s/moonhook", dir);
	cr_assert_eq(chmod(folder, 0777), 0);
	cr_expect_eq(found_of(lines, &first), 0);
	close(fd);
}
