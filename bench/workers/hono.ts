import { Hono } from "hono";
import { ANSWER } from "./answer.ts";

/** The least that Hono can do. */
export default new Hono().get("/public/v1/key", (c) => c.json(ANSWER));
