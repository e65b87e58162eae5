/* SPDX-License-Identifier: MIT */
/*
 * Finds the control sockets of this machine.
 * From: serve.c (its own), control.c (everybody's). Trusts folders that only their owner can write
 * to, and of those our own and root's. Fails with a sentence that names `control`, which needs no
 * folder.
 */
#include "cli/runtime.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/digest.h"
#include "cli/settings.h"

#define SYSTEM_FOLDER "/run/moonhook"
#define STORE_HEX_N 12

/* --- names ------------------------------------------------------------------------------------ */

/* The value of a parameter of an address; n 0: it has none. */
static struct slice parameter(const char *text, const char *key)
{
	size_t n = strlen(key);
	for (const char *p = strchr(text, '?'); p != NULL; p = strchr(p + 1, '&'))
		if (strncmp(p + 1, key, n) == 0)
			return (struct slice){p + 1 + n, strcspn(p + 1 + n, "&")};
	return (struct slice){NULL, 0};
}

/* One for the database and its schema, whoever works there. */
static bool name_store(const char *store, char ret_name[static STORE_HEX_N + 1])
{
	uint8_t sum[DIGEST_N];
	char hex[DIGEST_HEX_N];
	const char *host = strstr(store, "://") + 3;
	const char *slash = strchr(host, '/'), *at = strchr(host, '@');
	if (at != NULL && (slash == NULL || at < slash))
		host = at + 1;
	const struct slice parts[] = {{host, strcspn(host, "?")}, {"?", 1},
		parameter(store, "host="), {"?", 1}, parameter(store, "port="), {"?", 1},
		parameter(store, "schema=")};
	if (digest_sha256(parts, ARRAY_N(parts), sum) != RC_OK)
		return false;
	digest_format(sum, hex);
	snprintf(ret_name, STORE_HEX_N + 1, "%.*s", STORE_HEX_N, hex);
	return true;
}

static bool is_several(const struct conf *conf)
{
	const char *control = conf_text(conf, "control");
	return (control == NULL || control[0] == '\0') && cli_settings_away(conf);
}

/* The one path that the configuration itself says; false: it says none. */
static bool fixed(const struct conf *conf, char ret_path[static RUNTIME_PATH_N])
{
	const char *control = conf_text(conf, "control"), *store = conf_text(conf, "store");
	if (control != NULL && control[0] != '\0')
		snprintf(ret_path, RUNTIME_PATH_N, "%s", control);
	else if (store != NULL && strchr(store, ':') == NULL)
		snprintf(ret_path, RUNTIME_PATH_N, "%s/control.sock", store);
	else
		return false;
	return true;
}

/* --- folders ---------------------------------------------------------------------------------- */

/* Nobody else can put a socket there. */
static bool is_safe(const char *folder)
{
	struct stat st;
	return stat(folder, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 022) == 0 &&
	       (st.st_uid == geteuid() || st.st_uid == 0 || geteuid() == 0);
}

/* The i-th folder in which a daemon may have its socket; false behind the last, "" for none. */
static bool folder_at(size_t i, char ret_path[static RUNTIME_PATH_N])
{
	const char *of_unit = getenv("RUNTIME_DIRECTORY"), *of_user = getenv("XDG_RUNTIME_DIR");
	char user[64];
	ret_path[0] = '\0';
	snprintf(user, sizeof(user), "/run/user/%u", (unsigned)geteuid());
	switch (i) {
	case 0:
		if (of_unit != NULL && of_unit[0] == '/')
			snprintf(ret_path, RUNTIME_PATH_N, "%.*s", (int)strcspn(of_unit, ":"),
				of_unit);
		return true;
	case 1:
		if (of_user != NULL && of_user[0] == '/')
			snprintf(ret_path, RUNTIME_PATH_N, "%.4000s/moonhook", of_user);
		return true;
	case 2:
		snprintf(ret_path, RUNTIME_PATH_N, SYSTEM_FOLDER);
		return true;
	case 3:
		if (access(user, W_OK) == 0)
			snprintf(ret_path, RUNTIME_PATH_N, "%s/moonhook", user);
		return true;
	case 4:
		snprintf(ret_path, RUNTIME_PATH_N, "/tmp/moonhook-%u", (unsigned)geteuid());
		return true;
	default:
		return false;
	}
}

static bool make_folder(const char *path)
{
	struct stat st;
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return false;
	/* In /tmp anybody could have made it, or a link to elsewhere. */
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	       (st.st_mode & 022) == 0 && access(path, W_OK) == 0;
}

/* --- finding ---------------------------------------------------------------------------------- */

static void add(struct runtime_list *list, const char *folder, const char *name)
{
	struct runtime_socket s = {.runner = false};
	int n = snprintf(s.path, sizeof(s.path), "%s/%s", folder, name);
	if (n >= (int)sizeof(s.path) || list->n == RUNTIME_MAX)
		return;
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->at[i].path, s.path) == 0)
			return;
	s.runner = strstr(name, "runner") != NULL;
	size_t at = s.runner ? 0 : list->n;
	memmove(&list->at[at + 1], &list->at[at], (list->n - at) * sizeof(s));
	list->at[at] = s;
	list->n++;
}

/* The sockets of this store in a folder; of the system's, which systemd's units share, also those
 * one folder below. */
static void look_into(struct runtime_list *list, const char *folder, const char *store, bool below)
{
	DIR *dir = is_safe(folder) ? opendir(folder) : NULL;
	const struct dirent *e;
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		char path[RUNTIME_PATH_N];
		size_t n = strlen(e->d_name);
		if (strncmp(e->d_name, store, STORE_HEX_N) == 0 && e->d_name[STORE_HEX_N] == '.' &&
			n > 5 && strcmp(e->d_name + n - 5, ".sock") == 0)
			add(list, folder, e->d_name);
		else if (below && e->d_name[0] != '.' &&
			 snprintf(path, sizeof(path), "%.3800s/%s", folder, e->d_name) <
				 (int)sizeof(path))
			look_into(list, path, store, false);
	}
	if (dir != NULL)
		closedir(dir);
}

/* Does nobody listen there any more? The kernel says so of a socket whose process is gone. */
static bool is_dead(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(a.sun_path))
		return false;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool dead = fd >= 0 && connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0 &&
		    errno == ECONNREFUSED;
	if (fd >= 0)
		close(fd);
	return dead;
}

static void sweep(const char *folder, const char *store)
{
	struct runtime_list *list = calloc(1, sizeof(*list));
	if (list != NULL)
		look_into(list, folder, store, false);
	for (size_t i = 0; list != NULL && i < list->n; i++)
		if (is_dead(list->at[i].path))
			(void)unlink(list->at[i].path);
	free(list);
}

static enum rc name_own(const struct conf *conf, const char *folder,
	char ret_path[static RUNTIME_PATH_N], struct err *err)
{
	char store[STORE_HEX_N + 1];
	if (!name_store(conf_text(conf, "store"), store))
		return err_set(err, RC_NOMEM, "no memory for the name of the control socket");
	sweep(folder, store);
	bool receiver = cli_settings_serves(conf, "receiver"),
	     runner = cli_settings_serves(conf, "runner");
	int n = snprintf(ret_path, RUNTIME_PATH_N, "%s/%s.%ld.%s.sock", folder, store,
		(long)getpid(),
		receiver && runner ? "receiver+runner"
		: receiver         ? "receiver"
		: runner           ? "runner"
				   : "console");
	return n < RUNTIME_PATH_N
		       ? RC_OK
		       : err_set(err, RC_TOO_LARGE, "the runtime folder's path is too long");
}

enum rc runtime_own(const struct conf *conf, char ret_path[static RUNTIME_PATH_N], struct err *err)
{
	char folder[RUNTIME_PATH_N];
	ret_path[0] = '\0';
	if (!is_several(conf)) {
		(void)fixed(conf, ret_path);
		return RC_OK;
	}
	for (size_t i = 0; folder_at(i, folder); i++)
		if (folder[0] != '\0' && make_folder(folder))
			return name_own(conf, folder, ret_path, err);
	return err_set(err, RC_DENIED,
		"there is no folder for the control socket (%s cannot be used, either); name a "
		"place for "
		"it: control = \"/path/of/control.sock\"",
		folder);
}

struct runtime_list *runtime_find(const struct conf *conf)
{
	char folder[RUNTIME_PATH_N], store[STORE_HEX_N + 1];
	struct runtime_list *list = calloc(1, sizeof(*list));
	if (list == NULL)
		return NULL;
	if (!is_several(conf)) {
		list->n = fixed(conf, list->at[0].path) ? 1 : 0;
		list->at[0].runner = true;
		return list;
	}
	for (size_t i = 0; name_store(conf_text(conf, "store"), store) && folder_at(i, folder); i++)
		if (folder[0] != '\0')
			look_into(list, folder, store, strcmp(folder, SYSTEM_FOLDER) == 0);
	return list;
}
