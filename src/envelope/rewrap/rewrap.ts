import { refuseUnknownOptions, WaxsealError } from '../../errors/index.ts';
import type { ByteStream } from '../byte-stream.ts';
import { keyList, type Keys, type MasterKey } from '../keys-input.ts';
import { blindList } from './blind.ts';
import { type Change, type ListChange, unlocked } from './change.ts';
import {
  type Changed,
  changeObject,
  type ChangeSubject,
  IN_PLACE_OPTIONS,
  type InPlaceOptions,
  nameOf,
  type RewrapReport,
} from './change-object.ts';
import { orShares } from './share-alone.ts';
import { entriesOf, type EntryOutcome, renewRecipients } from './renew.ts';

/** Options of {@link rewrap}. */
export interface RewrapOptions extends InPlaceOptions {
  /** Replace exactly the entries of this key URI (of a custodian: its share; `quorum:…`: all shares of that quorum), leaving all others byte for byte. Goes with `to`. */
  readonly from?: string | undefined;
  /** The key that replaces `from`; `from` may be left out where the object has a single recipient. */
  readonly to?: MasterKey | undefined;
  /**
   * Let the providers rewrap (ReEncrypt of AWS KMS, `rewrap` of Transit, inside a PKCS#11 token): no permission to
   * decrypt is needed, and the data key stays where it is. Nobody has then seen that a new wrap gives the data key, so
   * the old one is kept beside it until an ordinary rewrap with a key that may decrypt confirms the
   * new one and drops the old. Excludes `from` and `to`.
   */
  readonly blind?: boolean | undefined;
}

/**
 * Rewraps a sealed file in place: the same data key gets a new wrap under the current version of its master key. The
 * payload is neither read nor written, so that it takes the same time for a kilobyte and for a terabyte. (A compact
 * object is replaced whole; of a detached one only the header is.) Every new wrap
 * is unwrapped and compared before the old one goes; kill it at any moment, and run it again.
 *
 * It is not revocation: whoever had the old key and a copy of the file still has the data key. That takes a reseal.
 *
 * A custodian of a quorum whose key alone is at hand wraps its own share anew; that takes no data key, and the others stay.
 *
 * Bytes and streams are rewrapped into a copy: bytes give bytes, a stream gives a web stream.
 *
 * @param path path or file URL of the sealed file (the header of a detached object); or a sealed object or header as bytes or stream
 * @param keys keys that can open it; their entries are brought to their current versions
 * @throws WaxsealError as {@link openObject}, and `ERR_UNVERIFIED_WRAP`, `ERR_SLOT_FULL`, `ERR_BUSY`,
 * `ERR_INPUT_CHANGED`, `ERR_NOT_WRITABLE`, `ERR_NETWORK_FILE_SYSTEM`, `ERR_USAGE` (ambiguous `to` without `from`),
 * `ERR_RECIPIENT_NOT_FOUND`, `ERR_PROVIDER_UNSUPPORTED` (blind, of a key that cannot), `ERR_IO`; the object opens after each
 * of them
 * @see SPEC.md "Rewrap"
 *
 * @example
 * await keyring.rotate('default');
 * await rewrap('model.onnx.wax', keyring.key('default'));
 */
export function rewrap(path: string | URL, keys: Keys, options?: RewrapOptions): Promise<RewrapReport>;
export function rewrap(sealed: Uint8Array, keys: Keys, options?: RewrapOptions): Promise<Uint8Array>;
export function rewrap(sealed: ByteStream, keys: Keys, options?: RewrapOptions): Promise<ReadableStream<Uint8Array>>;
export async function rewrap(subject: ChangeSubject, keys: Keys, options: RewrapOptions = {}): Promise<Changed> {
  refuseUnknownOptions('rewrap', options, [...IN_PLACE_OPTIONS, 'from', 'to', 'blind']);
  const providers = keyList(keys, 'rewrap');
  const { from, to, blind = false } = options;
  if (typeof blind !== 'boolean') throw new TypeError('rewrap: blind must be true or false');
  if (blind && to !== undefined)
    throw new TypeError('rewrap: blind keeps the keys as they are: it excludes from and to');
  if (from !== undefined && to === undefined) throw new TypeError('rewrap: from needs to');
  const path = nameOf(subject);
  let entries: readonly EntryOutcome[] = [];
  if (blind) {
    const change: ListChange = async (loaded, _keys, _options, name) => {
      const changed = await blindList(loaded, providers, options, name);
      entries = changed.outcomes;
      return changed;
    };
    return changeObject('rewrap', 'rewrap', subject, providers, options, change, () => entries);
  }
  const change: Change = async (current) => {
    const replace =
      to === undefined ? undefined : { from: from ?? onlyRecipient(current.opened.slot.recipients, path), to };
    if (replace !== undefined && entriesOf(replace.from, current.opened.slot.recipients).length === 0) {
      throw new WaxsealError('ERR_RECIPIENT_NOT_FOUND', `${path} has no recipient ${replace.from}`, { object: path });
    }
    const renewed = await renewRecipients(current, providers, options, replace);
    entries = renewed.outcomes;
    return renewed.after;
  };
  const orAlone = orShares(unlocked(change), { from, to }, (outcomes) => (entries = outcomes));
  return changeObject('rewrap', 'rewrap', subject, providers, options, orAlone, () => entries);
}

function onlyRecipient(recipients: readonly { readonly uri: string }[], path: string): string {
  const [only] = recipients;
  if (recipients.length !== 1 || only === undefined) {
    throw new WaxsealError(
      'ERR_USAGE',
      `${path} has ${String(recipients.length)} recipients: say which one --from replaces`,
      {
        object: path,
        next: 'name the recipient to replace with --from (inspect lists them)',
      },
    );
  }
  return only.uri;
}
