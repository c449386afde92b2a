/** Several keys of which any opens: which is tried first, and what is remembered of those that failed. */
export { Failover, failover, type FailoverOptions, type KeyTrouble } from './failover.ts';
export type { KeyPlace } from './preference.ts';
