CREATE TABLE `dashboard_uses` (
	`id` text PRIMARY KEY NOT NULL,
	`user` text NOT NULL,
	`ends_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `dashboard_uses_end` ON `dashboard_uses` (`ends_at`);