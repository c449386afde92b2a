import { isWaxsealError, WaxsealError } from '../../src/errors/index.ts';
import type { CallOptions } from '../../src/keys/provider.ts';
import { parseKeyUri } from '../../src/keys/uri.ts';
import { Hsm } from './hsm.ts';
import { recordedUri } from './key-uri.ts';
import { Pkcs11Key } from './key.ts';
import { type Pkcs11Options, type Settings, settingsOf } from './options.ts';
import { pinOf } from './pin.ts';
import type { KeyQuery, Mechanism } from './protocol.ts';
import { proveWraps } from './prove.ts';
import { TokenCalls } from './token-calls.ts';
import { inOrder, newId } from './versions.ts';
import { wrapsOf } from './wraps.ts';

/**
 * A key of an HSM or token to seal to and open with, over PKCS#11. Needs the package `graphene-pk11`, which is compiled on
 * installation. The login is done at once; a PIN that is refused is not tried again.
 *
 * @throws WaxsealError `ERR_PROVIDER_MISSING` without package or library, `ERR_INVALID_KEY_URI`, `ERR_CONFIG`,
 * `ERR_PROVIDER_CREDENTIALS` for the PIN, `ERR_KEY_NOT_FOUND` for token or key, `ERR_PROVIDER_UNSUPPORTED` for a mechanism
 * that the token does not have; TypeError for unknown options
 *
 * @example
 * const key = await pkcs11({
 *   uri: 'pkcs11:token=models;object=seal?module-path=/usr/lib/softhsm/libsofthsm2.so',
 *   pinFile: '/run/secrets/pin',
 * });
 * await sealFile('model.onnx', 'model.onnx.wax', key);
 */
export async function pkcs11(options: Pkcs11Options & CallOptions): Promise<Pkcs11Key> {
  const settings = settingsOf(options, ['signal']);
  return withToken(settings, options, async (calls, label) => {
    const [mechanism, mine] = await mechanismOf(settings, calls, label, options);
    return keyOf(mine, mechanism, settings, label.id, options);
  });
}

/** Options of `createPkcs11Key`. */
export interface CreatePkcs11KeyOptions extends Pkcs11Options {
  /** Size of an RSA key in bits; 3072 by default. AES keys have 256. */
  readonly bits?: number | undefined;
}

const DEFAULT_RSA_BITS = 3072;
const AES_BITS = 256;

/**
 * Makes the first version of a key in a token: not extractable, for one mechanism (`aes-gcm` by default).
 *
 * @throws WaxsealError as {@link pkcs11}, and `ERR_KEY_EXISTS`
 *
 * @example
 * await createPkcs11Key({ token: 'models', object: 'seal', library: '/usr/lib/softhsm/libsofthsm2.so', pinFile: 'pin' });
 */
export async function createPkcs11Key(options: CreatePkcs11KeyOptions & CallOptions): Promise<Pkcs11Key> {
  const settings = settingsOf(options, ['signal', 'bits']);
  const { mechanism = 'aes-gcm', query } = settings;
  const rsa = mechanism === 'rsa-oaep';
  const { bits = rsa ? DEFAULT_RSA_BITS : AES_BITS } = options;
  if (rsa ? ![2048, 3072, 4096].includes(bits) : bits !== AES_BITS) {
    throw new RangeError('createPkcs11Key: bits must be 2048, 3072 or 4096 for RSA, and 256 for AES');
  }
  if (query.id !== undefined) throw new TypeError('createPkcs11Key: versions get their CKA_ID from here');
  return withToken(settings, options, async (calls, label) => {
    const mine = calls.of({ ...label, kind: rsa ? 'rsa' : 'aes' });
    if ((await mine.list(options, true)).length > 0) {
      throw new WaxsealError('ERR_KEY_EXISTS', `${calls.uri} exists already`, {
        object: calls.uri,
        next: 'use it, or rotate it to make another version',
      });
    }
    const key = { ...mine.key, id: newId(1) };
    const args = { token: calls.token.handle, key, mechanism, bits };
    await mine.send('generate', args, { signal: options.signal, once: true });
    return keyOf(mine, mechanism, settings, undefined, options);
  });
}

/** Logs in, and out again when `work` fails. */
async function withToken<T>(
  settings: Settings,
  options: Pkcs11Options & CallOptions,
  work: (calls: TokenCalls, label: Omit<KeyQuery, 'kind'>) => Promise<T>,
): Promise<T> {
  const { query, library, libraryParameters, sessions } = settings;
  const { token, serial, manufacturer, model, slotId, object, id } = query;
  const { uri } = parseKeyUri(recordedUri({ token, serial, object, id }));
  options.signal?.throwIfAborted();
  const pin = await pinOf(settings);
  const hsm = Hsm.of(library, libraryParameters);
  const label = { label: object, ...(id === undefined ? {} : { id }) };
  const tokenQuery = { token, serial, manufacturer, model, slotId, pin, sessions };
  const calls = await TokenCalls.open(uri, hsm, tokenQuery, { ...label, kind: 'aes' }, options, options);
  try {
    return await work(calls, label);
  } catch (error) {
    calls.close();
    throw error;
  }
}

/** The mechanism that was asked for, or the usual one of the key that is there. */
async function mechanismOf(
  { mechanism, query }: Settings,
  calls: TokenCalls,
  label: Omit<KeyQuery, 'kind'>,
  options: CallOptions,
): Promise<readonly [Mechanism, TokenCalls]> {
  const rsa = calls.of({ ...label, kind: 'rsa' });
  const exists = async (one: TokenCalls): Promise<boolean> => {
    const rows = await one.list(options, true);
    return query.id === undefined ? rows.length > 0 : rows.some(({ id }) => id === query.id);
  };
  const kinds = mechanism === undefined ? [calls, rsa] : [mechanism === 'rsa-oaep' ? rsa : calls];
  for (const one of kinds) {
    if (await exists(one)) return [mechanism ?? (one === rsa ? 'rsa-oaep' : 'aes-gcm'), one];
  }
  throw new WaxsealError('ERR_KEY_NOT_FOUND', `${calls.uri}: the token has no such key`, {
    object: calls.uri,
    next: `check the label; createPkcs11Key makes one, or pkcs11-tool --login --keygen --key-type AES:32 --private --sensitive --label ${query.object} --id 01`,
  });
}

/** The key, after the token has shown that it does what the key declares. */
async function keyOf(
  calls: TokenCalls,
  mechanism: Mechanism,
  { oaepHash }: Settings,
  only: string | undefined,
  options: CallOptions,
): Promise<Pkcs11Key> {
  const wraps = wrapsOf(mechanism, oaepHash, calls);
  const rows = await calls.list(options);
  const current = inOrder(only === undefined ? rows : rows.filter(({ id }) => id === only)).at(-1);
  try {
    const { rewraps } = await proveWraps(wraps, current, calls.uri, options);
    return new Pkcs11Key(calls, mechanism, wraps, only, rewraps);
  } catch (error) {
    if (mechanism !== 'rsa-oaep' || !isWaxsealError(error, 'ERR_PROVIDER_UNSUPPORTED')) throw error;
    const sha1 = `use another token, or choose oaepHash: 'sha1' (x-oaep-hash=sha1 in the URI) if your policy allows that`;
    throw new WaxsealError(error.code, `${calls.uri}: the token does not know RSA-OAEP with ${oaepHash}`, {
      object: calls.uri,
      next: oaepHash === 'sha256' ? sha1 : error.next,
      cause: error,
    });
  }
}
