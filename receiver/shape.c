/* SPDX-License-Identifier: MIT */
/*
 * How a source signs, as its configuration says.
 * From: source.c. To: scheme_hmac.c, scheme_token.c. Fails with a sentence that names the source
 * and says what to write. A setting that its scheme does not have is refused, or somebody would
 * believe that it counts.
 */
#include "receiver/shape.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	bool of_token;
} settings[] = {{"header", true}, {"prefix", true}, {"id", true}, {"encoding", false},
	{"algorithm", false}, {"signed", false}, {"timestamp", false}};

static const char *setting(const struct conf *conf, const char *source, const char *name)
{
	char key[128];
	snprintf(key, sizeof(key), "source.%s.%s", source, name);
	return conf_text(conf, key);
}

static enum rc refuse_foreign(
	enum shape_kind kind, const struct conf *conf, const char *source, struct err *err)
{
	for (size_t i = 0; i < ARRAY_N(settings); i++) {
		const char *name = settings[i].name, *scheme = setting(conf, source, "scheme");
		if (setting(conf, source, name) == NULL || kind == SHAPE_HMAC ||
			(kind == SHAPE_TOKEN && settings[i].of_token))
			continue;
		return err_set(err, RC_INVALID,
			"source \"%s\": `%s` is a setting of the scheme%s; \"%s\" says that "
			"itself, so take it away",
			source, name, settings[i].of_token ? "s hmac and token" : " hmac",
			scheme != NULL ? scheme : "twenty");
	}
	return RC_OK;
}

/* A name of a header in lower case. */
static enum rc take_name(const struct conf *conf, const char *source, const char *what,
	char ret_name[static SHAPE_NAME_N], struct err *err)
{
	const char *name = setting(conf, source, what);
	size_t n = name != NULL ? strlen(name) : 0;
	bool plain = name == NULL || (n != 0 && n < SHAPE_NAME_N);
	for (size_t i = 0; plain && i < n; i++) {
		char c = name[i];
		c = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
		plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
		ret_name[i] = c;
	}
	if (!plain)
		return err_set(err, RC_INVALID,
			"source \"%s\": `%s` is the name of a header, such as \"x-signature\", not "
			"\"%.80s\"",
			source, what, name);
	ret_name[n] = '\0';
	return RC_OK;
}

static enum rc take_text(const struct conf *conf, const char *source, const char *what,
	const char *fallback, char ret_text[static SHAPE_TEXT_MAX], struct err *err)
{
	const char *text = setting(conf, source, what);
	if (text == NULL)
		text = fallback;
	if (strlen(text) >= SHAPE_TEXT_MAX)
		return err_set(err, RC_INVALID, "source \"%s\": `%s` is longer than %d bytes",
			source, what, SHAPE_TEXT_MAX - 1);
	snprintf(ret_text, SHAPE_TEXT_MAX, "%s", text);
	return RC_OK;
}

/* --- what is signed --------------------------------------------------------------------------- */

/* One {word} or what stands before the next; ret_n: bytes it took, 0: no such word. */
static enum shape_piece next_piece(const char *at, size_t *ret_n)
{
	static const struct {
		const char *word;
		enum shape_piece piece;
	} words[] = {{"{timestamp}", SHAPE_TIMESTAMP}, {"{id}", SHAPE_ID}, {"{body}", SHAPE_BODY}};
	for (size_t i = 0; i < ARRAY_N(words); i++) {
		*ret_n = strlen(words[i].word);
		if (strncmp(at, words[i].word, *ret_n) == 0)
			return words[i].piece;
	}
	*ret_n = strcspn(at, "{");
	return SHAPE_TEXT;
}

static enum rc refuse_signed(const char *source, const char *why, struct err *err)
{
	return err_set(err, RC_INVALID,
		"source \"%s\": %s; `signed` is \"{body}\", or such as \"v0:{timestamp}:{body}\"",
		source, why);
}

static enum rc check_pieces(const struct shape *s, const size_t seen[static SHAPE_BODY + 1],
	const char *source, struct err *err)
{
	if (seen[SHAPE_BODY] != 1)
		return refuse_signed(source, "`signed` must have {body}, once", err);
	if (seen[SHAPE_TIMESTAMP] != 0 && s->timestamp[0] == '\0')
		return refuse_signed(source,
			"`signed` has {timestamp}, so `timestamp` must name its header", err);
	if (seen[SHAPE_TIMESTAMP] == 0 && s->timestamp[0] != '\0')
		return refuse_signed(source,
			"`timestamp` is set, but `signed` has no {timestamp}: a time that nobody "
			"signed proves nothing",
			err);
	if (seen[SHAPE_ID] != 0 && s->id[0] == '\0')
		return refuse_signed(
			source, "`signed` has {id}, so `id` must name its header", err);
	return RC_OK;
}

static enum rc take_signed(
	struct shape *s, const struct conf *conf, const char *source, struct err *err)
{
	size_t seen[SHAPE_BODY + 1] = {0}, n = 0;
	enum rc rc = take_text(conf, source, "signed", "{body}", s->signed_as, err);
	for (const char *at = s->signed_as; rc == RC_OK && *at != '\0'; at += n) {
		enum shape_piece piece = next_piece(at, &n);
		if (n == 0 || s->pieces_n == SHAPE_PIECES_MAX)
			return refuse_signed(source,
				n == 0 ? "`signed` knows {timestamp}, {id} and {body}"
				       : "`signed` has too many pieces",
				err);
		s->pieces[s->pieces_n].piece = piece;
		s->pieces[s->pieces_n++].text = (struct slice){at, n};
		seen[piece]++;
	}
	return rc == RC_OK ? check_pieces(s, seen, source, err) : rc;
}

size_t shape_parts(const struct shape *shape, struct slice stamp, struct slice id,
	struct slice body, struct slice ret_parts[static SHAPE_PIECES_MAX])
{
	for (size_t i = 0; i < shape->pieces_n; i++) {
		switch (shape->pieces[i].piece) {
		case SHAPE_TEXT:
			ret_parts[i] = shape->pieces[i].text;
			break;
		case SHAPE_TIMESTAMP:
			ret_parts[i] = stamp;
			break;
		case SHAPE_ID:
			ret_parts[i] = id;
			break;
		case SHAPE_BODY:
			ret_parts[i] = body;
			break;
		}
	}
	return shape->pieces_n;
}

/* --- all of it -------------------------------------------------------------------------------- */

/* Of two names that are one, a request would have to bring two headers in one. */
static enum rc take_wanted(struct shape *s, const char *source, struct err *err)
{
	if (strcmp(s->header, s->timestamp) == 0 || strcmp(s->header, s->id) == 0 ||
		(s->id[0] != '\0' && strcmp(s->id, s->timestamp) == 0))
		return err_set(err, RC_INVALID,
			"source \"%s\": `header`, `timestamp` and `id` name different headers",
			source);
	s->wanted[SHAPE_HEADER] = s->header;
	s->wanted[SHAPE_STAMP] = s->timestamp;
	s->wanted[SHAPE_DELIVERY] = s->id;
	return RC_OK;
}

static enum rc take_names(struct shape *s, enum shape_kind kind, const struct conf *conf,
	const char *source, struct err *err)
{
	enum rc rc = take_name(conf, source, "header", s->header, err);
	if (rc == RC_OK)
		rc = take_name(conf, source, "timestamp", s->timestamp, err);
	if (rc == RC_OK)
		rc = take_name(conf, source, "id", s->id, err);
	if (rc == RC_OK && s->header[0] == '\0' && kind == SHAPE_HMAC)
		return err_set(err, RC_INVALID,
			"source \"%s\": the scheme hmac needs `header`, the one that holds the "
			"signature, such as header = \"x-signature\"",
			source);
	if (rc == RC_OK && s->header[0] == '\0')
		snprintf(s->header, sizeof(s->header), "authorization");
	return rc;
}

enum rc shape_fill(struct shape *shape, enum shape_kind kind, const struct conf *conf,
	const char *source, struct err *err)
{
	*shape = (struct shape){.kind = DIGEST_SHA256};
	enum rc rc = refuse_foreign(kind, conf, source, err);
	if (rc != RC_OK || kind == SHAPE_NONE)
		return rc;
	const char *kind_name = setting(conf, source, "algorithm"),
		   *form = setting(conf, source, "encoding");
	if (kind_name != NULL && strcmp(kind_name, "sha256") != 0)
		shape->kind = strcmp(kind_name, "sha1") == 0 ? DIGEST_SHA1 : DIGEST_SHA512;
	if (form != NULL && strcmp(form, "base64") == 0)
		shape->form = DIGEST_BASE64;
	rc = take_names(shape, kind, conf, source, err);
	bool bearer = kind == SHAPE_TOKEN && strcmp(shape->header, "authorization") == 0;
	if (rc == RC_OK)
		rc = take_text(conf, source, "prefix", bearer ? "Bearer " : "", shape->prefix, err);
	if (rc == RC_OK && kind == SHAPE_HMAC)
		rc = take_signed(shape, conf, source, err);
	return rc == RC_OK ? take_wanted(shape, source, err) : rc;
}
