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
CREATE INDEX `sealed_answers_over` ON `sealed_answers` (`expires_at`);