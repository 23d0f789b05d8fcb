const BINDING = /^LIMIT_([A-Z\d_]+)$/;

/**
 * The rate tiers that companies may have, by name: the binding `LIMIT_FREE` of `wrangler.toml` is the tier `free`.
 *
 * @param env - The Worker's bindings. What is called so and is no limiter is left out.
 */
export function rateTiers(env: object): ReadonlyMap<string, RateLimit> {
  const tiers = new Map<string, RateLimit>();
  for (const [name, binding] of Object.entries(env)) {
    const [, tier] = BINDING.exec(name) ?? [];
    if (tier !== undefined && isLimiter(binding)) tiers.set(tier.toLowerCase(), binding);
  }
  return tiers;
}

function isLimiter(binding: unknown): binding is RateLimit {
  return typeof binding === "object" && binding !== null && "limit" in binding;
}
