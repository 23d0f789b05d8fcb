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
	CONSTRAINT "api_keys_created_at" CHECK(typeof("api_keys"."created_at") IN ('integer', 'null') AND coalesce("api_keys"."created_at" BETWEEN 0 AND 253402300799999, 1)),
	CONSTRAINT "api_keys_expires_at" CHECK(typeof("api_keys"."expires_at") IN ('integer', 'null') AND coalesce("api_keys"."expires_at" BETWEEN 0 AND 253402300799999, 1)),
	CONSTRAINT "api_keys_revoked_at" CHECK(typeof("api_keys"."revoked_at") IN ('integer', 'null') AND coalesce("api_keys"."revoked_at" BETWEEN 0 AND 253402300799999, 1)),
	CONSTRAINT "api_keys_last_used_at" CHECK(typeof("api_keys"."last_used_at") IN ('integer', 'null') AND coalesce("api_keys"."last_used_at" BETWEEN 0 AND 253402300799999, 1)),
	CONSTRAINT "api_keys_scopes" CHECK(json_valid("api_keys"."scopes") AND json_type("api_keys"."scopes") = 'array')
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
CREATE TABLE `key_changes` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`digest` text NOT NULL,
	`changed_at` integer DEFAULT (unixepoch() * 1000) NOT NULL
);
--> statement-breakpoint
CREATE TABLE `usage_days` (
	`key_id` text NOT NULL,
	`company_id` text NOT NULL,
	`day` text NOT NULL,
	`allowed` integer NOT NULL,
	`denied` integer NOT NULL,
	`last_used_at` integer,
	`reports` text DEFAULT '' NOT NULL,
	PRIMARY KEY(`key_id`, `day`),
	CONSTRAINT "usage_days_last_used_at" CHECK(typeof("usage_days"."last_used_at") IN ('integer', 'null') AND coalesce("usage_days"."last_used_at" BETWEEN 0 AND 253402300799999, 1))
);
--> statement-breakpoint
CREATE INDEX `usage_days_day` ON `usage_days` (`day`);