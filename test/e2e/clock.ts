import worker from "../../src/index.ts";
import { putForward } from "../support/clock.ts";

export * from "../../src/index.ts";

/** Latchkey as it is, whose clock `PUT /test/clock` puts forward by so many milliseconds. */
export default {
  ...worker,
  async fetch(request: Parameters<typeof worker.fetch>[0], env: Env, ctx: ExecutionContext) {
    if (new URL(request.url).pathname !== "/test/clock") return worker.fetch(request, env, ctx);
    putForward(Number(await request.text()));
    return new Response();
  },
};
