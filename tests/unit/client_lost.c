/* SPDX-License-Identifier: MIT */
/*
 * The answer to a restore or a destroy was lost: the record is looked at before
 * anything is sent again. (client_once.c counts what other operations do.)
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/client_fake.h"
#include "tests/unit/client_rig.h"

#define ID "11111111-2222-4333-8444-555555555555"

static struct fake fake;
static struct rig rig;

static void open_towards(fake_handler handler)
{
	cr_assert(fake_open(&fake, handler, FAKE_CORE));
	cr_assert(rig_open(&rig, &(struct rig_conf){.url = fake.url}));
}

static void close_all(void)
{
	rig_close(&rig);
	fake_close(&fake);
}

TestSuite(client_lost, .fini = close_all, .timeout = 60);

/* The first effects get no answer; mode counts the effects. */
static bool is_lost(const char *request, struct fake_shared *shared, int n)
{
	return strncmp(request, "GET ", 4) != 0 && atomic_fetch_add(&shared->mode, 1) < n;
}

static bool restores_without_a_word(int fd, const char *request, struct fake_shared *shared)
{
	if (is_lost(request, shared, 2)) /* a used connection that ends is tried again below us */
		return false;
	return fake_answer(
		fd, 200, "", "{\"data\":{\"person\":{\"id\":\"" ID "\",\"deletedAt\":null}}}");
}

Test(client_lost, a_restored_record_is_not_restored_again)
{
	open_towards(restores_without_a_word);
	struct rig_answer a =
		rig_call(&rig, CLIENT_RESTORE, "people", rig_json("{'id':'" ID "'}"), "k");
	cr_expect_eq(a.code, RC_OK, "%s", a.message);
	cr_expect_str_eq(rig_text(a.value, "id"), ID);
	cr_expect_eq(
		strncmp(fake.shared->last, "GET /rest/people/" ID, 53), 0, "%s", fake.shared->last);
	rig_answer_done(&a);
}

/* The record lies in the bin, as before the first attempt. */
static bool destroys_the_second_time(int fd, const char *request, struct fake_shared *shared)
{
	if (is_lost(request, shared, 1))
		return false;
	if (strncmp(request, "GET ", 4) == 0)
		return fake_answer(fd, 200, "",
			"{\"data\":{\"people\":[{\"id\":\"" ID
			"\",\"deletedAt\":\"2026-11-23T00:00:00.000Z\"}]},\"totalCount\":1,"
			"\"pageInfo\":{\"endCursor\":\"b\",\"hasNextPage\":false}}");
	return fake_answer(fd, 200, "", "{\"data\":{\"deletePerson\":{\"id\":\"" ID "\"}}}");
}

Test(client_lost, a_deleted_record_that_is_still_there_is_destroyed_once_more)
{
	open_towards(destroys_the_second_time);
	struct rig_answer a =
		rig_call(&rig, CLIENT_DESTROY, "people", rig_json("{'id':'" ID "'}"), "k");
	cr_expect_eq(a.code, RC_OK, "%s", a.message);
	cr_expect_eq(atomic_load(&fake.shared->mode), 2, "%s", fake.shared->last);
	rig_answer_done(&a);
}
