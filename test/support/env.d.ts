declare namespace Cloudflare {
  interface Env {
    TEST_MIGRATIONS: import("cloudflare:test").D1Migration[];
    TEST_SIGNING_KEYS: Record<string, import("jose").JWK>;
  }
}
