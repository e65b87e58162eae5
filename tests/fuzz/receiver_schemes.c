/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes what a stranger can reach of the schemes of other senders, and what is looked at behind a
 * right signature: the body's id, forms. Input: a byte that chooses the source, lines "name:value",
 * an empty line, the body.
 * Beyond the sanitizers: what a stranger sends is never accepted, for the secret is made up anew
 * each time the fuzzer starts; the same body signed as its sender signs always is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/base64.h"
#include "receiver/outer.h"
#include "receiver/receiver.h"
#include "receiver/source.h"
#include "receiver/verify.h"
#include "runner/form.h"

#define NOW_MS 1795458757000
#define SOURCES_N 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const settings[SOURCES_N] = {"scheme = \"standard-webhooks\"",
	"scheme = \"github\"", "scheme = \"stripe\"", "scheme = \"token\"",
	"scheme = \"hmac\", header = \"x-sign\", prefix = \"sha1=\", algorithm = \"sha1\"",
	"scheme = \"hmac\", header = \"x-sign\", encoding = \"base64\", timestamp = \"x-time\", "
	"id = \"x-id\", signed = \"{id}.{timestamp}.{body}\""};
static char secret[64];

static const struct source *make(size_t i)
{
	static struct source_set *sets[SOURCES_N];
	char path[] = "/tmp/moonhook-fuzz-XXXXXX", text[1024];
	uint8_t bytes[30];
	struct conf *conf = NULL;
	struct err err;
	if (secret[0] == '\0' && getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes))
		base64_format(bytes, sizeof(bytes), secret);
	if (sets[i] != NULL)
		return source_find(sets[i], "x");
	int fd = mkstemp(path);
	int n = snprintf(text, sizeof(text), "source \"x\" { %s, secrets = { \"%s\" } }\n",
		settings[i], secret);
	if (fd < 0 || write(fd, text, (size_t)n) != n || close(fd) != 0 ||
		conf_load(path, &receiver_conf_table, 1, NULL, 0, &conf, &err) != RC_OK ||
		source_set_new(conf, &sets[i], &err) != RC_OK)
		abort();
	unlink(path);
	conf_free(conf);
	return source_find(sets[i], "x");
}

/* Feeds the header lines; what is left is the body. */
static struct slice put_lines(struct head *head, struct slice in)
{
	const char *end;
	while (in.n != 0 && (end = memchr(in.p, '\n', in.n)) != NULL) {
		struct slice line = {in.p, (size_t)(end - in.p)};
		in = (struct slice){end + 1, in.n - line.n - 1};
		if (line.n == 0)
			break;
		const char *colon = memchr(line.p, ':', line.n);
		size_t name_n = colon != NULL ? (size_t)(colon - line.p) : line.n;
		size_t skip = colon != NULL ? name_n + 1 : line.n;
		skip += skip < line.n && line.p[skip] == ' ';
		head_put(head, (struct slice){line.p, name_n},
			(struct slice){line.p + skip, line.n - skip});
	}
	return in;
}

static void begin(const struct source *source, struct head *head)
{
	head_init(head, source_headers(source));
	head_keep(head, source->shape.header);
}

static void check_signed(const struct source *source, struct slice body)
{
	struct head head;
	struct verification v;
	struct buf lines;
	struct signing what = {.body = body, .at_ms = NOW_MS, .id = "d1", .token = secret};
	buf_init(&lines, 4096);
	if (source->scheme->sign(source, &what, &lines) != RC_OK)
		abort();
	begin(source, &head);
	put_lines(&head, buf_slice(&lines));
	verify_check(source, &head, body, NOW_MS, &v);
	if (v.verdict != VERDICT_ACCEPTED || v.secret != 1)
		abort();
	buf_done(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct head head;
	struct verification v;
	struct buf out;
	struct err err;
	json_t *form = NULL;
	if (size == 0)
		return 0;
	const struct source *source = make(data[0] % SOURCES_N);
	begin(source, &head);
	struct slice body = put_lines(&head, (struct slice){(const char *)data + 1, size - 1});
	verify_check(source, &head, body, NOW_MS, &v);
	if (v.verdict == VERDICT_ACCEPTED || v.verdict == VERDICT_SKEWED)
		abort();
	check_signed(source, body);
	buf_init(&out, HEAD_KEPT_BYTES);
	if (head_format(&head, &out) != RC_OK)
		abort();
	for (size_t i = 0; i < head.kept_n; i++)
		if (memmem(head.kept[i].name.p, head.kept[i].name.n, "signature", 9) != NULL)
			abort();
	if (outer_text(body, "id").n > OUTER_VALUE_MAX)
		abort();
	if (form_parse(body, &form, &err) == RC_OK)
		json_decref(form);
	form_is(buf_slice(&out));
	buf_done(&out);
	return 0;
}
