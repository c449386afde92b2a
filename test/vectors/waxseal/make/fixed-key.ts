import nacl from 'tweetnacl';
import { randomFillSync } from 'node:crypto';
import { toBase64Url } from '../../../../src/bytes/index.ts';
import { expandLabel } from '../../../../src/crypto/hkdf.ts';
import { WaxsealError } from '../../../../src/errors/index.ts';
import type { KeyProvider } from '../../../../src/keys/provider.ts';
import { x25519KeyPair } from '../../../../src/keys/x25519/index.ts';

/** One version of a local key, as a vector records it. */
export interface FixedVersion {
  readonly n: number;
  /** 16 bytes. */
  readonly keyId: Uint8Array;
  /** 32 bytes. */
  readonly kek: Uint8Array;
}

/** A key of the reader, as a vector records it: the versions of a local key, or the private key of an `x25519:` URI. */
export type RecordedKey =
  | { readonly uri: string; readonly versions: readonly FixedVersion[] }
  | { readonly uri: string; readonly privateKey: Uint8Array };

export function providerOf(key: RecordedKey): KeyProvider {
  if ('versions' in key) return fixedKey(key.uri, key.versions);
  const pair = x25519KeyPair(key.privateKey);
  if (pair.uri !== key.uri) throw new Error(`the private key is not that of ${key.uri}`);
  return pair;
}

/** A local key (SPEC "Wrap algorithm 1") whose master keys are written down; the last version is the current one. */
export interface FixedKey extends KeyProvider {
  readonly versions: readonly FixedVersion[];
  /** Data keys that were wrapped, for the records of the vectors. */
  readonly wrapped: Uint8Array[];
}

export function versionOf({ n, keyId }: FixedVersion): string {
  return `${String(n)}.${toBase64Url(keyId)}`;
}

/** nonce(24) ‖ secretbox(secret, nonce, X(KEK, "waxseal/1 local", keyId ‖ binding, 32)) */
export function wrapLocal(version: FixedVersion, secret: Uint8Array, binding: Uint8Array): Uint8Array {
  const nonce = randomFillSync(new Uint8Array(24));
  const box = nacl.secretbox(secret, nonce, boxKey(version, binding));
  return new Uint8Array(Buffer.concat([nonce, box]));
}

function boxKey({ kek, keyId }: FixedVersion, binding: Uint8Array): Uint8Array {
  return expandLabel(kek, 'waxseal/1 local', [keyId, binding], 32);
}

export function fixedKey(uri: string, versions: readonly FixedVersion[]): FixedKey {
  const wrapped: Uint8Array[] = [];
  const current = versions.at(-1);
  if (current === undefined) throw new TypeError('a key needs a version');
  return {
    uri,
    algorithms: [1],
    bindsContext: true,
    symmetric: true,
    versions,
    wrapped,
    wrap(secret, binding) {
      wrapped.push(secret.slice());
      return Promise.resolve({ uri, version: versionOf(current), algorithm: 1, wrap: wrapLocal(current, secret, binding) });
    },
    unwrap({ version, wrap }, binding) {
      const found = versions.find((candidate) => versionOf(candidate) === version);
      if (found === undefined) {
        return Promise.reject(new WaxsealError('ERR_KEY_NOT_FOUND', `${uri} has no version ${version}`, { object: uri }));
      }
      const opened = wrap.length < 40 ? null : nacl.secretbox.open(wrap.subarray(24), wrap.subarray(0, 24), boxKey(found, binding));
      if (opened === null) {
        return Promise.reject(new WaxsealError('ERR_AUTHENTICATION', 'the wrap does not authenticate', { object: uri }));
      }
      const secret = new Uint8Array(new ArrayBuffer(opened.length));
      secret.set(opened);
      return Promise.resolve({ secret, version });
    },
    describe: () =>
      Promise.resolve({ uri, currentVersion: versionOf(current), versions: [], protectionLevel: 'software' as const }),
  };
}
