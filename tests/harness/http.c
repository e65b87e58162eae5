/* SPDX-License-Identifier: MIT */
/*
 * A small HTTP client on libcurl.
 * From: tests. To: the programs under test. Never follows redirects, ignores proxies.
 */
#include "tests/harness/http.h"

#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

struct text {
	char *p;
	size_t n;
};

static size_t collect(char *bytes, size_t size, size_t n, void *ctx)
{
	struct text *t = ctx;
	char *p = realloc(t->p, t->n + size * n + 1);
	if (p == NULL)
		return 0;
	memcpy(p + t->n, bytes, size * n);
	t->p = p;
	t->n += size * n;
	t->p[t->n] = '\0';
	return size * n;
}

static struct curl_slist *header_list(const char *const *headers)
{
	/* Without this libcurl waits a second for a 100 Continue on larger bodies. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	for (size_t i = 0; headers != NULL && headers[i] != NULL; i++)
		list = curl_slist_append(list, headers[i]);
	return list;
}

bool http_request(const char *method, const char *url, const char *const *headers, const void *body,
	size_t body_n, struct http_answer *ret_answer)
{
	struct text in = {0}, head = {0};
	CURL *curl = curl_easy_init();
	struct curl_slist *list = header_list(headers);
	if (curl == NULL)
		return false;
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_NOBODY, strcmp(method, "HEAD") == 0 ? 1L : 0L);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &in);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, &head);
	if (body != NULL) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_n);
	}
	long status = 0;
	bool ok = curl_easy_perform(curl) == CURLE_OK;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (ok && in.p == NULL)
		in.p = calloc(1, 1);
	ok = ok && in.p != NULL;
	if (ok)
		*ret_answer = (struct http_answer){(int)status, in.p, in.n, head.p};
	if (!ok) {
		free(in.p);
		free(head.p);
		*ret_answer = (struct http_answer){0};
	}
	curl_slist_free_all(list);
	curl_easy_cleanup(curl);
	return ok;
}

void http_answer_done(struct http_answer *answer)
{
	free(answer->body);
	free(answer->headers);
	*answer = (struct http_answer){0};
}
