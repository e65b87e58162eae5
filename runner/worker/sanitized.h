/* SPDX-License-Identifier: MIT */
/* Whether this is a build under AddressSanitizer, which needs other walls and other memory. */
#ifndef MOONHOOK_RUNNER_WORKER_SANITIZED_H
#define MOONHOOK_RUNNER_WORKER_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
