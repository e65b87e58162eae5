/* SPDX-License-Identifier: MIT */
/*
 * The list of free mail providers, sorted.
 * From: lua_text.c. A domain is on it where addresses are given to anybody; companies' own domains
 * and mail hosts that need one are not.
 */
#include "runner/worker/freemail.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

/* Sorted by bytes: it is searched by halves. */
/* clang-format off */
static const char *const domains[] = {
	"126.com", "139.com", "163.com", "188.com", "189.cn", "1und1.de", "21cn.com", "263.net",
	"aim.com", "alice.it", "aliyun.com", "aol.co.uk", "aol.com", "aol.de", "aol.fr",
	"arcor.de", "att.net", "azet.sk", "bell.net", "bellsouth.net", "bigpond.com",
	"bigpond.net.au", "bk.ru", "bluewin.ch", "blueyonder.co.uk", "bol.com.br", "bredband.net",
	"btinternet.com", "btopenworld.com", "cableone.net", "casema.nl", "centrum.cz",
	"centrum.sk", "centurylink.net", "charter.net", "chello.at", "chello.nl",
	"club-internet.fr", "comcast.net", "cox.net", "cytanet.com.cy", "daum.net", "disroot.org",
	"docomo.ne.jp", "duck.com", "dunaweb.hu", "earthlink.net", "eircom.net", "email.com",
	"email.cz", "email.de", "emailn.de", "embarqmail.com", "ezweb.ne.jp", "fastmail.com",
	"fastmail.fm", "fibermail.hu", "fibertel.com.ar", "foxmail.com", "free.fr", "freemail.hu",
	"freenet.de", "frontier.com", "frontiernet.net", "gawab.com", "gmail.com", "gmx.at",
	"gmx.ch", "gmx.com", "gmx.de", "gmx.eu", "gmx.fr", "gmx.net", "gmx.us", "go2.pl",
	"googlemail.com", "hanmail.net", "hey.com", "home.nl", "home.se", "hotmail.be",
	"hotmail.ca", "hotmail.ch", "hotmail.co.jp", "hotmail.co.th", "hotmail.co.uk",
	"hotmail.com", "hotmail.com.ar", "hotmail.com.au", "hotmail.com.br", "hotmail.com.mx",
	"hotmail.com.tr", "hotmail.de", "hotmail.dk", "hotmail.es", "hotmail.fr", "hotmail.gr",
	"hotmail.it", "hotmail.nl", "hotmail.no", "hotmail.se", "hushmail.com", "icloud.com",
	"ig.com.br", "in.gr", "inbox.com", "inbox.lt", "inbox.lv", "inbox.ru", "indiatimes.com",
	"interia.eu", "interia.pl", "inwind.it", "iol.ie", "iol.it", "iol.pt", "juno.com",
	"kabelbw.de", "kabelmail.de", "kakao.com", "keemail.me", "kolumbus.fi", "kpnmail.nl",
	"kpnplanet.nl", "laposte.net", "lavabit.com", "libero.it", "list.ru", "live.at", "live.be",
	"live.ca", "live.ch", "live.cl", "live.cn", "live.co.uk", "live.co.za", "live.com",
	"live.com.ar", "live.com.au", "live.com.mx", "live.com.pt", "live.de", "live.dk",
	"live.fi", "live.fr", "live.ie", "live.in", "live.it", "live.jp", "live.nl", "live.no",
	"live.se", "luukku.com", "lycos.com", "mac.com", "magenta.de", "mail.bg", "mail.com",
	"mail.de", "mail.ee", "mail.ru", "mail2world.com", "mailbox.org", "mailfence.com",
	"mailo.com", "me.com", "mindspring.com", "msn.com", "myself.com", "myyahoo.com",
	"nate.com", "naver.com", "neostrada.pl", "net.hr", "netcabo.pt", "netcologne.de",
	"netscape.net", "netzero.net", "nifty.com", "nokiamail.com", "ntlworld.com",
	"numericable.fr", "o2.co.uk", "o2.pl", "onet.eu", "onet.pl", "online.de", "online.no",
	"op.pl", "optimum.net", "optonline.net", "optusnet.com.au", "orange.fr", "orange.net",
	"otenet.gr", "outlook.at", "outlook.be", "outlook.cl", "outlook.co.th", "outlook.com",
	"outlook.com.ar", "outlook.com.au", "outlook.com.br", "outlook.com.tr", "outlook.cz",
	"outlook.de", "outlook.dk", "outlook.es", "outlook.fr", "outlook.hu", "outlook.ie",
	"outlook.in", "outlook.it", "outlook.jp", "outlook.kr", "outlook.pt", "outlook.sa",
	"outlook.sg", "pacbell.net", "pm.me", "poczta.fm", "poczta.onet.pl", "post.cz",
	"posteo.de", "posteo.net", "prodigy.net.mx", "proton.me", "protonmail.ch",
	"protonmail.com", "ptd.net", "qq.com", "rambler.ru", "rcn.com", "rediffmail.com",
	"riseup.net", "roadrunner.com", "rocketmail.com", "rogers.com", "runbox.com", "sapo.pt",
	"sbcglobal.net", "seznam.cz", "sfr.fr", "shaw.ca", "sina.cn", "sina.com", "siol.net",
	"sky.com", "skynet.be", "skynet.ie", "softbank.ne.jp", "sohu.com", "spray.se",
	"startmail.com", "suddenlink.net", "sunrise.ch", "swissonline.ch", "sympatico.ca",
	"t-online.de", "t-online.hu", "talk21.com", "talktalk.net", "tele2.nl", "telefonica.net",
	"telenet.be", "telia.com", "telus.net", "terra.com.br", "terra.es", "ticino.com", "tin.it",
	"tiscali.co.uk", "tiscali.it", "tlen.pl", "tom.com", "tuta.com", "tuta.io", "tutamail.com",
	"tutanota.com", "tutanota.de", "tvcablenet.be", "ukr.net", "unitybox.de", "uol.com.br",
	"upcmail.nl", "usa.net", "verizon.net", "videotron.ca", "virgilio.it", "virgin.net",
	"virginmedia.com", "vodafone.de", "vodafone.it", "voila.fr", "volny.cz", "walla.co.il",
	"walla.com", "wanadoo.es", "wanadoo.fr", "web.de", "windowslive.com", "windstream.net",
	"wp.pl", "xs4all.nl", "xtra.co.nz", "yahoo.at", "yahoo.be", "yahoo.ca", "yahoo.cn",
	"yahoo.co.id", "yahoo.co.in", "yahoo.co.jp", "yahoo.co.kr", "yahoo.co.nz", "yahoo.co.th",
	"yahoo.co.uk", "yahoo.co.za", "yahoo.com", "yahoo.com.ar", "yahoo.com.au", "yahoo.com.br",
	"yahoo.com.cn", "yahoo.com.hk", "yahoo.com.mx", "yahoo.com.my", "yahoo.com.ph",
	"yahoo.com.sg", "yahoo.com.tr", "yahoo.com.tw", "yahoo.com.vn", "yahoo.de", "yahoo.dk",
	"yahoo.es", "yahoo.fr", "yahoo.gr", "yahoo.ie", "yahoo.in", "yahoo.it", "yahoo.nl",
	"yahoo.no", "yahoo.pl", "yahoo.ro", "yahoo.se", "yandex.by", "yandex.com", "yandex.kz",
	"yandex.ru", "yandex.ua", "yeah.net", "ymail.com", "ziggo.nl", "zoho.com", "zohomail.com",
	"zonnet.nl", "zoznam.sk",
};
/* clang-format on */

static int compare(const void *key, const void *entry)
{
	return strcmp(key, *(const char *const *)entry);
}

bool freemail_has(const char *domain)
{
	return bsearch(domain, domains, ARRAY_N(domains), sizeof(domains[0]), compare) != NULL;
}
