import { unstable_readConfig as readConfig } from "wrangler";

/** What the pages repeat of `wrangler.toml`. */
interface Config {
  name?: string | undefined;
  vars: Record<string, unknown>;
  secrets?: { required?: string[] } | undefined;
  d1_databases: { binding: string; database_name?: string }[];
  queues: {
    producers?: { queue: string }[] | undefined;
    consumers?: { queue: string; dead_letter_queue?: string | undefined }[] | undefined;
  };
  ratelimits: { name: string; simple: { limit: number; period: number } }[];
}

export const config: Config = readConfig({ config: "wrangler.toml" });
