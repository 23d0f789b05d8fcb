CREATE TABLE `progress` (
	`job` text PRIMARY KEY NOT NULL,
	`done` integer NOT NULL,
	`holder` text,
	`held_until` integer DEFAULT 0 NOT NULL
);
