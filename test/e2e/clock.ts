import worker from "../../src/index.ts";

export * from "../../src/index.ts";

/** Latchkey as it is, whose clock `PUT /test/clock` puts forward by so many milliseconds. */
export default {
  ...worker,
  async fetch(request: Parameters<typeof worker.fetch>[0], env: Env, ctx: ExecutionContext) {
    if (new URL(request.url).pathname !== "/test/clock") return worker.fetch(request, env, ctx);
    const { now } = Date;
    const forwardMs = Number(await request.text());
    Date.now = () => now() + forwardMs;
    return new Response();
  },
};
