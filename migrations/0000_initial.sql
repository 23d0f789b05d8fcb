CREATE TABLE `api_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`company_id` text NOT NULL,
	`label` text NOT NULL,
	`label_folded` text,
	`key_prefix` text NOT NULL,
	`digest` text NOT NULL,
	`generation` text,
	`scopes` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`revoked_at` integer,
	`last_used_at` integer,
	`replaces_id` text,
	`suspended_at` integer,
	`metadata` text,
	`allowed_ips` text,
	`created_by_issuer` text,
	`created_by_subject` text,
	CONSTRAINT "api_keys_created_at" CHECK(typeof("api_keys"."created_at") IN ('integer', 'null') AND coalesce("api_keys"."created_at" BETWEEN 0 AND 253402300799999, 1)),
	CONSTRAINT "api_keys_expires_at" CHECK(typeof("api_keys"."expires_at") IN ('integer', 'null') AND coalesce("api_keys"."expires_at" BETWEEN 0 AND 253402300799999, 1)),
	CONSTRAINT "api_keys_revoked_at" CHECK(typeof("api_keys"."revoked_at") IN ('integer', 'null') AND coalesce("api_keys"."revoked_at" BETWEEN 0 AND 253402300799999, 1)),
	CONSTRAINT "api_keys_suspended_at" CHECK(typeof("api_keys"."suspended_at") IN ('integer', 'null') AND coalesce("api_keys"."suspended_at" BETWEEN 0 AND 253402300799999, 1)),
	CONSTRAINT "api_keys_last_used_at" CHECK(typeof("api_keys"."last_used_at") IN ('integer', 'null') AND coalesce("api_keys"."last_used_at" BETWEEN 0 AND 253402300799999, 1)),
	CONSTRAINT "api_keys_metadata" CHECK("api_keys"."metadata" IS NULL OR (json_valid("api_keys"."metadata") AND json_type("api_keys"."metadata") = 'object')),
	CONSTRAINT "api_keys_scopes" CHECK(json_valid("api_keys"."scopes") AND json_type("api_keys"."scopes") = 'array'),
	CONSTRAINT "api_keys_allowed_ips" CHECK("api_keys"."allowed_ips" IS NULL OR (json_valid("api_keys"."allowed_ips") AND json_type("api_keys"."allowed_ips") = 'array'))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_digest` ON `api_keys` (`digest`);--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_replaces` ON `api_keys` (`replaces_id`);--> statement-breakpoint
CREATE INDEX `api_keys_newest` ON `api_keys` (`company_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `api_keys_live` ON `api_keys` (`company_id`,`expires_at`) WHERE "api_keys"."revoked_at" is null;--> statement-breakpoint
CREATE INDEX `api_keys_revoked` ON `api_keys` (`revoked_at`) WHERE "api_keys"."revoked_at" is not null;--> statement-breakpoint
CREATE INDEX `api_keys_expired` ON `api_keys` (`expires_at`) WHERE "api_keys"."expires_at" is not null;--> statement-breakpoint
CREATE INDEX `api_keys_generation` ON `api_keys` (`generation`,`expires_at`) WHERE "api_keys"."revoked_at" is null;--> statement-breakpoint
CREATE TABLE `audit_events` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`company_id` text NOT NULL,
	`key_id` text NOT NULL,
	`action` text NOT NULL,
	`actor_issuer` text,
	`actor_subject` text,
	`at` integer NOT NULL,
	`detail` text,
	CONSTRAINT "audit_events_at" CHECK(typeof("audit_events"."at") IN ('integer', 'null') AND coalesce("audit_events"."at" BETWEEN 0 AND 253402300799999, 1)),
	CONSTRAINT "audit_events_detail" CHECK("audit_events"."detail" IS NULL OR (json_valid("audit_events"."detail") AND json_type("audit_events"."detail") = 'object'))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `audit_events_id_unique` ON `audit_events` (`id`);--> statement-breakpoint
CREATE INDEX `audit_events_newest` ON `audit_events` (`company_id`,`seq`);--> statement-breakpoint
CREATE INDEX `audit_events_key` ON `audit_events` (`company_id`,`key_id`,`seq`);--> statement-breakpoint
CREATE INDEX `audit_events_leaked` ON `audit_events` (`company_id`,`seq`) WHERE "audit_events"."action" = 'revoke' AND "audit_events"."detail" ->> '$.reason' = 'leaked';--> statement-breakpoint
CREATE TABLE `dashboard_sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`issuer` text NOT NULL,
	`subject` text NOT NULL,
	`sealed` text NOT NULL,
	`ends_at` integer NOT NULL,
	`renewer` text,
	`renewing_until` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE INDEX `dashboard_sessions_newest` ON `dashboard_sessions` (`issuer`,`subject`,`ends_at`);--> statement-breakpoint
CREATE INDEX `dashboard_sessions_end` ON `dashboard_sessions` (`ends_at`);--> statement-breakpoint
CREATE TABLE `dashboard_uses` (
	`id` text PRIMARY KEY NOT NULL,
	`user` text NOT NULL,
	`ends_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `dashboard_uses_end` ON `dashboard_uses` (`ends_at`);--> statement-breakpoint
CREATE TABLE `key_changes` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`digest` text NOT NULL,
	`changed_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE TABLE `progress` (
	`job` text PRIMARY KEY NOT NULL,
	`done` integer NOT NULL,
	`holder` text,
	`held_until` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE `sealed_answers` (
	`company_id` text NOT NULL,
	`id` text NOT NULL,
	`key_id` text NOT NULL,
	`fingerprint` text NOT NULL,
	`sealed` text NOT NULL,
	`expires_at` integer NOT NULL,
	PRIMARY KEY(`company_id`, `id`),
	CONSTRAINT "sealed_answers_expires_at" CHECK(typeof("sealed_answers"."expires_at") IN ('integer', 'null') AND coalesce("sealed_answers"."expires_at" BETWEEN 0 AND 253402300799999, 1))
);
--> statement-breakpoint
CREATE INDEX `sealed_answers_over` ON `sealed_answers` (`expires_at`);--> statement-breakpoint
CREATE TABLE `usage_days` (
	`key_id` text NOT NULL,
	`company_id` text NOT NULL,
	`day` text NOT NULL,
	`allowed` integer NOT NULL,
	`denied` integer NOT NULL,
	`denied_expired` integer DEFAULT 0 NOT NULL,
	`denied_revoked` integer DEFAULT 0 NOT NULL,
	`denied_suspended` integer DEFAULT 0 NOT NULL,
	`denied_scope` integer DEFAULT 0 NOT NULL,
	`denied_address` integer DEFAULT 0 NOT NULL,
	`denied_limit` integer DEFAULT 0 NOT NULL,
	`last_used_at` integer,
	`reports` text DEFAULT '' NOT NULL,
	PRIMARY KEY(`key_id`, `day`),
	CONSTRAINT "usage_days_last_used_at" CHECK(typeof("usage_days"."last_used_at") IN ('integer', 'null') AND coalesce("usage_days"."last_used_at" BETWEEN 0 AND 253402300799999, 1))
);
--> statement-breakpoint
CREATE INDEX `usage_days_day` ON `usage_days` (`day`);
--> statement-breakpoint
-- The change feed: whatever a verdict depends on is told to every isolate, also where it is changed by hand.
CREATE TRIGGER api_keys_updated AFTER UPDATE OF id, company_id, digest, scopes, metadata, allowed_ips, expires_at, revoked_at, suspended_at ON api_keys
WHEN (OLD.id, OLD.company_id, OLD.digest, OLD.scopes, OLD.metadata, OLD.allowed_ips) IS NOT (NEW.id, NEW.company_id, NEW.digest, NEW.scopes, NEW.metadata, NEW.allowed_ips)
  OR (OLD.expires_at, OLD.revoked_at, OLD.suspended_at) IS NOT (NEW.expires_at, NEW.revoked_at, NEW.suspended_at)
BEGIN
  INSERT INTO key_changes (digest) VALUES (OLD.digest);
END;
--> statement-breakpoint
CREATE TRIGGER api_keys_deleted AFTER DELETE ON api_keys
BEGIN
  INSERT INTO key_changes (digest) VALUES (OLD.digest);
END;
--> statement-breakpoint
-- REPLACE removes rows without firing the trigger above: by rowid, id, digest or replaces_id.
CREATE TRIGGER api_keys_replaced BEFORE INSERT ON api_keys
BEGIN
  INSERT INTO key_changes (digest) SELECT digest FROM api_keys
  WHERE rowid = NEW.rowid OR id = NEW.id OR digest = NEW.digest OR replaces_id = NEW.replaces_id;
END;
--> statement-breakpoint
CREATE TRIGGER api_keys_displaced BEFORE UPDATE ON api_keys
WHEN (OLD.rowid, OLD.id, OLD.digest, OLD.replaces_id) IS NOT (NEW.rowid, NEW.id, NEW.digest, NEW.replaces_id)
BEGIN
  INSERT INTO key_changes (digest) SELECT digest FROM api_keys
  WHERE (rowid = NEW.rowid OR id = NEW.id OR digest = NEW.digest OR replaces_id = NEW.replaces_id) AND rowid <> OLD.rowid;
END;
--> statement-breakpoint
-- A reader names the last change it knows and must find it again, so the feed is never empty.
INSERT INTO key_changes (digest) VALUES ('');
--> statement-breakpoint
CREATE TRIGGER audit_events_no_update BEFORE UPDATE ON audit_events
BEGIN
  SELECT RAISE(ABORT, 'audit_events is append-only');
END;
--> statement-breakpoint
CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events
BEGIN
  SELECT RAISE(ABORT, 'audit_events is append-only');
END;
--> statement-breakpoint
-- REPLACE would remove the old row without firing the trigger above.
CREATE TRIGGER audit_events_no_replace BEFORE INSERT ON audit_events
WHEN EXISTS (SELECT 1 FROM audit_events WHERE seq = NEW.seq OR id = NEW.id)
BEGIN
  SELECT RAISE(ABORT, 'audit_events is append-only');
END;
