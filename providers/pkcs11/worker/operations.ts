import type { OaepHash, Requests, VersionQuery } from '../protocol.ts';
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
export async function gcm(token: Token, args: Requests['gcm']['args']): Promise<Bytes> {
  const { secret } = await token.version(args.key);
  const params = new token.graphene.AesGcmParams(Buffer.from(args.iv), Buffer.from(args.aad), TAG_BITS);
  const mechanism = { name: 'AES_GCM', params };
  return token.use((session) => once(session, args.encrypt, mechanism, secret, Buffer.from(args.data.buffer)));
}

/** AES-KWP (RFC 5649) by C_WrapKey and C_UnwrapKey. */
export async function kwp(token: Token, args: Requests['kwp']['args']): Promise<Bytes> {
  const { secret: by } = await token.version(args.key);
  const mechanism = kwpOf(token);
  const { secret, wrap, to } = args;
  if (secret !== undefined) {
    return token.use((session) =>
      withObject(
        () => Promise.resolve(session.create({ ...secretTemplate(token, true), value: Buffer.from(secret.buffer) })),
        async (key) => moved(await wrapKey(session, mechanism, by, key)),
      ),
    );
  }
  const wrapped = Buffer.from(wrap ?? []);
  if (to === undefined) {
    return token.use((session) =>
      withObject(
        () => unwrapKey(session, mechanism, by, wrapped, secretTemplate(token, false)),
        (key) => Promise.resolve(moved(key.getAttribute({ value: null })['value'] as Buffer)),
      ),
    );
  }
  const { open } = await token.version(to);
  return token.use((session) =>
    withObject(
      () => unwrapKey(session, mechanism, by, wrapped, secretTemplate(token, true)),
      async (key) => moved(await wrapKey(session, mechanism, open, key)),
    ),
  );
}

/** RSA-OAEP: C_Decrypt; or inside the token C_UnwrapKey and C_WrapKey. */
export async function oaep(token: Token, args: Requests['oaep']['args']): Promise<Bytes> {
  const { secret } = await token.version(args.key);
  const mechanism = oaepOf(token, args.hash);
  const wrapped = Buffer.from(args.wrap);
  const { to } = args;
  if (to === undefined) return token.use((session) => once(session, false, mechanism, secret, wrapped));
  const { open } = await token.version(to);
  return token.use((session) =>
    withObject(
      () => unwrapKey(session, mechanism, secret, wrapped, secretTemplate(token, true)),
      async (key) => moved(await wrapKey(session, mechanism, open, key)),
    ),
  );
}

/** Modulus and exponent of an RSA key, big-endian. */
export async function publicKey(token: Token, key: VersionQuery): Promise<Requests['publicKey']['gives']> {
  const { open } = await token.version(key);
  return token.use(() => {
    const { modulus, publicExponent } = open.getAttribute({ modulus: null, publicExponent: null });
    return Promise.resolve({
      modulus: new Uint8Array(modulus as Buffer),
      exponent: new Uint8Array(publicExponent as Buffer),
    });
  });
}

/** A new version: never extractable, made and kept in the token. */
export async function generate(token: Token, args: Requests['generate']['args']): Promise<void> {
  const { key, mechanism, bits } = args;
  const { ObjectClass, KeyType, KeyGenMechanism } = token.graphene;
  const common = { token: true, label: key.label, id: Buffer.from(key.id, 'hex') };
  const guarded = { private: true, sensitive: true, extractable: false };
  const [crypts, wraps] = [mechanism !== 'aes-kwp', mechanism !== 'aes-gcm'];
  await token.use(async (session) => {
    if (mechanism !== 'rsa-oaep') {
      const uses = { encrypt: crypts, decrypt: crypts, wrap: wraps, unwrap: wraps };
      const template = {
        class: ObjectClass.SECRET_KEY,
        keyType: KeyType.AES,
        valueLen: bits / 8,
        ...common,
        ...guarded,
      };
      await called<unknown>((done) => session.generateKey(KeyGenMechanism.AES, { ...template, ...uses }, done));
      return;
    }
    const exponent = Buffer.from([1, 0, 1]);
    const open = { class: ObjectClass.PUBLIC_KEY, keyType: KeyType.RSA, modulusBits: bits, publicExponent: exponent };
    const secret = { class: ObjectClass.PRIVATE_KEY, keyType: KeyType.RSA, ...common, ...guarded };
    await called<unknown>((done) =>
      session.generateKeyPair(
        KeyGenMechanism.RSA,
        { ...open, ...common, encrypt: true, wrap: true },
        { ...secret, decrypt: true, unwrap: true },
        done,
      ),
    );
  });
  token.forget();
}

/** Switches every use of a version off. */
export async function disable(token: Token, key: VersionQuery): Promise<void> {
  const { secret, open } = await token.version(key);
  await token.use(() => {
    secret.setAttribute({ decrypt: false });
    secret.setAttribute({ unwrap: false });
    open.setAttribute({ encrypt: false });
    open.setAttribute({ wrap: false });
    return Promise.resolve();
  });
  token.forget();
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
function secretTemplate({ graphene }: Token, sensitive: boolean): Template {
  const { ObjectClass, KeyType } = graphene;
  const kind = { class: ObjectClass.SECRET_KEY, keyType: KeyType.GENERIC_SECRET };
  return { ...kind, token: false, private: true, sensitive, extractable: true };
}

async function withObject<T>(
  make: () => Promise<GrapheneObject>,
  work: (object: GrapheneObject) => Promise<T>,
): Promise<T> {
  const object = (await make()).toType();
  try {
    return await work(object);
  } finally {
    object.destroy();
  }
}

const wrapKey = (
  session: GrapheneSession,
  with_: MechanismWith,
  by: GrapheneObject,
  key: GrapheneObject,
): Promise<Buffer> => called((done) => session.wrapKey(with_, by, key, done));

const unwrapKey = (
  session: GrapheneSession,
  with_: MechanismWith,
  by: GrapheneObject,
  wrapped: Buffer,
  template: Template,
): Promise<GrapheneObject> => called((done) => session.unwrapKey(with_, by, wrapped, template, done));

async function once(
  session: GrapheneSession,
  encrypt: boolean,
  mechanism: MechanismWith,
  key: GrapheneObject,
  data: Buffer,
): Promise<Bytes> {
  const room = Buffer.alloc(ROOM);
  try {
    const cipher = encrypt ? session.createCipher(mechanism, key) : session.createDecipher(mechanism, key);
    return moved(await called<Buffer>((done) => cipher.once(data, room, done)));
  } finally {
    room.fill(0);
    // What came in was moved here, so it is ours.
    data.fill(0);
  }
}

/** A copy in memory of its own, which is moved to the other thread; what the library gave is zeroed. */
function moved(given: Buffer): Bytes {
  const bytes = new Uint8Array(new ArrayBuffer(given.length));
  bytes.set(given);
  given.fill(0);
  return bytes;
}

function called<T>(work: (done: (error: Error | null, value: T) => void) => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    work((error, value) => {
      if (error === null) resolve(value);
      else reject(error);
    });
  });
}
