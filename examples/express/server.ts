import express from "express";
import { expressApiKey, httpVerifier } from "latchkey/node";

const latchkey = httpVerifier(process.env.LATCHKEY_URL ?? "http://localhost:8787");
const app = express();

app.get("/jobs", expressApiKey(latchkey, { scopes: ["jobs:read"] }), (_request, response) => {
  response.json({ company: response.locals.apiKey.companyId });
});

app.listen(Number(process.env.PORT ?? 3000));
