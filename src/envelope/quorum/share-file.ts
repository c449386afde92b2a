import { equalBytes, fromBase64Url, toBase64Url, toHex } from '../../bytes/index.ts';
import { zero } from '../../crypto/secrets.ts';
import { refuseUnknownOptions, WaxsealError } from '../../errors/index.ts';
import type { Observe } from '../../keys/observer.ts';
import type { CallOptions, KeyProvider, UnwrappedSecret, WrappedSecret } from '../../keys/provider.ts';
import { slotsByPreference } from '../choose-slot.ts';
import type { Head } from '../format/head.ts';
import { bindingOf, type Recipient } from '../format/recipients.ts';
import { keyList, type Keys } from '../keys-input.ts';
import { load } from '../load.ts';
import { openSource, type PieceSource } from '../source.ts';
import { endsWork, fits, objectFacts, unwrapRecipient } from '../unwrap-entry.ts';
import { wrapVerified } from '../wrap-verified.ts';
import { isShare, type ShareEntry, shareSets } from './sets.ts';

const KIND = 'waxseal share 1';

/** A share on its way from a custodian to whoever opens the object, wrapped for that person's key. */
export interface SharedShare {
  /** What it is. */
  readonly kind: typeof KIND;
  /** Id of the object, 32 hexadecimal digits. */
  readonly object: string;
  /** The quorum, `quorum:K(…)`. */
  readonly quorum: string;
  /** The custodian's key URI. */
  readonly custodian: string;
  /** Its version, as the provider reported it. */
  readonly version: string;
  /** Number of the algorithm that the entry of the custodian has. */
  readonly algorithm: number;
  /** What the wrap is tied to: the object, the set and the place of the share; base64url. */
  readonly binding: string;
  /** The share, wrapped for the key of whoever opens. */
  readonly wrap: SharedWrap;
}

/** The wrap of a {@link SharedShare}. */
export interface SharedWrap {
  /** Key URI of whoever opens. */
  readonly uri: string;
  /** Version of that key. */
  readonly version: string;
  /** A number of {@link WRAP_ALGORITHM}. */
  readonly algorithm: number;
  /** The wrap, base64url. */
  readonly wrap: string;
}

/** Options of {@link exportShare}. */
export interface ExportShareOptions {
  /** Awaited before and after every use of a key; throwing before vetoes it. */
  readonly observe?: Observe | undefined;
  /** Ends the work when it is aborted; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A custodian's part in opening an object on another machine: unwraps the custodian's share and wraps it for the key of
 * whoever collects shares. It says nothing to anybody else, opens nothing by itself and fits no other object.
 *
 * @param sealed the sealed object, or the header of a detached one
 * @param keys the custodian's keys; the first that has a share is used
 * @param to the key of whoever opens, usually `x25519Recipient(uri)`
 * @throws WaxsealError `ERR_NO_MATCHING_KEY` where none of the keys is a custodian, `ERR_AUTHENTICATION` for a share that
 * was changed, and what reading the head or using the keys can fail with
 *
 * @example
 * const opener = x25519Recipient('x25519:hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo');
 * const share = await exportShare('model.onnx.wax', keyring.key('alice'), opener);
 * console.log(JSON.stringify(share)); // what is sent
 */
export async function exportShare(
  sealed: PieceSource,
  keys: Keys,
  to: KeyProvider,
  options: ExportShareOptions = {},
): Promise<SharedShare> {
  refuseUnknownOptions('exportShare', options, ['observe', 'signal']);
  const providers = keyList(keys, 'exportShare');
  const source = await openSource(sealed);
  try {
    const { head, lists } = await load(source, options.observe);
    const recipients = slotsByPreference(lists)[0]?.recipients ?? [];
    let failure: unknown;
    for (const provider of providers) {
      for (const entry of recipients) {
        if (!isShare(entry) || !fits(entry, provider)) continue;
        try {
          return await exportEntry(entry, provider, to, head, recipients, options);
        } catch (error) {
          if (endsWork(error)) throw error;
          failure ??= error;
        }
      }
    }
    if (failure !== undefined) throw failure;
    const sets = shareSets(recipients).map(({ uri }) => uri);
    const why = sets.length === 0 ? 'has no quorum' : `is sealed to ${sets.join(', ')}`;
    const has = providers.map(({ uri }) => uri).join(', ');
    throw new WaxsealError(
      'ERR_NO_MATCHING_KEY',
      `${source.name} ${why}; the keys at hand (${has}) have no share of it`,
      {
        object: source.name,
      },
    );
  } finally {
    await source.close();
  }
}

async function exportEntry(
  entry: ShareEntry,
  provider: KeyProvider,
  to: KeyProvider,
  head: Head,
  recipients: readonly Recipient[],
  options: ExportShareOptions,
): Promise<SharedShare> {
  const set = shareSets(recipients).find(({ entries }) => entries.includes(entry));
  const binding = bindingOf(entry, head.bind);
  const { secret, version } = await unwrapRecipient(entry, provider, head, options);
  try {
    const { wrapped } = await wrapVerified(to, secret, binding, () => objectFacts(head), options);
    return {
      kind: KIND,
      object: toHex(head.core.id),
      quorum: set?.uri ?? '',
      custodian: entry.uri,
      version,
      algorithm: entry.share.algorithm,
      binding: toBase64Url(binding),
      wrap: { ...wrapped, wrap: toBase64Url(wrapped.wrap) },
    };
  } finally {
    zero(secret);
  }
}

/**
 * A share that a custodian sent, as a key: together with the keys or shares of other custodians it opens the object that it
 * is for, and nothing else.
 *
 * @param shared what {@link exportShare} gave
 * @param keys keys of whoever opens; one of them is that which the share was wrapped for
 * @throws WaxsealError `ERR_NOT_SEALED` for what is no share, `ERR_NO_MATCHING_KEY` where it was wrapped for another key
 *
 * @example
 * const opener = keyring.key('opener');
 * const sent = await exportShare('model.onnx.wax', keyring.key('alice'), opener);
 * await openFile('model.onnx.wax', 'model.onnx', [importShare(sent, opener), keyring.key('bob')]);
 */
export function importShare(shared: SharedShare, keys: Keys): SharedKey {
  const providers = keyList(keys, 'importShare');
  const { binding, wrapped } = requireShare(shared);
  const { custodian } = shared;
  const key = providers.find(({ uri, canUnwrap, algorithms }) => {
    return uri === wrapped.uri && canUnwrap !== false && algorithms.includes(wrapped.algorithm);
  });
  if (key === undefined) {
    throw new WaxsealError(
      'ERR_NO_MATCHING_KEY',
      `the share of ${custodian} was sent to ${wrapped.uri}, which is not at hand`,
      {
        object: custodian,
        next: 'open where that key is, or have the share sent to a key that is here: waxseal quorum share --to',
      },
    );
  }
  return new SharedKey(shared, binding, wrapped, key);
}

/** A share that a custodian sent. It opens one entry of one object, and wraps nothing. */
export class SharedKey implements KeyProvider {
  readonly uri: string;
  readonly algorithms: readonly number[];
  readonly bindsContext = true;
  /** Whoever knows the receiver's public key can make such a file. */
  readonly symmetric = false;
  readonly #shared: SharedShare;
  readonly #binding: Uint8Array;
  readonly #wrapped: WrappedSecret;
  readonly #key: KeyProvider;

  /** @internal */
  constructor(shared: SharedShare, binding: Uint8Array, wrapped: WrappedSecret, key: KeyProvider) {
    this.uri = shared.custodian;
    this.algorithms = [shared.algorithm];
    this.#shared = shared;
    this.#binding = binding;
    this.#wrapped = wrapped;
    this.#key = key;
  }

  /** Always refuses. @throws WaxsealError `ERR_KEY_DENIED` */
  wrap(): Promise<WrappedSecret> {
    const message = `a share of ${this.uri} wraps nothing`;
    return Promise.reject(new WaxsealError('ERR_KEY_DENIED', message, { object: this.uri }));
  }

  /** Gives the share, for the entry that it is for. @throws WaxsealError `ERR_UNEXPECTED_OBJECT` for any other */
  async unwrap(entry: WrappedSecret, binding: Uint8Array, options?: CallOptions): Promise<UnwrappedSecret> {
    if (entry.uri !== this.uri || !equalBytes(binding, this.#binding)) {
      const { object } = this.#shared;
      const why = `the share of ${this.uri} is for another object (${object}), or from before a change of its quorum`;
      throw new WaxsealError('ERR_UNEXPECTED_OBJECT', why, {
        object: this.uri,
        next: 'ask the custodian for a share of this object: waxseal quorum share',
      });
    }
    const { secret } = await this.#key.unwrap(this.#wrapped, binding, options);
    return { secret, version: this.#shared.version };
  }
}

function requireShare(shared: SharedShare): { readonly binding: Uint8Array; readonly wrapped: WrappedSecret } {
  const { kind, binding, wrap, custodian, version, algorithm, object } = (shared as Partial<SharedShare> | null) ?? {};
  const texts = [binding, custodian, version, object, wrap?.uri, wrap?.version, wrap?.wrap];
  const isWhole =
    texts.every((text) => typeof text === 'string') && [algorithm, wrap?.algorithm].every(Number.isSafeInteger);
  const bytes = isWhole ? fromBase64Url(binding ?? '') : undefined;
  const wrapBytes = isWhole ? fromBase64Url(wrap?.wrap ?? '') : undefined;
  if (kind !== KIND || wrap === undefined || bytes?.length !== 32 || wrapBytes === undefined) {
    throw new WaxsealError('ERR_NOT_SEALED', 'this is not the share of a custodian', {
      next: 'ask the custodian for the file that waxseal quorum share wrote',
    });
  }
  return {
    binding: bytes,
    wrapped: { uri: wrap.uri, version: wrap.version, algorithm: wrap.algorithm, wrap: wrapBytes },
  };
}
