/* SPDX-License-Identifier: MIT */
/* The table of verbs holds what help, completion and the manual promise; small parts of the
 * command. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "cli/child.h"
#include "cli/listen.h"
#include "cli/terminal.h"
#include "cli/verb.h"

Test(cli_verb, every_verb_can_be_found_and_has_three_examples_and_an_end)
{
	for (size_t i = 0; verbs[i] != NULL; i++) {
		const struct verb *v = verbs[i];
		char noun[32], name[32];
		char *argv[2] = {v->noun != NULL ? noun : name, name};
		int words = 0;
		snprintf(noun, sizeof(noun), "%s", v->noun != NULL ? v->noun : "");
		snprintf(name, sizeof(name), "%s", v->name);
		cr_expect_eq(verb_find(2, argv, &words), v, "%s", name);
		cr_expect_eq(words, v->noun != NULL ? 2 : 1);
		cr_expect(v->summary[0] != '\0' && v->run != NULL);
		cr_expect_eq(
			v->exits[ARRAY_N(v->exits) - 1], CLI_OK, "%s: the list has no end", name);
		for (size_t e = 0; !v->hidden && e < 3; e++)
			cr_expect(v->examples[e] != NULL &&
					  strstr(v->examples[e], "moonhook") != NULL,
				"%s", name);
	}
}

Test(cli_terminal, what_a_terminal_would_obey_becomes_a_question_mark)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	terminal_put(f, "a\033]0;x\007b\nc\r\xc2\x9b"
			"d\u202e\xff\u00e9\u20ac");
	fclose(f);
	cr_expect_str_eq(text, "a?]0;x?b?c??d??\u00e9\u20ac");
	cr_expect_eq(terminal_width("\u00e9\u20ac\xff"), 3);
	free(text);
}

Test(cli_child, the_rest_doubles_from_100_ms_to_2_s_which_a_sender_of_webhooks_waits_out)
{
	cr_expect_eq(child_rest_ms(1), 100);
	cr_expect_eq(child_rest_ms(2), 200);
	cr_expect_eq(child_rest_ms(5), 1600);
	cr_expect_eq(child_rest_ms(6), 2000);
	cr_expect_eq(child_rest_ms(1000000), 2000);
}

Test(cli_child, a_life_five_times_as_long_as_the_rest_forgives_the_deaths_before_it)
{
	cr_expect_eq(child_deaths(0, 0), 1);
	cr_expect_eq(child_deaths(1, 499), 2);
	cr_expect_eq(child_deaths(1, 500), 1);
	cr_expect_eq(child_deaths(4, 3999), 5);
	cr_expect_eq(child_deaths(4, 4000), 1);
	cr_expect_eq(child_deaths(1000000, 9999), 1000001);
	cr_expect_eq(child_deaths(1000000, 10000), 1);
}

Test(cli_listen, only_addresses_are_listened_on)
{
	static const char *const none[] = {"", "8700", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0",
		"127.0.0.1:65536", "127.0.0.1:x", "::1:8700", "nowhere.invalid:8700",
		"203.0.113.7:8700", "127.0.0.1:8700x"};
	struct err err;
	int fd = -1;
	for (size_t i = 0; i < ARRAY_N(none); i++)
		cr_expect_neq(cli_listen_tcp(none[i], &fd, &err), RC_OK, "%s", none[i]);
	cr_expect_eq(fd, -1);
}

Test(cli_listen, a_control_socket_replaces_a_dead_one_and_not_a_living_one)
{
	char dir[] = "/tmp/moonhook-listen-XXXXXX", path[300], longer[160];
	struct stat st;
	struct err err = {.msg = ""};
	cr_assert(mkdtemp(dir) != NULL);
	memset(longer, 'y', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	snprintf(path, sizeof(path), "%s/%s", dir, longer);
	cr_assert_eq(mkdir(path, 0700), 0);
	size_t at = strlen(path);
	snprintf(path + at, sizeof(path) - at, "/control.sock");
	int one = -1, two = -1, client = -1;
	cr_expect_eq(cli_listen_connect(path, &client, &err), RC_UNREACHABLE);
	cr_assert_eq(cli_listen_unix(path, &one, &err), RC_OK, "%s", err.msg);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	cr_expect_eq(cli_listen_unix(path, &two, &err), RC_BUSY);
	cr_assert_eq(cli_listen_connect(path, &client, &err), RC_OK, "%s", err.msg);
	close(client);
	close(one); /* its file stays, as after a crash */
	cr_expect_eq(cli_listen_unix(path, &two, &err), RC_OK, "%s", err.msg);
	close(two);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	rmdir(dir);
}
