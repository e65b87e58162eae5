/* SPDX-License-Identifier: MIT */
/*
 * The version, in one object file, so that a new commit makes only this one anew.
 * From: the Makefile, which writes version.inc. To: metrics, status, the log, `moonhook version`.
 */
#include "base/version.h"

static const char text[] =
#include "version.inc"
	;

const char *version_text(void)
{
	return text;
}
