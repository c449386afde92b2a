import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { allocateSecret, randomPublic, zero } from '../../src/crypto/secrets.ts';
import { WaxsealError } from '../../src/errors/index.ts';
import { type CallOptions, WRAP_ALGORITHM } from '../../src/keys/provider.ts';
import { isSecretLength } from '../../src/keys/remote/index.ts';
import { notAuthentic } from './error-table.ts';
import type { KeyRow, Mechanism, OaepHash } from './protocol.ts';
import type { TokenCalls } from './token-calls.ts';
import { takeGcmWrap } from './gcm-limit.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** One way to wrap with a key of a token. */
export interface Wraps {
  readonly algorithm: number;
  readonly bindsContext: boolean;
  readonly symmetric: boolean;
  /** The flag that wrapping takes. */
  readonly wrapFlag: string;
  /** Whether the version may wrap, unwrap so that the secret is seen, or rewrap inside the token, by its flags. */
  mayWrap(row: KeyRow): boolean;
  mayUnwrap(row: KeyRow): boolean;
  mayRewrap(row: KeyRow): boolean;
  wrap(row: KeyRow, secret: Uint8Array, binding: Uint8Array, options: CallOptions): Promise<Uint8Array>;
  unwrap(id: string, wrap: Uint8Array, binding: Uint8Array, options: CallOptions): Promise<Bytes>;
  /** From one version to another, inside the token. */
  readonly rewrap?: (id: string, wrap: Uint8Array, to: KeyRow, options: CallOptions) => Promise<Uint8Array>;
}

/** The way of a mechanism. */
export function wrapsOf(mechanism: Mechanism, hash: OaepHash, calls: TokenCalls): Wraps {
  if (mechanism === 'aes-gcm') return gcmWraps(calls);
  return mechanism === 'aes-kwp' ? kwpWraps(calls) : oaepWraps(calls, hash);
}

const IV = 12;
const TAG = 16;

/** iv(12) ‖ ciphertext ‖ tag(16), AAD = binding. */
function gcmWraps(calls: TokenCalls): Wraps {
  const { handle: token, serial } = calls.token;
  return {
    algorithm: WRAP_ALGORITHM.pkcs11AesGcm,
    bindsContext: true,
    symmetric: true,
    wrapFlag: 'CKA_ENCRYPT',
    mayWrap: ({ encrypt }) => encrypt,
    mayUnwrap: ({ decrypt }) => decrypt,
    mayRewrap: () => false,
    async wrap({ id }, bytes, aad, { signal }) {
      if (!takeGcmWrap(JSON.stringify([serial, calls.key.label, id]))) throw usedUp(calls.uri);
      const iv = randomPublic(IV);
      const args = { token, key: calls.version(id), encrypt: true, iv, aad, data: new Uint8Array(0) };
      const sealed = await calls.send('gcm', args, { signal, needs: 'CKA_ENCRYPT' }, { as: 'data', bytes });
      if (sealed.length !== bytes.length + TAG) throw malformed(calls.uri, 'the ciphertext has another length');
      const wrap = new Uint8Array(IV + sealed.length);
      wrap.set(iv);
      wrap.set(sealed, IV);
      return wrap;
    },
    async unwrap(id, wrap, aad, options) {
      if (!isSecretLength(wrap.length - IV - TAG)) throw notAuthentic(calls.uri);
      const args = {
        token,
        key: calls.version(id),
        encrypt: false,
        iv: wrap.slice(0, IV),
        aad,
        data: new Uint8Array(0),
      };
      const secret = await calls.opening(id, 'CKA_DECRYPT', 'gcm', args, options, {
        as: 'data',
        bytes: wrap.subarray(IV),
      });
      if (secret.length === wrap.length - IV - TAG) return secret;
      zero(secret);
      throw malformed(calls.uri, 'the plaintext has another length');
    },
  };
}

const BLOCK = 8;

/** A wrap of a secret of 16 to 64 bytes has 32 to 80. */
function assertKwp(wrap: Uint8Array, uri: string): void {
  const { length } = wrap;
  if (length % BLOCK !== 0 || length < 4 * BLOCK || length > 10 * BLOCK) throw notAuthentic(uri);
}

/**
 * AES-KWP of u8(n) ‖ secret ‖ zeros to a multiple of 8 bytes, n the length of the secret. The length stands inside because
 * some tokens forget that of RFC 5649 and give padding back with the secret.
 */
function kwpWraps(calls: TokenCalls): Wraps {
  const { handle: token } = calls.token;
  const wrapLength = (content: number): number => content + BLOCK;
  const checked = (wrap: Uint8Array, length: number): Uint8Array => {
    if (wrap.length === length) return wrap;
    throw new WaxsealError(
      'ERR_PROVIDER_UNSUPPORTED',
      `${calls.uri}: what the token calls AES key wrap with padding is not RFC 5649 (${String(wrap.length)} bytes for ${String(length)})`,
      { object: calls.uri, next: 'use aes-gcm, or a token with CKM_AES_KEY_WRAP_KWP' },
    );
  };
  return {
    algorithm: WRAP_ALGORITHM.pkcs11AesKwp,
    bindsContext: false,
    symmetric: true,
    wrapFlag: 'CKA_WRAP',
    mayWrap: ({ wrap }) => wrap,
    mayUnwrap: ({ unwrap }) => unwrap,
    mayRewrap: ({ unwrap, wrap }) => unwrap && wrap,
    async wrap({ id }, secret, _binding, { signal }) {
      const bytes = allocateSecret(Math.ceil((1 + secret.length) / BLOCK) * BLOCK);
      bytes[0] = secret.length;
      bytes.set(secret, 1);
      try {
        const args = { token, key: calls.version(id) };
        const wrap = await calls.send('kwp', args, { signal, needs: 'CKA_WRAP' }, { as: 'secret', bytes });
        return checked(wrap, wrapLength(bytes.length));
      } finally {
        zero(bytes);
      }
    },
    async unwrap(id, wrap, _binding, options) {
      assertKwp(wrap, calls.uri);
      const args = { token, key: calls.version(id), wrap };
      const content = await calls.opening(id, 'CKA_UNWRAP', 'kwp', args, options);
      try {
        return secretIn(content, calls.uri);
      } finally {
        zero(content);
      }
    },
    async rewrap(id, wrap, to, options) {
      assertKwp(wrap, calls.uri);
      const args = { token, key: calls.version(id), wrap, to: calls.version(to.id) };
      const rewrapped = await calls.opening(id, 'CKA_UNWRAP', 'kwp', args, options);
      return checked(rewrapped, wrap.length);
    },
  };
}

function secretIn(content: Uint8Array, uri: string): Bytes {
  const length = content[0] ?? 0;
  const padded = Math.ceil((1 + length) / BLOCK) * BLOCK;
  const padding = content.subarray(1 + length);
  if (!isSecretLength(length) || content.length !== padded || padding.some((byte) => byte !== 0))
    throw notAuthentic(uri);
  const secret = allocateSecret(length);
  secret.set(content.subarray(1, 1 + length));
  return secret;
}

const MIN_RSA_BITS = 2048;

/** RSAES-OAEP (RFC 8017) with an empty label; wrapped here with the public half, unwrapped in the token. */
function oaepWraps(calls: TokenCalls, hash: OaepHash): Wraps {
  const { handle: token } = calls.token;
  return {
    algorithm: hash === 'sha1' ? WRAP_ALGORITHM.rsaOaepSha1 : WRAP_ALGORITHM.rsaOaepSha256,
    bindsContext: false,
    symmetric: false,
    wrapFlag: 'CKA_ENCRYPT or CKA_WRAP on its public key, of at least 2048 bits',
    mayWrap: ({ encrypt, wrap, bits = 0 }) => (encrypt || wrap) && bits >= MIN_RSA_BITS,
    mayUnwrap: ({ decrypt }) => decrypt,
    mayRewrap: ({ unwrap, wrap }) => unwrap && wrap,
    async wrap({ id }, secret, _binding, { signal }) {
      const { modulus, exponent } = await calls.send('publicKey', { token, key: calls.version(id) }, { signal });
      const jwk = {
        kty: 'RSA',
        n: Buffer.from(modulus).toString('base64url'),
        e: Buffer.from(exponent).toString('base64url'),
      };
      const key = createPublicKey({ key: jwk, format: 'jwk' });
      const padding = constants.RSA_PKCS1_OAEP_PADDING;
      return new Uint8Array(publicEncrypt({ key, oaepHash: hash, padding }, secret));
    },
    async unwrap(id, wrap, _binding, options) {
      const args = { token, key: calls.version(id), hash, wrap };
      const secret = await calls.opening(id, 'CKA_DECRYPT', 'oaep', args, options);
      if (isSecretLength(secret.length)) return secret;
      zero(secret);
      throw notAuthentic(calls.uri);
    },
    async rewrap(id, wrap, to, options) {
      const args = { token, key: calls.version(id), hash, wrap, to: calls.version(to.id) };
      const rewrapped = await calls.opening(id, 'CKA_UNWRAP', 'oaep', args, options);
      if (rewrapped.length * 8 === to.bits) return rewrapped;
      throw malformed(calls.uri, 'the wrap has another length than the key');
    },
  };
}

function usedUp(uri: string): WaxsealError {
  return new WaxsealError(
    'ERR_KEY_DISABLED',
    `${uri}: this process has made 2³¹ wraps under this version, the limit for AES-GCM`,
    {
      object: uri,
      next: 'rotate the key',
    },
  );
}

function malformed(uri: string, why: string): WaxsealError {
  return new WaxsealError(
    'ERR_PROVIDER_RESPONSE',
    `${uri} broke its contract: the answer of the token is wrong: ${why}`,
    {
      object: uri,
    },
  );
}
