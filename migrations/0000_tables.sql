CREATE TABLE `api_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`company_id` text NOT NULL,
	`label` text NOT NULL,
	`key_prefix` text NOT NULL,
	`digest` text NOT NULL,
	`scopes` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`revoked_at` integer,
	`last_used_at` integer,
	CONSTRAINT "api_keys_expires_at" CHECK(typeof("api_keys"."expires_at") IN ('integer', 'null')),
	CONSTRAINT "api_keys_revoked_at" CHECK(typeof("api_keys"."revoked_at") IN ('integer', 'null'))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_digest` ON `api_keys` (`digest`);--> statement-breakpoint
CREATE INDEX `api_keys_newest` ON `api_keys` (`company_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `api_keys_live` ON `api_keys` (`company_id`,`expires_at`) WHERE "api_keys"."revoked_at" is null;--> statement-breakpoint
CREATE TABLE `audit_events` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`company_id` text NOT NULL,
	`key_id` text NOT NULL,
	`action` text NOT NULL,
	`actor_issuer` text,
	`actor_subject` text,
	`at` integer NOT NULL
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
