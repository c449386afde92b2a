import { join, resolve } from 'node:path';
import { randomPublic, randomSecret } from '../../crypto/secrets.ts';
import { isWaxsealError, refuseUnknownOptions, WaxsealError } from '../../errors/index.ts';
import { syncFolder } from '../../files/index.ts';
import type { Observe } from '../observer.ts';
import { damaged } from './damage.ts';
import { listKeyNames } from './key-names.ts';
import {
  headerBytes,
  type KeyringHeader,
  KEYRING_FILE,
  KEYS_FOLDER,
  makeHeader,
  openHeader,
  parseHeader,
  readHeader,
  RING_ID_LENGTH,
} from './keyring-file.ts';
import { type KeyringSettings, LocalKeyring } from './keyring.ts';
import { listPairNames, PAIRS_FOLDER } from './pair-names.ts';
import { checkPrivateFolder, makePrivateFolder, writePrivateFile } from './private-files.ts';
import { parseRecord } from './record.ts';
import { MASTER_KEY_LENGTH, RingSecrets } from './ring-secrets.ts';
import { isScryptCost, type ScryptCost } from './scrypt.ts';
import { assertUnlock, type Unlock } from './unlock.ts';

/** Options of every function that gives a keyring. */
export interface KeyringOptions {
  /** Awaited before and after a key is made, rotated or changes state; throwing before vetoes it. */
  readonly observe?: Observe | undefined;
  /**
   * Cost of scrypt where this call or the keyring writes one; N=2^16, p=2 by default, N from 2^14 to 2^18, p from 1 to 4.
   * Lower it in tests only.
   */
  readonly scrypt?: ScryptCost | undefined;
}

/**
 * Makes an empty keyring in a folder of its own (0700). A key file that does not exist is made first.
 *
 * Losing the keyring loses what is sealed under it: back it up.
 *
 * @param folder of the keyring; made when it does not exist
 * @throws WaxsealError `ERR_KEY_EXISTS` when there is one, `ERR_KEYRING_PERMISSIONS`, `ERR_NOT_WRITABLE`
 *
 * @example
 * ```ts
 * const keyring = await createLocalKeyring('/home/me/.config/waxseal/keyring', { passphrase: 'correct horse' });
 * await keyring.create('default');
 * ```
 */
export async function createLocalKeyring(
  folder: string,
  unlock: Unlock,
  options: KeyringOptions = {},
): Promise<LocalKeyring> {
  const settings = checkedSettings('createLocalKeyring', options);
  assertUnlock(unlock, 'createLocalKeyring');
  const root = resolve(folder);
  const path = join(root, KEYRING_FILE);
  await makePrivateFolder(root);
  if ((await findHeader(root)) !== undefined) throw keyringExists(root);
  const secrets = new RingSecrets(randomPublic(RING_ID_LENGTH), randomSecret(MASTER_KEY_LENGTH));
  let back: RingSecrets | undefined;
  try {
    const record = await makeHeader(secrets, new Date(), unlock, settings.scrypt, path);
    await makePrivateFolder(join(root, KEYS_FOLDER));
    await writePrivateFile(path, headerBytes(record), {
      overwrite: false,
      inspect: async (bytes) => {
        back = await openHeader(parseHeader(parseRecord(bytes, path), path), unlock, path);
        if (!back.sameAs(secrets)) throw damaged(path, 'it did not give the master key back');
      },
    });
    await syncFolder(join(root, '..'));
    return new LocalKeyring(root, secrets, settings);
  } catch (error) {
    secrets.close();
    throw isWaxsealError(error, 'ERR_OUTPUT_EXISTS') ? keyringExists(root, error) : error;
  } finally {
    back?.close();
  }
}

/**
 * Unlocks a keyring.
 *
 * @throws WaxsealError `ERR_KEYRING_NOT_FOUND`, `ERR_WRONG_PASSPHRASE`, `ERR_KEYRING_PERMISSIONS`, `ERR_KEYRING_DAMAGED`,
 * `ERR_FILE_NOT_FOUND` (the key file)
 *
 * @example
 * ```ts
 * const keyring = await openLocalKeyring(folder, { keyFile: '/run/secrets/waxseal.key' });
 * await openFile('model.onnx.wax', 'model.onnx', keyring.key('default'));
 * keyring.close();
 * ```
 */
export async function openLocalKeyring(
  folder: string,
  unlock: Unlock,
  options: KeyringOptions = {},
): Promise<LocalKeyring> {
  const settings = checkedSettings('openLocalKeyring', options);
  assertUnlock(unlock, 'openLocalKeyring');
  const root = resolve(folder);
  const header = await requireHeader(root);
  return new LocalKeyring(root, await openHeader(header, unlock, join(root, KEYRING_FILE)), settings);
}

/** Checks the options of every function that gives a keyring. */
export function checkedSettings(what: string, options: KeyringOptions): KeyringSettings {
  refuseUnknownOptions(what, options, ['observe', 'scrypt']);
  const { observe, scrypt } = options;
  if (observe !== undefined && typeof observe !== 'function')
    throw new TypeError(`${what}: observe must be a function`);
  if (scrypt !== undefined) {
    refuseUnknownOptions(`${what}: scrypt`, scrypt, ['N', 'p']);
    if (!isScryptCost(scrypt))
      throw new RangeError(`${what}: scrypt takes N, a power of two from 2^14 to 2^18, and p, 1 to 4`);
  }
  return { observe, scrypt };
}

/** keyring.json, or undefined where there is no keyring. @throws WaxsealError `ERR_KEYRING_DAMAGED` for half of one */
async function findHeader(root: string): Promise<KeyringHeader | undefined> {
  if (!(await checkPrivateFolder(root))) return undefined;
  const header = await readHeader(root);
  if (header === undefined && (await listKeyNames(root)).length + (await listPairNames(root)).length > 0) {
    throw damaged(join(root, KEYRING_FILE), 'it is missing, although there are keys');
  }
  for (const inside of [KEYS_FOLDER, PAIRS_FOLDER]) await checkPrivateFolder(join(root, inside));
  return header;
}

/** @throws WaxsealError `ERR_KEYRING_NOT_FOUND` */
export async function requireHeader(root: string): Promise<KeyringHeader> {
  const header = await findHeader(root);
  if (header !== undefined) return header;
  throw new WaxsealError('ERR_KEYRING_NOT_FOUND', `there is no keyring in ${root}`, { object: root });
}

export function keyringExists(root: string, cause?: unknown): WaxsealError {
  return new WaxsealError('ERR_KEY_EXISTS', `there is a keyring in ${root} already`, {
    object: root,
    next: 'use it, or choose another folder; a keyring is never overwritten',
    cause,
  });
}
