import * as z from "zod/mini";

/** Who hears of faults; empty: nobody is named. */
export const contactSettings = z.object({
  SECURITY_CONTACT: z.union([
    z.literal(""),
    z.url({ protocol: /^(https|mailto|tel)$/, error: "must be an https, mailto or tel URL" }),
  ]),
});

export type ContactSettings = z.output<typeof contactSettings>;
