/* SPDX-License-Identifier: MIT */
/* The rule files of a folder, read whole: bytes, hash, or why not. */
#ifndef MOONHOOK_RUNNER_FOLDER_H
#define MOONHOOK_RUNNER_FOLDER_H

#include <stddef.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define FOLDER_FILE_BYTES (1u << 20)
#define FOLDER_FILES_MAX 1000

struct folder_file {
	char name[256];
	char hash[DIGEST_HEX_N]; /* SHA-256 of name and text */
	struct buf text;         /* its version, with the modules that it uses (bundle.h) */
	char *error;             /* "name: sentence": it could not be read; NULL: it could */
};

struct folder {
	struct folder_file *files; /* in order of their names */
	size_t n;
};

/* Reads every *.lua of path but *_test.lua. A file that is too large, a symlink, a FIFO, not there
 * any more, holds NUL, or uses a module that is not there gets its error; the folder itself:
 * RC_NOT_FOUND, RC_DENIED with a sentence that says what to do. GIVES (folder_done). */
enum rc folder_read(const char *path, struct folder *ret_folder, struct err *err) must_check;
/* Takes a byte order mark away and makes every line end with \n alone. */
void folder_normalise(struct buf *text);
/* Notes the hash of a file whose text has changed. */
enum rc folder_hash(struct folder_file *file, struct err *err) must_check;
/* Forgets every file but those with these names, NULL-terminated. */
void folder_keep(struct folder *folder, const char *const *names);
void folder_done(struct folder *folder);

#endif
