import { refuseUnknownOptions, WaxsealError } from '../../errors/index.ts';
import type { ByteStream } from '../byte-stream.ts';
import { keyList, type Keys, type MasterKey } from '../keys-input.ts';
import type { Assurance } from '../wrap-verified.ts';
import {
  type Changed,
  changeObject,
  type ChangeSubject,
  IN_PLACE_OPTIONS,
  type InPlaceOptions,
  type RewrapReport,
  nameOf,
} from './change-object.ts';
import { unlocked } from './change.ts';
import { newEntries, refuseTwice, without } from './recipient-list.ts';

/**
 * Adds a key as a recipient of a sealed file, in place. Bytes and streams give a changed copy.
 *
 * @param path path or file URL of the sealed file (the header of a detached object); or a sealed object or header as bytes or stream
 * @param keys keys that can open it
 * @param added the key or quorum that will be able to open it, too; it stands last
 * @throws WaxsealError as `rewrap`, and `ERR_RECIPIENT_EXISTS`
 *
 * @example
 * await addRecipient('model.onnx.wax', keyring.key('default'), keyring.key('recovery'));
 */
export function addRecipient(
  path: string | URL,
  keys: Keys,
  added: MasterKey,
  options?: InPlaceOptions,
): Promise<RewrapReport>;
export function addRecipient(
  sealed: Uint8Array,
  keys: Keys,
  added: MasterKey,
  options?: InPlaceOptions,
): Promise<Uint8Array>;
export function addRecipient(
  sealed: ByteStream,
  keys: Keys,
  added: MasterKey,
  options?: InPlaceOptions,
): Promise<ReadableStream<Uint8Array>>;
export async function addRecipient(
  subject: ChangeSubject,
  keys: Keys,
  added: MasterKey,
  options: InPlaceOptions = {},
): Promise<Changed> {
  refuseUnknownOptions('addRecipient', options, IN_PLACE_OPTIONS);
  const providers = keyList(keys, 'addRecipient');
  let assurances: readonly Assurance[] = [];
  const object = nameOf(subject);
  return changeObject(
    'addRecipient',
    'recipients.change',
    subject,
    providers,
    options,
    unlocked(async (current) => {
      const { recipients } = current.opened.slot;
      refuseTwice(recipients, added, object);
      const fresh = await newEntries(current, added, options);
      assurances = fresh.map(({ assurance }) => assurance);
      return [...recipients, ...fresh.map(({ recipient }) => recipient)];
    }),
    () => [],
    () => assurances,
  );
}

/**
 * Removes every entry of a key from a sealed file, in place. Bytes and streams give a changed copy. Not revocation:
 * whoever could open it may have kept the data key or a copy; that takes a reseal.
 *
 * @param path path or file URL of the sealed file (the header of a detached object); or a sealed object or header as bytes or stream
 * @param keys keys that can open it
 * @param removedUri the key's URI, or that of a quorum (`quorum:K(…)`, as inspect names it)
 * @throws WaxsealError as `rewrap`, and `ERR_RECIPIENT_NOT_FOUND`, `ERR_LAST_RECIPIENT`
 *
 * @example
 * await removeRecipient('model.onnx.wax', keyring.key('default'), 'local:recovery');
 */
export function removeRecipient(
  path: string | URL,
  keys: Keys,
  removedUri: string,
  options?: InPlaceOptions,
): Promise<RewrapReport>;
export function removeRecipient(
  sealed: Uint8Array,
  keys: Keys,
  removedUri: string,
  options?: InPlaceOptions,
): Promise<Uint8Array>;
export function removeRecipient(
  sealed: ByteStream,
  keys: Keys,
  removedUri: string,
  options?: InPlaceOptions,
): Promise<ReadableStream<Uint8Array>>;
export async function removeRecipient(
  subject: ChangeSubject,
  keys: Keys,
  removedUri: string,
  options: InPlaceOptions = {},
): Promise<Changed> {
  refuseUnknownOptions('removeRecipient', options, IN_PLACE_OPTIONS);
  const providers = keyList(keys, 'removeRecipient');
  const object = nameOf(subject);
  return changeObject(
    'removeRecipient',
    'recipients.change',
    subject,
    providers,
    options,
    unlocked((current) => {
      const { recipients } = current.opened.slot;
      const left = without(recipients, removedUri, object);
      if (left.length === 0) {
        throw new WaxsealError('ERR_LAST_RECIPIENT', `${removedUri} is the only recipient of ${object}`, { object });
      }
      return Promise.resolve(left);
    }),
    () => [],
  );
}
