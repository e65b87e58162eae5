/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets.
 * From: serve.c; control.c connects. To: the children, which inherit them: a socket stays open
 * while its child is started again, so that nothing is refused meanwhile. Fails with a sentence
 * that says what to do.
 */
#include "cli/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG 4096 /* cut by net.core.somaxconn */
#define WAIT_STEP_MS 50
#define WAIT_STEPS 40 /* two seconds for a predecessor */

struct address {
	char host[256], port[8];
};

static enum rc split(const char *text, struct address *ret, struct err *err)
{
	struct address a = {.host = ""};
	const char *colon = strrchr(text, ':');
	const char *host = text;
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;
	if (colon != NULL && n >= 2 && text[0] == '[' && colon[-1] == ']') {
		host++;
		n -= 2;
	} else if (memchr(text, ':', n) != NULL) {
		colon = NULL; /* an IPv6 address without its brackets */
	}
	char *end = NULL;
	long port = colon != NULL ? strtol(colon + 1, &end, 10) : -1;
	if (colon == NULL || n >= sizeof(a.host) || end == colon + 1 || *end != '\0' || port < 1 ||
		port > 65535)
		return err_set(err, RC_INVALID,
			"`%s` is no address to listen on; write \"127.0.0.1:8700\"", text);
	memcpy(a.host, host, n);
	snprintf(a.port, sizeof(a.port), "%ld", port);
	*ret = a;
	return RC_OK;
}

/* Does host stand for every address, that of other too? */
static bool covers(const char *host, const char *other)
{
	return host[0] == '\0' || strcmp(host, "::") == 0 ||
	       (strcmp(host, "0.0.0.0") == 0 && strchr(other, ':') == NULL);
}

bool cli_listen_clash(const char *one, const char *two)
{
	struct address a, b;
	if (one == NULL || two == NULL || split(one, &a, NULL) != RC_OK ||
		split(two, &b, NULL) != RC_OK || strcmp(a.port, b.port) != 0)
		return false;
	const char *x = strcasecmp(a.host, "localhost") == 0 ? "127.0.0.1" : a.host;
	const char *y = strcasecmp(b.host, "localhost") == 0 ? "127.0.0.1" : b.host;
	return covers(x, y) || covers(y, x) || strcasecmp(x, y) == 0;
}

/* Tries one address: a descriptor, or -errno. */
static int try_listen(const struct addrinfo *ai)
{
	int one = 1;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
		int error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

static enum rc refuse_address(const char *text, const struct address *a, int error, struct err *err)
{
	if (error == EADDRINUSE)
		return err_set(err, RC_BUSY,
			"%s is in use by another program; find it with: ss -ltnp 'sport = :%s'",
			text, a->port);
	if (error == EACCES)
		return err_set(err, RC_DENIED,
			"%s: ports below 1024 are reserved; choose a higher one, or let systemd "
			"open it (moonhook.socket)",
			text);
	if (error == EADDRNOTAVAIL)
		return err_set(
			err, RC_INVALID, "%s is no address of this machine; see: ip address", text);
	return err_set_errno(err, RC_IO, error, "cannot listen on %s", text);
}

enum rc cli_listen_tcp(const char *address, int *ret_fd, struct err *err)
{
	struct address a;
	enum rc rc = split(address, &a, err);
	if (rc != RC_OK)
		return rc;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *found = NULL;
	int status = getaddrinfo(a.host[0] != '\0' ? a.host : NULL, a.port, &hints, &found);
	if (status != 0)
		return err_set(
			err, RC_INVALID, "cannot listen on %s: %s", address, gai_strerror(status));
	int fd = try_listen(found);
	for (int i = 0; fd == -EADDRINUSE && i < WAIT_STEPS; i++) {
		struct timespec pause = {.tv_nsec = WAIT_STEP_MS * 1000000L};
		nanosleep(&pause, NULL);
		fd = try_listen(found);
	}
	freeaddrinfo(found);
	if (fd < 0)
		return refuse_address(address, &a, -fd, err);
	*ret_fd = fd;
	return RC_OK;
}

/* --- Unix sockets ----------------------------------------------------------------------------- */

/* An address of a socket is 107 bytes at most, a path is not: it is reached through its folder.
 * *ret_folder stays open while the address is used. */
static enum rc unix_address(
	const char *path, struct sockaddr_un *ret, int *ret_folder, struct err *err)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	*ret_folder = -1;
	if (strlen(path) < sizeof(a.sun_path)) {
		snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
		*ret = a;
		return RC_OK;
	}
	const char *slash = strrchr(path, '/');
	char folder[4096];
	if (slash == NULL || (size_t)(slash - path) >= sizeof(folder) || strlen(slash) > 64)
		return err_set(err, RC_INVALID, "the control socket's path is too long: %s", path);
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, RC_UNREACHABLE, errno, "cannot open %s", folder);
	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d%.70s", fd, slash);
	*ret_folder = fd;
	*ret = a;
	return RC_OK;
}

static enum rc connect_at(
	const struct sockaddr_un *a, const char *path, int *ret_fd, struct err *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set_errno(err, RC_IO, errno, "cannot make a socket");
	if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) != 0) {
		enum rc rc =
			err_set_errno(err, RC_UNREACHABLE, errno, "nothing answers at %s", path);
		close(fd);
		return rc;
	}
	*ret_fd = fd;
	return RC_OK;
}

/* Binds where nobody answers. */
static enum rc bind_at(const struct sockaddr_un *a, const char *path, int *ret_fd, struct err *err)
{
	int other = -1;
	if (connect_at(a, path, &other, NULL) == RC_OK) {
		close(other);
		return err_set(err, RC_BUSY,
			"another moonhook serves this store (it answers at %s); stop it first. "
			"Several "
			"at once need a store in a database: store = \"postgres://..\"",
			path);
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set_errno(err, RC_IO, errno, "cannot make the control socket");
	(void)unlink(a->sun_path);
	mode_t mask = umask(0177);
	int failed = bind(fd, (const struct sockaddr *)a, sizeof(*a));
	int error = errno;
	umask(mask);
	if (failed != 0 || listen(fd, 16) != 0) {
		err_set_errno(err, RC_DENIED, failed != 0 ? error : errno,
			"cannot make the control socket %s", path);
		close(fd);
		return RC_DENIED;
	}
	*ret_fd = fd;
	return RC_OK;
}

typedef enum rc (*address_fn)(
	const struct sockaddr_un *a, const char *path, int *ret_fd, struct err *err);

/* Does something at the address of a path. */
static enum rc at_path(const char *path, address_fn fn, int *ret_fd, struct err *err)
{
	struct sockaddr_un a;
	int folder;
	enum rc rc = unix_address(path, &a, &folder, err);
	if (rc != RC_OK)
		return rc;
	rc = fn(&a, path, ret_fd, err);
	if (folder >= 0)
		close(folder);
	return rc;
}

enum rc cli_listen_connect(const char *path, int *ret_fd, struct err *err)
{
	return at_path(path, connect_at, ret_fd, err);
}

enum rc cli_listen_unix(const char *path, int *ret_fd, struct err *err)
{
	return at_path(path, bind_at, ret_fd, err);
}

/* --- from systemd ----------------------------------------------------------------------------- */

static bool name_known(const char *name)
{
	return strcmp(name, "hooks") == 0 || strcmp(name, "console") == 0;
}

int cli_listen_passed(const char *name, int place)
{
	char **names = NULL;
	int found = -1;
	int n = sd_listen_fds_with_names(0, &names);
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			found = SD_LISTEN_FDS_START + i;
	for (int i = 0; i < n && found < 0; i++)
		if (!name_known(names[i]) && place-- == 0)
			found = SD_LISTEN_FDS_START + i;
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	if (found >= 0 && sd_is_socket(found, AF_UNSPEC, SOCK_STREAM, 1) > 0)
		(void)fcntl(found, F_SETFL, fcntl(found, F_GETFL) | O_NONBLOCK);
	return found;
}
