/* SPDX-License-Identifier: MIT */
/*
 * Statements that PostgreSQL has in words of its own, as data.
 * From: postgres/db.c, which prepares them. Where nothing stands here, the text of sql/text.h will
 * do.
 */
#include "queue/postgres/postgres.h"
#include "queue/postgres/weight.h"

/* clang-format off */
#define ME "current_setting('moonhook.runner')::bigint"

/* What the table moved counts under, beside the states of events and of runs (sql/work.c). */
#define PENDING_N "18"
#define QUARANTINED_N "19"
#define RUNNER_SLOT "256 + (" ME " % 256)::integer"
#define MOVED_ADD " ON CONFLICT (slot, what) DO UPDATE SET n = moved.n + excluded.n"

/* Claims hold it together, all other writers to the work alone. 5064812: "MHl" */
#define WORK_LOCK_KEY "(5064812, 'progress'::regclass::oid::integer)"

/* Columns as of WORK_RUN_DUE, behind the two of s; what was before the claim is told. */
#define CLAIM_COLUMNS "u.seq, u.id, u.epoch - 1, u.attempt, 0, u.attempts_max, u.deaths, u.rule, o.hash, u.key," \
	" u.hold, u.event, e.id, e.received_ms, e.source, e.via, e.run_n, u.hold2, e.past, u.kind, e.joins, u.born," \
	" coalesce(d.headers, b.headers), coalesce(d.body, b.body)," \
	" u.epoch > 1 AND EXISTS (SELECT 1 FROM journal AS j WHERE j.run = u.seq)"

/* Of headers and body of a delivery, 64 MB: no event may be so large. */
#define BYTES_MOST "67108864"

/* Too large by so few bytes is not too large: files grow by pages. $2: how large it may be. */
#define SLIGHT "greatest($2 / 1000, 65536)"

/* The planner shall not begin with the deliveries. */
#define DELIVERY_OF_P " LATERAL (SELECT * FROM delivery WHERE n = p.n OFFSET 0) AS d"

/* What receivers have written, as it is lent: no more is read at once than that, one that is larger
 * than anything that is routed not at all, and a number without a delivery comes out, too. */
#define RAW_COLUMNS "q.place, left(q.id, 40), left(q.source, 100), q.received_ms, left(q.quarantine, 400)," \
	" CASE WHEN q.bytes <= " BYTES_MOST " THEN q.headers END," \
	" CASE WHEN q.bytes <= " BYTES_MOST " THEN q.body END"
#define RAW_DAMAGE "CASE WHEN q.n IS NULL THEN -1 ELSE (q.bytes > " BYTES_MOST ")::int::bigint END"
#define RAW_ROWS(numbers, order) "(SELECT p.n AS place, p.received_ms AS at_ms, d.*, z.bytes," \
	" sum(z.bytes) OVER (ORDER BY " order ") - z.bytes AS before" \
	" FROM (" numbers ") AS p LEFT JOIN" DELIVERY_OF_P " ON true," \
	" LATERAL (SELECT coalesce(octet_length(d.headers), 0)::bigint + coalesce(octet_length(d.body), 0) AS bytes)" \
	" AS z) AS q"

/* What routing has to wait for, and what has come by spools (queue/sign.h). */
#define SPOOLS "(SELECT coalesce(min(coalesce(r.spool_from, CASE WHEN r.promised <= clock_timestamp()" \
	" THEN floor(extract(epoch FROM r.seen) * 1000)::bigint END)) FILTER" \
	" (WHERE r.until > clock_timestamp() AND r.seen < clock_timestamp() + interval '1 s')," \
	" 9223372036854775807) AS below, coalesce(max(r.spool_to), 0) AS last, max(k.spools_done) AS done," \
	" coalesce(min(r.spool_since) FILTER (WHERE r.spool_to > k.spools_done), 0) AS since" \
	" FROM leader AS k LEFT JOIN receiver AS r ON true)"

static const char *const own_sql[] = {
	[OWN_PUT] = "SELECT deliver($1, $2, $3, $4, $5, $6, $7, $8, $9 <> 0)",
	[OWN_FIRST] = "SELECT place, first FROM delivered($1, $2, $3)",
	/* A row at least: where there is nothing, of NULL and what one has to know of spools. */
	[OWN_NEXT] = "WITH x AS MATERIALIZED (SELECT pg_snapshot_xmin(s)::text::bigint AS lo,"
		" coalesce(pg_sequence_last_value('delivery_n_seq'), 0) AS top,"
		" pg_current_xact_id_if_assigned() IS NULL AS first FROM pg_current_snapshot() AS s)"
		" SELECT " RAW_COLUMNS ", x.lo,"
		" CASE WHEN x.first AND q.place IS NOT NULL THEN pg_current_xact_id()::text::bigint ELSE 0 END, x.top,"
		" " RAW_DAMAGE ", w.below, w.last, w.done, w.since"
		" FROM x JOIN " SPOOLS " AS w ON true LEFT JOIN LATERAL (SELECT * FROM "
		RAW_ROWS("SELECT n, received_ms FROM pending WHERE n > $2 AND received_ms < w.below"
			" AND w.last <= greatest($3, w.done) ORDER BY n LIMIT ?1", "p.n")
		" WHERE q.before < 2097152 ORDER BY q.place) AS q ON true",
	[OWN_BEFORE] = "SELECT " RAW_COLUMNS ", 0::bigint, 0::bigint, 0::bigint, " RAW_DAMAGE " FROM "
		RAW_ROWS("SELECT n, received_ms FROM pending"
			" WHERE n > $2 AND n <= $3 AND received_ms < $4 ORDER BY n LIMIT ?1", "p.n")
		" WHERE q.before < 2097152 ORDER BY q.place",
	[OWN_WINDOW] = "SELECT " RAW_COLUMNS ", 0::bigint, 0::bigint, 0::bigint, " RAW_DAMAGE " FROM "
		RAW_ROWS("SELECT n, received_ms FROM pending"
			" WHERE n > $2 AND n <= $3 AND received_ms < $4 ORDER BY received_ms, n LIMIT ?1",
			"p.received_ms, p.n")
		" WHERE q.before < 2097152 ORDER BY q.at_ms, q.place",
	/* Of the keys which are held, of the digests which were seen. */
	[OWN_AHEAD] = "SELECT k.key, NULL::bytea FROM unnest($1::bigint[]) AS k (key)"
		" WHERE EXISTS (SELECT 1 FROM hold AS h WHERE h.key = k.key)"
		" UNION ALL SELECT 0, d.key FROM unnest($2::bytea[]) AS d (key)"
		" WHERE EXISTS (SELECT 1 FROM seen AS s WHERE s.key = d.key)",
	[OWN_ROUTED] = "WITH r AS (INSERT INTO routed (seq, n) SELECT * FROM unnest($1::bigint[], $2::bigint[])),"
		" p AS (DELETE FROM pending WHERE n = ANY ($2::bigint[]))"
		" INSERT INTO moved (slot, what, n) SELECT " RUNNER_SLOT ", w.what, - w.n"
		" FROM (VALUES (" PENDING_N ", $3::bigint), (" QUARANTINED_N ", $4::bigint)) AS w (what, n)"
		" WHERE w.n > 0" MOVED_ADD,
	/* See postgres/claim.c for why that may be lost. */
	[OWN_ASYNC] = "SET LOCAL synchronous_commit = off",
	[OWN_SHARE] = "SELECT pg_advisory_xact_lock_shared" WORK_LOCK_KEY,
	[OWN_CLAIM] = "WITH s AS (SELECT news, (SELECT min(due_ms) FROM run WHERE due_ms > 0) AS due FROM progress),"
		" c AS MATERIALIZED (SELECT seq FROM run WHERE state = 0 AND state < 3 AND seq > $2"
		" AND (SELECT news FROM progress) = $4 ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED),"
		" u AS (UPDATE run AS r SET state = 2, epoch = epoch + 1, attempt = attempt + attempt_next,"
		" attempt_next = 0, runner = " ME ", started_ms = CASE started_ms WHEN 0 THEN $3 ELSE started_ms END"
		" FROM c WHERE r.seq = c.seq RETURNING r.*),"
		" j AS (UPDATE session AS x SET open = 0, key = '' FROM u"
		" WHERE x.run = u.seq AND u.kind > 0 AND u.epoch = 1),"
		" m AS (INSERT INTO moved (slot, what, n) SELECT " RUNNER_SLOT ", w.what, w.n"
		" FROM (SELECT count(*) AS n FROM u) AS k, LATERAL (VALUES (9, - k.n), (11, k.n)) AS w (what, n)"
		" WHERE k.n > 0" MOVED_ADD ")"
		" SELECT s.news, s.due, l.* FROM s LEFT JOIN (SELECT " CLAIM_COLUMNS " FROM u"
		" JOIN event AS e ON e.seq = u.event JOIN source AS o ON o.n = u.source"
		" LEFT JOIN routed AS t ON t.seq = u.event >> 24 AND u.event & 16777215 = 0"
		" LEFT JOIN delivery AS d ON d.n = t.n LEFT JOIN event_body AS b ON b.seq = u.event) AS l ON true"
		" ORDER BY l.seq",
	[OWN_ENTER] = "INSERT INTO runner (id, name, until, seen) VALUES (nextval('runner_id'), $1,"
		" clock_timestamp() + $2 * interval '1 ms', clock_timestamp()) RETURNING id",
	[OWN_LEAVE] = "WITH r AS (UPDATE runner SET until = '-infinity' WHERE id = $1)"
		" UPDATE leader SET until = '-infinity', seen = clock_timestamp()"
		" WHERE runner = $1 AND until > clock_timestamp()",
	/* Another session's settings: nobody's name. */
	[OWN_FENCE] = "SELECT fence(CASE WHEN current_schema() = $4 THEN $1::bigint END, $2 * interval '1 ms', $3 <> 0)",
	/* One row or none of each; the clock is asked where it stands. Where it was set back, a lease begins
	 * in the future, and that of a dead one would last until then: it begins now. Who is alive gives his
	 * next sign long before it is over. */
	[OWN_BEAT] = "WITH me AS (UPDATE runner SET until = clock_timestamp() + $2 * interval '1 ms',"
		" seen = clock_timestamp() WHERE id = $1 AND until > clock_timestamp() RETURNING until),"
		" lead AS (UPDATE leader SET until = me.until, seen = clock_timestamp() FROM me"
		" WHERE runner = $1 AND leader.until > clock_timestamp() RETURNING 1),"
		" ahead AS (SELECT id FROM runner WHERE id <> $1 AND seen > clock_timestamp() + interval '1 s'"
		" AND until > seen FOR UPDATE SKIP LOCKED),"
		" back AS (UPDATE runner AS r SET seen = clock_timestamp(), until = clock_timestamp() + (until - seen)"
		" FROM ahead WHERE r.id = ahead.id RETURNING r.id, r.until),"
		" led AS (UPDATE leader SET until = back.until FROM back"
		" WHERE runner = back.id AND leader.until > back.until)"
		" SELECT (SELECT count(*) FROM me), (SELECT count(*) FROM lead),"
		" (SELECT count(*) FROM runner WHERE until > clock_timestamp()),"
		" (SELECT count(*) FROM leader WHERE until <= clock_timestamp()),"
		" (SELECT count(*) FROM runner WHERE until <= clock_timestamp())",
	/* Time in which nobody led is no time for which receivers were waited for. */
	[OWN_LEAD] = "WITH r AS (UPDATE receiver AS r SET until = greatest(r.until,"
		" least(r.until + (clock_timestamp() - l.seen), clock_timestamp() + $2 * interval '1 ms'))"
		" FROM leader AS l WHERE r.until > l.seen AND l.until <= clock_timestamp())"
		" UPDATE leader SET runner = $1, epoch = epoch + 1, seen = clock_timestamp(),"
		" until = (SELECT until FROM runner WHERE id = $1) WHERE until <= clock_timestamp()",
	[OWN_RESIGN] = "UPDATE leader SET until = '-infinity', seen = clock_timestamp()"
		" WHERE runner = $1 AND until > clock_timestamp()",
	[OWN_BURY] = "DELETE FROM runner AS r WHERE until <= clock_timestamp()"
		" AND NOT EXISTS (SELECT 1 FROM run WHERE state = 2 AND state < 3 AND runner = r.id)",
	[OWN_PEERS] = "SELECT r.name, (l.runner = r.id AND l.until > clock_timestamp())::int::bigint,"
		" (r.id = $1)::int::bigint, greatest((extract(epoch FROM clock_timestamp() - r.seen) * 1000)::bigint, 0),"
		" coalesce(k.n, 0) FROM leader AS l, runner AS r LEFT JOIN (SELECT runner, count(*) AS n FROM run"
		" WHERE state = 2 AND state < 3 GROUP BY runner) AS k ON k.runner = r.id"
		" WHERE r.until > clock_timestamp() ORDER BY r.id",
	[OWN_FORGET_DELIVERIES] = "WITH r AS (DELETE FROM routed WHERE seq = ANY ($1::bigint[]) RETURNING n)"
		" DELETE FROM delivery USING r WHERE delivery.n = r.n",
	[OWN_FORGET_RUNS] = "WITH f AS (DELETE FROM flight WHERE run = ANY ($1::bigint[])),"
		" j AS (DELETE FROM journal WHERE run = ANY ($1::bigint[])),"
		" h AS (DELETE FROM run_hidden WHERE run = ANY ($1::bigint[])),"
		" s AS (DELETE FROM shadow WHERE run = ANY ($1::bigint[]))"
		" DELETE FROM run WHERE seq = ANY ($1::bigint[])",
	[OWN_FORGET_EVENTS] = "WITH b AS (DELETE FROM event_body WHERE seq = ANY ($1::bigint[])),"
		" c AS (DELETE FROM event_cause WHERE seq = ANY ($1::bigint[])),"
		" s AS (DELETE FROM seen WHERE seq = ANY ($1::bigint[]))"
		" DELETE FROM event WHERE seq = ANY ($1::bigint[])",
	[OWN_WEIGH_LOCK] = "SELECT 1::bigint FROM freed WHERE what = $1 FOR UPDATE SKIP LOCKED",
	/* That rows were deleted the statistics know some seconds later; never, where they were lost. Of
	 * what is too much by them each kind gives its share, less what it has given; and never more than
	 * what is too much once they know it all. */
	[OWN_WEIGH] = "WITH t AS (" POSTGRES_WEIGHTS "), w AS (SELECT what, sum(weight) AS weight,"
		" (sum(bytes) * 1000 / greatest(sum(files), 1))::bigint AS thousandths,"
		" coalesce(sum(deleted) FILTER (WHERE name IN ('delivery', 'run', 'event')), 0)::bigint AS deleted"
		" FROM t GROUP BY what),"
		" f AS (SELECT w.what, w.weight, w.thousandths, w.deleted, coalesce(d.upto_n, 0) AS upto_n,"
		" CASE WHEN w.deleted >= d.were_n AND w.deleted < d.upto_n"
		" AND d.at > clock_timestamp() - interval '60 s' THEN d.bytes ELSE 0 END AS freed"
		" FROM w LEFT JOIN freed AS d ON d.what = w.what),"
		" a AS (SELECT sum(weight) - $2::bigint AS excess, sum(weight - freed) - $2::bigint AS rest,"
		" greatest(sum(weight) FILTER (WHERE what < 3), 1) AS prunable FROM f)"
		" SELECT f.deleted, f.freed, f.upto_n, f.thousandths,"
		" CASE WHEN a.rest < " SLIGHT " THEN 0 ELSE"
		" (greatest(least(a.excess * f.weight / a.prunable - f.freed, a.rest), 0)"
		" * 1000 / greatest(f.thousandths, 1))::bigint END FROM f, a WHERE f.what = $1",
	[OWN_FREED] = "UPDATE freed SET bytes = $2, upto_n = $3, were_n = $4, at = clock_timestamp()"
		" WHERE what = $1",
	[OWN_WINDOW_DONE] = "UPDATE leader SET spools_done = $2 WHERE runner = $1",
	[OWN_ENROL] = "SELECT epoch, late, now_ms FROM receiver_enrol($1, $2)",
	[OWN_SIGN] = "SELECT now_ms FROM receiver_sign($1, $2, $3, $4, $5, $6, $7) AS now_ms WHERE now_ms > 0",
	[OWN_FLIGHTS] = "SELECT j.method, j.object, j.request, j.started_ms FROM flight AS f"
		" JOIN run AS r ON r.seq = f.run JOIN journal AS j ON j.seq = f.call"
		" WHERE (r.state = 2 AND r.runner <> $1) OR r.state = 0",
	[OWN_HEARD] = "WITH c AS MATERIALIZED (SELECT seq, id, source, received_ms FROM event"
		" WHERE cardinality($2::text[]) + cardinality($3::text[]) > 0 AND seq > $1::bigint AND via = 'hook'"
		" AND (record IN (SELECT unnest($2)) OR object = ANY ($3)) ORDER BY seq LIMIT $4),"
		" l AS (SELECT c.seq, c.id, c.source, c.received_ms, coalesce(d.headers, b.headers) AS headers,"
		" coalesce(d.body, b.body) AS body FROM c"
		" LEFT JOIN routed AS t ON t.seq = c.seq >> 24 AND c.seq & 16777215 = 0"
		" LEFT JOIN delivery AS d ON d.n = t.n LEFT JOIN event_body AS b ON b.seq = c.seq)"
		" SELECT n.seq, l.* FROM (SELECT coalesce(max(seq), 0) AS seq FROM event) AS n"
		" LEFT JOIN l ON true ORDER BY l.seq",
};

const struct db_form postgres_own_form = {.name = "own", .sql = own_sql, .sql_n = OWN_N};

/* A delivery that is not routed yet stands behind the position, by its number. */
#define UNROUTED " FROM pending AS p," DELIVERY_OF_P \
	" WHERE $1::bigint IS NOT NULL AND ($2::text IS NULL OR substr(d.id, 1, length($2)) = $2)" \
	" AND ($3::text IS NULL OR d.source = $3) AND ($4::bigint < 0 OR ($4 <> 0) = (d.quarantine IS NOT NULL))" \
	" AND d.received_ms >= $5::bigint"
/* By its number alone it is known by this and that: places do not come so far. */
#define UNROUTED_FIRST "274877906944::bigint"
#define UNROUTED_COLUMNS "SELECT (SELECT position FROM progress) + p.n AS seq, d.id, d.source, d.received_ms, d.quarantine"

static const char *inbox_text(int sql)
{
	switch (sql) {
	case INBOX_LAST:
		return "SELECT (SELECT position FROM progress) + (SELECT coalesce(sum(n), 0)::bigint FROM moved"
			" WHERE what = " PENDING_N ")";
	case INBOX_BODY:
		return "SELECT headers, body FROM delivery WHERE n = CASE WHEN $1 >= " UNROUTED_FIRST
			" THEN $1 - " UNROUTED_FIRST " ELSE (SELECT n FROM routed WHERE seq = $1) END";
	case INBOX_LIST:
		return "SELECT * FROM (" UNROUTED_COLUMNS UNROUTED " ORDER BY p.n DESC LIMIT ?6) AS l ORDER BY seq";
	case INBOX_ONE:
		return "SELECT " UNROUTED_FIRST " + p.n AS seq, d.id, d.source, d.received_ms, d.quarantine" UNROUTED
			" ORDER BY p.n LIMIT ?6";
	case INBOX_LIST_N:
		return "SELECT count(*) FROM (SELECT 1" UNROUTED " LIMIT ?6) AS l";
	case INBOX_QUARANTINED:
		return "SELECT coalesce(sum(n), 0)::bigint FROM moved WHERE what = " QUARANTINED_N
			" AND $1::bigint IS NOT NULL";
	case INBOX_OLDEST:
		return "SELECT d.received_ms FROM pending AS p," DELIVERY_OF_P
			" WHERE d.quarantine IS NULL AND $1::bigint IS NOT NULL ORDER BY p.n LIMIT 1";
	case INBOX_PAST:
		/* A page, as of runs and events. Has its event open runs? The time is that of the event, which
		 * routing has looked at; a place whose delivery or event is gone counts as old. */
		return "SELECT r.seq, CASE WHEN d.n IS NULL THEN 0 ELSE coalesce(e.received_ms, 0) END,"
			" coalesce(pg_column_size(d.body), 0) + coalesce(pg_column_size(d.headers), 0)"
			" + coalesce(pg_column_size(d.key), 0) + coalesce(length(d.id) + length(d.source) + 64, 0)"
			" + 44, coalesce(e.open, 0)"
			" FROM (SELECT seq, n FROM routed WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT ?3) AS r"
			" LEFT JOIN delivery AS d ON d.n = r.n LEFT JOIN event AS e ON e.seq = r.seq << 24"
			" ORDER BY r.seq";
	case INBOX_EMPTY:
		return "UPDATE delivery SET headers = '', body = ''"
			" WHERE n = (SELECT n FROM routed WHERE seq = $1)";
	default:
		return NULL;
	}
}

/* Which rules have runs that wait for room: from one to the next in the index, however many runs. */
#define LIMITED_RULES "r AS ((SELECT rule FROM run WHERE due_ms = -2 ORDER BY rule LIMIT 1) UNION ALL" \
	" SELECT (SELECT n.rule FROM run AS n WHERE n.due_ms = -2 AND n.rule > r.rule ORDER BY n.rule LIMIT 1)" \
	" FROM r WHERE r.rule IS NOT NULL)"

static const char *work_text(int sql)
{
	switch (sql) {
	case WORK_LOCK:
		return "SELECT pg_advisory_xact_lock" WORK_LOCK_KEY;
	case WORK_PROGRESS:
		return "SELECT position, last_event, last_run, counts, news,"
			" (SELECT value FROM meta WHERE name = 'copy_bytes') FROM progress";
	case WORK_HOLD_PROMOTE:
		return "WITH p AS (UPDATE run AS r SET state = 0, due_ms = 0"
			" WHERE r.seq = (SELECT run FROM hold WHERE key = $1 ORDER BY run LIMIT 1)"
			" AND r.state = 1 AND r.due_ms = 0 AND NOT EXISTS (SELECT 1 FROM hold AS h"
			" WHERE h.key IN (r.hold, r.hold2) AND h.run < r.seq)"
			" AND NOT EXISTS (SELECT 1 FROM run AS x WHERE x.state = 2 AND x.state < 3"
			" AND (x.hold IN (r.hold, nullif(r.hold2, 0)) OR x.hold2 IN (r.hold, nullif(r.hold2, 0))))"
			" RETURNING 1)"
			" INSERT INTO moved (slot, what, n) SELECT " RUNNER_SLOT ", w.what, w.n"
			" FROM (SELECT count(*) AS n FROM p) AS k, LATERAL (VALUES (9, k.n), (10, - k.n)) AS w (what, n)"
			" WHERE k.n > 0" MOVED_ADD;
	case WORK_HOLD_LIVE: /* few are at work; many may wait for a key */
		return "SELECT 1 FROM run WHERE state = 2 AND state < 3 AND (hold = $1 OR hold2 = $1)"
			" AND seq <> $2 LIMIT 1";
	case WORK_MOVED:
		return "SELECT what, sum(n)::bigint FROM moved WHERE what < " PENDING_N " GROUP BY what";
	case WORK_CALL_PUT:
		return "WITH j AS (INSERT INTO journal (run, path, method, object, effect, digest, request, answer,"
			" code, started_ms, ended_ms, requests)"
			" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING seq, run, path, effect, answer),"
			" f AS (INSERT INTO flight (run, path, call) SELECT run, path, seq FROM j"
			" WHERE effect <> 0 AND length(answer) = 0 ON CONFLICT DO NOTHING)"
			" DELETE FROM flight USING j WHERE flight.run = j.run AND flight.path = j.path"
			" AND j.effect <> 0 AND length(j.answer) > 0";
	case WORK_PAST_RUNS:
		return "SELECT seq, state, created_ms, ended_ms, source, kind, CASE WHEN $3::bigint = 0 THEN 0"
			" ELSE 160 + length(id) + length(rule) + length(key) + coalesce(pg_column_size(error), 0)"
			" + coalesce(pg_column_size(detail), 0) + coalesce(pg_column_size(log), 0)"
			" + coalesce((SELECT sum(200 + coalesce(pg_column_size(request), 0)"
			" + coalesce(pg_column_size(answer), 0)) FROM journal AS j WHERE j.run = r.seq), 0) END"
			" FROM run AS r WHERE seq > $1 ORDER BY seq LIMIT ?2";
	case WORK_PAST_EVENTS: /* whose runs are not gone counts as open, and need not be asked about */
		return "SELECT seq, state, CASE WHEN open = 0 AND EXISTS (SELECT 1 FROM run AS r"
			" WHERE r.seq BETWEEN run_first AND run_first + run_n - 1) THEN 1 ELSE open END,"
			" received_ms, run_first, 0::bigint, joins, CASE WHEN $3::bigint = 0 THEN 0"
			" ELSE 170 + length(id) + length(source) + length(name) + length(object) + length(record)"
			" + length(via) + length(reason) + coalesce(pg_column_size(past), 0)"
			" + coalesce((SELECT 40 + pg_column_size(body) + pg_column_size(headers)"
			" FROM event_body AS b WHERE b.seq = event.seq), 0) END"
			" FROM event WHERE seq > $1 ORDER BY seq LIMIT ?2";
	case WORK_CALLS_DELETE:
		return "WITH f AS (DELETE FROM flight WHERE run = $1) DELETE FROM journal WHERE run = $1";
	case WORK_RUN_CLAIM:
		return "UPDATE run SET state = 2, epoch = $2, attempt = $3, attempt_next = 0, runner = " ME ","
			" started_ms = CASE started_ms WHEN 0 THEN $4 ELSE started_ms END WHERE seq = $1";
	case WORK_RUN_PUT:
		return "INSERT INTO run (seq, id, event, rule, source, key, hold, state, epoch, attempt,"
			" attempt_next, attempts_max, deaths, due_ms, created_ms, started_ms, ended_ms, api_calls, hold2, kind, runner)"
			" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $16, $13, $14, 0, 0, $15, $17, " ME ")";
	case WORK_RUN_LOST:
		return "SELECT seq, hold, hold2 FROM run WHERE state = 2 AND state < 3 AND runner NOT IN"
			" (SELECT id FROM runner WHERE until > clock_timestamp()) ORDER BY seq LIMIT 256";
	case LIMIT_RULES:
		return "WITH RECURSIVE " LIMITED_RULES " SELECT rule FROM r WHERE rule IS NOT NULL";
	case LIMIT_COUNT:
		return "WITH RECURSIVE " LIMITED_RULES " SELECT rule, count(*), 0 FROM run"
			" WHERE state = 2 AND state < 3 GROUP BY rule"
			" UNION ALL SELECT rule, 0, 1 FROM r WHERE rule IS NOT NULL";
	case COPY_LIST:
		return "SELECT object, record, updated_ms, seen_ms, state, false FROM copy"
			" WHERE object = $1 AND record > $2 ORDER BY record LIMIT ?3";
	case COPY_LIST_ALL:
		return "SELECT object, record, updated_ms, seen_ms, state, false FROM copy"
			" ORDER BY object, record LIMIT ?1";
	case HAND_TALLY:
		return "SELECT rule, state, count(*), count(*) FILTER (WHERE due_ms < 0 AND due_ms <> -2) FROM run"
			" WHERE created_ms >= $1 GROUP BY rule, state ORDER BY rule";
	case ERASE_EVENT_BODY:
		return "UPDATE event_body SET headers = '', body = '' WHERE seq = $1";
	case ERASE_CALL:
		return "UPDATE journal SET request = '', answer = 'null' WHERE seq = $1";
	case KV_BYTES:
		return "SELECT coalesce(sum(bytes), 0)::bigint FROM kv_sum";
	case RENAME_SESSIONS:
		return "UPDATE session AS s SET rule = $2 WHERE s.rule = $1 AND NOT EXISTS (SELECT 1"
			" FROM session AS o WHERE s.open = 1 AND o.open = 1 AND o.rule = $2 AND o.key = s.key)";
	case RENAME_ISSUES:
		return "WITH named AS (SELECT kind, about, $2 || substr(about, length($1) + 1) AS new FROM issue"
			" WHERE kind IN ('dead', 'quarantined', 'loop')"
			" AND (about = $1 OR substr(about, 1, length($1) + 2) = $1 || ': ')),"
			" gone AS (DELETE FROM issue AS i USING named AS m WHERE i.kind = m.kind AND i.about = m.new"
			" RETURNING 1)"
			" UPDATE issue AS i SET about = m.new FROM named AS m"
			" WHERE i.kind = m.kind AND i.about = m.about AND (SELECT count(*) FROM gone) >= 0";
	default:
		return NULL;
	}
}
/* clang-format on */

const char *postgres_sql(const struct db_form *form, int sql)
{
	if (form == &db_inbox_form)
		return inbox_text(sql);
	return form == &db_work_form ? work_text(sql) : NULL;
}
