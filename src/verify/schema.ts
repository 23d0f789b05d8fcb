import * as z from "zod";
import type { VerifiedKey } from "./contract.ts";

/** `VerifiedKey`, whose type belongs to the package for other Workers: that one knows no zod. */
export const verifiedKeySchema = z
  .object({
    id: z.guid(),
    companyId: z.string().meta({ description: "The company the key belongs to." }),
    scopes: z.array(z.string()).readonly(),
    expiresAt: z.iso.datetime().nullable().meta({ description: "null: never." }),
    metadata: z
      .record(z.string(), z.string())
      .readonly()
      .meta({ description: "Written by the company: never a reason to allow anything." }),
  })
  .meta({
    description: "What a good key says of itself.",
    examples: [
      {
        id: "6001d30f-4ca8-4278-ba11-8964895e31cf",
        companyId: "acme",
        scopes: ["jobs:read"],
        expiresAt: null,
        metadata: { team: "careers" },
      },
    ],
  }) satisfies z.ZodType<VerifiedKey>;
