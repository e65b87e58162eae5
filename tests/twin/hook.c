/* SPDX-License-Identifier: MIT */
/*
 * The sender of webhooks.
 * From: world.c. To: the subscriber, over libcurl; hook_body.c says what is sent. A delivery that
 * fails is counted and forgotten. Rows reach this thread as references to values that nobody
 * changes any more; jansson counts references atomically. Does not retry, does not know which
 * webhooks there are.
 */
#include "tests/twin/hook.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/clock.h"
#include "tests/twin/schema.h"

#define PARALLEL_MAX 20
#define TIMEOUT_MS 5000L

struct job {
	struct job *next;
	struct hook_event event; /* owned references; its texts are the ones below */
	char object[96], action[32], object_id[IDENT_N];
	struct buf body;
	struct curl_slist *headers;
	CURL *easy;
};

struct hooks {
	pthread_t thread;
	CURLM *multi;
	atomic_bool stop;
	atomic_uint_fast64_t queued, sent, failed;
	pthread_mutex_t mutex;
	struct job *first, **last;         /* guarded by mutex */
	struct job *idle;                  /* jobs with a warm easy handle; the thread's own */
	struct job *running[PARALLEL_MAX]; /* the thread's own; the first `active` of them */
	unsigned active, most;
};

static void job_clear(struct job *j)
{
	json_decref(j->event.webhook);
	json_decref(j->event.data);
	json_decref(j->event.fields);
	j->event.webhook = j->event.data = j->event.fields = NULL;
	buf_done(&j->body);
	curl_slist_free_all(j->headers);
	j->headers = NULL;
}

static void job_free(struct job *j)
{
	job_clear(j);
	curl_easy_cleanup(j->easy);
	free(j);
}

static bool header_add(struct job *j, const char *text)
{
	struct curl_slist *next = curl_slist_append(j->headers, text);
	if (next != NULL)
		j->headers = next;
	return next != NULL;
}

/* HMAC-SHA256(secret, "<ms>:" + body); an empty secret sends no headers at all. */
static bool job_sign(struct job *j, int64_t now_ms)
{
	const char *secret = json_string_value(json_object_get(j->event.webhook, "secret"));
	if (secret == NULL || secret[0] == '\0')
		return true;
	struct buf text;
	buf_init(&text, HOOK_BODY_MAX + 64);
	uint8_t mac[EVP_MAX_MD_SIZE] = {0};
	unsigned mac_n = 0;
	bool ok = buf_printf(&text, "%lld:", (long long)now_ms) == RC_OK &&
		  buf_put(&text, j->body.p, j->body.n) == RC_OK &&
		  HMAC(EVP_sha256(), secret, (int)strlen(secret), (const uint8_t *)text.p, text.n,
			  mac, &mac_n) != NULL;
	buf_done(&text);
	char line[160];
	snprintf(line, sizeof(line), "X-Twenty-Webhook-Timestamp: %lld", (long long)now_ms);
	ok = ok && header_add(j, line);
	int n = snprintf(line, sizeof(line), "X-Twenty-Webhook-Signature: ");
	for (unsigned i = 0; i < mac_n; i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, "%02x", mac[i]);
	ok = ok && header_add(j, line);
	char nonce[IDENT_N];
	ident_random(nonce);
	snprintf(line, sizeof(line), "X-Twenty-Webhook-Nonce: %.8s%.4s%.4s%.4s%.12s", nonce,
		nonce + 9, nonce + 14, nonce + 19, nonce + 24);
	return ok && header_add(j, line);
}

static size_t drop_body(char *p, size_t size, size_t n, void *arg)
{
	(void)p;
	(void)arg;
	return size * n;
}

static bool job_prepare(struct job *j)
{
	int64_t now_ms = clock_wall_ms();
	buf_init(&j->body, HOOK_BODY_MAX);
	if (hook_body(&j->event, now_ms, &j->body) != RC_OK)
		return false;
	if (!header_add(j, "Content-Type: application/json") ||
		!header_add(j, "Accept: application/json, text/plain, */*") ||
		!header_add(j, "Expect:") || !job_sign(j, now_ms))
		return false;
	if (j->easy == NULL)
		j->easy = curl_easy_init();
	if (j->easy == NULL)
		return false;
	const char *url = json_string_value(json_object_get(j->event.webhook, "targetUrl"));
	curl_easy_setopt(j->easy, CURLOPT_URL, url);
	curl_easy_setopt(j->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(j->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(j->easy, CURLOPT_HTTPHEADER, j->headers);
	curl_easy_setopt(j->easy, CURLOPT_USERAGENT, "axios/1.17.0");
	curl_easy_setopt(j->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)j->body.n);
	curl_easy_setopt(j->easy, CURLOPT_POSTFIELDS, j->body.p);
	curl_easy_setopt(j->easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(j->easy, CURLOPT_MAXREDIRS, 5L);
	curl_easy_setopt(j->easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
	curl_easy_setopt(j->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(j->easy, CURLOPT_WRITEFUNCTION, drop_body);
	curl_easy_setopt(j->easy, CURLOPT_PRIVATE, j);
	return true;
}

static struct job *hooks_take(struct hooks *h)
{
	pthread_mutex_lock(&h->mutex);
	struct job *j = h->first;
	if (j != NULL) {
		h->first = j->next;
		if (h->first == NULL)
			h->last = &h->first;
	}
	pthread_mutex_unlock(&h->mutex);
	return j;
}

/* Keeps the easy handle, and with it its connection, for a later job. */
static void hooks_finish(struct hooks *h, struct job *j, bool ok)
{
	atomic_fetch_add(ok ? &h->sent : &h->failed, 1);
	job_clear(j);
	j->next = h->idle;
	h->idle = j;
}

static void hooks_begin(struct hooks *h, struct job *fresh)
{
	struct job *j = fresh;
	if (h->idle != NULL) {
		struct job *warm = h->idle;
		h->idle = warm->next;
		fresh->easy = warm->easy;
		warm->easy = NULL;
		job_free(warm);
	}
	if (!job_prepare(j) || curl_multi_add_handle(h->multi, j->easy) != CURLM_OK) {
		hooks_finish(h, j, false);
		return;
	}
	h->running[h->active++] = j;
}

static void hooks_collect(struct hooks *h)
{
	int left;
	for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left)) != NULL;) {
		if (m->msg != CURLMSG_DONE)
			continue;
		struct job *j = NULL;
		long status = 0;
		CURL *easy = m->easy_handle;
		CURLcode code = m->data.result;
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &j);
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		curl_multi_remove_handle(h->multi, easy);
		for (unsigned i = 0; i < h->active; i++) {
			if (h->running[i] == j) {
				h->running[i] = h->running[--h->active];
				break;
			}
		}
		hooks_finish(h, j, code == CURLE_OK && status >= 200 && status < 300);
	}
}

static void *hooks_run(void *arg)
{
	struct hooks *h = arg;
	while (!atomic_load(&h->stop)) {
		while (h->active < h->most) {
			struct job *j = hooks_take(h);
			if (j == NULL)
				break;
			hooks_begin(h, j);
		}
		int running;
		curl_multi_perform(h->multi, &running);
		hooks_collect(h);
		if (h->active < h->most) {
			pthread_mutex_lock(&h->mutex);
			bool more = h->first != NULL;
			pthread_mutex_unlock(&h->mutex);
			if (more)
				continue;
		}
		curl_multi_poll(h->multi, NULL, 0, 1000, NULL);
	}
	return NULL;
}

struct hooks *hooks_start(unsigned senders)
{
	struct hooks *h = calloc(1, sizeof(*h));
	if (h == NULL)
		return NULL;
	h->most = senders > 0 && senders < PARALLEL_MAX ? senders : PARALLEL_MAX;
	h->last = &h->first;
	pthread_mutex_init(&h->mutex, NULL);
	h->multi = curl_multi_init();
	if (h->multi == NULL || pthread_create(&h->thread, NULL, hooks_run, h) != 0) {
		curl_multi_cleanup(h->multi);
		free(h);
		return NULL;
	}
	return h;
}

static void jobs_free(struct job *j)
{
	while (j != NULL) {
		struct job *next = j->next;
		job_free(j);
		j = next;
	}
}

void hooks_stop(struct hooks *h)
{
	if (h == NULL)
		return;
	atomic_store(&h->stop, true);
	curl_multi_wakeup(h->multi);
	pthread_join(h->thread, NULL);
	for (unsigned i = 0; i < h->active; i++) {
		curl_multi_remove_handle(h->multi, h->running[i]->easy);
		job_free(h->running[i]);
	}
	jobs_free(h->first);
	jobs_free(h->idle);
	curl_multi_cleanup(h->multi);
	pthread_mutex_destroy(&h->mutex);
	free(h);
}

void hooks_send(struct hooks *h, const struct hook_event *event)
{
	struct job *j = calloc(1, sizeof(*j));
	if (j == NULL)
		return;
	j->event = *event;
	json_incref(j->event.webhook);
	json_incref(j->event.data);
	json_incref(j->event.fields);
	snprintf(j->object, sizeof(j->object), "%s", event->object);
	snprintf(j->action, sizeof(j->action), "%s", event->action);
	j->event.object = j->object;
	j->event.action = j->action;
	if (event->object_id != NULL) {
		snprintf(j->object_id, sizeof(j->object_id), "%s", event->object_id);
		j->event.object_id = j->object_id;
	}
	atomic_fetch_add(&h->queued, 1);
	pthread_mutex_lock(&h->mutex);
	*h->last = j;
	h->last = &j->next;
	pthread_mutex_unlock(&h->mutex);
	curl_multi_wakeup(h->multi);
}

struct hook_stats hooks_stats(struct hooks *h)
{
	if (h == NULL)
		return (struct hook_stats){0};
	return (struct hook_stats){
		atomic_load(&h->queued), atomic_load(&h->sent), atomic_load(&h->failed)};
}
