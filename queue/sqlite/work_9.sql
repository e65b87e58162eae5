-- SPDX-License-Identifier: MIT
-- The work, version 9: what rules keep.

CREATE TABLE kv (
	n INTEGER PRIMARY KEY, -- for walking through all of them
	scope TEXT NOT NULL, -- name of a rule; "": all share it
	key TEXT NOT NULL,
	value BLOB NOT NULL, -- JSON
	until_ms INTEGER NOT NULL -- 0: for ever
) STRICT;
CREATE UNIQUE INDEX kv_key ON kv (scope, key);
CREATE INDEX kv_until ON kv (until_ms) WHERE until_ms > 0;

-- How much a scope holds: kept by the triggers, whoever writes.
CREATE TABLE kv_sum (
	scope TEXT PRIMARY KEY,
	n INTEGER NOT NULL,
	bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER kv_added AFTER INSERT ON kv BEGIN
	INSERT INTO kv_sum (scope, n, bytes)
		VALUES (NEW.scope, 1, length(CAST(NEW.key AS BLOB)) + length(NEW.value))
		ON CONFLICT (scope) DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes;
END;
CREATE TRIGGER kv_changed AFTER UPDATE OF value ON kv BEGIN
	UPDATE kv_sum SET bytes = bytes + length(NEW.value) - length(OLD.value)
		WHERE scope = NEW.scope;
END;
CREATE TRIGGER kv_gone AFTER DELETE ON kv BEGIN
	UPDATE kv_sum SET n = n - 1,
		bytes = bytes - length(CAST(OLD.key AS BLOB)) - length(OLD.value)
		WHERE scope = OLD.scope;
END;
