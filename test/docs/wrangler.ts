import { unstable_readConfig as readConfig } from "wrangler";

/** What the pages repeat of `wrangler.toml`. */
interface Config {
  name?: string | undefined;
  vars: Record<string, unknown>;
  secrets?: { required?: string[] } | undefined;
  d1_databases: { binding: string; database_name?: string; database_id?: string }[];
  queues: {
    producers?: { binding: string; queue: string }[] | undefined;
    consumers?: { queue: string; dead_letter_queue?: string | undefined }[] | undefined;
  };
  ratelimits: { name: string; namespace_id: string; simple: { limit: number; period: number } }[];
  routes?: unknown;
  assets?: unknown;
  triggers?: unknown;
  observability?: unknown;
}

/** A file of wrangler as it reads it, in one of its environments. */
export function configOf(config: string, env?: string): Config {
  return readConfig({ config, ...(env !== undefined && { env }) });
}

export const config = configOf("wrangler.toml");
