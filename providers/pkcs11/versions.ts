import { toHex } from '../../src/bytes/index.ts';
import { randomPublic } from '../../src/crypto/secrets.ts';
import { WaxsealError } from '../../src/errors/index.ts';
import type { KeyDescription, KeyState, KeyVersion } from '../../src/keys/provider.ts';
import type { KeyRow, TokenFacts } from './protocol.ts';

/**
 * CKA_ID of a version that we make: `WX` ‖ u32(number) ‖ u32(seconds since 1970) ‖ 8 random bytes, so that two that rotate
 * at once never make the same. The time stands here because tokens lose CKA_START_DATE; like all of it, it is advisory.
 */
const OUR_ID = 18;
const MARK = '5758';
const MAX_NUMBER = 0xffff_ffff;

/** The CKA_ID of the version with this number, made now, in hexadecimal. */
export function newId(number: number): string {
  const id = new Uint8Array(OUR_ID);
  const view = new DataView(id.buffer);
  view.setUint16(0, Number.parseInt(MARK, 16));
  view.setUint32(2, number);
  view.setUint32(6, Math.floor(Date.now() / 1000));
  id.set(randomPublic(OUR_ID - 10), 10);
  return toHex(id);
}

/** The number and the time in a CKA_ID of ours; of other tools' the number in short ones, else 0. */
function readId(id: string): { readonly number: number; readonly created: Date | undefined } {
  const bytes = new Uint8Array(Buffer.from(id, 'hex'));
  if (bytes.length === OUR_ID && id.startsWith(MARK)) {
    const view = new DataView(bytes.buffer);
    return { number: view.getUint32(2), created: new Date(view.getUint32(6) * 1000) };
  }
  return { number: bytes.length > 4 ? 0 : bytes.reduce((sum, byte) => sum * 256 + byte, 0), created: undefined };
}

/** Its number, by which versions are ordered. */
function numberOf(id: string): number {
  return readId(id).number;
}

/** The oldest first: by number, then by id. */
export function inOrder(rows: readonly KeyRow[]): readonly KeyRow[] {
  return [...rows].sort((a, b) => numberOf(a.id) - numberOf(b.id) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/** The number that the next version gets. @throws WaxsealError `ERR_PROVIDER_UNSUPPORTED` after 2³² − 1 */
export function nextNumber(rows: readonly KeyRow[]): number {
  const next = Math.max(0, ...rows.map(({ id }) => numberOf(id))) + 1;
  if (next > MAX_NUMBER) {
    throw new WaxsealError('ERR_PROVIDER_UNSUPPORTED', 'there are no version numbers after 4294967295', {
      next: 'give the key with CKA_ID ffffffff another one (pkcs11-tool --set-id), or begin a key with another label',
    });
  }
  return next;
}

/** Whether the flags let a version wrap or unwrap at all. */
const mayWrap = ({ encrypt, wrap }: KeyRow): boolean => encrypt || wrap;
export const mayUnwrap = ({ decrypt, unwrap }: KeyRow): boolean => decrypt || unwrap;

/** As the port gives it. */
export function describeVersions(uri: string, rows: readonly KeyRow[], token: TokenFacts): KeyDescription {
  const ordered = inOrder(rows);
  const newest = ordered.at(-1);
  const state = (row: KeyRow): KeyState =>
    !mayUnwrap(row) ? 'suspended' : row === newest && mayWrap(row) ? 'active' : 'deactivated';
  const versions = ordered.map((row): KeyVersion => ({
    version: row.id,
    label: String(numberOf(row.id)),
    state: state(row),
    created: readId(row.id).created,
  }));
  return {
    uri,
    currentVersion: newest !== undefined && mayWrap(newest) ? newest.id : undefined,
    versions,
    protectionLevel: isSoftware(token) ? 'software' : 'hsm',
    lastRotated: ordered.length > 1 && newest !== undefined ? readId(newest.id).created : undefined,
  };
}

/** Tokens that are files. */
function isSoftware({ manufacturer, model }: TokenFacts): boolean {
  return /softhsm|mozilla|nss/i.test(`${manufacturer} ${model}`);
}
