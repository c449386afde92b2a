import { equalSecrets, randomSecret, zero } from '../../src/crypto/secrets.ts';
import { type ErrorCode, isWaxsealError, WaxsealError } from '../../src/errors/index.ts';
import type { CallOptions } from '../../src/keys/provider.ts';
import type { KeyRow } from './protocol.ts';
import type { Wraps } from './wraps.ts';

/** What a proof showed. */
export interface Proof {
  /** Whether the token rewraps inside. */
  readonly rewraps: boolean;
}

/**
 * Tokens differ in what they call by one name, and say so only when it is used: a secret is wrapped, opened again and
 * rewrapped before anything is sealed. What the flags of the key forbid is left out: a key for blind rewraps does not open.
 *
 * @param current the version that new wraps are made under, if there is one
 * @throws WaxsealError `ERR_PROVIDER_UNSUPPORTED`, `ERR_PROVIDER_RESPONSE`
 */
export async function proveWraps(
  wraps: Wraps,
  current: KeyRow | undefined,
  uri: string,
  options: CallOptions,
): Promise<Proof> {
  if (current === undefined || !wraps.mayWrap(current)) return { rewraps: wraps.rewrap !== undefined };
  const secret = randomSecret(32);
  const binding = new Uint8Array(32);
  try {
    const wrap = await wraps.wrap(current, secret, binding, options);
    const opens = async (bytes: Uint8Array): Promise<boolean> => {
      const opened = await wraps.unwrap(current.id, bytes, binding, options);
      const same = equalSecrets(opened, secret);
      zero(opened);
      if (!same) throw broken(uri, 'what it opens is not what it wrapped');
      return true;
    };
    const seen = wraps.mayUnwrap(current) && (await unless(['ERR_KEY_DENIED'], () => opens(wrap), uri));
    const { rewrap } = wraps;
    if (rewrap === undefined || !wraps.mayRewrap(current)) return { rewraps: false };
    const inside = async (): Promise<boolean> => {
      const again = await rewrap(current.id, wrap, current, options);
      return seen ? opens(again) : true;
    };
    return { rewraps: await unless(['ERR_KEY_DENIED', 'ERR_PROVIDER_UNSUPPORTED', 'ERR_AUTHENTICATION'], inside, uri) };
  } finally {
    zero(secret);
  }
}

/** Whether it is done; false where the token refuses with one of the codes. */
async function unless(codes: readonly ErrorCode[], work: () => Promise<boolean>, uri: string): Promise<boolean> {
  try {
    return await work();
  } catch (error) {
    if (codes.some((code) => isWaxsealError(error, code))) return false;
    if (isWaxsealError(error, 'ERR_AUTHENTICATION')) throw broken(uri, 'it does not open what it has just wrapped');
    throw error;
  }
}

function broken(uri: string, why: string): WaxsealError {
  return new WaxsealError('ERR_PROVIDER_RESPONSE', `${uri}: the token breaks its contract: ${why}`, {
    object: uri,
    next: 'use another mechanism, or another token; nothing was sealed',
  });
}
