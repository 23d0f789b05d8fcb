CREATE TABLE `usage_days` (
	`key_id` text NOT NULL,
	`company_id` text NOT NULL,
	`day` text NOT NULL,
	`allowed` integer NOT NULL,
	`denied` integer NOT NULL,
	PRIMARY KEY(`key_id`, `day`)
);
--> statement-breakpoint
CREATE TABLE `usage_reports` (
	`id` text PRIMARY KEY NOT NULL,
	`merged_at` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `api_keys` ADD `replaces_id` text;--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_replaces` ON `api_keys` (`replaces_id`);--> statement-breakpoint
ALTER TABLE `audit_events` ADD `detail` text;