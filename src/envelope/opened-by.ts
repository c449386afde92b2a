import type { ErrorCode } from '../errors/index.ts';
import type { Head } from './format/head.ts';
import type { TagState } from './format/recipients.ts';
import { tagOf } from './unlock.ts';
import type { Unlocked } from './unwrap-entry.ts';

/** The recipient entry that gave the data key, or the quorum that did. */
export interface OpenedBy {
  /** Key URI, without a version; `quorum:K(…)` where custodians opened it together. */
  readonly uri: string;
  /** As the provider reported it while unwrapping; of custodians, one after the other. */
  readonly version: string;
  /** False for a public-key wrap, which proves nothing about who sealed. True for a quorum if no share was wrapped so. */
  readonly symmetricWrap: boolean;
  /** Whether the entry (of shares: each that was used) carries a valid tag of somebody who held the data key. */
  readonly tag: TagState;
  /** The custodians whose shares opened it; undefined where one key did. */
  readonly custodians?: readonly Custodian[] | undefined;
  /** Keys that come before this one and could not open the object: refused, disabled, or out of reach. */
  readonly failed: readonly FailedKey[];
}

/** A custodian whose share was used. */
export interface Custodian {
  /** Key URI, without a version. */
  readonly uri: string;
  /** As the provider reported it while unwrapping the share. */
  readonly version: string;
}

/** A key that did not open an object which another one opened. */
export interface FailedKey {
  /** The key. */
  readonly object: string | undefined;
  /** Code of the error. */
  readonly code: ErrorCode;
  /** What happened. */
  readonly message: string;
  /** What to do about it. */
  readonly next: string;
}

/** What is told of how an object was opened. */
export function openedBy(unlocked: Unlocked, head: Head): OpenedBy {
  const { uri, version, used, failures } = unlocked;
  return {
    uri,
    version,
    symmetricWrap: used.every(({ provider }) => provider.symmetric),
    tag: tagOf(unlocked, head),
    custodians: used.length === 1 ? undefined : used.map((one) => ({ uri: one.recipient.uri, version: one.version })),
    failed: failures.map(({ object, code, message, next }) => ({ object, code, message, next })),
  };
}
