import type { RequestListener } from "node:http";

/** What becomes of an answer: late is later than most clients wait. */
export type Fault = "none" | "late" | "lost";

const LATE_MS = 2_500;

export interface Front {
  handler: RequestListener;
  /** Of the token endpoint, from now on. */
  fault: Fault;
  /** What the token endpoint has answered so far, with what was lost. */
  answers: string[];
  /** The paths that were answered so far. */
  asked: string[];
}

/** An issuer whose token endpoint does what it does, while its answers may be late or get lost. */
export function front(issuer: RequestListener): Front {
  const self: Front = { handler, fault: "none", answers: [], asked: [] };

  function handler(...[request, response]: Parameters<RequestListener>): void {
    const { pathname } = new URL(request.url ?? "", "http://issuer.example");
    response.once("finish", () => self.asked.push(pathname));
    if (!pathname.endsWith("/token")) {
      issuer(request, response);
      return;
    }
    const { fault } = self;
    const chunks: Uint8Array[] = [];
    const send = response.end.bind(response);
    const write = (chunk: string | Uint8Array) => chunks.push(Buffer.from(chunk)) > 0;
    const end = (chunk: string | Uint8Array = "") => {
      write(chunk);
      const body = Buffer.concat(chunks);
      self.answers.push(body.toString());
      if (fault === "lost") response.destroy();
      else setTimeout(() => send(body), fault === "late" ? LATE_MS : 0);
      return response;
    };
    issuer(request, Object.assign(response, { write, end }));
  }
  return self;
}
