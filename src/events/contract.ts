/** What happened to a key or a company, as the operator's endpoint and the `EVENTS` binding are told of it. */
export interface KeyEvent {
  /** UUID of the event: the same however often it is told, so that a receiver can pass over what it knows. */
  id: string;
  type: KeyEventType;
  /** When it happened: RFC 3339, UTC. */
  timestamp: string;
  data: {
    companyId: string;
    /** As it was when the event was first told, never the key itself; `null`: it happened to the company. */
    key: {
      id: string;
      /** `null`, as are the others: the key is no longer kept. */
      label: string | null;
      keyPrefix: string | null;
      /** RFC 3339, UTC; `null`: never. */
      expiresAt: string | null;
    } | null;
    /**
     * Who did it, as in the audit log: `latchkey` and `operator` for whoever runs the service; `null`: the holder of the
     * key itself, or nobody but time.
     */
    actor: { issuer: string; subject: string } | null;
    /**
     * What the type alone does not tell: `label`, `metadata` (JSON), `allowedIps`, `replacedBy`, `replaces`; of a revocation `reason: "leaked"` with the
     * `url` of the place; of `api_key.expiring` the `days` that are left; of `company.suspended` the `reason`; of
     * `company.updated` what of its policy was set.
     */
    detail: Record<string, string> | null;
  };
}

export type KeyEventType =
  | "api_key.created"
  | "api_key.renamed"
  /** Something else than its label has changed. */
  | "api_key.updated"
  | "api_key.rotated"
  | "api_key.suspended"
  | "api_key.resumed"
  | "api_key.revoked"
  /** It will expire, and no other key replaces it. */
  | "api_key.expiring"
  | "api_key.expired"
  /** Somebody of the company has seen that it was found in public. */
  | "api_key.leak_dismissed"
  /** All its keys are refused. */
  | "company.suspended"
  | "company.resumed"
  /** It has another policy. */
  | "company.updated";

/** What a Worker implements that is bound as `EVENTS`. */
export interface EventReceiver {
  /**
   * Takes note of an event. Where it throws, or does not return within 30 seconds, the event comes again, for a day.
   * Events may come twice; those of one key, or of a company itself, come in order where nothing failed.
   */
  receive(event: KeyEvent): Promise<void>;
}
