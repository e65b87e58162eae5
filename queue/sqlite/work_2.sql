-- SPDX-License-Identifier: MIT
-- The work, version 2: which versions of rule files are in use. Beside the texts, because the counts
-- change with every transaction and the texts are long.

CREATE TABLE source_use (
	n INTEGER PRIMARY KEY, -- source.n
	runs INTEGER NOT NULL, -- how many name it
	live_ms INTEGER NOT NULL, -- since when it is live; 0: it is not
	until_ms INTEGER NOT NULL -- when it ceased to be; 0: it is live, or never was
) STRICT;
INSERT INTO source_use (n, runs, live_ms, until_ms)
	SELECT source, count(*), 0, 0 FROM run GROUP BY source;
INSERT OR IGNORE INTO source_use (n, runs, live_ms, until_ms) SELECT n, 0, 0, 0 FROM source;
