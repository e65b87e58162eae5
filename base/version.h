/* SPDX-License-Identifier: MIT */
/* Which build this is. */
#ifndef MOONHOOK_BASE_VERSION_H
#define MOONHOOK_BASE_VERSION_H

/* "v1.2.0", or the commit with "-dirty" where the tree had changes. STATIC. */
const char *version_text(void);

#endif
