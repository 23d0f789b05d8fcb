export type {
  KeyVerifier,
  VerifiedKey,
  VerifyErrorCode,
  VerifyOptions,
  VerifyResult,
} from "../verify/contract.ts";
