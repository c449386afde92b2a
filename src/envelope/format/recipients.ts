import { type CborMap, type CborValue, decodeCanonicalCbor, encodeCbor } from '../../bytes/index.ts';
import { hmac } from '../../crypto/hmac.ts';
import { expandLabel } from '../../crypto/hkdf.ts';
import { equalSecrets } from '../../crypto/secrets.ts';
import { WaxsealError } from '../../errors/index.ts';
import type { WrappedSecret } from '../../keys/provider.ts';
import { MAX_URI_BYTES } from '../../keys/uri.ts';
import { MAX_RECIPIENTS, MAX_SECONDS, MAX_VERSION_BYTES, MAX_WRAP } from './limits.ts';
import { decodeShare, encodeShare, SHARE_ALGORITHM, type Share, shareBinding } from './share.ts';

/** Bits of field 8 of an entry. */
export const FLAG = Object.freeze({ blind: 1, retiring: 2 });

/** One way to the data key (SPEC section "Recipients"). */
export interface Recipient extends WrappedSecret {
  /** Seconds since 1970; advisory: whoever can write the object can forge it. */
  readonly wrappedAt: number | undefined;
  readonly flags: number;
  readonly tag: Uint8Array | undefined;
  /** Which share of a quorum the entry is; undefined for an entry that gives the data key itself. */
  readonly share: Share | undefined;
  /** Whether this reader knows every field of the entry; otherwise it is carried and never tried. */
  readonly supported: boolean;
  /** The entry as it was read, so that it is copied byte for byte. */
  readonly fields: CborMap;
}

const KEY = {
  uri: 1,
  version: 2,
  algorithm: 3,
  wrap: 4,
  wrappedAt: 5,
  branch: 6,
  quorum: 7,
  flags: 8,
  tag: 9,
} as const;

/** Makes an entry for a fresh wrap; `tagKey` is X(DEK, "waxseal/1 entry", bind, 32). */
export function makeRecipient(wrapped: WrappedSecret, wrappedAt: number, tagKey: Uint8Array): Recipient {
  const fields = new Map<number, CborValue>([
    [KEY.uri, wrapped.uri],
    [KEY.version, wrapped.version],
    [KEY.algorithm, wrapped.algorithm],
    [KEY.wrap, wrapped.wrap],
    [KEY.wrappedAt, wrappedAt],
  ]);
  fields.set(KEY.tag, computeTag(fields, tagKey));
  return decodeRecipient(fields, 'a new recipient');
}

/**
 * Makes an entry for a share of a quorum.
 *
 * @param tagKey as {@link makeRecipient} takes it; undefined where a custodian, who has not got the data key, wraps its
 * share anew: nobody who held the data key vouches for the entry then
 */
export function makeShareRecipient(
  { uri, version, algorithm, wrap }: WrappedSecret,
  share: Omit<Share, 'algorithm'>,
  wrappedAt: number,
  tagKey: Uint8Array | undefined,
): Recipient {
  const fields = new Map<number, CborValue>([
    [KEY.uri, uri],
    [KEY.version, version],
    [KEY.algorithm, SHARE_ALGORITHM],
    [KEY.wrap, wrap],
    [KEY.wrappedAt, wrappedAt],
    [KEY.quorum, encodeShare({ ...share, algorithm })],
  ]);
  if (tagKey !== undefined) fields.set(KEY.tag, computeTag(fields, tagKey));
  return decodeRecipient(fields, 'a new recipient');
}

/** What a provider gets of an entry. */
export function wrappedOf({ uri, version, algorithm, wrap, share }: Recipient): WrappedSecret {
  return { uri, version, algorithm: share?.algorithm ?? algorithm, wrap };
}

/** What the wrap of an entry is tied to. */
export function bindingOf({ share }: Recipient, bind: Uint8Array): Uint8Array {
  return share === undefined ? bind : shareBinding(bind, share);
}

/** Makes an entry for a wrap that its provider made unseen: nobody who holds the data key vouches for it, so no tag. */
export function makeBlindRecipient(wrapped: WrappedSecret, wrappedAt: number): Recipient {
  const fields = new Map<number, CborValue>([
    [KEY.uri, wrapped.uri],
    [KEY.version, wrapped.version],
    [KEY.algorithm, wrapped.algorithm],
    [KEY.wrap, wrapped.wrap],
    [KEY.wrappedAt, wrappedAt],
    [KEY.flags, FLAG.blind],
  ]);
  return decodeRecipient(fields, 'a new recipient');
}

/** Whether the entry has a flag. */
export function hasFlag({ flags }: Pick<Recipient, 'flags'>, flag: number): boolean {
  return Math.floor(flags / flag) % 2 === 1;
}

/** X(DEK, "waxseal/1 entry", bind, 32). The caller zeroes it. */
export function entryTagKey(dataKey: Uint8Array, bind: Uint8Array): Uint8Array {
  return expandLabel(dataKey, 'waxseal/1 entry', [bind], 32);
}

/** The tag of an entry: whether somebody who held the data key wrote it as it stands. */
export type TagState = 'valid' | 'missing' | 'invalid';

/** Whether an entry was written by somebody who held the data key. */
export function checkTag(recipient: Recipient, tagKey: Uint8Array): TagState {
  if (recipient.tag === undefined) return 'missing';
  const untagged = new Map(recipient.fields);
  untagged.delete(KEY.tag);
  return equalSecrets(computeTag(untagged, tagKey), recipient.tag) ? 'valid' : 'invalid';
}

function computeTag(untagged: CborMap, tagKey: Uint8Array): Uint8Array {
  return hmac('sha256', tagKey, [encodeCbor(untagged)]).slice(0, 16);
}

/** Encodes a list; entries that were read are written back byte for byte. */
export function encodeRecipients(list: readonly Recipient[]): Uint8Array {
  return encodeCbor(list.map((entry) => entry.fields));
}

/**
 * Decodes a list of 1 to 32 entries.
 *
 * @throws WaxsealError `ERR_MALFORMED`, `ERR_LIMIT_EXCEEDED`
 */
export function decodeRecipients(bytes: Uint8Array, name: string): readonly Recipient[] {
  const list = decodeCanonicalCbor(bytes, `the recipient list of ${name}`);
  if (!Array.isArray(list)) throw malformed(name, 'the list is not an array');
  if (list.length === 0 || list.length > MAX_RECIPIENTS) {
    throw new WaxsealError('ERR_LIMIT_EXCEEDED', `${name} has ${String(list.length)} recipients; 1 to 32 are allowed`, {
      object: name,
    });
  }
  const recipients = list.map((value: CborValue) => decodeRecipient(value, name));
  assertDistinct(recipients, name);
  return recipients;
}

/** Refuses two entries with the same URI, version and algorithm. */
export function assertDistinct(recipients: readonly Recipient[], name: string): void {
  if (recipients.length < 2) return;
  const seen = new Set<string>();
  for (const entry of recipients) {
    const identity = JSON.stringify([entry.uri, entry.version, entry.algorithm]);
    if (seen.has(identity)) throw malformed(name, `two entries for ${entry.uri} version ${entry.version}`);
    seen.add(identity);
  }
}

function decodeRecipient(value: CborValue, name: string): Recipient {
  if (!(value instanceof Map)) throw malformed(name, 'an entry is not a map');
  const fields = value as CborMap;
  const uri = fields.get(KEY.uri);
  const version = fields.get(KEY.version);
  const algorithm = fields.get(KEY.algorithm);
  const wrap = fields.get(KEY.wrap);
  const wrappedAt = fields.get(KEY.wrappedAt);
  const flags = fields.get(KEY.flags) ?? 0;
  const tag = fields.get(KEY.tag);
  if (typeof uri !== 'string' || Buffer.byteLength(uri) > MAX_URI_BYTES || uri === '') {
    throw malformed(name, 'the key URI of an entry is missing or too long');
  }
  if (typeof version !== 'string' || Buffer.byteLength(version) > MAX_VERSION_BYTES) {
    throw malformed(name, 'the key version of an entry is missing or too long');
  }
  if (typeof algorithm !== 'number') throw malformed(name, 'the algorithm of an entry is not an unsigned integer');
  if (!(wrap instanceof Uint8Array) || wrap.length > MAX_WRAP) {
    throw malformed(name, 'the wrap of an entry is missing or too long');
  }
  if (wrappedAt !== undefined && (typeof wrappedAt !== 'number' || wrappedAt > MAX_SECONDS)) {
    throw malformed(name, 'the time of an entry is not a time');
  }
  if (typeof flags !== 'number') throw malformed(name, 'the flags of an entry are not an unsigned integer');
  if (tag !== undefined && (!(tag instanceof Uint8Array) || tag.length !== 16)) {
    throw malformed(name, 'the tag of an entry is not 16 bytes');
  }
  for (const key of fields.keys()) {
    if (typeof key !== 'number' || key === 0) throw malformed(name, 'a key of an entry is not a positive integer');
  }
  const share = algorithm === SHARE_ALGORITHM ? decodeShare(fields.get(KEY.quorum)) : undefined;
  const claims = algorithm === SHARE_ALGORITHM || fields.has(KEY.quorum);
  const supported = isSupported(fields, flags) && claims === (share !== undefined);
  return { uri, version, algorithm, wrap, wrappedAt, flags, tag, share, supported, fields };
}

/** Branch keys have their place in the format already, but not in this version of the code. */
function isSupported(fields: CborMap, flags: number): boolean {
  if (fields.has(KEY.branch) || flags > (FLAG.blind | FLAG.retiring)) return false;
  for (const key of fields.keys()) if (typeof key === 'number' && key > KEY.tag && key < 24) return false;
  return true;
}

function malformed(name: string, why: string): WaxsealError {
  return new WaxsealError('ERR_MALFORMED', `the recipients of ${name} are malformed: ${why}`, { object: name });
}
