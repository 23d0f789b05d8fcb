import { protect } from "latchkey";

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const caller = await protect(request, env.LATCHKEY, { scopes: ["jobs:read"] });
    if (caller instanceof Response) return caller;
    return Response.json({ company: caller.key.companyId });
  },
};
