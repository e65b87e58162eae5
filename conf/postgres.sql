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
-- start as this user after each update, before the others), moonhook only works with the rows:
--   ALTER SCHEMA moonhook OWNER TO moonhook_owner;
--   GRANT USAGE ON SCHEMA moonhook TO moonhook;
--   ALTER DEFAULT PRIVILEGES FOR ROLE moonhook_owner IN SCHEMA moonhook
--     GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO moonhook;
--   ALTER DEFAULT PRIVILEGES FOR ROLE moonhook_owner IN SCHEMA moonhook
--     GRANT USAGE ON SEQUENCES TO moonhook;
-- `moonhook store copy` into this schema empties tables and sets their counters: name moonhook_owner
-- in the address that it is given (postgres://moonhook_owner@host/twenty); the daemons go on as moonhook.
