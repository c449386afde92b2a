import { equalSecrets, zero } from '../../crypto/secrets.ts';
import { WaxsealError } from '../../errors/index.ts';
import { SHARE_LENGTH } from '../format/share.ts';

const DATA_KEY_LENGTH = 32;

/**
 * Splits a data key by Shamir's scheme over GF(2⁸): each share has 32 values and the point at which they were taken.
 * What comes back has been put together again and compared. The caller zeroes it.
 */
export async function splitDataKey(dataKey: Uint8Array, threshold: number, total: number): Promise<Uint8Array[]> {
  const { split } = await import('shamir-secret-sharing');
  // The package takes nothing but a plain Uint8Array.
  const secret = Uint8Array.from(dataKey);
  try {
    const shares = await split(secret, total, threshold);
    const [first, last] = await Promise.all([
      combineShares(shares.slice(0, threshold)),
      combineShares(shares.slice(-threshold)),
    ]);
    const same = equalSecrets(first, dataKey) && equalSecrets(last, dataKey);
    zero(first, last);
    if (!same || shares.some(({ length }) => length !== SHARE_LENGTH)) {
      zero(...shares);
      throw new WaxsealError('ERR_INTERNAL', 'the shares of a data key did not give it back; nothing was written');
    }
    return shares;
  } finally {
    zero(secret);
  }
}

/** Puts shares together. Any shares give 32 bytes: whether they are the data key, the FLOE header tag says. */
export async function combineShares(shares: readonly Uint8Array[]): Promise<Uint8Array<ArrayBuffer>> {
  const { combine } = await import('shamir-secret-sharing');
  const given = shares.map((share) => Uint8Array.from(share));
  try {
    const combined = await combine(given);
    const dataKey = new Uint8Array(DATA_KEY_LENGTH);
    dataKey.set(combined);
    zero(combined);
    return dataKey;
  } finally {
    zero(...given);
  }
}
