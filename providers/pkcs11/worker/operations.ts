import type { OaepHash, Requests } from '../protocol.ts';
import { Failure } from './failure.ts';
import type { GrapheneObject, GrapheneSession, MechanismWith, Template } from './graphene.ts';
import type { Token } from './token.ts';

const CKM_AES_KEY_WRAP_PAD = 0x210a;
const CKM_AES_KEY_WRAP_KWP = 0x210b;
const TAG_BITS = 128;
/** More than any output: a wrap of RSA-8192 has 1024 bytes. */
const ROOM = 2048;

type Bytes = Uint8Array<ArrayBuffer>;

/** AES-GCM by C_Encrypt or C_Decrypt. */
export async function gcm(token: Token, { key, encrypt, iv, aad, data }: Requests['gcm']['args']): Promise<Bytes> {
  try {
    return await token.with(key, (session, { secret }) => {
      const params = new token.graphene.AesGcmParams(Buffer.from(iv), Buffer.from(aad), TAG_BITS);
      return once(session, encrypt, { name: 'AES_GCM', params }, secret, data);
    });
  } finally {
    data.fill(0);
  }
}

/** AES-KWP (RFC 5649) by C_WrapKey and C_UnwrapKey. */
export async function kwp(token: Token, { key, secret, wrap, to }: Requests['kwp']['args']): Promise<Bytes> {
  if (secret !== undefined) {
    try {
      const mechanism = kwpOf(token);
      return await token.with(key, (session, { secret: by }) =>
        withObject(
          () => Promise.resolve(session.create({ ...template(token, true), value: Buffer.from(secret.buffer) })),
          async (object) => moved(await wrapKey(session, mechanism, by, object)),
        ),
      );
    } finally {
      secret.fill(0);
    }
  }
  const mechanism = kwpOf(token);
  const wrapped = Buffer.from(wrap ?? []);
  return token.with(
    key,
    (session, { secret: by }, other) =>
      withObject(
        () => unwrapKey(session, mechanism, by, wrapped, template(token, other !== undefined)),
        async (object) => {
          if (other === undefined) return moved(object.getAttribute({ value: null })['value'] as Buffer);
          return moved(await wrapKey(session, mechanism, other.secret, object));
        },
      ),
    to,
  );
}

/** RSA-OAEP: C_Decrypt; or inside the token C_UnwrapKey and C_WrapKey. */
export async function oaep(token: Token, { key, hash, wrap, to }: Requests['oaep']['args']): Promise<Bytes> {
  const mechanism = oaepOf(token, hash);
  const wrapped = Buffer.from(wrap);
  return token.with(
    key,
    (session, { secret: by }, other) => {
      if (other === undefined) return once(session, false, mechanism, by, wrapped);
      const { open } = other;
      if (open === undefined) throw new Failure('KEY', `the token has no public key with CKA_ID ${other.row.id}`);
      return withObject(
        () => unwrapKey(session, mechanism, by, wrapped, template(token, true)),
        async (object) => moved(await wrapKey(session, mechanism, open, object)),
      );
    },
    to,
  );
}

/**
 * The mechanism for RFC 5649. PKCS#11 3.0 has CKM_AES_KEY_WRAP_KWP for it; older libraries have CKM_AES_KEY_WRAP_PAD, which
 * in others means PKCS#7 padding before RFC 3394: the caller checks the length of the wrap, which tells them apart.
 */
function kwpOf({ mechanisms }: Token): MechanismWith {
  const name = [CKM_AES_KEY_WRAP_KWP, CKM_AES_KEY_WRAP_PAD].find((number) => mechanisms.has(number));
  if (name === undefined) throw new Failure('MECHANISM', 'the token has no AES key wrap with padding (RFC 5649)');
  return { name, params: null };
}

function oaepOf({ graphene }: Token, hash: OaepHash): MechanismWith {
  const { MechanismEnum, RsaMgf, RsaOaepParams } = graphene;
  const sha1 = hash === 'sha1';
  const params = new RsaOaepParams(
    sha1 ? MechanismEnum.SHA1 : MechanismEnum.SHA256,
    sha1 ? RsaMgf.MGF1_SHA1 : RsaMgf.MGF1_SHA256,
  );
  return { name: 'RSA_PKCS_OAEP', params };
}

/** A secret on its way through the token: an object of the session alone. */
function template({ graphene }: Token, sensitive: boolean): Template {
  const { ObjectClass, KeyType } = graphene;
  const kind = { class: ObjectClass.SECRET_KEY, keyType: KeyType.GENERIC_SECRET };
  return { ...kind, token: false, private: true, sensitive, extractable: true };
}

async function withObject<T>(
  make: () => Promise<GrapheneObject>,
  work: (object: GrapheneObject) => Promise<T>,
): Promise<T> {
  const object = await make();
  try {
    return await work(object);
  } finally {
    object.destroy();
  }
}

const wrapKey = (
  session: GrapheneSession,
  mechanism: MechanismWith,
  by: GrapheneObject,
  object: GrapheneObject,
): Promise<Buffer> => called((done) => session.wrapKey(mechanism, by, object, done));

const unwrapKey = (
  session: GrapheneSession,
  mechanism: MechanismWith,
  by: GrapheneObject,
  wrapped: Buffer,
  made: Template,
): Promise<GrapheneObject> => called((done) => session.unwrapKey(mechanism, by, wrapped, made, done));

async function once(
  session: GrapheneSession,
  encrypt: boolean,
  mechanism: MechanismWith,
  key: GrapheneObject,
  data: Uint8Array,
): Promise<Bytes> {
  const room = Buffer.alloc(ROOM);
  try {
    const out = await called<Buffer>((done) => {
      // The cipher of graphene copies a Buffer into pooled memory, but takes an ArrayBuffer as it is.
      if (encrypt) session.createCipher(mechanism, key).once(data.buffer as ArrayBuffer, room, done);
      else session.createDecipher(mechanism, key).once(Buffer.from(data), room, done);
    });
    return moved(out);
  } finally {
    room.fill(0);
  }
}

/** A copy in memory of its own, which is moved to the other thread; what the library gave is zeroed. */
function moved(given: Buffer): Bytes {
  const bytes = new Uint8Array(new ArrayBuffer(given.length));
  bytes.set(given);
  given.fill(0);
  return bytes;
}

/** A call of the library outside this thread. */
export function called<T>(work: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    work((error, value) => {
      if (error === null) resolve(value);
      else reject(error);
    });
  });
}
