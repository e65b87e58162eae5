/* SPDX-License-Identifier: MIT */
/* Which addresses get into each other's way. */
#include <criterion/criterion.h>

#include "cli/listen.h"

Test(cli_listen, the_same_port_of_the_same_host_or_of_every_host_clashes)
{
	cr_expect(cli_listen_clash("127.0.0.1:8700", "127.0.0.1:8700"));
	cr_expect(cli_listen_clash("LOCALHOST:8700", "127.0.0.1:08700"));
	cr_expect(cli_listen_clash(":8700", "127.0.0.1:8700"));
	cr_expect(cli_listen_clash("127.0.0.1:8700", "0.0.0.0:8700"));
	cr_expect(cli_listen_clash("[::]:8700", "127.0.0.1:8700"));
	cr_expect(cli_listen_clash("[::1]:8700", "[::1]:8700"));
}

Test(cli_listen, other_ports_and_other_hosts_do_not)
{
	cr_expect_not(cli_listen_clash("127.0.0.1:8700", "127.0.0.1:8701"));
	cr_expect_not(cli_listen_clash("127.0.0.1:8700", "127.0.0.2:8700"));
	cr_expect_not(cli_listen_clash("0.0.0.0:8700", "[::1]:8700"));
	cr_expect_not(cli_listen_clash("8700", "8700"), "what is no address is refused elsewhere");
	cr_expect_not(cli_listen_clash(NULL, "127.0.0.1:8700"));
}
