import type { Recipient } from './format/recipients.ts';
import type { Assurance } from './wrap-verified.ts';

/** What new entries are made from. Everything is lent. */
export interface EntryMaterial {
  readonly dataKey: Uint8Array;
  readonly bind: Uint8Array;
  /** X(DEK, "waxseal/1 entry", bind, 32). */
  readonly tagKey: Uint8Array;
}

/** A new entry, and how its wrap was proven. */
export interface FreshRecipient {
  readonly recipient: Recipient;
  readonly assurance: Assurance;
}

/** Seconds since 1970. */
export function now(): number {
  return Math.floor(Date.now() / 1000);
}
