import { equalBytes } from '../../bytes/index.ts';
import { zero } from '../../crypto/secrets.ts';
import { WaxsealError } from '../../errors/index.ts';
import { warn } from '../../keys/observer.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import type { Head } from '../format/head.ts';
import { MAX_UNWRAPS_PER_KEY } from '../format/limits.ts';
import type { Recipient } from '../format/recipients.ts';
import { shareDigest } from '../format/share.ts';
import {
  endsWork,
  fits,
  messageOf,
  objectFacts,
  type Unlocked,
  type UnlockOptions,
  unwrapRecipient,
} from '../unwrap-entry.ts';
import { combineShares } from './shamir.ts';
import { agrees, type ShareEntry, type ShareSet, shareSets } from './sets.ts';

/** A share that its custodian unwrapped. */
interface Collected {
  readonly entry: ShareEntry;
  readonly provider: KeyProvider;
  readonly version: string;
  readonly secret: Uint8Array<ArrayBuffer>;
}

/** What became of asking a custodian. */
interface Refused {
  readonly uri: string;
  readonly error: WaxsealError;
}

/** With more wrong shares than this allows for, an object does not open. */
const MAX_COMBINATIONS = 256;

/**
 * Finds the data key through a quorum: the custodians at hand one by one, in the order of the caller's keys, until enough
 * shares are there and give the key of this object (SPEC section "Quorum").
 *
 * @returns undefined where no key at hand is a custodian
 * @throws WaxsealError when custodians are at hand, but their shares do not open the object
 */
export async function unlockQuorums(
  head: Head,
  recipients: readonly Recipient[],
  keys: readonly KeyProvider[],
  options: UnlockOptions,
): Promise<Unlocked | undefined> {
  let failure: WaxsealError | undefined;
  for (const set of shareSets(recipients)) {
    if (!set.entries.some((entry) => keys.some((key) => fits(entry, key)))) continue;
    const attempt = new Attempt(head, set, keys, options);
    const opened = await attempt.run();
    if (!(opened instanceof WaxsealError)) return opened;
    failure ??= opened;
  }
  if (failure !== undefined) throw failure;
  return undefined;
}

class Attempt {
  readonly #head: Head;
  readonly #set: ShareSet;
  readonly #keys: readonly KeyProvider[];
  readonly #options: UnlockOptions;
  readonly #collected: Collected[] = [];
  readonly #refused: Refused[] = [];
  #combinations = 0;

  constructor(head: Head, set: ShareSet, keys: readonly KeyProvider[], options: UnlockOptions) {
    this.#head = head;
    this.#set = set;
    this.#keys = keys;
    this.#options = options;
  }

  async run(): Promise<Unlocked | WaxsealError> {
    try {
      for (const provider of this.#keys) {
        if (this.#options.requireSymmetricWrap === true && !provider.symmetric) continue;
        let attempts = 0;
        for (const entry of this.#set.entries) {
          if (!fits(entry, provider) || this.#has(entry)) continue;
          if (++attempts > MAX_UNWRAPS_PER_KEY) break;
          if (!(await this.#collect(entry, provider))) continue;
          const opened = await this.#combineWithNewest();
          if (opened !== undefined) return opened;
        }
      }
      return this.#failure();
    } finally {
      zero(...this.#collected.map(({ secret }) => secret));
    }
  }

  #has(entry: ShareEntry): boolean {
    return this.#collected.some((one) => one.entry === entry);
  }

  async #collect(entry: ShareEntry, provider: KeyProvider): Promise<boolean> {
    this.#options.signal?.throwIfAborted();
    try {
      const { secret, version } = await unwrapRecipient(entry, provider, this.#head, this.#options);
      this.#collected.push({ entry, provider, version, secret });
      return true;
    } catch (error) {
      if (endsWork(error)) throw error;
      this.#refused.push({ uri: entry.uri, error: error as WaxsealError });
      return false;
    }
  }

  /** Tries the combinations that the newest share makes possible, those whose entries agree with each other first. */
  async #combineWithNewest(): Promise<Unlocked | undefined> {
    const newest = this.#collected.at(-1);
    if (newest === undefined) return undefined;
    const others = this.#collected
      .filter(({ entry }) => entry.share.index !== newest.entry.share.index)
      .sort((a, b) => Number(this.#isSound(b)) - Number(this.#isSound(a)));
    for (const some of combinations(others, this.#set.threshold - 1)) {
      const used = [newest, ...some];
      if (new Set(used.map(({ entry }) => entry.share.index)).size < used.length) continue;
      if (++this.#combinations > MAX_COMBINATIONS) return undefined;
      const dataKey = await combineShares(used.map(({ secret }) => secret));
      const message = messageOf(this.#head, dataKey);
      if (message === undefined) {
        zero(dataKey);
        continue;
      }
      await this.#tellOfBadShares(used);
      return this.#unlocked(dataKey, message, used);
    }
    return undefined;
  }

  #unlocked(dataKey: Uint8Array<ArrayBuffer>, message: Unlocked['message'], used: readonly Collected[]): Unlocked {
    const inOrder = [...used].sort((a, b) => a.entry.share.index - b.entry.share.index);
    const entries = inOrder.map(({ entry, provider, version }) => ({ recipient: entry, provider, version }));
    const version = entries.map((one) => one.version).join(', ');
    const failures = this.#refused.map(({ error }) => error);
    return { dataKey, message, used: entries, uri: this.#set.uri, version, failures };
  }

  /** Whether a share is the one that most entries of the set speak of. */
  #isSound({ entry, secret }: Collected): boolean {
    const { share } = entry;
    const digest = this.#set.digests[share.index - 1];
    return digest !== undefined && equalBytes(shareDigest(share, share.index, secret), digest);
  }

  /** Custodians whose share, or whose word about the shares, is not what the others say. */
  #bad(): string[] {
    const collected = this.#collected.filter((one) => !this.#isSound(one)).map(({ entry }) => entry);
    const others = this.#set.entries.filter((entry) => !agrees(entry, this.#set));
    const changed = this.#refused.filter(({ error }) => error.code === 'ERR_AUTHENTICATION');
    return [...new Set([...collected, ...others, ...changed].map(({ uri }) => uri))];
  }

  async #tellOfBadShares(used: readonly Collected[]): Promise<void> {
    const bad = this.#bad().filter((uri) => !used.some(({ entry }) => entry.uri === uri));
    if (bad.length === 0) return;
    const { name, observe } = this.#options;
    const warning = `${name}: the share of ${bad.join(', ')} is not the one that was sealed; others opened it`;
    await warn(observe, warning, objectFacts(this.#head));
  }

  #failure(): WaxsealError {
    const { threshold, custodians, entries, uri } = this.#set;
    const { name } = this.#options;
    const bad = this.#bad();
    const opened = [...new Set(this.#collected.map(({ entry }) => entry.uri))];
    const tampered = this.#refused.find(({ error }) => error.code === 'ERR_AUTHENTICATION');
    // A key of the same name in another keyring is no custodian.
    const refusal =
      this.#refused.find(({ error }) => !['ERR_AUTHENTICATION', 'ERR_KEY_NOT_FOUND'].includes(error.code)) ?? tampered;
    if (opened.length >= threshold) {
      const who = bad.length > 0 ? `the share of ${bad.join(', ')} was changed` : `one of them was changed`;
      return new WaxsealError(
        'ERR_AUTHENTICATION',
        `${name}: the shares of ${opened.join(', ')} do not give its data key: ${who}`,
        { object: name, next: 'ask another custodian; run repair if an older copy of the object is at hand' },
      );
    }
    const missing = entries.map((entry) => entry.uri).filter((one) => !opened.includes(one));
    const had =
      opened.length === 0
        ? 'none opened its share'
        : `${opened.join(', ')} opened ${opened.length === 1 ? 'its share' : 'their shares'}`;
    const why = this.#refused
      .filter(({ error }) => error.code !== 'ERR_AUTHENTICATION')
      .map(({ uri: one, error }) => `; ${one}: ${error.message}`)
      .join('');
    const changed = bad.length === 0 ? '' : `; the share of ${bad.join(', ')} was changed`;
    return new WaxsealError(
      refusal?.error.code ?? 'ERR_NO_MATCHING_KEY',
      `${name} takes ${String(threshold)} of ${String(custodians)} custodians (${uri}): ${had}${why}${changed}`,
      {
        object: name,
        next:
          refusal !== undefined && refusal.error.code !== 'ERR_AUTHENTICATION'
            ? refusal.error.next
            : `ask ${missing.join(' or ')} for a share: waxseal quorum share`,
        cause: refusal?.error,
      },
    );
  }
}

/** All choices of `size` out of `list`, those of its first ones first. */
function* combinations<T>(list: readonly T[], size: number, from = 0): Generator<T[]> {
  if (size === 0) {
    yield [];
    return;
  }
  for (let at = from; at <= list.length - size; at++) {
    for (const rest of combinations(list, size - 1, at + 1)) yield [list[at] as T, ...rest];
  }
}
