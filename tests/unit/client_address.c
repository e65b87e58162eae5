/* SPDX-License-Identifier: MIT */
/* Targets of webhooks: which networks they lead to, which spellings are the same. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/attr.h"
#include "client/address.h"
#include "client/target.h"

static void expect_kind(const char *host, enum address_kind kind)
{
	char text[ADDRESS_TEXT_N];
	enum address_kind got = address_find(host, 2000, text);
	cr_expect_eq(got, kind, "%s is %s (%s), not %s", host, address_kind_text(got), text,
		address_kind_text(kind));
}

Test(client_address, what_no_server_of_the_internet_reaches_is_told_in_any_spelling)
{
	static const struct {
		const char *host;
		enum address_kind kind;
	} hosts[] = {{"127.0.0.1", ADDRESS_LOOPBACK}, {"127.1", ADDRESS_LOOPBACK},
		{"0x7f.1", ADDRESS_LOOPBACK}, {"2130706433", ADDRESS_LOOPBACK},
		{"0177.0.0.1", ADDRESS_LOOPBACK}, {"0.0.0.0", ADDRESS_LOOPBACK},
		{"localhost", ADDRESS_LOOPBACK}, {"[::1]", ADDRESS_LOOPBACK},
		{"::", ADDRESS_LOOPBACK}, {"[::ffff:127.0.0.1]", ADDRESS_LOOPBACK},
		{"10.0.0.5", ADDRESS_PRIVATE}, {"10.0.0.5.", ADDRESS_PRIVATE},
		{"172.16.0.1", ADDRESS_PRIVATE}, {"172.31.255.255", ADDRESS_PRIVATE},
		{"192.168.1.1", ADDRESS_PRIVATE}, {"0xc0a80101", ADDRESS_PRIVATE},
		{"100.64.0.1", ADDRESS_PRIVATE}, {"fd00::1", ADDRESS_PRIVATE},
		{"[::ffff:10.0.0.5]", ADDRESS_PRIVATE}, {"64:ff9b::10.0.0.5", ADDRESS_PRIVATE},
		{"2002:0a00:0005::1", ADDRESS_PRIVATE}, {"169.254.169.254", ADDRESS_LINK},
		{"fe80::1", ADDRESS_LINK}, {"224.0.0.1", ADDRESS_SPECIAL},
		{"255.255.255.255", ADDRESS_SPECIAL}, {"192.0.2.1", ADDRESS_SPECIAL},
		{"203.0.113.9", ADDRESS_SPECIAL}, {"2001:db8::1", ADDRESS_SPECIAL},
		{"ff02::1", ADDRESS_SPECIAL}, {"64:ff9b:1::10.0.0.5", ADDRESS_PRIVATE},
		{"64:ff9b:1:fffe::1", ADDRESS_PRIVATE}, {"::ffff:0:127.0.0.1", ADDRESS_LOOPBACK},
		{"2001::1", ADDRESS_SPECIAL}, {"100::1", ADDRESS_SPECIAL},
		{"192.88.99.1", ADDRESS_SPECIAL}};
	for (size_t i = 0; i < ARRAY_N(hosts); i++)
		expect_kind(hosts[i].host, hosts[i].kind);
}

Test(client_address, neighbours_of_those_are_public)
{
	static const char *const hosts[] = {"126.255.255.255", "128.0.0.1", "9.255.255.255",
		"11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
		"100.63.255.255", "100.128.0.0", "169.253.255.255", "223.255.255.255", "1.1.1.1",
		"2606:4700::1111", "[::ffff:8.8.8.8]", "fb00::1", "64:ff9b::8.8.8.8", "64:ff9c::1",
		"2001:1::1", "2001:4860::8888", "100:1::1", "192.88.98.255", "192.88.100.0",
		"::ffff:0:8.8.8.8"};
	for (size_t i = 0; i < ARRAY_N(hosts); i++)
		expect_kind(hosts[i], ADDRESS_PUBLIC);
}

Test(client_address, a_name_without_an_address_is_unknown_and_costs_no_more_than_its_time)
{
	char text[ADDRESS_TEXT_N], longer[400];
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	cr_expect_eq(address_find("no-such-host.invalid", 3000, text), ADDRESS_UNKNOWN);
	cr_expect_str_eq(text, "");
	cr_expect_eq(address_find(longer, 100, text), ADDRESS_UNKNOWN);
	cr_expect_eq(address_find("", 100, text) == ADDRESS_PUBLIC, 0);
}

static bool same(const char *a, const char *b)
{
	struct target x, y;
	cr_assert(target_parse(a, &x) && target_parse(b, &y), "%s, %s", a, b);
	return target_same(&x, &y);
}

Test(client_target, two_spellings_of_one_address_are_the_same)
{
	cr_expect(same(
		"https://Hooks.Acme.io/hooks/twenty", "https://hooks.acme.io:443/hooks/twenty/"));
	cr_expect(
		same("http://hooks.acme.io./hooks/twenty", "http://hooks.acme.io:80/hooks/twenty"));
	cr_expect(same("http://127.1:8700/h", "http://127.0.0.1:8700/h?x=1"));
	cr_expect(same("http://user:pw@a.example/h", "http://a.example/h"));
	cr_expect(same("http://[::1]:8700", "http://[0:0:0:0:0:0:0:1]:8700/"));
	cr_expect_not(same("http://a.example/hooks/twenty", "https://a.example/hooks/twenty"));
	cr_expect_not(same("http://a.example/hooks/twenty", "http://a.example:8700/hooks/twenty"));
	cr_expect_not(same("http://a.example/hooks/twenty", "http://a.example/hooks/other"));
	cr_expect_not(same("http://a.example/hooks/twenty", "http://b.example/hooks/twenty"));
}

Test(client_target, what_is_no_web_address_is_none_and_passwords_are_not_shown)
{
	static const char *const none[] = {"", "x", "ftp://a.example/", "file:///etc/passwd",
		"a.example/hooks", "http://", "javascript:alert(1)"};
	struct target t;
	char text[TARGET_TEXT_N];
	for (size_t i = 0; i < ARRAY_N(none); i++)
		cr_expect_not(target_parse(none[i], &t), "%s", none[i]);
	cr_assert(target_parse("http://user:geheim@[::1]:8700/hooks/twenty?key=geheim", &t));
	target_format(&t, text);
	cr_expect_str_eq(text, "http://[::1]:8700/hooks/twenty");
	cr_assert(target_parse("https://hooks.acme.io", &t));
	target_format(&t, text);
	cr_expect_str_eq(text, "https://hooks.acme.io");
}
