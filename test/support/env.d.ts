declare namespace Cloudflare {
  interface Env {
    LATCHKEY: Service<import("../../src/index.ts").ApiKeyVerifier>;
    TEST_MIGRATIONS: import("cloudflare:test").D1Migration[];
    TEST_SIGNING_KEYS: Record<string, import("jose").JWK>;
  }
}
