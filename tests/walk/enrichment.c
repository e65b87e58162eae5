/* SPDX-License-Identifier: MIT */
/*
 * The shipped rule that enriches people, with a service, in a whole house: the first person of a
 * company is a request to the service, the second is answered from what is kept. The service is a
 * server of this test, on loopback, whose key the daemon has and nobody sees.
 */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/shipped.h"

#define KEY "canary-of-the-service"
#define ACME                                                                                       \
	"{\"employees\":40,\"linkedin\":\"https://linkedin.com/company/acme\","                    \
	"\"address\":{\"city\":\"Paris\"}}"

static struct house h;

static struct service {
	pid_t pid;
	int port;
	struct seen { /* shared with the child */
		atomic_int requests, keys;
		atomic_bool down;
	} * seen;
} service;

/* --- the service ------------------------------------------------------------------------------ */

/* Answers one request and closes. */
static void serve(int fd)
{
	char head[8192], answer[600];
	size_t n = 0;
	ssize_t got;
	head[0] = '\0';
	while (strstr(head, "\r\n\r\n") == NULL && n < sizeof(head) - 1 &&
		(got = read(fd, head + n, sizeof(head) - 1 - n)) > 0) {
		n += (size_t)got;
		head[n] = '\0';
	}
	bool known = strncmp(head, "GET /companies/acme.example HTTP", 32) == 0;
	bool down = atomic_load(&service.seen->down);
	const char *body = down ? "<html>" : known ? ACME : "{}";
	atomic_fetch_add(
		&service.seen->keys, strstr(head, "Authorization: Bearer " KEY "\r\n") != NULL);
	atomic_fetch_add(&service.seen->requests, 1);
	int size = snprintf(answer, sizeof(answer),
		"HTTP/1.1 %s\r\nContent-Length: %zu\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
		"%s",
		down    ? "503 Service Unavailable"
		: known ? "200 OK"
			: "404 Not Found",
		strlen(body), body);
	if (write(fd, answer, (size_t)size) != size)
		_exit(1);
	close(fd);
}

static void open_service(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	service.seen = mmap(NULL, sizeof(*service.seen), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert(service.seen != MAP_FAILED && fd >= 0);
	cr_assert(bind(fd, (void *)&at, sizeof(at)) == 0 && listen(fd, 16) == 0 &&
		  getsockname(fd, (void *)&at, &n) == 0);
	service.port = ntohs(at.sin_port);
	service.pid = fork();
	cr_assert_geq(service.pid, 0);
	if (service.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int one; (one = accept(fd, NULL, NULL)) >= 0;)
			serve(one);
		_exit(1);
	}
	close(fd);
}

/* --- the house -------------------------------------------------------------------------------- */

static void setup(void)
{
	static const char *const env[] = {"ENRICH_KEY=" KEY, NULL};
	static char settings[200];
	char url[100];
	open_service();
	snprintf(settings, sizeof(settings),
		"http = { allow = { \"http://127.0.0.1:%d\" } }\n"
		"secrets = { ENRICH_KEY = env \"ENRICH_KEY\" }",
		service.port);
	snprintf(
		url, sizeof(url), "url = \"http://127.0.0.1:%d/companies/{domain}\"", service.port);
	cr_assert(shipped_copy(&h));
	cr_assert(shipped_edit(&h, "rules/enrich_people.lua", "url = false", url));
	cr_assert(shipped_edit(&h, "rules/enrich_people.lua", "headers = {}",
		"headers = { Authorization = \"Bearer \" .. secret \"ENRICH_KEY\" }"));
	cr_assert(house_open(
		&h, &(struct house_conf){.settings = settings, .budget = "none", .env = env}));
}

static void teardown(void)
{
	house_close(&h);
	if (service.pid > 0) {
		kill(service.pid, SIGKILL);
		waitpid(service.pid, NULL, 0);
	}
}

TestSuite(walk_enrichment, .init = setup, .fini = teardown, .timeout = 120);

static void arrives(const char *name)
{
	char body[200];
	int status = 0;
	snprintf(body, sizeof(body),
		"{\"name\":{\"firstName\":\"%s\",\"lastName\":\"Lee\"},"
		"\"emails\":{\"primaryEmail\":\"%s@acme.example\"}}",
		name, name);
	json_decref(house_api(&h, "POST", "/rest/people", body, &status));
	cr_assert_eq(status, 201);
}

/* The company that the people work for. GIVES. */
static json_t *company(void)
{
	size_t i;
	json_t *one, *found = NULL, *list = house_records(&h, "companies");
	json_array_foreach(list, i, one)
	{
		const char *name = json_string_value(json_object_get(one, "name"));
		if (name != NULL && strcmp(name, "Acme") == 0)
			found = json_incref(one);
	}
	json_decref(list);
	return found;
}

/* So many runs of the rule have ended well. */
static bool enriched(void *ctx)
{
	size_t i, n = 0;
	json_t *one, *runs = house_runs(&h);
	json_array_foreach(runs, i, one)
	{
		const char *rule = json_string_value(json_object_get(one, "rule"));
		const char *state = json_string_value(json_object_get(one, "state"));
		n += rule != NULL && state != NULL && strcmp(rule, "enrich people") == 0 &&
		     strcmp(state, "done") == 0;
	}
	json_decref(runs);
	return n >= *(const size_t *)ctx;
}

static void expect_enriched(size_t n)
{
	if (process_await(enriched, &n, 60000))
		return;
	char *log = process_read(h.daemon.err);
	cr_assert(false, "%zu runs did not end: %s", n, log);
}

static void expect_company(void)
{
	json_t *acme = company();
	json_t *link = json_object_get(acme, "linkedinLink");
	json_t *address = json_object_get(acme, "address");
	cr_expect_eq(json_integer_value(json_object_get(acme, "employees")), 40);
	cr_expect_str_eq(json_string_value(json_object_get(link, "primaryLinkUrl")),
		"https://linkedin.com/company/acme");
	cr_expect_str_eq(json_string_value(json_object_get(address, "addressCity")), "Paris");
	json_decref(acme);
}

/* Somebody empties a field, so that the next person's run wants to know it. */
static void forget_employees(void)
{
	char path[120];
	int status = 0;
	json_t *acme = company();
	snprintf(path, sizeof(path), "/rest/companies/%s",
		json_string_value(json_object_get(acme, "id")));
	json_decref(house_api(&h, "PATCH", path, "{\"employees\":null}", &status));
	cr_assert_eq(status, 200);
	json_decref(acme);
}

/* What `runs show` says of all runs, one behind the other, has this text. */
static bool is_shown(const char *word)
{
	size_t i;
	bool found = false;
	json_t *one, *runs = house_runs(&h);
	json_array_foreach(runs, i, one)
	{
		int status = 0;
		const char *id = json_string_value(json_object_get(one, "id"));
		const char *const args[] = {"runs", "show", id, "-o", "json", NULL};
		char *text = house_command(&h, args, &status);
		found = found || (text != NULL && strstr(text, word) != NULL);
		free(text);
	}
	json_decref(runs);
	return found;
}

Test(walk_enrichment, the_second_person_of_a_company_is_answered_from_what_is_kept)
{
	arrives("ann");
	expect_enriched(1);
	expect_company();
	cr_expect_eq(atomic_load(&service.seen->requests), 1);
	forget_employees();
	arrives("bob");
	expect_enriched(2);
	expect_company();
	cr_expect_eq(atomic_load(&service.seen->requests), 1, "one request at the service");
	cr_expect_eq(atomic_load(&service.seen->keys), 1, "with its key");
	cr_expect(is_shown("/companies/acme.example"));
	cr_expect_not(is_shown(KEY));
}

Test(walk_enrichment, a_service_that_is_down_holds_up_nothing_and_is_asked_again)
{
	atomic_store(&service.seen->down, true);
	arrives("ann");
	json_t *acme = NULL;
	for (int i = 0; i < 600 && acme == NULL; i++) {
		usleep(20000);
		acme = company();
	}
	cr_assert_not_null(acme, "there is a company though the service is down");
	cr_expect(json_is_null(json_object_get(acme, "employees")));
	json_decref(acme);
	atomic_store(&service.seen->down, false);
	expect_enriched(1);
	expect_company();
}
