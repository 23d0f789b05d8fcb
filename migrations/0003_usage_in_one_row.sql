-- Days remember their reports themselves. What an older release counts before it is replaced, its queue delivers again.
DROP TABLE `usage_reports`;--> statement-breakpoint
ALTER TABLE `usage_days` ADD `last_used_at` integer;--> statement-breakpoint
ALTER TABLE `usage_days` ADD `reports` text DEFAULT '' NOT NULL;--> statement-breakpoint
CREATE INDEX `usage_days_day` ON `usage_days` (`day`);