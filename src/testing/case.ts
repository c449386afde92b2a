import { randomFillSync } from 'node:crypto';
import type { KeyProvider, WrappedSecret } from '../keys/provider.ts';

/** What a conformance run works with. Every case gets a fresh one. */
export interface ConformanceSetup {
  /** The key under test. */
  readonly provider: KeyProvider;
  /**
   * The same key with its private half, where `provider` has only the public one (`canUnwrap: false`): it opens what
   * `provider` wraps. Without it, only the wrapping half of the suite is run.
   */
  readonly opener?: KeyProvider | undefined;
  /** Makes a new version current, where the provider itself has no `rotate`. */
  readonly rotate?: (() => Promise<unknown>) | undefined;
  /** Disables a version, where the provider itself has no `disableVersion`. */
  readonly disableVersion?: ((version: string) => Promise<unknown>) | undefined;
  /** A version that this key never had; `no-such-version` by default. */
  readonly unknownVersion?: string | undefined;
  /** Called after the case, also when it failed. */
  readonly close?: (() => unknown) | undefined;
}

/** What came of a case that did not fail. */
export interface ConformanceResult {
  /** Why nothing was tested: the capability that the provider does not declare. */
  readonly skipped?: string | undefined;
}

/** One promise of the port. */
export interface ConformanceCase {
  /** The promise, as a sentence; unique in the suite. */
  readonly name: string;
  /**
   * Runs the case on a fresh setup.
   *
   * @throws Error that says which promise was broken
   */
  run(): Promise<ConformanceResult>;
}

/** The check behind a case; a returned text says why it was skipped. */
export interface Check {
  readonly name: string;
  /** Whether it says nothing about a key that cannot unwrap. */
  readonly unwraps: boolean;
  readonly run: (setup: ConformanceSetup, options: ConformanceOptions) => Promise<string | undefined>;
}

export const check = (name: string, run: Check['run']): Check => ({ name, unwraps: true, run });

/** A check that also a key without its private half has to pass. */
export const wrapCheck = (name: string, run: Check['run']): Check => ({ name, unwraps: false, run });

/** Whether the key under test can open what it wraps, alone or with its private half. */
export function canOpen({ provider, opener }: ConformanceSetup): boolean {
  return provider.canUnwrap !== false || opener !== undefined;
}

/** Options of {@link providerConformance}. */
export interface ConformanceOptions {
  /**
   * How many bytes of a wrap are flipped, one call each, spread evenly; all of them by default. For providers that charge
   * for calls.
   */
  readonly maxFlips?: number | undefined;
}

/** Random bytes in memory of their own. */
export function random(length: number): Uint8Array<ArrayBuffer> {
  return randomFillSync(new Uint8Array(new ArrayBuffer(length)));
}

export const binding = (): Uint8Array<ArrayBuffer> => random(32);

/** A wrapped secret with another field. */
export function changed(wrapped: WrappedSecret, fields: Partial<WrappedSecret>): WrappedSecret {
  const { uri, version, algorithm, wrap } = wrapped;
  return { uri, version, algorithm, wrap, ...fields };
}

/** Wraps; where the provider does not tell the version then, an unwrap does. */
export async function wrapKnown(provider: KeyProvider, secret: Uint8Array, bind: Uint8Array): Promise<WrappedSecret> {
  const wrapped = await provider.wrap(secret, bind);
  if (wrapped.version !== '') return wrapped;
  const { version } = await provider.unwrap(wrapped, bind);
  return changed(wrapped, { version });
}
