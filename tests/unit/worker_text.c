/* SPDX-License-Identifier: MIT */
/* text.*, units and money. */
#include <stdio.h>

#include <criterion/criterion.h>

#include "base/attr.h"
#include "tests/unit/worker_rig.h"

static const struct {
	const char *call, *wanted;
} texts[] = {
	{"text.email('  Ann.Lee+x@Acme.IO ')", "ann.lee+x@acme.io"},
	{"text.email('mailto:ann@acme.io')", "ann@acme.io"},
	{"text.email('ÄNN@Müller.de')", "änn@müller.de"},
	{"text.email('\\u{a0}ann@acme.io\\u{200b}')", "ann@acme.io"},
	{"text.email('')", "nil"},
	{"text.email(nil)", "nil"},
	{"text.email(json.null)", "nil"},
	{"text.email('ann')", "nil"},
	{"text.email('ann@acme')", "nil"},
	{"text.email('a b@acme.io')", "nil"},
	{"text.email('ann@@acme.io')", "nil"},
	{"text.email('@acme.io')", "nil"},
	{"text.email('.ann@acme.io')", "nil"},
	{"text.email('a..b@acme.io')", "nil"},
	{"text.email('ann@-acme.io')", "nil"},
	{"text.email('ann@acme..io')", "nil"},
	{"text.email('ann@1.2.3.4')", "nil"},
	{"text.email('ann@acme.io\\0')", "ann@acme.io"},
	{"text.email('ann@ac\\0me.io')", "nil"},
	{"text.email('<ann@acme.io>')", "nil"},
	{"text.email('\\xff@acme.io')", "nil"},
	{"text.email(('x'):rep(65) .. '@acme.io')", "nil"},
	{"text.email('a@' .. ('x'):rep(400) .. '.io')", "nil"},
	{"text.domain('Ann@Acme.IO')", "acme.io"},
	{"text.domain('https://www.Acme.io/path?q#f')", "acme.io"},
	{"text.domain('http://user:pw@acme.io:8080/x')", "acme.io"},
	{"text.domain('acme.io.')", "acme.io"},
	{"text.domain('www.acme.co.uk')", "acme.co.uk"},
	{"text.domain('www.com')", "www.com"},
	{"text.domain('localhost')", "nil"},
	{"text.domain('http://127.0.0.1/')", "nil"},
	{"text.domain('http://[::1]/')", "nil"},
	{"text.domain('not a domain')", "nil"},
	{"text.domain('')", "nil"},
	{"text.domain(nil)", "nil"},
	{"text.domain(('x'):rep(5000))", "nil"},
	{"text.name('  ann   LEE ')", "ann LEE"},
	{"text.name('ann lee')", "Ann Lee"},
	{"text.name('JEAN-LUC O\\'NEIL')", "Jean-Luc O'Neil"},
	{"text.name('JOHN McDONALD')", "JOHN McDONALD"},
	{"text.name('Ludwig van Beethoven')", "Ludwig van Beethoven"},
	{"text.name('anna\\'s bakery')", "Anna's Bakery"},
	{"text.name('ÉMILIE ŠŤASTNÁ')", "Émilie Šťastná"},
	{"text.name('ΟΔΥΣΣΕΥΣ ΕΛΥΤΗΣ')", "Οδυσσευς Ελυτης"},
	{"text.name('ЛЕВ ТОЛСТОЙ')", "Лев Толстой"},
	{"text.name('王小明')", "王小明"},
	{"text.name('a\\u{a0}\\u{2003}b')", "A B"},
	{"text.name('   ')", "nil"},
	{"text.name(nil)", "nil"},
	{"text.name('\\xff')", "nil"},
	{"text.name(('x'):rep(600))", "nil"},
	{"text.is_freemail('gmail.com')", "true"},
	{"text.is_freemail('Ann@GoogleMail.com')", "true"},
	{"text.is_freemail('web.de')", "true"},
	{"text.is_freemail('126.com')", "true"},
	{"text.is_freemail('zoznam.sk')", "true"},
	{"text.is_freemail('acme.io')", "false"},
	{"text.is_freemail('')", "false"},
	{"text.is_freemail(nil)", "false"},
	{"units { amountMicros = 12500000, currencyCode = 'EUR' }", "12.5"},
	{"select(2, units { amountMicros = 12500000, currencyCode = 'EUR' })", "EUR"},
	{"units(nil)", "nil"},
	{"units { amountMicros = '5000000' }", "5.0"},
	{"json.encode(money(0.1, 'EUR'))", "{\"amountMicros\":100000,\"currencyCode\":\"EUR\"}"},
	{"json.encode(money(1000, 'USD'))",
		"{\"amountMicros\":1000000000,\"currencyCode\":\"USD\"}"},
	{"pcall(money, 1e300, 'EUR')", "false"},
};

Test(worker_text, what_people_type_is_made_comparable)
{
	struct worker_rig rig;
	worker_rig_open(&rig);
	for (size_t i = 0; i < ARRAY_N(texts); i++) {
		char body[512];
		snprintf(body, sizeof(body), "log.info(tostring((%s)))", texts[i].call);
		json_t *outcome = worker_rig_run(&rig, body, "[]");
		const char *line =
			json_string_value(json_array_get(json_object_get(outcome, "log"), 0));
		cr_assert_not_null(line, "%s", body);
		cr_expect_str_eq(line + 5, texts[i].wanted, "%s gave %s", texts[i].call, line + 5);
		json_decref(outcome);
	}
	worker_rig_close(&rig);
}
