/* SPDX-License-Identifier: MIT */
/* What the configuration may say about sources. */
#include "receiver/source.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "receiver/receiver.h"

static enum rc read_conf(const char *text, struct conf **ret_conf, struct err *err)
{
	char path[] = "/tmp/moonhook-source-XXXXXX";
	int fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	enum rc rc = conf_load(path, &receiver_conf_table, 1, NULL, 0, ret_conf, err);
	unlink(path);
	return rc;
}

static enum rc check(const char *text, struct err *err)
{
	struct conf *conf = NULL;
	enum rc rc = read_conf(text, &conf, err);
	if (rc == RC_OK)
		rc = receiver_conf_check(conf, err);
	conf_free(conf);
	return rc;
}

static void expect_refusal(const char *text, const char *sentence)
{
	struct err err = {.code = RC_OK};
	cr_assert_eq(check(text, &err), RC_INVALID, "accepted: %s", text);
	cr_assert_not_null(
		strstr(err.msg, sentence), "\"%s\" does not say \"%s\"", err.msg, sentence);
}

Test(receiver_source, a_source_has_its_scheme_secrets_and_window)
{
	struct err err;
	struct conf *conf = NULL;
	struct source_set *set = NULL;
	cr_assert_eq(
		read_conf("source \"twenty\" { scheme = \"twenty\", secrets = { \"a\", \"\", "
			  "\"b\" }, window = \"90s\" }\nsource \"other\" { secrets = { \"c\" } }",
			&conf, &err),
		RC_OK);
	cr_assert_eq(source_set_new(conf, &set, &err), RC_OK);
	const struct source *s = source_find(set, "twenty");
	cr_assert_not_null(s);
	cr_assert_eq(s->keys_n, 2, "the empty secret must not count");
	cr_assert_eq(s->window_ms, 90000);
	cr_assert_eq(s->scheme, &scheme_twenty);
	cr_assert_eq(source_find(set, "other")->window_ms, 300000);
	cr_assert_null(source_find(set, "Twenty"));
	cr_assert_null(source_find(set, ""));
	cr_assert_eq(source_set_n(set), 2);
	source_set_free(set);
	conf_free(conf);
}

Test(receiver_source, a_set_lives_until_its_last_holder_is_gone)
{
	struct err err;
	struct conf *conf = NULL;
	struct source_set *set = NULL;
	cr_assert_eq(read_conf("source \"twenty\" { secrets = { \"a\" } }", &conf, &err), RC_OK);
	cr_assert_eq(source_set_new(conf, &set, &err), RC_OK);
	struct source_set *second = source_set_hold(set);
	source_set_free(set);
	cr_assert_str_eq(source_find(second, "twenty")->name, "twenty");
	source_set_free(second);
	conf_free(conf);
}

Test(receiver_source, a_twenty_source_without_a_secret_is_refused_with_what_to_do)
{
	expect_refusal(
		"source \"twenty\" { scheme = \"twenty\" }", "set the same secret in Twenty");
	expect_refusal("source \"twenty\" { secrets = { \"\" } }", "source \"twenty\"");
	expect_refusal("source \"twenty\" { secrets = { \"\", \"\" } }", "none that is not empty");
}

Test(receiver_source, an_unknown_scheme_is_refused_by_name)
{
	expect_refusal("source \"x\" { scheme = \"strype\", secrets = { \"a\" } }", "strype");
}

Test(receiver_source, a_name_that_is_no_part_of_a_path_is_refused)
{
	expect_refusal("source \"a/b\" { secrets = { \"a\" } }", "part of");
	expect_refusal("source \"Twenty\" { secrets = { \"a\" } }", "part of");
}

Test(receiver_source, a_setting_that_its_scheme_does_not_have_is_refused)
{
	expect_refusal("source \"x\" { secrets = { \"a\" }, header = \"x-a\" }",
		"`header` is a setting of the schemes hmac and token; \"twenty\" says that itself");
	expect_refusal("source \"x\" { scheme = \"github\", secrets = { \"a\" }, prefix = \"b\" }",
		"`prefix` is a setting of the schemes hmac and token; \"github\"");
	expect_refusal(
		"source \"x\" { scheme = \"token\", secrets = { \"a\" }, signed = \"{body}\" }",
		"`signed` is a setting of the scheme hmac; \"token\"");
	expect_refusal("source \"x\" { scheme = \"hmac\", secrets = { \"a\" }, haeder = \"x\" }",
		"did you mean `source.x.header`");
	expect_refusal(
		"source \"x\" { scheme = \"hmc\", secrets = { \"a\" } }", "did you mean \"hmac\"");
	expect_refusal("source \"x\" { scheme = \"hmac\", secrets = { \"a\" }, header = \"x\", "
		       "algorithm = \"sha-1\" }",
		"did you mean \"sha1\"");
}

Test(receiver_source, what_hmac_lacks_or_contradicts_is_said)
{
#define HMAC "source \"x\" { scheme = \"hmac\", secrets = { \"a\" }, "
	expect_refusal(HMAC "}", "the scheme hmac needs `header`");
	expect_refusal(HMAC "header = \"x y\" }", "`header` is the name of a header");
	expect_refusal(HMAC "header = \"\" }", "`header` is the name of a header");
	expect_refusal(HMAC "header = \"x\", id = \"X\" }", "name different headers");
	expect_refusal(HMAC "header = \"x\", timestamp = \"t\" }",
		"a time that nobody signed proves nothing");
	expect_refusal(HMAC "header = \"x\", signed = \"{timestamp}.{body}\" }",
		"`timestamp` must name its header");
	expect_refusal(
		HMAC "header = \"x\", signed = \"{id}.{body}\" }", "`id` must name its header");
	expect_refusal(HMAC "header = \"x\", signed = \"{body}{body}\" }", "{body}, once");
	expect_refusal(HMAC "header = \"x\", signed = \"\" }", "{body}, once");
	expect_refusal(
		HMAC "header = \"x\", signed = \"{bdy}\" }", "knows {timestamp}, {id} and {body}");
	expect_refusal(HMAC "header = \"x\", id = \"i\", signed = "
			    "\"{id}a{id}b{id}c{id}d{id}{body}\" }",
		"too many pieces");
}

Test(receiver_source, a_secret_of_standard_webhooks_is_base64)
{
#define STANDARD "source \"x\" { scheme = \"standard-webhooks\", secrets = { "
	expect_refusal(STANDARD "\"whsec_\" } }", "secret 1 is not what standard-webhooks uses");
	expect_refusal(STANDARD "\"whsec_AAAA\", \"not base64!\" } }", "secret 2 is not");
	expect_refusal(STANDARD "\"whsec_AAA\" } }", "copy it whole");
	expect_refusal(STANDARD "\"whsec_AB==\" } }", "copy it whole");
	expect_refusal(STANDARD "\"\" } }", "copy the endpoint's signing secret");
}

Test(receiver_source, one_source_is_made_without_the_others)
{
	struct err err = {.msg = ""};
	struct conf *conf = NULL;
	struct source_set *set = NULL;
	cr_assert_eq(read_conf("source \"a\" { secrets = { \"\" } }\n"
			       "source \"b\" { scheme = \"github\", secrets = { \"s\" } }",
			     &conf, &err),
		RC_OK, "%s", err.msg);
	cr_assert_eq(source_set_new(conf, &set, &err), RC_INVALID);
	cr_assert_eq(source_set_one(conf, "b", &set, &err), RC_OK, "%s", err.msg);
	cr_expect_eq(source_set_n(set), 1);
	cr_expect_eq(source_find(set, "b")->scheme, &scheme_github);
	source_set_free(set);
	cr_expect_eq(source_set_one(conf, "c", &set, &err), RC_NOT_FOUND);
	conf_free(conf);
}

Test(receiver_source, every_word_of_the_choice_is_a_scheme)
{
	char names[] = SCHEME_NAMES, *save = NULL;
	for (char *word = strtok_r(names, " ", &save); word != NULL;
		word = strtok_r(NULL, " ", &save))
		cr_assert_not_null(scheme_find(word), "%s", word);
	cr_assert_null(scheme_find("nothing"));
}
