import { dirname } from 'node:path';
import { refuseUnknownOptions, WaxsealError } from '../../errors/index.ts';
import { withFolderLock } from '../../files/index.ts';
import { type EventFacts, type Observe, observed } from '../../keys/observer.ts';
import type { KeyProvider } from '../../keys/provider.ts';
import { toHex } from '../../bytes/index.ts';
import { keyList, type Keys } from '../keys-input.ts';
import { type ByteStream, isByteStream } from '../input.ts';
import { openObjectFile } from './object-file.ts';
import { type EntryOutcome, freshRecipient, renewRecipients } from './renew.ts';
import { rewrapBytes, rewrapStream } from './rewrap-copy.ts';
import { type Change, type UpdateResult, updateSlots } from './update-slots.ts';

/** Options of everything that changes recipients in place. */
export interface InPlaceOptions {
  readonly observe?: Observe | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Say what would be done, use the keys as the real run would, and write nothing. */
  readonly dryRun?: boolean | undefined;
  /** How long to wait for another writer, in milliseconds; 30 s by default. */
  readonly lockTimeoutMs?: number | undefined;
  /** Write in place on a network file system too: only safe while no other machine writes there. */
  readonly allowNetworkFileSystem?: boolean | undefined;
}

const IN_PLACE_OPTIONS = ['observe', 'signal', 'dryRun', 'lockTimeoutMs', 'allowNetworkFileSystem'] as const;

/** Options of {@link rewrap}. */
export interface RewrapOptions extends InPlaceOptions {
  /** Replace exactly the entries of this key URI, leaving all others byte for byte. Goes with `to`. */
  readonly from?: string | undefined;
  /** The key that replaces `from`; `from` may be left out where the object has a single recipient. */
  readonly to?: KeyProvider | undefined;
}

/** What a change in place did. */
export interface RewrapReport {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** Whether the slots were written (in a dry run: would be). */
  readonly changed: boolean;
  readonly entries: readonly EntryOutcome[];
  readonly generation: number;
  /** Bytes written to the file: both slots, or none. */
  readonly bytesWritten: number;
}

/**
 * Rewraps a sealed file in place: the same data key gets a new wrap under the current version of its master key. The
 * payload is neither read nor written, so that it takes the same time for a kilobyte and for a terabyte. Every new wrap
 * is unwrapped and compared before the old one goes; kill it at any moment, and run it again.
 *
 * It is not revocation: whoever had the old key and a copy of the file still has the data key. That takes a reseal.
 *
 * Bytes and streams are rewrapped into a copy: bytes give bytes, a stream gives a web stream.
 *
 * @param path the sealed file; or a sealed object as bytes or stream
 * @param keys keys that can open it; their entries are brought to their current versions
 * @throws WaxsealError as {@link openObject}, and `ERR_UNVERIFIED_WRAP`, `ERR_SLOT_FULL`, `ERR_BUSY`,
 * `ERR_INPUT_CHANGED`, `ERR_NOT_WRITABLE`, `ERR_NETWORK_FILE_SYSTEM`, `ERR_USAGE` (ambiguous `to` without `from`),
 * `ERR_RECIPIENT_NOT_FOUND`, `ERR_IO`; the object opens after each of them
 * @see SPEC.md "Rewrap"
 *
 * @example
 * await keyring.rotate('default');
 * await rewrap('model.onnx.wax', keyring.key('default'));
 */
export function rewrap(path: string, keys: Keys, options?: RewrapOptions): Promise<RewrapReport>;
export function rewrap(sealed: Uint8Array, keys: Keys, options?: RewrapOptions): Promise<Uint8Array>;
export function rewrap(sealed: ByteStream, keys: Keys, options?: RewrapOptions): Promise<ReadableStream<Uint8Array>>;
export async function rewrap(
  subject: string | Uint8Array | ByteStream,
  keys: Keys,
  options: RewrapOptions = {},
): Promise<RewrapReport | Uint8Array | ReadableStream<Uint8Array>> {
  refuseUnknownOptions('rewrap', options, [...IN_PLACE_OPTIONS, 'from', 'to']);
  const providers = keyList(keys, 'rewrap');
  const { from, to, observe } = options;
  if (from !== undefined && to === undefined) throw new TypeError('rewrap: from needs to');
  const path = typeof subject === 'string' ? subject : 'the object';
  let entries: readonly EntryOutcome[] = [];
  const change: Change = async (current) => {
    const replace =
      to === undefined ? undefined : { from: from ?? onlyRecipient(current.opened.slot.recipients, path), to };
    if (replace !== undefined && !current.opened.slot.recipients.some((entry) => entry.uri === replace.from)) {
      throw new WaxsealError('ERR_RECIPIENT_NOT_FOUND', `${path} has no recipient ${replace.from}`, { object: path });
    }
    const renewed = await renewRecipients(current, providers, options, replace);
    entries = renewed.outcomes;
    return renewed.after;
  };
  if (typeof subject === 'string')
    return report(await changeInPlace('rewrap', path, providers, options, change), entries);
  const work = async (): Promise<{ sealed: Uint8Array | ReadableStream<Uint8Array>; result: UpdateResult }> => {
    if (subject instanceof Uint8Array) return rewrapBytes(subject, providers, change, options);
    if (isByteStream(subject)) return rewrapStream(subject, providers, change, options);
    throw new TypeError('rewrap: expected the path of a sealed file, a Uint8Array or a stream');
  };
  return (await observed(observe, 'rewrap', {}, work, ({ result }) => changeFacts(result))).sealed;
}

/**
 * Adds a key as a recipient of a sealed file, in place.
 *
 * @throws WaxsealError as {@link rewrap}, and `ERR_RECIPIENT_EXISTS`
 */
export async function addRecipient(
  path: string,
  keys: Keys,
  added: KeyProvider,
  options: InPlaceOptions = {},
): Promise<RewrapReport> {
  refuseUnknownOptions('addRecipient', options, IN_PLACE_OPTIONS);
  const result = await changeInPlace(
    'recipients.change',
    path,
    keyList(keys, 'addRecipient'),
    options,
    async (current) => {
      const { recipients } = current.opened.slot;
      if (recipients.some((entry) => entry.uri === added.uri)) {
        throw new WaxsealError('ERR_RECIPIENT_EXISTS', `${path} is sealed to ${added.uri} already`, { object: path });
      }
      return [...recipients, await freshRecipient(current, added, options)];
    },
  );
  return report(result, []);
}

/**
 * Removes every entry of a key from a sealed file, in place. Not revocation: whoever could open it may have kept the
 * data key or a copy.
 *
 * @throws WaxsealError as {@link rewrap}, and `ERR_RECIPIENT_NOT_FOUND`, `ERR_LAST_RECIPIENT`
 */
export async function removeRecipient(
  path: string,
  keys: Keys,
  removedUri: string,
  options: InPlaceOptions = {},
): Promise<RewrapReport> {
  refuseUnknownOptions('removeRecipient', options, IN_PLACE_OPTIONS);
  const result = await changeInPlace(
    'recipients.change',
    path,
    keyList(keys, 'removeRecipient'),
    options,
    (current) => {
      const { recipients } = current.opened.slot;
      const left = recipients.filter((entry) => entry.uri !== removedUri);
      if (left.length === recipients.length) {
        throw new WaxsealError('ERR_RECIPIENT_NOT_FOUND', `${path} has no recipient ${removedUri}`, { object: path });
      }
      if (left.length === 0) {
        throw new WaxsealError('ERR_LAST_RECIPIENT', `${removedUri} is the only recipient of ${path}`, {
          object: path,
        });
      }
      return Promise.resolve(left);
    },
  );
  return report(result, []);
}

/** Watched, under the lock of the folder: the frame of every change in place. */
async function changeInPlace(
  operation: 'rewrap' | 'recipients.change',
  path: string,
  keys: readonly KeyProvider[],
  options: InPlaceOptions,
  change: Change,
): Promise<UpdateResult> {
  if (typeof path !== 'string') throw new TypeError(`${operation}: expected the path of a sealed file`);
  const { lockTimeoutMs: timeoutMs, signal, observe } = options;
  const work = async (): Promise<UpdateResult> => {
    // Opened before the lock is taken, so that no lock file appears beside a file that cannot be rewritten anyway.
    const file = await openObjectFile(path, options.allowNetworkFileSystem === true);
    try {
      const run = (): Promise<UpdateResult> => updateSlots(file, keys, change, options);
      if (options.dryRun === true) return await run();
      return await withFolderLock(dirname(file.realPath), { timeoutMs, signal }, run);
    } finally {
      await file.close();
    }
  };
  return observed(observe, operation, { path }, work, changeFacts);
}

function changeFacts({ head, before, after }: UpdateResult): EventFacts {
  const names = (list: UpdateResult['before']): string[] => list.map(({ uri, version }) => `${uri}#${version}`);
  return {
    objectId: toHex(head.core.id),
    bind: toHex(head.bind),
    context: head.core.context,
    before: names(before),
    after: names(after),
    assurance: 'compared',
  };
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

function report(result: UpdateResult, entries: readonly EntryOutcome[]): RewrapReport {
  const { head, changed, generation, bytesWritten } = result;
  return { id: toHex(head.core.id), changed, entries, generation, bytesWritten };
}
