/* SPDX-License-Identifier: MIT */
/* Passwords in addresses are found and hidden. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/password.h"

#define ROWS(X)                                                                                    \
	X("postgres://ann:pw@host/db", "postgres://ann:********@host/db")                          \
	X("postgres://ann:p@w@host/db?x=1", "postgres://ann:********@host/db?x=1")                 \
	X("postgres:///db?password=pw", "postgres:///db?password=********")                        \
	X("postgres://h/db?user=a&password=pw&schema=s",                                           \
		"postgres://h/db?user=a&password=********&schema=s")                               \
	X("postgres://a:pw@h/db?sslpassword=k&password=q",                                         \
		"postgres://a:********@h/db?sslpassword=********&password=********")               \
	X("https://user:pw@crm.example.com", "https://user:********@crm.example.com")

static const char *const with[][2] = {
#define X(text, shown) {text, shown},
	ROWS(X)
#undef X
};

static const char *const without[] = {"var", "/var/lib/moonhook", "C:/a@b", "memory:x",
	"postgres://ann@host:5433/db?schema=s", "postgres://host/db?passfile=/etc/pw",
	"postgres://", "postgres://[::1]:5433/db", "postgres://host/a:b@c", ""};

Test(base_password, a_password_is_found_wherever_libpq_reads_one_and_nothing_else_is_hidden)
{
	char shown[200];
	for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++) {
		cr_expect(password_within(with[i][0]), "%s", with[i][0]);
		password_hide(with[i][0], shown, sizeof(shown));
		cr_expect_str_eq(shown, with[i][1]);
	}
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
		cr_expect_not(password_within(without[i]), "%s", without[i]);
		password_hide(without[i], shown, sizeof(shown));
		cr_expect_str_eq(shown, without[i]);
	}
}

Test(base_password, a_short_place_is_not_left)
{
	char shown[12] = "xxxxxxxxxxx";
	password_hide("postgres://ann:secret@host/db", shown, 11);
	cr_expect_str_eq(shown, "postgres:/");
	cr_expect_eq(shown[11], '\0');
}
