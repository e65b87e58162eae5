/* SPDX-License-Identifier: MIT */
/*
 * Makes certificates.
 * From: tests that speak TLS. To: files. Each call makes new keys.
 */
#include "tests/harness/certificate.h"

#include <stdio.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DAY_S 86400

struct party {
	EVP_PKEY *key;
	X509 *cert;
};

static bool extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	bool ok = e != NULL && X509_add_ext(cert, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

/* issuer NULL: by itself. until_s: from now. */
static bool make(struct party *p, const char *name, int64_t until_s, const struct party *issuer)
{
	static long serial = 1;
	char alt[128];
	const struct party *by = issuer != NULL ? issuer : p;
	snprintf(alt, sizeof(alt), "DNS:%s", name);
	p->key = EVP_EC_gen("P-256");
	p->cert = X509_new();
	if (p->key == NULL || p->cert == NULL)
		return false;
	X509_NAME *subject = X509_get_subject_name(p->cert);
	return X509_set_version(p->cert, 2) == 1 &&
	       ASN1_INTEGER_set(X509_get_serialNumber(p->cert), serial++) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(p->cert), -3 * DAY_S) != NULL &&
	       X509_gmtime_adj(X509_getm_notAfter(p->cert), (long)until_s) != NULL &&
	       X509_NAME_add_entry_by_txt(
		       subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(p->cert, X509_get_subject_name(by->cert)) == 1 &&
	       X509_set_pubkey(p->cert, p->key) == 1 &&
	       (issuer != NULL ? extend(p->cert, by->cert, NID_subject_alt_name, alt)
			       : extend(p->cert, by->cert, NID_basic_constraints,
					 "critical,CA:TRUE") &&
					 extend(p->cert, by->cert, NID_subject_alt_name, alt)) &&
	       X509_sign(p->cert, by->key, EVP_sha256()) > 0;
}

static void party_done(struct party *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->cert);
}

static bool save(const struct party *p, const char *dir, const char *cert, const char *key)
{
	char path[300];
	snprintf(path, sizeof(path), "%s/%s", dir, cert);
	FILE *f = fopen(path, "w");
	bool ok = f != NULL && PEM_write_X509(f, p->cert) == 1;
	ok = (f == NULL || fclose(f) == 0) && ok;
	if (!ok || key == NULL)
		return ok;
	snprintf(path, sizeof(path), "%s/%s", dir, key);
	f = fopen(path, "w");
	ok = f != NULL && PEM_write_PrivateKey(f, p->key, NULL, NULL, 0, NULL, NULL) == 1;
	return (f == NULL || fclose(f) == 0) && ok;
}

bool certificate_make(const char *dir, const char *name, int64_t valid_s)
{
	struct party ca = {0}, server = {0};
	bool ok = make(&ca, "an authority of a test", 2 * DAY_S, NULL) &&
		  make(&server, name, valid_s, &ca) && save(&ca, dir, "ca.pem", NULL) &&
		  save(&server, dir, "cert.pem", "key.pem");
	party_done(&ca);
	party_done(&server);
	return ok;
}

bool certificate_make_alone(const char *dir, const char *name)
{
	struct party server = {0};
	bool ok = make(&server, name, DAY_S, NULL) && save(&server, dir, "cert.pem", "key.pem");
	party_done(&server);
	return ok;
}
