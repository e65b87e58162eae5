-- SPDX-License-Identifier: MIT
-- The work, version 8: timers and the clock of rules.

CREATE TABLE timer (
	seq INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: who is about to fire one names it
	rule TEXT NOT NULL,
	key TEXT NOT NULL,
	due_ms INTEGER NOT NULL,
	relative INTEGER NOT NULL, -- 1: moves with the clock
	payload BLOB NOT NULL, -- JSON
	object TEXT NOT NULL,
	record TEXT NOT NULL,
	run INTEGER NOT NULL, -- run.seq of who armed it
	rule_from TEXT NOT NULL, -- its rule
	depth INTEGER NOT NULL -- of its event, in a chain of causes
) STRICT;
CREATE UNIQUE INDEX timer_key ON timer (rule, key);
CREATE INDEX timer_due ON timer (due_ms);

-- How many a rule has: kept by the triggers, whoever writes.
CREATE TABLE timer_sum (rule TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TRIGGER timer_armed AFTER INSERT ON timer BEGIN
	INSERT INTO timer_sum (rule, n) VALUES (NEW.rule, 1)
		ON CONFLICT (rule) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER timer_gone AFTER DELETE ON timer BEGIN
	UPDATE timer_sum SET n = n - 1 WHERE rule = OLD.rule;
END;

CREATE TABLE tick (
	rule TEXT PRIMARY KEY,
	schedule TEXT NOT NULL,
	last_ms INTEGER NOT NULL,
	relative INTEGER NOT NULL,
	event TEXT NOT NULL
) STRICT, WITHOUT ROWID;
