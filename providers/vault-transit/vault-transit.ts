import { isWaxsealError, WaxsealError } from '../../src/errors/index.ts';
import type { CallOptions } from '../../src/keys/provider.ts';
import { VaultClient } from './client.ts';
import { readKey } from './describe.ts';
import { VaultHttp } from './http.ts';
import { isMount, isName, recordedUri } from './key-uri.ts';
import { VaultTransitKey } from './key.ts';
import { checkOptions, connectionOf, type VaultTransitOptions } from './options.ts';
import { TokenSource } from './token.ts';
import { TransitCalls } from './transit.ts';

const DEFAULT_BATCH = 32;
/** AEAD ciphers, which can be derived. */
const TYPES = ['aes256-gcm96', 'aes128-gcm96', 'chacha20-poly1305', 'xchacha20-poly1305'];

/**
 * A key of the Transit engine of Vault or OpenBao to seal to and open with. It is read at once: a key that is not
 * `derived` is refused, because the server ignores the context with it, so that a wrap could be moved to another object.
 *
 * @throws WaxsealError `ERR_CONFIG`, `ERR_INVALID_KEY_URI`, `ERR_PROVIDER_CREDENTIALS`, `ERR_PROVIDER_UNSUPPORTED` for
 * keys of another kind, `ERR_KEY_NOT_FOUND`, `ERR_KEY_DENIED` where the token may not read the key (see `assumeDerived`),
 * `ERR_PROVIDER_UNAVAILABLE`; TypeError for unknown options
 *
 * @example
 * const key = await vaultTransit({ key: 'models', address: 'https://vault.example:8200' });
 * await sealFile('model.onnx', 'model.onnx.wax', key);
 */
export async function vaultTransit(options: VaultTransitOptions & CallOptions): Promise<VaultTransitKey> {
  checkOptions(options, ['signal']);
  const { key, mount: path = 'transit', batch = DEFAULT_BATCH, assumeDerived = false, signal } = options;
  const mount = path.replace(/^\/+|\/+$/g, '');
  const uri = recordedUri(mount, key);
  if (!isMount(mount) || !isName(key)) {
    throw new WaxsealError(
      'ERR_INVALID_KEY_URI',
      `the key URI "${uri}" cannot be used: no mount or key has such a name`,
      {
        object: uri,
      },
    );
  }
  const http = await VaultHttp.open(connectionOf(options));
  const calls = new TransitCalls(new VaultClient(http, new TokenSource(options)), { uri, mount }, key, options, batch);
  try {
    await requireDerived(calls, key, assumeDerived, signal);
  } catch (error) {
    calls.close();
    throw error;
  }
  return new VaultTransitKey(calls, key);
}

async function requireDerived(
  calls: TransitCalls,
  key: string,
  assumeDerived: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { uri } = calls.subject;
  let facts;
  try {
    facts = await readKey(calls, key, { signal });
  } catch (error) {
    if (!isWaxsealError(error, 'ERR_KEY_DENIED')) throw error;
    if (assumeDerived) return;
    const next = `${error.next}. Or vouch with assumeDerived that the key is derived`;
    throw new WaxsealError(error.code, error.message, { object: uri, next, cause: error });
  }
  const { type, derived, convergent } = facts;
  if (derived && !convergent && TYPES.includes(type)) return;
  const what = !TYPES.includes(type) ? `is of type ${type}` : convergent ? 'encrypts convergently' : 'is not derived';
  const why = derived ? '' : ': the server ignores the context that ties a wrap to its object';
  throw new WaxsealError('ERR_PROVIDER_UNSUPPORTED', `${uri} ${what}${why}`, {
    object: uri,
    next: `make a key that is: vault write -f ${calls.subject.mount}/keys/NAME type=aes256-gcm96 derived=true`,
  });
}
