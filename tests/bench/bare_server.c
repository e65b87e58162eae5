/* SPDX-License-Identifier: MIT */
/*
 * The ceiling: libmicrohttpd as the receiver runs it (one polling thread, the same options), which
 * reads each request whole and answers 200 without looking at it.
 * From: tests/bench/acks. Prints its port, ends with its standard input.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTION_MEMORY 16384
#define CONNECTIONS 1152

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *bytes, size_t *bytes_n, void **request)
{
	static char body[] = "{\"id\":\"01m84ywmqb5k3j6q0h8t9s2zrv\"}\n";
	static int begun;
	(void)ctx, (void)url, (void)method, (void)version, (void)bytes;
	if (*request == NULL || *bytes_n != 0) {
		*request = &begun;
		*bytes_n = 0;
		return MHD_YES;
	}
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_PERSISTENT);
	if (response == NULL)
		return MHD_NO;
	enum MHD_Result queued = MHD_NO;
	if (MHD_add_response_header(response, "Content-Type", "application/json") == MHD_YES)
		queued = MHD_queue_response(mhd, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return queued;
}

static int listen_somewhere(int *ret_port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) != 0 || listen(fd, 4096) != 0 ||
		getsockname(fd, (struct sockaddr *)&at, &n) != 0)
		return -1;
	*ret_port = ntohs(at.sin_port);
	return fd;
}

int main(void)
{
	int port = 0, fd = listen_somewhere(&port);
	if (fd < 0) {
		perror("bare_server: cannot listen on loopback");
		return 1;
	}
	struct MHD_Daemon *daemon = MHD_start_daemon(
		MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME, 0, NULL,
		NULL, on_request, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY, MHD_OPTION_END);
	if (daemon == NULL) {
		fputs("bare_server: libmicrohttpd did not start\n", stderr);
		return 1;
	}
	printf("%d\n", port);
	fflush(stdout);
	char c;
	while (read(STDIN_FILENO, &c, 1) > 0)
		continue;
	MHD_stop_daemon(daemon);
	return 0;
}
