/* SPDX-License-Identifier: MIT */
/*
 * The page of metrics that all processes share.
 * From: every process, lock-free. To: the console, which formats it. A process that dies in the
 * middle of an addition leaves a valid page: every slot is one atomic word.
 */
#include "base/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/version.h"

enum kind { COUNTER, GAUGE, HISTOGRAM };

static const struct {
	enum kind kind;
	const char *name, *labels, *help;
} table[] = {
#define C(id, name, labels, help) {COUNTER, name, labels, help},
#define G(id, name, labels, help) {GAUGE, name, labels, help},
#define H(id, name, labels, help) {HISTOGRAM, name, labels, help},
	METRICS_TABLE(C, G, H)
#undef C
#undef G
#undef H
};

/* Upper edges in microseconds; what is above the last counts only as +Inf. */
static const int64_t edges_us[] = {100, 200, 300, 400, 500, 600, 800, 1000, 1250, 1500, 2000, 3000,
	5000, 10000, 20000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
	60000000};
#define EDGES_N ARRAY_N(edges_us)

struct slot {
	_Atomic int64_t value;            /* counter, gauge; histogram: observations */
	_Atomic int64_t sum_us;           /* histogram */
	_Atomic int64_t buckets[EDGES_N]; /* histogram, not cumulative */
};

static struct slot own_page[METRIC_N];
static struct slot *page = own_page;

enum rc metrics_new(int *ret_fd, struct err *err)
{
	int fd = memfd_create("moonhook-metrics", MFD_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, RC_IO, errno, "cannot make the page of metrics");
	if (ftruncate(fd, sizeof(own_page)) != 0) {
		err_set_errno(err, RC_IO, errno, "cannot size the page of metrics");
		close(fd);
		return RC_IO;
	}
	*ret_fd = fd;
	return RC_OK;
}

enum rc metrics_open(int fd, struct err *err)
{
	void *p = mmap(NULL, sizeof(own_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return err_set_errno(err, RC_IO, errno, "cannot map the page of metrics");
	page = p;
	return RC_OK;
}

void metrics_add(enum metric m, uint64_t n)
{
	atomic_fetch_add_explicit(&page[m].value, (int64_t)n, memory_order_relaxed);
}

void metrics_set(enum metric m, int64_t value)
{
	atomic_store_explicit(&page[m].value, value, memory_order_relaxed);
}

void metrics_observe(enum metric m, int64_t us)
{
	struct slot *s = &page[m];
	atomic_fetch_add_explicit(&s->value, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->sum_us, us, memory_order_relaxed);
	for (size_t i = 0; i < EDGES_N; i++) {
		if (us <= edges_us[i]) {
			atomic_fetch_add_explicit(&s->buckets[i], 1, memory_order_relaxed);
			return;
		}
	}
}

int64_t metrics_value(enum metric m)
{
	return atomic_load_explicit(&page[m].value, memory_order_relaxed);
}

static enum rc format_histogram(struct buf *out, enum metric m)
{
	const char *name = table[m].name;
	int64_t sum = 0;
	enum rc rc = RC_OK;
	for (size_t i = 0; i < EDGES_N && rc == RC_OK; i++) {
		sum += atomic_load_explicit(&page[m].buckets[i], memory_order_relaxed);
		rc = buf_printf(out, "%s_bucket{le=\"%g\"} %" PRId64 "\n", name,
			(double)edges_us[i] / 1e6, sum);
	}
	if (rc == RC_OK)
		rc = buf_printf(
			out, "%s_bucket{le=\"+Inf\"} %" PRId64 "\n", name, metrics_value(m));
	if (rc == RC_OK)
		rc = buf_printf(out, "%s_sum %.6f\n%s_count %" PRId64 "\n", name,
			(double)atomic_load_explicit(&page[m].sum_us, memory_order_relaxed) / 1e6,
			name, metrics_value(m));
	return rc;
}

static enum rc format_one(struct buf *out, enum metric m)
{
	static const char *const kinds[] = {"counter", "gauge", "histogram"};
	enum rc rc = RC_OK;
	if (m == 0 || strcmp(table[m].name, table[m - 1].name) != 0)
		rc = buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", table[m].name, table[m].help,
			table[m].name, kinds[table[m].kind]);
	if (rc != RC_OK)
		return rc;
	if (table[m].kind == HISTOGRAM)
		return format_histogram(out, m);
	if (table[m].labels[0] == '\0')
		return buf_printf(out, "%s %" PRId64 "\n", table[m].name, metrics_value(m));
	return buf_printf(
		out, "%s{%s} %" PRId64 "\n", table[m].name, table[m].labels, metrics_value(m));
}

enum rc metrics_format(struct buf *out)
{
	enum rc rc = buf_printf(out,
		"# HELP moonhook_build_info The version that runs\n# TYPE moonhook_build_info "
		"gauge\n"
		"moonhook_build_info{version=\"%s\"} 1\n",
		version_text());
	for (int m = 0; m < METRIC_N && rc == RC_OK; m++)
		rc = format_one(out, (enum metric)m);
	return rc;
}
