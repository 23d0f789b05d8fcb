export type { EventReceiver, KeyEvent, KeyEventType } from "../events/contract.ts";
export type {
  ErrorCode,
  ErrorEnvelope,
} from "../http/errors.ts";
export type {
  Acceptance,
  KeyVerifier,
  Refusal,
  VerifiedKey,
  VerifyErrorCode,
  VerifyOptions,
  VerifyResult,
} from "../verify/contract.ts";
export type { UntypedService, WithVerifier } from "./binding.ts";
export { type ProtectOptions, protect } from "./protect.ts";
export { type QuestionOptions, VERIFY_DEADLINE_MS } from "./question.ts";
