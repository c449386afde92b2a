import type { Requests } from '../protocol.ts';
import { Failure, failureOf } from './failure.ts';
import type { GrapheneObject } from './graphene.ts';
import { called } from './operations.ts';
import type { Token } from './token.ts';

/** A new version: never extractable, made and kept in the token. */
export async function generate(token: Token, { key, mechanism, bits }: Requests['generate']['args']): Promise<void> {
  const { ObjectClass, KeyType, KeyGenMechanism } = token.graphene;
  const common = { token: true, label: key.label, id: Buffer.from(key.id, 'hex') };
  const guarded = { private: true, sensitive: true, extractable: false };
  const [crypts, wraps] = [mechanism !== 'aes-kwp', mechanism !== 'aes-gcm'];
  await token.change(key, async (session) => {
    if (mechanism !== 'rsa-oaep') {
      const kind = { class: ObjectClass.SECRET_KEY, keyType: KeyType.AES, valueLen: bits / 8 };
      const uses = { encrypt: crypts, decrypt: crypts, wrap: wraps, unwrap: wraps };
      const template = { ...kind, ...common, ...guarded, ...uses };
      await called<unknown>((done) => session.generateKey(KeyGenMechanism.AES, template, done));
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
}

/** Switches every use of a version off; wrapping first, so that what fails halfway leaves no wrap that cannot be opened. */
export async function disable(token: Token, { key }: Requests['disable']['args']): Promise<void> {
  await token.change(key, (_session, versions) => {
    const version = versions.get(key.id);
    if (version === undefined) throw new Failure('KEY', `no key "${key.label}" with CKA_ID ${key.id}`);
    const { row, secret, open } = version;
    const flags: readonly (readonly [GrapheneObject | undefined, 'encrypt' | 'wrap' | 'decrypt' | 'unwrap'])[] = [
      [open, 'encrypt'],
      [open, 'wrap'],
      [secret, 'decrypt'],
      [secret, 'unwrap'],
    ];
    for (const [object, flag] of flags) if (row[flag] && object !== undefined) switchOff(object, flag);
    return Promise.resolve();
  });
}

function switchOff(object: GrapheneObject, flag: string): void {
  try {
    object.setAttribute({ [flag]: false });
  } catch (error) {
    const { kind } = failureOf(error);
    if (kind !== 'CKR_ATTRIBUTE_READ_ONLY' && kind !== 'CKR_ACTION_PROHIBITED') throw error;
    throw new Failure('FLAG', `CKA_${flag.toUpperCase()} cannot be changed: ${kind}`);
  }
}
