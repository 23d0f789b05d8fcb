import * as z from "zod/mini";
import { bound, whole } from "../lib/settings.ts";
import { DAY_SECONDS } from "../lib/time.ts";
import type { UsageReport } from "../usage/recorder.ts";

export const verifySettings = z
  .object({
    REVOCATION_SECONDS: whole(1, 3600),
    OUTAGE_SECONDS: whole(1, DAY_SECONDS),
    USAGE: bound<Queue<UsageReport[]>>(),
  })
  .check(
    z.refine((settings) => settings.OUTAGE_SECONDS >= settings.REVOCATION_SECONDS, {
      path: ["OUTAGE_SECONDS"],
      error: "must not be less than REVOCATION_SECONDS",
    }),
  );

export type VerifySettings = z.output<typeof verifySettings>;
