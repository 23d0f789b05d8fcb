import * as z from "zod/mini";
import { optionalUrl } from "../lib/settings.ts";

/** Where the public keys of who reports leaked keys are; empty: no reports are taken. */
export const leakSettings = z.object({ LEAK_REPORT_KEYS_URL: optionalUrl });

export type LeakSettings = z.output<typeof leakSettings>;
