/* SPDX-License-Identifier: MIT */
/* text.*, units and money. */
#include <criterion/criterion.h>

#include "base/attr.h"
#include "tests/unit/worker_rig.h"

static const struct worker_rig_text texts[] = {
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
	{"text.domain('https://www.shop.acme.co.uk/x')", "acme.co.uk"},
	{"text.domain('ann@mail.sales.acme.com.au')", "acme.com.au"},
	{"text.domain('co.uk')", "nil"},
	{"text.domain('ann@com')", "nil"},
	{"text.domain('ann.github.io')", "ann.github.io"},
	{"text.domain('octo@github.io')", "github.io"},
	{"text.domain('https://www.xn--mller-kva.de')", "müller.de"},
	{"text.domain('WWW.MÜLLER.DE')", "müller.de"},
	{"text.domain('www.mu\\u{308}ller.de')", "müller.de"},
	{"text.domain('shop.食狮.公司.cn')", "食狮.公司.cn"},
	{"text.domain('shop.xn--85x722f.xn--55qx5d.cn')", "食狮.公司.cn"},
	{"text.domain('acme。io')", "acme.io"},
	{"text.domain('xn--a.io')", "nil"},
	{"text.domain('a_b.io')", "nil"},
	{"text.domain('10.0.0.1')", "nil"},
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
	{"text.name(\"d'arcy o'neil's\")", "D'Arcy O'Neil's"},
	{"text.name('ЛЕВ ТОЛСТОЙ')", "Лев Толстой"},
	{"text.name('王小明')", "王小明"},
	{"text.name('e\\u{301}milie')", "Émilie"},
	{"text.name('STRAẞE')", "Straße"},
	{"text.name('ǆ')", "ǅ"},
	{"text.name('MARY ANN 3RD')", "Mary Ann 3rd"},
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
	{"text.is_freemail('ann@mail.yahoo.co.uk')", "true"},
	{"text.is_freemail('gmail.com.acme.io')", "false"},
	{"text.is_freemail('acme.io')", "false"},
	{"text.is_freemail('')", "false"},
	{"text.is_freemail(nil)", "false"},
	{"text.phone('+33 (0)6 12 34 56 78')", "+33612345678"},
	{"text.phone('06.12.34.56.78', 'FR')", "+33612345678"},
	{"text.phone('06 12 34 56 78', '+33')", "+33612345678"},
	{"text.phone('06 12 34 56 78')", "nil"},
	{"text.phone('0033 6 12 34 56 78')", "+33612345678"},
	{"text.phone('33 6 12 34 56 78', 'fr')", "+33612345678"},
	{"text.phone('612345678', 'FR')", "+33612345678"},
	{"text.phone('6123', 'FR')", "nil"},
	{"text.phone('(212) 555-2368', 'US')", "+12125552368"},
	{"text.phone('1-212-555-2368 ext. 12', 'CA')", "+12125552368"},
	{"text.phone('555-2368', 'US')", "nil"},
	{"text.phone('1-800-FLOWERS', 'US')", "nil"},
	{"text.phone('011 44 20 7946 0958', 'US')", "+442079460958"},
	{"text.phone('06 6982', 'IT')", "+39066982"},
	{"text.phone('8 (912) 345-67-89', 'RU')", "+79123456789"},
	{"text.phone('8 912 345 67 89', 'KZ')", "+79123456789"},
	{"text.phone('06 1 234 5678', 'HU')", "+3612345678"},
	{"text.phone('030 123456', 'DE')", "+4930123456"},
	{"text.phone('tel:+44-20-7946-0958')", "+442079460958"},
	{"text.phone('＋４４ 20 7946 0958')", "+442079460958"},
	{"text.phone('+999 1234567')", "nil"},
	{"text.phone('')", "nil"},
	{"text.phone(nil)", "nil"},
	{"text.phone('+1234567890123456789012345678')", "nil"},
	{"text.phone { primaryPhoneNumber = '612345678', primaryPhoneCallingCode = '+33' }",
		"+33612345678"},
	{"text.phone { primaryPhoneNumber = '0612345678', primaryPhoneCallingCode = '', "
	 "primaryPhoneCountryCode = 'FR' }",
		"+33612345678"},
	{"text.phone({ primaryPhoneNumber = '0612345678' }, 'FR')", "+33612345678"},
	{"text.phone { primaryPhoneNumber = '0612345678' }", "nil"},
	{"text.phone { primaryPhoneNumber = '' }", "nil"},
	{"text.phone(json.null)", "nil"},
	{"pcall(text.phone, '1', 'Atlantis')", "false"},
	{"text.similarity('Ann Lee', 'LEE,  ann')", "1.0"},
	{"text.similarity('Émilie Šťastná', 'emilie stastna')", "1.0"},
	{"text.similarity('ＡＢＣ', 'abc')", "1.0"},
	{"text.similarity('Straße', 'STRASSE')", "1.0"},
	{"text.similarity('Ann', 'Bob')", "0.0"},
	{"text.similarity('', 'Bob')", "0.0"},
	{"text.similarity(nil, json.null)", "0.0"},
	{"text.similarity('night', 'nacht')", "0.33333333333333"},
	{"text.similarity('Katherine Johnson', 'Katharine Johnson') > 0.8", "true"},
	{"text.similarity('王小明', '王小明')", "1.0"},
	{"pcall(text.similarity, ('x'):rep(10001), 'x')", "false"},
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
	worker_rig_say_all("tostring", texts, ARRAY_N(texts));
}

/* Whatever libc does about it: in the worker's walls some of that would be its end. */
Test(worker_text, similarity_compares_long_texts_behind_the_walls_too)
{
	static const char body[] =
		"local function long(from, to)\n"
		"  local words = {}\n"
		"  for i = from, to, from < to and 1 or -1 do\n"
		"    words[#words + 1] = string.char(97 + i % 26, 97 + i // 26 % 26, 97 + i // "
		"676)\n"
		"  end\n"
		"  return table.concat(words, ' ')\n"
		"end\n"
		"local all, half = long(1, 900), long(1, 450)\n"
		"local some = text.similarity(all, half)\n"
		"local wide = ('\\u{FDFA}'):rep(3333)\n"
		"log.info(text.similarity(all, all), text.similarity(all, long(900, 1)),\n"
		"  some > 0.3 and some < 0.9, text.similarity(half, long(451, 900)) < some,\n"
		"  text.similarity(wide, wide))";
	struct worker_rig rig;
	worker_rig_open(&rig);
	json_t *outcome = worker_rig_run(&rig, body, "[]");
	const char *line = json_string_value(json_array_get(json_object_get(outcome, "log"), 0));
	cr_assert_not_null(line);
	cr_expect_str_eq(line, "info 1.0 1.0 true true 1.0");
	json_decref(outcome);
	worker_rig_close(&rig);
}
