/* SPDX-License-Identifier: MIT */
/*
 * Calling codes and countries, and numbers as people type them.
 * From: the client, when a rule writes or compares a whole number; text.phone. Fails by saying that
 * it is none. Source of the codes and lengths: ITU-T E.164, list of assigned country codes and the
 * national numbering plans; of a code shared by several countries the one with most numbers stands
 * first. Where the plan of a country is not here, only the bounds of E.164 are held.
 */
#include "base/phone.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/attr.h"

/* clang-format off */
static const char *const countries[] = { /* calling code, country */
	"1US", "7RU", "20EG", "27ZA", "30GR", "31NL", "32BE", "33FR", "34ES", "36HU", "39IT", "40RO",
	"41CH", "43AT", "44GB", "45DK", "46SE", "47NO", "48PL", "49DE", "51PE", "52MX", "53CU", "54AR",
	"55BR", "56CL", "57CO", "58VE", "60MY", "61AU", "62ID", "63PH", "64NZ", "65SG", "66TH", "81JP",
	"82KR", "84VN", "86CN", "90TR", "91IN", "92PK", "93AF", "94LK", "95MM", "98IR", "211SS",
	"212MA", "213DZ", "216TN", "218LY", "220GM", "221SN", "222MR", "223ML", "224GN", "225CI",
	"226BF", "227NE", "228TG", "229BJ", "230MU", "231LR", "232SL", "233GH", "234NG", "235TD",
	"236CF", "237CM", "238CV", "239ST", "240GQ", "241GA", "242CG", "243CD", "244AO", "245GW",
	"246IO", "248SC", "249SD", "250RW", "251ET", "252SO", "253DJ", "254KE", "255TZ", "256UG",
	"257BI", "258MZ", "260ZM", "261MG", "262RE", "263ZW", "264NA", "265MW", "266LS", "267BW",
	"268SZ", "269KM", "290SH", "291ER", "297AW", "298FO", "299GL", "350GI", "351PT", "352LU",
	"353IE", "354IS", "355AL", "356MT", "357CY", "358FI", "359BG", "370LT", "371LV", "372EE",
	"373MD", "374AM", "375BY", "376AD", "377MC", "378SM", "380UA", "381RS", "382ME", "383XK",
	"385HR", "386SI", "387BA", "389MK", "420CZ", "421SK", "423LI", "500FK", "501BZ", "502GT",
	"503SV", "504HN", "505NI", "506CR", "507PA", "508PM", "509HT", "590GP", "591BO", "592GY",
	"593EC", "594GF", "595PY", "596MQ", "597SR", "598UY", "599CW", "670TL", "672NF", "673BN",
	"674NR", "675PG", "676TO", "677SB", "678VU", "679FJ", "680PW", "681WF", "682CK", "683NU",
	"685WS", "686KI", "687NC", "688TV", "689PF", "690TK", "691FM", "692MH", "850KP", "852HK",
	"853MO", "855KH", "856LA", "880BD", "886TW", "960MV", "961LB", "962JO", "963SY", "964IQ",
	"965KW", "966SA", "967YE", "968OM", "970PS", "971AE", "972IL", "973BH", "974QA", "975BT",
	"976MN", "977NP", "992TJ", "993TM", "994AZ", "995GE", "996KG", "998UZ",
	/* who shares a code with one above */
	"1CA", "1PR", "1DO", "1JM", "1TT", "1BS", "1BB", "1AG", "1AI", "1AS", "1BM", "1DM", "1GD",
	"1GU", "1KN", "1KY", "1LC", "1MP", "1MS", "1SX", "1TC", "1VC", "1VG", "1VI", "7KZ", "39VA",
	"44GG", "44IM", "44JE", "47SJ", "61CC", "61CX", "212EH", "262YT", "290TA", "358AX", "590BL",
	"590MF", "599BQ",
};

/* National numbers: how many digits they have, and what is dialled in front inside the country. */
static const struct plan {
	const char *code;
	unsigned char least, most;
	const char *trunk; /* "": none, and a 0 in front belongs to the number */
} plans[] = {
	{"1", 10, 10, "1"}, {"7", 10, 10, "8"}, {"20", 8, 10, "0"}, {"27", 9, 9, "0"},
	{"30", 10, 10, "0"}, {"31", 9, 9, "0"}, {"32", 8, 9, "0"}, {"33", 9, 9, "0"},
	{"34", 9, 9, "0"}, {"36", 8, 9, "06"}, {"39", 6, 12, ""}, {"40", 9, 9, "0"},
	{"41", 9, 9, "0"}, {"43", 4, 13, "0"}, {"44", 9, 10, "0"}, {"45", 8, 8, "0"},
	{"46", 7, 10, "0"}, {"47", 8, 8, "0"}, {"48", 9, 9, "0"}, {"49", 4, 13, "0"},
	{"51", 8, 9, "0"}, {"52", 10, 10, "0"}, {"54", 10, 11, "0"}, {"55", 10, 11, "0"},
	{"56", 9, 9, "0"}, {"57", 8, 10, "0"}, {"58", 10, 10, "0"}, {"60", 8, 10, "0"},
	{"61", 9, 10, "0"}, {"62", 7, 12, "0"}, {"63", 8, 10, "0"}, {"64", 8, 10, "0"},
	{"65", 8, 8, "0"}, {"66", 8, 9, "0"}, {"81", 9, 10, "0"}, {"82", 8, 11, "0"},
	{"84", 9, 10, "0"}, {"86", 9, 12, "0"}, {"90", 10, 10, "0"}, {"91", 10, 10, "0"},
	{"92", 9, 10, "0"}, {"98", 10, 10, "0"}, {"212", 9, 9, "0"}, {"213", 8, 9, "0"},
	{"216", 8, 8, "0"}, {"225", 10, 10, ""}, {"226", 8, 8, ""}, {"229", 8, 10, ""},
	{"234", 7, 10, "0"}, {"242", 7, 9, ""}, {"254", 7, 9, "0"}, {"351", 9, 9, "0"},
	{"352", 4, 11, "0"}, {"353", 7, 9, "0"}, {"354", 7, 9, "0"}, {"355", 8, 9, "0"},
	{"356", 8, 8, "0"}, {"357", 8, 8, "0"}, {"358", 5, 12, "0"}, {"359", 8, 9, "0"},
	{"370", 8, 8, "0"}, {"371", 8, 8, "0"}, {"372", 7, 8, "0"}, {"375", 9, 9, "80"},
	{"378", 6, 10, ""}, {"380", 9, 9, "0"}, {"381", 8, 9, "0"}, {"385", 8, 9, "0"},
	{"386", 8, 8, "0"}, {"420", 9, 9, "0"}, {"421", 9, 9, "0"}, {"852", 8, 8, "0"},
	{"886", 8, 9, "0"}, {"966", 8, 9, "0"}, {"971", 8, 9, "0"}, {"972", 8, 9, "0"},
};
/* clang-format on */
#define NATIONAL_MIN 4 /* digits, where the plan is not here */

bool phone_parse(const char *text, struct phone *ret_phone)
{
	char digits[PHONE_DIGITS_MAX + 1];
	size_t n = 0;
	if (*text != '+')
		return false;
	for (const char *p = text + 1; *p != '\0'; p++) {
		if (*p >= '0' && *p <= '9') {
			if (n == PHONE_DIGITS_MAX)
				return false;
			digits[n++] = *p;
		} else if (strchr(" .-/()", *p) == NULL)
			return false;
	}
	digits[n] = '\0';
	for (size_t i = 0; i < ARRAY_N(countries); i++) {
		size_t code_n = strlen(countries[i]) - 2;
		if (n <= code_n || memcmp(digits, countries[i], code_n) != 0)
			continue;
		struct phone phone;
		snprintf(phone.number, sizeof(phone.number), "%s", digits + code_n);
		snprintf(phone.calling, sizeof(phone.calling), "+%.*s", (int)code_n, digits);
		snprintf(phone.country, sizeof(phone.country), "%s", countries[i] + code_n);
		*ret_phone = phone;
		return true;
	}
	return false;
}

/* --- what people typed ----------------------------------------------------------------------- */

/* The digits of the calling code at the start of digits; 0: none. */
static size_t code_length(const char *digits)
{
	for (size_t i = 0; i < ARRAY_N(countries); i++) {
		size_t n = strlen(countries[i]) - 2;
		if (strncmp(digits, countries[i], n) == 0)
			return n;
	}
	return 0;
}

bool phone_calling(const char *country, char ret_code[static 4])
{
	const char *digits = country + (*country == '+');
	size_t n = strspn(digits, "0123456789");
	if (n > 0 && digits[n] == '\0' && code_length(digits) == n) {
		snprintf(ret_code, 4, "%.3s", digits);
		return true;
	}
	for (size_t i = 0; i < ARRAY_N(countries) && strlen(country) == 2; i++) {
		n = strlen(countries[i]) - 2;
		if (strcasecmp(countries[i] + n, country) != 0)
			continue;
		snprintf(ret_code, 4, "%.*s", (int)n, countries[i]);
		return true;
	}
	return false;
}

/* Where an extension begins: "ext. 12", "x12", "#12", ";ext=12"; else the end. */
static size_t main_part(const char *text)
{
	size_t n = strlen(text), at = strcspn(text, "eExX#;");
	const char *ext = text + at;
	if (at == n)
		return n;
	ext += strncmp(ext, ";ext=", 5) == 0 ? 5 : strncasecmp(ext, "ext", 3) == 0 ? 3 : 1;
	ext += strspn(ext, ". :");
	size_t digits = strspn(ext, "0123456789");
	return digits > 0 && ext[digits] == '\0' ? at : n;
}

/* Digits alone; ret_plus: a + stood in front. False where there is anything that is no number. */
static bool read_digits(const char *text, char digits[static 24], bool *ret_plus)
{
	size_t n = 0, at = strncasecmp(text, "tel:", 4) == 0 ? 4 : 0, end = main_part(text);
	at += strspn(text + at, " ");
	*ret_plus = text[at] == '+' || strncmp(text + at, "(+", 2) == 0;
	at += *ret_plus ? strspn(text + at, "(+") : 0;
	for (; at < end; at++) {
		if (text[at] >= '0' && text[at] <= '9') {
			if (n + 1 == 24)
				return false;
			digits[n++] = text[at];
		} else if (strchr(" .-/()", text[at]) == NULL) {
			return false;
		}
	}
	digits[n] = '\0';
	return n > 0;
}

static struct plan plan_of(const char *code)
{
	for (size_t i = 0; i < ARRAY_N(plans); i++)
		if (strcmp(plans[i].code, code) == 0)
			return plans[i];
	return (struct plan){code, NATIONAL_MIN, PHONE_DIGITS_MAX - 1, "0"};
}

static bool fits(const struct plan *plan, const char *national)
{
	size_t n = strlen(national);
	if (n < plan->least || n > plan->most || n + strlen(plan->code) > PHONE_DIGITS_MAX)
		return false;
	/* Neither an area nor an exchange of North America begins with 0 or 1. */
	return strcmp(plan->code, "1") != 0 || (national[0] > '1' && national[3] > '1');
}

/* Without what is dialled in front inside the country. */
static const char *skip_trunk(const struct plan *plan, const char *national)
{
	size_t n = strlen(plan->trunk);
	bool there = n > 0 && strncmp(national, plan->trunk, n) == 0;
	/* A 0 is never part of these numbers; another digit may be. */
	return there && (plan->trunk[0] == '0' || !fits(plan, national)) ? national + n : national;
}

static const char *skip_abroad(const char *digits, const char *code)
{
	if (strcmp(code, "1") == 0 && strncmp(digits, "011", 3) == 0)
		return digits + 3;
	if (strcmp(code, "61") == 0 && strncmp(digits, "0011", 4) == 0)
		return digits + 4;
	return strncmp(digits, "00", 2) == 0 ? digits + 2 : NULL;
}

bool phone_normalise(const char *text, const char *country, char ret_text[static PHONE_TEXT_N])
{
	char digits[24], code[4] = "";
	bool plus;
	if (!read_digits(text, digits, &plus))
		return false;
	bool known = phone_calling(country, code);
	const char *national = digits;
	const char *abroad = plus ? digits : skip_abroad(digits, code);
	if (abroad != NULL) {
		size_t n = code_length(abroad);
		if (n == 0)
			return false;
		snprintf(code, sizeof(code), "%.*s", (int)n, abroad);
		national = abroad + n;
	} else if (!known) {
		return false;
	}
	struct plan plan = plan_of(code);
	size_t n = strlen(code);
	national = skip_trunk(&plan, national);
	/* The code may be there without its +: only where the rest then fits and all of it does
	 * not. */
	if (abroad == NULL && !fits(&plan, national) && strncmp(national, code, n) == 0)
		national = skip_trunk(&plan, national + n);
	if (!fits(&plan, national))
		return false;
	snprintf(ret_text, PHONE_TEXT_N, "+%s%s", code, national);
	return true;
}
