/* SPDX-License-Identifier: MIT */
/*
 * `moonhook serve` that cannot start says why in one sentence and ends with its status of
 * cli/exit.h; what cannot be reached yet is no reason not to start.
 */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/daemon.h"

static struct daemon d;

static void setup(void)
{
	cr_assert(daemon_open(&d, NULL));
}

static void teardown(void)
{
	daemon_close(&d);
}

TestSuite(serve_start, .init = setup, .fini = teardown, .timeout = 60);

/* Starts, waits for the end, and looks for the sentence on stderr. */
static void fails(int status, const char *sentence)
{
	cr_assert(daemon_launch(&d, NULL, NULL));
	int got = process_wait(&d.process, 15000);
	char *log = daemon_log(&d);
	cr_assert_eq(got, status, "ended with %d: %s", got, log);
	cr_assert(strstr(log, sentence) != NULL, "said:   %s\nwanted: %s", log, sentence);
	free(log);
}

Test(serve_start, a_wrong_configuration_ends_with_78_and_file_and_line)
{
	cr_assert(daemon_configure(&d, "lisen = \"127.0.0.1:1\""));
	fails(78, "m.lua:8: unknown setting `lisen`; did you mean `listen`?");
}

Test(serve_start, no_configuration_ends_with_78)
{
	cr_assert_eq(unlink(d.config), 0);
	fails(78, "m.lua: No such file or directory");
	fails(78, "or begin one: moonhook init --config ");
}

Test(serve_start, an_unset_variable_ends_with_78_and_its_name)
{
	unsetenv("SERVE_TEST_UNSET");
	cr_assert(process_write(d.dir, "m.lua",
		"twenty = { url = \"http://x\",\n key = env \"SERVE_TEST_UNSET\" }"));
	fails(78, "the environment variable SERVE_TEST_UNSET is not set");
}

Test(serve_start, a_store_that_is_a_file_ends_with_78)
{
	cr_assert(process_write(d.dir, "store", "not a folder"));
	fails(78, "store is a file, and must be a folder");
}

Test(serve_start, a_store_that_nobody_can_write_ends_with_78)
{
	/* /proc refuses root, too. */
	cr_assert(daemon_configure(&d, "store = \"/proc/self/fdinfo\""));
	fails(78, "the store /proc/self/fdinfo cannot be written by ");
}

Test(serve_start, a_store_that_cannot_be_made_ends_with_78)
{
	cr_assert(daemon_configure(&d, "store = \"/proc/moonhook/store\""));
	fails(78, "the store's folder /proc/moonhook");
}

Test(serve_start, missing_rules_end_with_78_and_the_command_that_makes_them)
{
	cr_assert_eq(rmdir(d.rules), 0);
	fails(78, "mkdir -p ");
}

Test(serve_start, a_wrong_address_ends_with_78)
{
	cr_assert(daemon_configure(&d, "listen = \"8700\""));
	fails(78, "`8700` is no address to listen on; write");
}

static int hold_port(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, 1) == 0);
	return fd;
}

Test(serve_start, a_port_in_use_ends_with_75_and_how_to_find_who_has_it)
{
	char sentence[128];
	int fd = hold_port(d.hook_port);
	snprintf(sentence, sizeof(sentence), "ss -ltnp 'sport = :%d'", d.hook_port);
	fails(75, sentence);
	close(fd);
}

Test(serve_start, a_second_daemon_on_one_store_ends_with_75)
{
	cr_assert(daemon_start(&d, NULL, NULL));
	struct process first = d.process;
	d.process = (struct process){.pid = 0};
	const char *args[] = {"--listen", "127.0.0.1:2", NULL};
	cr_assert(daemon_launch(&d, args, NULL));
	int got = process_wait(&d.process, 15000);
	char *log = daemon_log(&d);
	cr_expect_eq(got, 75, "%d: %s", got, log);
	cr_expect(strstr(log, "another moonhook serves this store") != NULL, "%s", log);
	free(log);
	d.process = first;
	cr_expect(daemon_ready(&d), "the first goes on");
}

Test(serve_start, a_source_without_a_secret_ends_with_78)
{
	cr_assert(daemon_configure(&d, "source \"other\" { scheme = \"twenty\" }"));
	fails(78, "other");
}

/* The usual settings with these lines in place of the source. */
static void configure_source(const char *lines)
{
	char text[2048];
	snprintf(text, sizeof(text),
		"listen = \"127.0.0.1:%d\"\nconsole = { listen = \"127.0.0.1:%d\" }\n"
		"store = \"%s\"\nrules = \"%s\"\nworkers = 1\n"
		"twenty = { url = \"http://127.0.0.1:1\", key = \"k\" }\n%s\n",
		d.hook_port, d.console_port, d.store, d.rules, lines);
	cr_assert(process_write(d.dir, "m.lua", text));
}

Test(serve_start, no_source_ends_with_78_and_what_to_write)
{
	configure_source("");
	fails(78, "there is no source, so every delivery would be answered with 404; write source "
		  "\"twenty\" { secrets = { env \"TWENTY_WEBHOOK_SECRET\" } }");
}

Test(serve_start, a_source_that_says_nothing_ends_with_78_and_what_it_lacks)
{
	static const char *const lines[] = {"source \"twenty\" {}",
		"source \"twenty\" { secrets = {} }", "source \"twenty\" { window = \"1m\" }"};
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		configure_source(lines[i]);
		fails(78, "source \"twenty\": `secrets` has none that is not empty; set the same");
	}
}

Test(serve_start, who_receives_nothing_needs_no_source)
{
	const char *args[] = {"--only", "runner", NULL};
	configure_source("");
	cr_assert(daemon_start(&d, args, NULL));
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(serve_start, who_runs_nothing_needs_no_address_and_no_key_of_twenty)
{
	char text[1024];
	const char *args[] = {"--only", "receiver", NULL};
	snprintf(text, sizeof(text),
		"listen = \"127.0.0.1:%d\"\nconsole = { listen = \"127.0.0.1:%d\" }\nstore = "
		"\"%s\"\n"
		"twenty = { key = env \"SERVE_TEST_UNSET\" }\n"
		"source \"twenty\" { secrets = { \"s\" } }\n",
		d.hook_port, d.console_port, d.store);
	cr_assert(process_write(d.dir, "m.lua", text));
	fails(78, "twenty.url");
	cr_assert(daemon_start(&d, args, NULL));
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(serve_start, an_address_of_twenty_that_is_none_ends_with_78_and_its_line)
{
	cr_assert(daemon_configure(&d, "twenty.url = \"nonsense\""));
	fails(78, "m.lua:8: twenty.url is no address such as");
	cr_assert(daemon_configure(&d, "\ntwenty.url = \"http://crm.example.com\""));
	fails(78, "m.lua:9: twenty.url must be https://");
	cr_expect(access(d.store, F_OK) != 0, "nothing was opened");
}

Test(serve_start, an_empty_key_ends_with_78_and_its_line)
{
	cr_assert(daemon_configure(&d, "twenty.key = \"\""));
	fails(78, "m.lua:8: twenty.key is empty");
	cr_expect(access(d.store, F_OK) != 0, "nothing was opened");
}

Test(serve_start, one_address_for_deliveries_and_console_ends_with_78)
{
	static const char *const hosts[] = {"127.0.0.1", "0.0.0.0", "localhost", ""};
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		char line[64];
		snprintf(line, sizeof(line), "listen = \"%s:%d\"", hosts[i], d.console_port);
		cr_assert(daemon_configure(&d, line));
		fails(78, "are the same place; give each a port of its own");
	}
}

Test(serve_start, a_twenty_that_cannot_be_reached_is_no_reason_not_to_be_ready)
{
	cr_assert(daemon_start(&d, NULL, NULL));
	cr_expect(daemon_logged(&d, "cannot be reached", 10000));
	cr_expect(daemon_ready(&d));
	cr_expect_eq(daemon_stop(&d), 0);
}

Test(serve_start, a_part_alone_starts_with_the_console)
{
	const char *args[] = {"--only", "receiver", NULL};
	cr_assert(daemon_start(&d, args, NULL));
	cr_expect(daemon_child(&d, "receiver") != 0);
	cr_expect(daemon_child(&d, "console") != 0);
	cr_expect_eq(daemon_child(&d, "runner"), 0);
	cr_expect_eq(daemon_stop(&d), 0);
	const char *runner[] = {"--only=runner,console", NULL};
	cr_assert(daemon_start(&d, runner, NULL));
	cr_expect_eq(daemon_child(&d, "receiver"), 0);
	cr_expect(daemon_child(&d, "runner") != 0);
	cr_expect_eq(daemon_stop(&d), 0);
	const char *wrong[] = {"--only", "reciever", NULL};
	cr_assert(daemon_launch(&d, wrong, NULL));
	cr_expect_eq(process_wait(&d.process, 15000), 78);
	char *log = daemon_log(&d);
	cr_expect(strstr(log, "did you mean receiver") != NULL, "%s", log);
	free(log);
}

Test(serve_start, a_store_in_a_folder_of_a_long_name_has_its_control_socket)
{
	char lines[512], longer[128], path[400];
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	snprintf(path, sizeof(path), "%s/%s", d.dir, longer);
	snprintf(lines, sizeof(lines), "store = \"%s\"", path);
	cr_assert(daemon_configure(&d, lines));
	cr_assert(daemon_start(&d, NULL, NULL));
	cr_expect(daemon_child(&d, "console") != 0);
	cr_expect_eq(daemon_stop(&d), 0);
}
