/** What adapters of remote keys share: limits and repetition of calls, and loading of their packages. */
export { CALL_LIMITS, type CallLimits } from './call-limits.ts';
export { Edge, type EdgeCall } from './edge.ts';
export { requireCertificateChecks, requireEndpoint } from './endpoint.ts';
export { assertBinding, assertWrapInput, isSecretLength } from '../wrap-input.ts';
export { networkTrouble } from './network-trouble.ts';
export { loadPeer } from './peer.ts';
export { afterRotation } from './rotated.ts';
export type { Trouble } from './trouble.ts';
