-- SPDX-License-Identifier: MIT
-- Moonhook's configuration: a list of settings in Lua. Here are only
--   env "NAME"     a variable of the environment (nil where it is unset)
--   file "path"    the text of a file beside this one, without its last newline
--   source "name"  who sends deliveries, to /hooks/<name>
-- What is commented out is the default. MOONHOOK_* of the environment and flags win:
-- MOONHOOK_LIMITS_CPU=2s, --limits.cpu 2s. `moonhook config print` shows what counts;
-- `moonhook reload` applies changes, and says which wait for a restart.

-- address and port for deliveries
-- listen = "127.0.0.1:8700"

limits = {
	-- largest body of one delivery
	-- body = "4MB",
	-- all bodies in memory at once; more are answered with 503
	-- bodies = "256MB",
	-- open connections; beyond, the slowest makes room
	-- connections = 1024,
	-- the same for one address (IPv6: one /64)
	-- connections_per_address = 512,
	-- until the headers must be complete; also how long an idle connection is kept
	-- headers_time = "10s",
	-- from the headers until the body must be complete
	-- body_time = "30s",
	-- Processor time of one run; a rule's cpu wins
	-- cpu = "1s",
	-- Time of one run, waiting for Twenty not counted; a rule's timeout wins
	-- wall = "30s",
	-- Memory of one run
	-- memory = "64MB",
	-- API calls of one run
	-- calls = 1000,
	-- Log lines of one run
	-- logs = 1000,
	-- A runner that gives no sign of life for so long is killed and started again
	-- lease = "15s",
	-- Runs at work at once
	-- runs = 1024,
}

spool = {
	-- of a store in a database: folder that keeps deliveries while it is away
	-- folder = "spool",
	-- what may wait there; past it deliveries are refused with 503; 0: nothing is kept
	-- max = "1GB",
}

-- one for each sender, such as source "stripe" { scheme = "stripe", secrets = { file
-- "stripe.secret" } }; rules get what it sends as on = "hook:stripe"
source "twenty" {
	-- how its deliveries are signed
	-- one of: twenty standard-webhooks github stripe hmac token
	scheme = "twenty",
	-- secrets it may sign with; two while one is replaced by the other
	secrets = { env "TWENTY_WEBHOOK_SECRET" },
	-- how far its timestamp may lie in the past or in the future
	-- window = "5m",
	-- hmac: the header of the signature; token: of the secret, else Authorization
	-- header = "x-signature",
	-- hmac, token: what stands before it in the header, such as "sha256="
	-- prefix = "sha256=",
	-- hmac: how the signature is written; else hex, in lower case
	-- one of: hex base64
	-- encoding = "hex",
	-- hmac: of the signature; else sha256
	-- one of: sha256 sha1 sha512
	-- algorithm = "sha256",
	-- hmac: what is signed, of {timestamp}, {id}, {body} and text between; else {body}
	-- signed = "{timestamp}.{body}",
	-- hmac: the header of the time in seconds or milliseconds since 1970, see window
	-- timestamp = "x-timestamp",
	-- hmac, token: the header of the delivery's id, by which a repeat is known
	-- id = "x-delivery-id",
}

-- folder of the queue (SQLite), relative to the current folder; or the address of a PostgreSQL,
-- postgres://user@host/database, without its password
-- store = "var"

database = {
	-- of a store in PostgreSQL, file ".." or env ".."; else PGPASSFILE, ~/.pgpass or
	-- passfile= in the address
	-- password = "",
	-- full: a server with fsync, full_page_writes or synchronous_commit off is refused;
	-- relaxed: what was acknowledged may go with its power
	-- one of: full relaxed
	-- durability = "full",
}

retain = {
	-- how long deliveries are kept once nothing is left to do for them; 0: for ever
	-- events = "30d",
	-- how long ended runs and their journal are kept; 0: for ever
	-- runs = "30d",
	-- size of the store, copies of records left out, past which the oldest ended go first;
	-- 0: any
	-- size = "10GB",
}

-- Folder of the rule files (*.lua); the modules they use are in lib beside it
-- rules = "scripts/rules"

-- Processes that run rules
-- workers = 2

gap = {
	-- How often Twenty is asked for changes that no webhook told of; 0s: only on `moonhook
	-- reconcile`
	-- every = "5m",
	-- Changes younger than this are left to their webhooks
	-- grace = "30s",
	-- How often all ids are listed, to find records that were destroyed; 0s: never
	-- sweep = "24h",
}

twenty = {
	-- address of Twenty, such as https://crm.example.com
	url = env "TWENTY_URL",
	-- API key of Twenty (Settings, APIs & Webhooks)
	key = env "TWENTY_API_KEY",
	-- form of Twenty's REST API; auto finds out
	-- one of: auto core docs
	-- dialect = "auto",
	-- requests to Twenty, at most: fewer where it asks for that (cloud users report 50/m);
	-- none: unlimited
	-- budget = "100/m",
	-- for one request, from its start to the last byte of its answer
	-- timeout = "30s",
	-- allow http:// to another machine: the key goes out in the clear
	-- insecure = false,
	-- file of certificates to trust with https, where the machine does not know the
	-- authority
	-- ca = "",
}

notify = {
	-- where to POST that there are new issues (dead letters, quarantine ..): counts, no
	-- personal data; https, or loopback
	-- url = "",
	-- signs those messages as Standard Webhooks do; whsec_.. or any text
	-- secret = "",
	-- one message in that time, at most
	-- every = "5m",
}

http = {
	-- hosts that http calls of rules may reach: api.example.com (https), with its :port,
	-- *.example.com, http://127.0.0.1:8080
	-- allow = { "api.example.com" },
}

-- what rules get from secret "NAME"; the values stay in the runner
-- secrets = { ENRICH_KEY = env "ENRICH_KEY" }

-- while calls wait for budget, alike ones go out as one request; coalesce = false: never
coalesce = {
	-- reads that are the same become one request while calls wait for budget
	-- read = true,
	-- gets become one list of ids
	-- get = true,
	-- creates become one batch
	-- create = true,
	-- searches for duplicates become one
	-- duplicates = true,
	-- changes of one record, and the same change of many, become one
	-- update = true,
	-- different changes of living records become one batch upsert where webhooks of ours
	-- would show a revival
	-- one of: auto false
	-- upsert = "auto",
}

console = {
	-- address of /healthz, /readyz and /metrics
	-- listen = "127.0.0.1:8701",
	-- what /metrics wants as `Authorization: Bearer`; required beyond loopback
	-- token = file "token",
	-- names by which the console may be called, besides localhost and addresses
	-- hosts = { "moonhook.example.com" },
}

-- path of the control socket; default: control.sock in the store
-- control = "/run/moonhook/control.sock"

log = {
	-- form of the log; auto: text on a terminal, else JSON lines
	-- one of: auto text json
	-- format = "auto",
	-- the least important lines that are written
	-- one of: debug info warn error
	-- level = "info",
}

-- where the world reaches `listen`: for `moonhook doctor` and `webhook add`
-- public = "https://hooks.example.com"

-- the parts that `moonhook serve` starts; health and metrics always run
-- only = { "receiver", "runner", "console" }
