/* SPDX-License-Identifier: MIT */
/*
 * Puts a secret where the next start of the daemon reads it.
 * From: webhook.c. To: the file that the configuration names. Fails with a sentence that names the
 * file; a secret is in no sentence. Never overwrites one.
 */
#include "cli/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "base/digest.h"
#include "base/file.h"

#define PATH_N 4096

/* False: there is something in it, or nobody can tell. */
static bool is_empty(const char *path, bool *ret_there)
{
	struct buf text;
	struct err err;
	buf_init(&text, 65536);
	enum rc rc = file_read(AT_FDCWD, path, FILE_LINKS_FOLLOWED, &text, &err);
	size_t n = 0;
	while (rc == RC_OK && n < text.n && strchr("\r\n", text.p[n]) != NULL)
		n++;
	bool empty = rc == RC_NOT_FOUND || (rc == RC_OK && n == text.n);
	*ret_there = rc == RC_OK;
	if (text.p != NULL)
		explicit_bzero(text.p, text.n);
	buf_done(&text);
	return empty;
}

static const char *first_secret(const struct conf *conf, const char *key)
{
	const char *text;
	for (size_t i = 1; (text = conf_item(conf, key, i)) != NULL; i++)
		if (text[0] != '\0')
			return text;
	return NULL;
}

void slot_find(const struct conf *conf, const char *source, struct slot *ret_slot)
{
	char key[192];
	struct conf_reference r;
	snprintf(key, sizeof(key), "source.%s.secrets", source);
	*ret_slot = (struct slot){.kind = SLOT_NONE, .secret = first_secret(conf, key)};
	for (size_t i = 0; conf_reference(conf, key, i, &r); i++) {
		bool there = false;
		if (r.kind == CONF_PLACE_FILE && is_empty(r.name, &there)) {
			ret_slot->kind = SLOT_FILE;
			ret_slot->name = r.name;
			ret_slot->was_there = there;
			return;
		}
		if (r.kind == CONF_PLACE_ENV && ret_slot->name == NULL) {
			ret_slot->kind = SLOT_VARIABLE;
			ret_slot->name = r.name;
		}
	}
	if (ret_slot->secret != NULL)
		ret_slot->kind = SLOT_TAKEN;
}

enum rc slot_secret(char ret_secret[static SLOT_SECRET_N], struct err *err)
{
	uint8_t bytes[DIGEST_N];
	if (RAND_priv_bytes(bytes, sizeof(bytes)) != 1)
		return err_set(err, RC_IO, "this machine gives no random bytes");
	digest_format(bytes, ret_secret);
	explicit_bzero(bytes, sizeof(bytes));
	return RC_OK;
}

/* As root: to whoever owns the store, since the daemon runs as that user. */
static bool give_to_daemon(int fd, const char *store)
{
	struct stat st;
	if (geteuid() != 0 || store == NULL || stat(store, &st) != 0)
		return true;
	return fchown(fd, st.st_uid, st.st_gid) == 0;
}

static bool sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_N];
	snprintf(folder, sizeof(folder), "%.*s", slash != NULL ? (int)(slash - path + 1) : 1,
		slash != NULL ? path : ".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Puts the finished file in its place: a new name is taken only where nobody has it. */
static int place(const struct slot *slot, const char *made)
{
	bool there = false;
	if (slot->was_there && is_empty(slot->name, &there) && there)
		return rename(made, slot->name);
	return link(made, slot->name);
}

enum rc slot_fill(const struct slot *slot, const char *secret, const char *store, struct err *err)
{
	char made[PATH_N];
	int n = snprintf(made, sizeof(made), "%s.XXXXXX", slot->name);
	if (n < 0 || n >= (int)sizeof(made))
		return err_set(err, RC_INVALID, "the path of a secret is too long");
	int fd = mkostemp(made, O_CLOEXEC); /* 0600 */
	if (fd < 0)
		return err_set_errno(err, RC_DENIED, errno,
			"cannot write the secret to %.150s: run this as the user whose it is",
			slot->name);
	size_t len = strlen(secret);
	bool ok = write(fd, secret, len) == (ssize_t)len && write(fd, "\n", 1) == 1 &&
		  give_to_daemon(fd, store) && fsync(fd) == 0;
	int why = errno;
	enum rc rc = RC_OK;
	if (!ok)
		rc = err_set_errno(
			err, RC_IO, why, "cannot write the secret to %.150s", slot->name);
	else if (place(slot, made) != 0)
		rc = err_set_errno(err, errno == EEXIST ? RC_DUPLICATE : RC_IO, errno,
			"cannot make %.150s", slot->name);
	(void)unlink(made);
	close(fd);
	if (rc == RC_OK && !sync_folder(slot->name))
		rc = err_set_errno(err, RC_IO, errno, "cannot make %.150s durable", slot->name);
	return rc;
}

static bool still_holds(const char *path, const char *secret)
{
	struct buf text;
	struct err err;
	buf_init(&text, 256);
	size_t n = strlen(secret);
	bool is = file_read(AT_FDCWD, path, FILE_LINKS_FOLLOWED, &text, &err) == RC_OK &&
		  text.n == n + 1 && memcmp(text.p, secret, n) == 0;
	if (text.p != NULL)
		explicit_bzero(text.p, text.n);
	buf_done(&text);
	return is;
}

enum rc slot_clear(const struct slot *slot, const char *secret, struct err *err)
{
	if (!still_holds(slot->name, secret))
		return RC_OK;
	int failed = slot->was_there ? truncate(slot->name, 0) : unlink(slot->name);
	return failed == 0 ? RC_OK
			   : err_set_errno(err, RC_IO, errno,
				     "cannot take the secret out of %.150s again", slot->name);
}
