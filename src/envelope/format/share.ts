import type { CborMap, CborValue } from '../../bytes/index.ts';
import { hashLabel } from '../../crypto/hash.ts';
import { HASH_LENGTH, MAX_CUSTODIANS } from './limits.ts';

/** Number of SPEC section "Wrap algorithms": the entry is a share of a quorum, and field 7 says how it is wrapped. */
export const SHARE_ALGORITHM = 17;

/** Bytes of a share: 32 values of the polynomials, and the point at which they were taken. */
export const SHARE_LENGTH = 33;

const SET_ID_LENGTH = 16;

/** Field 7 of an entry (SPEC section "Quorum"): which share of which set it is. */
export interface Share {
  /** 16 random bytes: all shares of one splitting have them. */
  readonly setId: Uint8Array;
  /** How many shares give the data key. */
  readonly threshold: number;
  /** How many shares there are. */
  readonly custodians: number;
  /** Which one this is, from 1 on. */
  readonly index: number;
  /** The digest of every share of the set, in their order: a changed share is named by what the others say. */
  readonly digests: readonly Uint8Array[];
  /** Number of the algorithm that the share is wrapped with. */
  readonly algorithm: number;
}

const KEY = { setId: 1, threshold: 2, custodians: 3, index: 4, digests: 5, algorithm: 6 } as const;

/** Field 7 of an entry. */
export function encodeShare(share: Share): CborMap {
  return new Map<number, CborValue>([
    [KEY.setId, share.setId],
    [KEY.threshold, share.threshold],
    [KEY.custodians, share.custodians],
    [KEY.index, share.index],
    [KEY.digests, [...share.digests]],
    [KEY.algorithm, share.algorithm],
  ]);
}

/** Reads field 7; undefined for one that is not as this version writes it: its entry is carried, and never tried. */
export function decodeShare(value: CborValue | undefined): Share | undefined {
  if (!(value instanceof Map) || value.size !== Object.keys(KEY).length) return undefined;
  const fields = value as CborMap;
  const setId = fields.get(KEY.setId);
  const threshold = fields.get(KEY.threshold);
  const custodians = fields.get(KEY.custodians);
  const index = fields.get(KEY.index);
  const digests = fields.get(KEY.digests);
  const algorithm = fields.get(KEY.algorithm);
  if (!(setId instanceof Uint8Array) || setId.length !== SET_ID_LENGTH) return undefined;
  if (!isCount(custodians, 2, MAX_CUSTODIANS) || !isCount(threshold, 2, custodians)) return undefined;
  if (!isCount(index, 1, custodians)) return undefined;
  if (!isCount(algorithm, 1, Number.MAX_SAFE_INTEGER) || algorithm === SHARE_ALGORITHM) return undefined;
  if (!Array.isArray(digests) || digests.length !== custodians || !digests.every(isDigest)) return undefined;
  return { setId, threshold, custodians, index, digests, algorithm };
}

function isCount(value: CborValue | undefined, from: number, to: number): value is number {
  return typeof value === 'number' && value >= from && value <= to;
}

function isDigest(value: CborValue): value is Uint8Array {
  return value instanceof Uint8Array && value.length === HASH_LENGTH;
}

/** What the wrap of a share is tied to: its object, its set and its place there. */
export function shareBinding(
  bind: Uint8Array,
  { setId, threshold, custodians, index }: Omit<Share, 'algorithm'>,
): Uint8Array {
  return hashLabel('waxseal/1 share', bind, setId, Uint8Array.of(threshold, custodians, index));
}

/** What the entries of a set say of a share. It has 32 random bytes in it: the digest tells nothing. */
export function shareDigest({ setId }: Pick<Share, 'setId'>, index: number, share: Uint8Array): Uint8Array {
  return hashLabel('waxseal/1 share digest', setId, Uint8Array.of(index), share);
}
