/* SPDX-License-Identifier: MIT */
/* Compiler extensions, each under one name, so that the rest of the tree is plain C17. */
#ifndef MOONHOOK_BASE_ATTR_H
#define MOONHOOK_BASE_ATTR_H

/* The caller has to look at the result. */
#define must_check __attribute__((warn_unused_result))
/* Argument f is a printf format, the values start at argument a. */
#define printf_like(f, a) __attribute__((format(printf, f, a)))
/* fn(&variable) runs when the variable leaves its scope. Never in a frame a Lua error can cross. */
#define cleanup_(fn) __attribute__((cleanup(fn)))
#define noreturn_ __attribute__((noreturn))
#define unused_ __attribute__((unused))

#define ARRAY_N(a) (sizeof(a) / sizeof((a)[0]))

#endif
