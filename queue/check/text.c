/* SPDX-License-Identifier: MIT */
/*
 * What holds in every store, as questions that find where it does not.
 * From: check.c. Each is true of every state between two transactions, so that it can be asked
 * while the store is worked on. States: due 0, waiting 1, running 2, ended from 3 on; a run with
 * due_ms < 0 is parked, -2: for room (limit.h); one with a kind and without an epoch gathers.
 */
#include "queue/check/text.h"

#include <string.h>

#include "base/attr.h"

#define BACKUP "restore a backup from before, or tell the maintainers: something has written here"
#define AGAIN "stop and start the daemon; if it stays, " BACKUP
#define LEFT "harmless, but it should not be: tell the maintainers"

/* clang-format off */
#define GONE(table, column, of, key) "SELECT count(*), CAST(min(x." column ") AS TEXT) FROM " table \
	" AS x LEFT JOIN " of " AS o ON o." key " = x." column " WHERE o." key " IS NULL"
#define HELD(n) "(r.hold" n " <> 0 AND NOT EXISTS (SELECT 1 FROM hold AS h WHERE h.key = r.hold" n " AND h.run = r.seq))"
#define BEHIND(n) "EXISTS (SELECT 1 FROM hold AS h WHERE r.hold" n " <> 0 AND h.key = r.hold" n " AND h.run < r.seq)"
#define BESIDE(n) "EXISTS (SELECT 1 FROM hold AS h JOIN run AS w ON w.seq = h.run WHERE r.hold" n " <> 0" \
	" AND h.key = r.hold" n " AND h.run <> r.seq AND w.state = 2)"
#define GATHERS "(r.kind > 0 AND r.epoch = 0 AND r.due_ms > 0)"
#define SUM_KV(bytes) "SELECT count(*), min(s.scope) FROM kv_sum AS s WHERE s.n <> (SELECT count(*) FROM kv AS k" \
	" WHERE k.scope = s.scope) OR s.bytes <> (SELECT coalesce(sum(" bytes "), 0) FROM kv AS k WHERE k.scope = s.scope)"
#define COUNTED(table, column) "(SELECT coalesce(max(" column "), 0) FROM " table ") > " \
	"coalesce(pg_sequence_last_value('" table "_" column "_seq'), 0)"

#define INDEXES "('event_id'), ('run_id'), ('run_open'), ('run_timed'), ('run_parked'), ('run_parked_seq')," \
	" ('journal_run'), ('written_record'), ('told_age'), ('session_open'), ('joined_event'), ('timer_key')," \
	" ('timer_due'), ('kv_key'), ('kv_until')"

const struct check_question check_questions[] = {
	{"run_event", "runs whose event is gone", "they cannot be started, nor shown", BACKUP,
		"SELECT count(*), min(r.id) FROM run AS r LEFT JOIN event AS e ON e.seq = r.event"
		" WHERE e.seq IS NULL", ""},
	{"run_source", "runs whose version of a rule file is gone", "they cannot be started, nor shown", BACKUP,
		"SELECT count(*), min(r.id) FROM run AS r LEFT JOIN source AS s ON s.n = r.source"
		" WHERE s.n IS NULL", ""},
	{"run_state", "runs in a state that is not known", "nobody starts them, and nobody ends them", BACKUP,
		"SELECT count(*), min(id) FROM run WHERE state NOT BETWEEN 0 AND 7", ""},
	{"run_due", "runs that are not waiting, but for a time", "they may start early or twice", BACKUP,
		"SELECT count(*), min(id) FROM run WHERE due_ms <> 0 AND state <> 1", ""},
	{"run_place", "runs that are not among those of their event", "their event may end without them", BACKUP,
		"SELECT count(*), min(r.id) FROM run AS r JOIN event AS e ON e.seq = r.event"
		" WHERE r.seq NOT BETWEEN e.run_first AND e.run_first + e.run_n - 1", ""},
	{"run_stuck", "runs that wait for nothing", "nobody will ever start them", AGAIN
		"; moonhook pause and resume of their rule sets them in motion, too",
		"SELECT count(*), min(r.id) FROM run AS r WHERE r.state = 1 AND r.state < 3 AND r.due_ms = 0 AND NOT "
		BEHIND("") " AND NOT " BEHIND("2") " AND NOT " BESIDE("") " AND NOT " BESIDE("2"), ""},
	{"run_parked", "runs that are parked while their rule is not paused", "nobody will ever bring them back",
		"moonhook pause the rule, and resume it",
		"SELECT count(*), min(r.id) FROM run AS r WHERE r.due_ms < 0 AND r.due_ms <> -2"
		" AND NOT EXISTS (SELECT 1 FROM pause AS p WHERE p.rule = r.rule OR p.rule = '*')", ""},
	{"run_held", "open runs that do not hold their record", "another run may work on the record beside them", BACKUP,
		"SELECT count(*), min(r.id) FROM run AS r WHERE r.state < 3 AND r.due_ms >= 0 AND NOT " GATHERS
		" AND (" HELD("") " OR " HELD("2") ")", ""},
	{"run_overtakes", "due runs with an older one of their record before them", "order may be lost", BACKUP,
		"SELECT count(*), min(r.id) FROM run AS r WHERE r.state = 0 AND r.state < 3 AND (" BEHIND("") " OR "
		BEHIND("2") ")", ""},
	{"run_beside", "runs at work on the same record at once", "order may be lost", BACKUP,
		"SELECT count(*), min(r.id) FROM run AS r WHERE r.state = 2 AND r.state < 3 AND (" BESIDE("") " OR "
		BESIDE("2") ")", ""},
	{"hold_run", "records that are held by a run that has ended, is parked, or is gone",
		"later runs of the record wait for ever", BACKUP,
		"SELECT count(*), CAST(min(h.run) AS TEXT) FROM hold AS h LEFT JOIN run AS r ON r.seq = h.run"
		" WHERE r.seq IS NULL OR r.state > 2 OR r.due_ms < 0 OR (h.key <> r.hold AND h.key <> r.hold2)", ""},
	{"event_state", "events in a state that is not known", "they are listed nowhere", BACKUP,
		"SELECT count(*), min(id) FROM event WHERE state NOT BETWEEN 0 AND 8", ""},
	{"event_open", "events whose number of open runs is wrong",
		"they end too early and their deliveries are pruned, or never", BACKUP,
		"SELECT count(*), min(e.id) FROM event AS e WHERE e.open <> (SELECT count(*) FROM run AS r"
		" WHERE r.seq BETWEEN e.run_first AND e.run_first + e.run_n - 1 AND +r.state < 3)"
		" + CASE WHEN e.joins > 0 THEN (SELECT count(*) FROM joined AS j JOIN run AS r ON r.seq = j.run"
		" WHERE j.event = e.seq AND +r.state < 3) ELSE 0 END", ""},
	{"event_ended", "events that are open without open runs, or ended with some", "they are counted wrongly", BACKUP,
		"SELECT count(*), min(id) FROM event WHERE (open > 0) <> (state < 3)", ""},
	{"event_twice", "event ids that are there twice", "a command that names one means the other, too", BACKUP,
		"SELECT count(*), min(id) FROM (SELECT id FROM event GROUP BY id HAVING count(*) > 1) AS t", ""},
	{"run_twice", "run ids that are there twice", "a command that names one means the other, too", BACKUP,
		"SELECT count(*), min(id) FROM (SELECT id FROM run GROUP BY id HAVING count(*) > 1) AS t", ""},
	{"event_early", "events of deliveries that the work has not come to",
		"the delivery is routed again, and its effects are done twice", BACKUP,
		"SELECT count(*), min(e.id) FROM event AS e WHERE e.seq >= ((SELECT position FROM progress) + 1) * 16777216",
		""},
	{"event_body", "open events whose delivery is gone", "their runs start without a body", BACKUP,
		"SELECT count(*), min(e.id) FROM event AS e LEFT JOIN inbox.delivery AS d ON d.seq = e.seq / 16777216"
		" WHERE e.open > 0 AND e.seq % 16777216 = 0 AND d.seq IS NULL",
		"SELECT count(*), min(e.id) FROM event AS e LEFT JOIN routed AS t ON t.seq = e.seq / 16777216"
		" LEFT JOIN delivery AS d ON d.n = t.n"
		" WHERE e.open > 0 AND e.seq % 16777216 = 0 AND d.n IS NULL"},
	{"numbers", "numbers that are behind those that were given", "new events or runs get the number of old ones",
		BACKUP,
		"SELECT CASE WHEN p.last_run < (SELECT coalesce(max(seq), 0) FROM run) THEN 1 ELSE 0 END"
		" + CASE WHEN p.last_event < (SELECT coalesce(max(seq), 0) FROM event) THEN 1 ELSE 0 END,"
		" CAST(p.last_run AS TEXT) FROM progress AS p", ""},
	{"journal_run", "calls in the journal of a run that is gone", LEFT, "nothing has to be done",
		GONE("journal", "run", "run", "seq"), ""},
	{"session_run", "sessions whose run is gone", "events that join them are lost", BACKUP,
		GONE("session", "run", "run", "seq"), ""},
	{"run_session", "runs of several events without their session", "they start with their first event alone", BACKUP,
		"SELECT count(*), min(r.id) FROM run AS r LEFT JOIN session AS s ON s.run = r.seq"
		" WHERE r.kind > 0 AND s.run IS NULL", ""},
	{"session_n", "sessions that count other events than have joined", "they close too early or too late", BACKUP,
		"SELECT count(*), CAST(min(s.run) AS TEXT) FROM session AS s"
		" WHERE s.n <> 1 + (SELECT count(*) FROM joined AS j WHERE j.run = s.run)", ""},
	{"joined_run", "events that joined a run that is gone", "they never end", BACKUP,
		GONE("joined", "run", "run", "seq"), ""},
	{"joined_event", "events that joined a run and are gone", "the run does not see them", BACKUP,
		GONE("joined", "event", "event", "seq"), ""},
	{"hidden_run", "notes on a run that is gone", LEFT, "nothing has to be done",
		GONE("run_hidden", "run", "run", "seq"), ""},
	{"shadow_run", "marks of shadow mode on a run that is gone", LEFT, "nothing has to be done",
		GONE("shadow", "run", "run", "seq"), ""},
	{"body_event", "bodies of an event that is gone", LEFT, "nothing has to be done",
		GONE("event_body", "seq", "event", "seq"), ""},
	{"cause_event", "causes of an event that is gone", LEFT, "nothing has to be done",
		GONE("event_cause", "seq", "event", "seq"), ""},
	{"digest_event", "digests of an event that is gone",
		"the same change, told again, is taken for known and dropped", BACKUP,
		GONE("seen", "seq", "event", "seq"), ""},
	{"source_use", "versions of rule files whose number of runs is wrong",
		"the file may be removed while a run needs it, or is kept for ever", BACKUP,
		"SELECT count(*), CAST(min(u.n) AS TEXT) FROM source_use AS u LEFT JOIN"
		" (SELECT source, count(*) AS c FROM run GROUP BY source) AS g ON g.source = u.n"
		" WHERE u.runs <> coalesce(g.c, 0)", ""},
	{"use_source", "uses of a version of a rule file that is gone", "a rule has no text", BACKUP,
		GONE("source_use", "n", "source", "n"), ""},
	{"timer_sum", "rules whose number of timers is wrong", "they may arm too few, or too many", BACKUP,
		"SELECT count(*), min(s.rule) FROM timer_sum AS s WHERE s.n <> (SELECT count(*) FROM timer AS t"
		" WHERE t.rule = s.rule)", ""},
	{"timer_uncounted", "timers of rules that have no number of them", "they may arm too many", BACKUP,
		"SELECT count(*), min(t.rule) FROM timer AS t LEFT JOIN timer_sum AS s ON s.rule = t.rule"
		" WHERE s.rule IS NULL", ""},
	{"kv_sum", "scopes whose size is wrong", "kv.set may refuse too early, or too late", BACKUP,
		SUM_KV("length(CAST(k.key AS BLOB)) + length(k.value)"), SUM_KV("octet_length(k.key) + length(k.value)")},
	{"kv_uncounted", "values of scopes that have no size", "kv.set may refuse too late", BACKUP,
		"SELECT count(*), min(k.scope) FROM kv AS k LEFT JOIN kv_sum AS s ON s.scope = k.scope"
		" WHERE s.scope IS NULL", ""},
	{"copy_bytes", "sizes of the copies of records that are wrong",
		"retention by size removes too much, or too little", BACKUP,
		"SELECT CASE WHEN coalesce((SELECT value FROM meta WHERE name = 'copy_bytes'), 0) <>"
		" (SELECT coalesce(sum((length(text) + 48) * 6 / 5), 0) FROM copy) THEN 1 ELSE 0 END, 'copy_bytes'", ""},
	{"copy_state", "copies of records in a state that is not known", "rules do not see them", BACKUP,
		"SELECT count(*), min(object) FROM copy WHERE state NOT BETWEEN 0 AND 2", ""},
	{"seed", "seeds of hashes that are missing", "runs of one record do not know of each other", BACKUP,
		"SELECT CASE WHEN EXISTS (SELECT 1 FROM meta WHERE name = 'seen_seed' AND value <> 0)"
		" OR NOT EXISTS (SELECT 1 FROM hold) THEN 0 ELSE 1 END, 'seen_seed'", ""},
	{"key_delivery", "dedupe keys of a delivery that is gone",
		"a webhook that repeats it is taken for known and dropped", BACKUP,
		"SELECT count(*), CAST(min(k.seq) AS TEXT) FROM inbox.seen AS k LEFT JOIN inbox.delivery AS d"
		" ON d.seq = k.seq WHERE d.seq IS NULL",
		NULL},
	{"delivery_twice", "deliveries with the number of another", "one of them is routed twice, the other never", BACKUP,
		NULL, "SELECT count(*), CAST(min(n) AS TEXT) FROM (SELECT n FROM delivery GROUP BY n HAVING count(*) > 1) AS t"},
	{"delivery_gap", "places before a delivery that waits which are empty",
		"what stood there was acknowledged, and is lost", BACKUP,
		"SELECT coalesce(max(d.seq) - (SELECT position FROM progress) - count(*), 0), CAST(max(d.seq) AS TEXT)"
		" FROM inbox.delivery AS d WHERE d.seq > (SELECT position FROM progress)", NULL},
	{"pending_delivery", "deliveries to be routed that are gone", "they were acknowledged, and are lost", BACKUP,
		NULL, GONE("pending", "n", "delivery", "n")},
	{"pending_routed", "deliveries to be routed that have been", "their effects are done twice", BACKUP, NULL,
		"SELECT count(*), CAST(min(p.n) AS TEXT) FROM pending AS p JOIN routed AS r ON r.n = p.n"},
	{"routed_delivery", "places of deliveries that are gone", LEFT, "nothing has to be done", NULL,
		GONE("routed", "n", "delivery", "n")},
	{"routed_early", "deliveries with a place that the work has not come to", "their effects are done twice", BACKUP,
		NULL, "SELECT count(*), CAST(max(seq) AS TEXT) FROM routed WHERE seq > (SELECT position FROM progress)"},
	{"delivery_lost", "deliveries that are neither routed nor to be routed", "they were acknowledged, and are lost",
		"write their numbers into the table pending", NULL,
		"SELECT count(*), CAST(min(d.n) AS TEXT) FROM delivery AS d WHERE NOT EXISTS"
		" (SELECT 1 FROM pending AS p WHERE p.n = d.n) AND NOT EXISTS (SELECT 1 FROM routed AS r WHERE r.n = d.n)"},
	{"pending_n", "counts of deliveries to be routed that are wrong", "status and metrics are", AGAIN, NULL,
		"SELECT count(*), CAST(min(w.what) AS TEXT) FROM (SELECT 18 AS what, count(*) AS n FROM pending UNION ALL"
		" SELECT 19, count(d.quarantine) FROM pending AS p JOIN delivery AS d ON d.n = p.n) AS w"
		" WHERE w.n <> (SELECT coalesce(sum(m.n), 0) FROM moved AS m WHERE m.what = w.what)"},
	{"flight_call", "effects under way that the journal does not know of",
		"events of other people are held back for an answer that never comes", BACKUP, NULL,
		"SELECT count(*), CAST(min(f.run) AS TEXT) FROM flight AS f LEFT JOIN journal AS j ON j.seq = f.call"
		" AND j.run = f.run AND j.path = f.path AND j.effect <> 0 AND coalesce(length(j.answer), 0) = 0"
		" WHERE j.seq IS NULL"},
	{"flight_lost", "effects of open runs without an answer that are not among those under way",
		"what they write may be taken for the work of other people", AGAIN, NULL,
		"SELECT count(*), min(r.id) FROM journal AS j JOIN run AS r ON r.seq = j.run WHERE r.state < 3"
		" AND j.effect <> 0 AND coalesce(length(j.answer), 0) = 0 AND NOT EXISTS (SELECT 1 FROM journal AS a"
		" WHERE a.run = j.run AND a.path = j.path AND a.seq > j.seq AND length(a.answer) > 0)"
		" AND NOT EXISTS (SELECT 1 FROM flight AS f WHERE f.run = j.run AND f.path = j.path)"},
	{"run_runner", "runs at work of a runner that has never been, or was forgotten", "they may be done twice",
		AGAIN, NULL,
		"SELECT count(*), min(r.id) FROM run AS r WHERE r.state = 2 AND r.state < 3 AND r.runner <> 0"
		" AND NOT EXISTS (SELECT 1 FROM runner AS w WHERE w.id = r.runner)"},
	{"fence", "fences that do not go with the mark of the store",
		"who has the store open still may write to it, or nobody may", BACKUP, NULL,
		"SELECT count(*), min(c.relname) FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid"
		" WHERE t.tgname = 'fence' AND c.relnamespace = current_schema()::regnamespace"
		" AND (t.tgenabled <> 'D') <> EXISTS (SELECT 1 FROM mark WHERE kind <> 0)"},
	{"trigger", "triggers that are missing or turned off", "sizes are counted wrongly from now on",
		"ALTER TABLE .. ENABLE TRIGGER .., then restore a backup if sizes are wrong",
		"SELECT count(*), min(w.column1) FROM (VALUES ('timer_armed'), ('timer_gone'), ('kv_added'), ('kv_changed'),"
		" ('kv_gone')) AS w WHERE w.column1 NOT IN (SELECT name FROM main.sqlite_schema WHERE type = 'trigger')",
		"SELECT count(*), min(w.name) FROM (VALUES ('timer'), ('kv')) AS w (name) WHERE NOT EXISTS"
		" (SELECT 1 FROM pg_trigger AS t WHERE t.tgrelid = to_regclass(w.name) AND t.tgname = w.name || '_count'"
		" AND t.tgenabled IN ('O', 'A'))"},
	{"index_lost", "indexes that are missing", "what they keep unique may be there twice, and work is slow",
		"make it again, as the schema has it (pg_dump of a fresh one shows it)",
		"SELECT count(*), min(w.column1) FROM (VALUES " INDEXES ") AS w WHERE w.column1 NOT IN"
		" (SELECT name FROM main.sqlite_schema WHERE type = 'index')",
		"SELECT count(*), min(w.name) FROM (VALUES " INDEXES ", ('run_limited'), ('delivery_n'), ('seen_seq'))"
		" AS w (name) WHERE to_regclass(w.name) IS NULL"},
	{"index_invalid", "indexes that are not valid", "what they keep unique may be there twice, and work is slow",
		"REINDEX INDEX, or drop it where a REINDEX CONCURRENTLY has left it (its name ends in _ccnew)", NULL,
		"SELECT count(*), min(c.relname) FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid"
		" WHERE c.relnamespace = current_schema()::regnamespace"
		" AND NOT (i.indisvalid AND i.indisready AND i.indislive)"},
	{"privilege", "tables that this user may not write to, functions that it may not call", "no receiver or runner starts with this user",
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA .. TO the user of the daemon, GRANT"
		" EXECUTE ON ALL FUNCTIONS IN SCHEMA .. TO it", NULL,
		"SELECT count(*), min(x.name) FROM (SELECT c.relname AS name FROM pg_class AS c WHERE c.relkind = 'r'"
		" AND c.relname <> 'version'"
		" AND c.relnamespace = current_schema()::regnamespace AND NOT (has_table_privilege(c.oid, 'SELECT')"
		" AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE')"
		" AND has_table_privilege(c.oid, 'DELETE'))"
		" UNION ALL SELECT p.proname FROM pg_proc AS p WHERE p.pronamespace = current_schema()::regnamespace"
		" AND p.prorettype <> 'trigger'::regtype AND p.proname IN ('fence', 'purse_swap', 'instr')"
		" AND NOT has_function_privilege(p.oid, 'EXECUTE')) AS x"},
	{"durability", "settings of the database with which a power cut damages or loses what was confirmed",
		"deliveries that were acknowledged may be lost", "turn it on, or allow it by name:"
		" database = { durability = \"relaxed\" }", NULL,
		"SELECT count(*), min(s.name || ' = ' || s.setting) FROM pg_settings AS s"
		" WHERE (s.name IN ('fsync', 'full_page_writes') AND s.setting = 'off')"
		" OR (s.name = 'synchronous_commit' AND s.setting NOT IN ('on', 'remote_apply'))"},
	{"unlogged", "tables that the database does not keep through a crash", "all that stands in them is lost with"
		" the next one", "ALTER TABLE .. SET LOGGED", NULL,
		"SELECT count(*), min(c.relname) FROM pg_class AS c WHERE c.relkind = 'r' AND c.relpersistence <> 'p'"
		" AND c.relnamespace = current_schema()::regnamespace"},
	{"sequence", "sequences that are behind the numbers in their table", "what is written next fails", BACKUP, NULL,
		"SELECT (" COUNTED("delivery", "n") ")::int + (" COUNTED("journal", "seq") ")::int + ("
		COUNTED("source", "n") ")::int + (" COUNTED("written", "seq") ")::int + (" COUNTED("audit", "seq") ")::int + ("
		COUNTED("timer", "seq") ")::int + (" COUNTED("kv", "n") ")::int + (" COUNTED("rule", "n") ")::int, 'sequence'"},
};
/* clang-format on */
const size_t check_questions_n = ARRAY_N(check_questions);

bool check_question_allowed(const struct check_question *q)
{
	return strcmp(q->kind, "durability") == 0 || strcmp(q->kind, "unlogged") == 0;
}
