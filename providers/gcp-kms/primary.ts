import type { protos } from '@google-cloud/kms';
import { isWaxsealError } from '../../src/errors/index.ts';
import type { CallOptions } from '../../src/keys/provider.ts';
import type { KmsCalls } from './calls.ts';
import { versionOf } from './name.ts';

type CryptoKey = protos.google.cloud.kms.v1.ICryptoKey;

/** How long the primary version is believed to be what it was. */
const MAX_AGE_MS = 10_000;

/** GetCryptoKey: the key with its primary version. */
export function cryptoKey(calls: KmsCalls, options: CallOptions): Promise<CryptoKey> {
  return calls.send(
    'GetCryptoKey',
    options,
    (client, request) => client.getCryptoKey({ name: calls.key }, request),
    (key) => {
      if (key.name !== calls.key) throw calls.malformed(`it speaks of the key ${String(key.name)}`);
      return key;
    },
  );
}

/**
 * The number of the primary version. Decrypt tells whether it used the primary one, and not which that is: so it is asked
 * for now and then, by one caller for all.
 */
export class Primary {
  readonly #calls: KmsCalls;
  #known: { readonly version: string | undefined; readonly at: number } | undefined;
  #asking: Promise<string | undefined> | undefined;

  constructor(calls: KmsCalls) {
    this.#calls = calls;
  }

  /** Takes note of what an answer told. */
  learn(version: string | undefined): void {
    this.#known = { version, at: performance.now() };
  }

  /** What is known and not old; undefined otherwise. */
  get recent(): string | undefined {
    const known = this.#known;
    return known !== undefined && performance.now() - known.at < MAX_AGE_MS ? known.version : undefined;
  }

  /** Asks; undefined where these credentials may not, or there is none. */
  async ask(options: CallOptions): Promise<string | undefined> {
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    const version = await this.#asking;
    options.signal?.throwIfAborted();
    return version;
  }

  async #ask(): Promise<string | undefined> {
    try {
      const { primary } = await cryptoKey(this.#calls, {});
      const version = versionOf(primary?.name, this.#calls.key);
      this.learn(version);
      return version;
    } catch (error) {
      // Whoever may only open need not know the versions.
      if (isWaxsealError(error, 'ERR_KEY_DENIED')) return undefined;
      throw error;
    }
  }
}
