/* SPDX-License-Identifier: MIT */
/* What a reload says that it cannot apply. */
#include <criterion/criterion.h>

#include "cli/restart.h"

static struct conf *conf_of(const char *packed, size_t n)
{
	struct conf *conf = NULL;
	struct err err = {.msg = ""};
	cr_assert_eq(conf_import((struct slice){packed, n}, &conf, &err), RC_OK, "%s", err.msg);
	return conf;
}
#define CONF(text) conf_of("mhc1" text, sizeof("mhc1" text) - 1)
#define TEXT(key, value) "-" key "\0" value "\0t\0"
#define SECRET(key, value) "s" key "\0" value "\0t\0"

static void says(struct conf *started, struct conf *fresh, const char *sentence)
{
	char text[200] = "old";
	cr_expect_eq(restart_describe(started, fresh, text, sizeof(text)), sentence[0] != '\0');
	cr_expect_str_eq(text, sentence);
	conf_free(started);
	conf_free(fresh);
}

Test(cli_restart, what_has_not_changed_is_not_named)
{
	says(CONF(TEXT("listen", "a") SECRET("twenty.key", "k")),
		CONF(TEXT("listen", "a") SECRET("twenty.key", "k")), "");
}

Test(cli_restart, what_is_applied_at_once_is_not_named)
{
	says(CONF(TEXT("limits.runs", "1") TEXT("retain.runs", "2") TEXT("rules", "a")
			     SECRET("source.x.secrets.1", "s") TEXT("workers", "1")),
		CONF(TEXT("limits.runs", "2") TEXT("retain.runs", "3") TEXT("rules", "b")
				SECRET("source.y.secrets.1", "t") TEXT("workers", "2")),
		"");
}

Test(cli_restart, the_address_and_key_of_twenty_wait_and_no_value_is_said)
{
	says(CONF(TEXT("twenty.url", "http://one")), CONF(TEXT("twenty.url", "http://two")),
		"`twenty.url` changed: takes effect at the next restart");
	says(CONF(TEXT("listen", "a") SECRET("twenty.key", "one") TEXT("twenty.url", "x")),
		CONF(TEXT("listen", "b") SECRET("twenty.key", "two") TEXT("twenty.url", "x")),
		"`listen`, `twenty.key` changed: take effect at the next restart");
}

Test(cli_restart, a_setting_that_comes_or_goes_has_changed_and_lists_are_named_once)
{
	says(CONF(TEXT("console.listen", "a")), CONF(""),
		"`console.listen` changed: takes effect at the next restart");
	says(CONF(TEXT("console.hosts.1", "a")),
		CONF(TEXT("console.hosts.1", "b") TEXT("console.hosts.2", "c")),
		"`console.hosts` changed: takes effect at the next restart");
}

Test(cli_restart, limits_of_the_receiver_wait)
{
	says(CONF(TEXT("limits.body", "1") TEXT("limits.calls", "1")),
		CONF(TEXT("limits.body", "2") TEXT("limits.calls", "2")),
		"`limits.body` changed: takes effect at the next restart");
}

Test(cli_restart, until_the_restart_children_get_the_old_store_and_the_new_limits)
{
	struct err err = {.msg = ""};
	struct conf *merged = NULL;
	struct conf *started = CONF(TEXT("console.hosts.1", "a") TEXT("limits.runs", "1")
			SECRET("source.x.secrets.1", "s") TEXT("store", "old"));
	struct conf *fresh = CONF(TEXT("console.hosts.1", "b") TEXT("console.hosts.2", "c") TEXT(
		"limits.runs", "2") SECRET("source.y.secrets.1", "t") TEXT("store", "new"));
	cr_assert_eq(restart_merge(started, fresh, &merged, &err), RC_OK, "%s", err.msg);
	cr_expect_str_eq(conf_text(merged, "store"), "old");
	cr_expect_eq(conf_int(merged, "limits.runs"), 2);
	cr_expect_str_eq(conf_text(merged, "console.hosts.1"), "a");
	cr_expect_null(conf_text(merged, "console.hosts.2"));
	cr_expect_null(conf_text(merged, "source.x.secrets.1"));
	cr_expect_str_eq(conf_text(merged, "source.y.secrets.1"), "t");
	conf_free(started);
	conf_free(fresh);
	conf_free(merged);
}

Test(cli_restart, hosts_and_secrets_of_http_calls_need_no_restart)
{
	says(CONF(TEXT("http.allow.1", "a") SECRET("secrets.X", "1")),
		CONF(TEXT("http.allow.1", "b") SECRET("secrets.X", "2")), "");
}
