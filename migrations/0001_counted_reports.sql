CREATE TABLE `usage_reports` (
	`day` text NOT NULL,
	`id` text NOT NULL,
	PRIMARY KEY(`day`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `waiting_sums` (
	`part` text NOT NULL,
	`id` text NOT NULL,
	`since` integer NOT NULL,
	`sums` text NOT NULL,
	PRIMARY KEY(`part`, `id`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `usage_days` DROP COLUMN `reports`;