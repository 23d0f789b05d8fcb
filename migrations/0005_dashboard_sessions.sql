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
CREATE INDEX `dashboard_sessions_end` ON `dashboard_sessions` (`ends_at`);