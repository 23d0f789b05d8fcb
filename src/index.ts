export default {fetch(){return new Response("x")}}; import { WorkerEntrypoint } from "cloudflare:workers"; export class ApiKeyVerifier extends WorkerEntrypoint<Env>{}
