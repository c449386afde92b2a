/**
 * Waxseal: envelope encryption and key rotation for AI artifacts and datasets.
 *
 * @packageDocumentation
 */
export * from './envelope/index.ts';
export {
  type CodeFacts,
  ERROR_CODES,
  type ErrorCode,
  isWaxsealError,
  WaxsealError,
  type WaxsealErrorDetails,
} from './errors/index.ts';
export * from './keys/failover/index.ts';
export * from './keys/local/index.ts';
export type { EventFacts, Observe, Operation, Phase, WaxsealEvent } from './keys/observer.ts';
export {
  type CallOptions,
  type GeneratedSecret,
  KEY_STATES,
  type KeyDescription,
  type KeyProbe,
  type KeyProvider,
  type KeyState,
  type KeyVersion,
  POLICY_ROLES,
  type PolicyRole,
  type ProviderRewrap,
  type RecomputedWrap,
  type UnwrappedSecret,
  WRAP_ALGORITHM,
  type WrappedSecret,
} from './keys/provider.ts';
export { parseQuorumUri, type QuorumUri } from './keys/quorum-uri.ts';
export { KEY_SCHEMES, type KeyScheme, type KeyUri, parseKeyUri } from './keys/uri.ts';
export * from './keys/x25519/index.ts';
