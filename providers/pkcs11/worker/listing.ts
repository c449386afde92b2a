import type { KeyQuery, KeyRow } from '../protocol.ts';
import { allows, idOf } from './attributes.ts';
import { Failure } from './failure.ts';
import type { Graphene, GrapheneObject, GrapheneSession } from './graphene.ts';
import { publicHalf, type RsaPublic, rsaOf } from './rsa.ts';

const MAX_VERSIONS = 10_000;
/** Twice as many hexadecimal digits are the longest version of the format. */
const MAX_ID = 128;

/** A version and its objects, which belong to the session that listed them. */
export interface Version {
  readonly row: KeyRow;
  readonly secret: GrapheneObject;
  /** What wraps: the same object for AES, the public half for RSA, absent where that is not in the token. */
  readonly open: GrapheneObject | undefined;
  /** Of RSA keys. */
  readonly rsa: RsaPublic | undefined;
}

/**
 * All versions of a key, by CKA_ID in hexadecimal.
 *
 * Only private objects (CKA_PRIVATE) count: anybody who reaches the token can put others beside them without the PIN, and
 * what is wrapped under those is theirs.
 */
export function listVersions(
  graphene: Graphene,
  session: GrapheneSession,
  { label, kind }: KeyQuery,
): ReadonlyMap<string, Version> {
  const { ObjectClass, KeyType } = graphene;
  const keyType = kind === 'aes' ? KeyType.AES : KeyType.RSA;
  const find = (objectClass: number, more: object): readonly GrapheneObject[] => {
    const found = session.find({ class: objectClass, keyType, label, token: true, ...more });
    if (found.length > MAX_VERSIONS) throw new Failure('TWINS', `more than ${String(MAX_VERSIONS)} keys "${label}"`);
    return Array.from({ length: found.length }, (_, at) => found.items(at));
  };
  const secretClass = kind === 'aes' ? ObjectClass.SECRET_KEY : ObjectClass.PRIVATE_KEY;
  const secrets = byId(label, find(secretClass, { private: true }));
  if (secrets.size === 0 && find(secretClass, {}).length > 0) {
    throw new Failure('EXPOSED', `keys "${label}" are there, but not private (CKA_PRIVATE)`);
  }
  const publics = kind === 'aes' ? [] : find(ObjectClass.PUBLIC_KEY, {});
  const versions = new Map<string, Version>();
  for (const [id, secret] of secrets) {
    const rsa = kind === 'aes' ? undefined : rsaOf(id, secret, publics);
    const open = rsa === undefined ? secret : publicHalf(id, rsa, publics);
    versions.set(id, { row: rowOf(id, secret, open, rsa), secret, open, rsa });
  }
  return versions;
}

function byId(label: string, objects: readonly GrapheneObject[]): ReadonlyMap<string, GrapheneObject> {
  const found = new Map<string, GrapheneObject>();
  for (const object of objects) {
    const id = idOf(object);
    if (id === '' || id.length > 2 * MAX_ID) {
      throw new Failure('ID', `a key "${label}" has a CKA_ID of ${String(id.length / 2)} bytes, not 1 to ${MAX_ID}`);
    }
    if (found.has(id)) throw new Failure('TWINS', `two keys "${label}" have the CKA_ID ${id}`);
    found.set(id, object);
  }
  return found;
}

function rowOf(
  id: string,
  secret: GrapheneObject,
  open: GrapheneObject | undefined,
  rsa: RsaPublic | undefined,
): KeyRow {
  return {
    id,
    encrypt: allows(open, 'encrypt'),
    decrypt: allows(secret, 'decrypt'),
    wrap: allows(open, 'wrap'),
    unwrap: allows(secret, 'unwrap'),
    bits: rsa === undefined ? undefined : rsa.modulus.length * 8,
  };
}
