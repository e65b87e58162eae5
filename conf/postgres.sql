-- SPDX-License-Identifier: MIT
-- A place for Moonhook in a PostgreSQL that others use too, such as Twenty's own. Run it once, as an
-- administrator: psql -d twenty -f postgres.sql. Then: store = "postgres://moonhook@host/twenty".

-- Its user owns one schema, and may do nothing else in this database: no other schema, no new one.
CREATE ROLE moonhook LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT;
\password moonhook
CREATE SCHEMA moonhook AUTHORIZATION moonhook;

-- Where PUBLIC may still connect or write (before version 15, "public" is open to all):
--   REVOKE CREATE ON SCHEMA public FROM PUBLIC;

-- Optional: daemons that cannot change tables. moonhook_owner makes and migrates them (let one daemon
-- start as this user after each update, before the others), moonhook only works with the rows. These
-- lines belong before the first start: they are about tables that come.
--   ALTER SCHEMA moonhook OWNER TO moonhook_owner;
--   GRANT USAGE ON SCHEMA moonhook TO moonhook;
--   ALTER DEFAULT PRIVILEGES FOR ROLE moonhook_owner IN SCHEMA moonhook
--     GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO moonhook;
--   ALTER DEFAULT PRIVILEGES FOR ROLE moonhook_owner IN SCHEMA moonhook
--     GRANT USAGE ON SEQUENCES TO moonhook;
--   ALTER DEFAULT PRIVILEGES FOR ROLE moonhook_owner IN SCHEMA moonhook
--     GRANT EXECUTE ON FUNCTIONS TO moonhook;

-- Optional, on top of that: a user for each part, where receivers are machines that everybody can
-- reach. moonhook stays the runners'. A receiver may put deliveries (by functions, which run as
-- moonhook_owner), and ask whether the store has moved; it reads no table of the work, and changes none.
-- A console may read.
--   CREATE ROLE moonhook_receiver LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT CONNECTION LIMIT 20;
--   CREATE ROLE moonhook_console LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT;
--   \password moonhook_receiver
--   \password moonhook_console
--   GRANT USAGE ON SCHEMA moonhook TO moonhook_receiver, moonhook_console;
--   ALTER DEFAULT PRIVILEGES FOR ROLE moonhook_owner IN SCHEMA moonhook
--     GRANT EXECUTE ON FUNCTIONS TO moonhook_receiver;
--   ALTER DEFAULT PRIVILEGES FOR ROLE moonhook_owner IN SCHEMA moonhook
--     GRANT SELECT ON TABLES TO moonhook_console;
-- Then each machine names its own: store = "postgres://moonhook_receiver@host/twenty". Whoever has
-- that password can still put deliveries of its own, hold locks of its own (REVOKE EXECUTE ON FUNCTION
-- pg_advisory_lock(bigint), .. FROM PUBLIC in a database that is Moonhook's alone), and use its connections.

-- `moonhook store copy` into this schema empties tables and sets their counters: name moonhook_owner
-- in the address that it is given (postgres://moonhook_owner@host/twenty); the daemons go on as moonhook.
