/* SPDX-License-Identifier: MIT */
/* One HTTP request, start to end, for tests. Blocks; 30 seconds at most. */
#ifndef MOONHOOK_TESTS_HARNESS_HTTP_H
#define MOONHOOK_TESTS_HARNESS_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct http_answer { /* GIVES: http_answer_done */
	int status;
	char *body;    /* NUL-terminated, never NULL after a success */
	size_t body_n; /* bytes */
	char *headers; /* all header lines as they came, NUL-terminated */
};

/* headers: "Name: value" texts, NULL-terminated, may be NULL. body may be NULL. False where no
 * answer came; the answer is then empty. */
bool http_request(const char *method, const char *url, const char *const *headers, const void *body,
	size_t body_n, struct http_answer *ret_answer);
void http_answer_done(struct http_answer *answer);

#endif
