import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { x25519PublicKey } from '../../../src/crypto/hpke/index.ts';
import { privateKeyFromPem, publicUriFromPem } from '../../../src/keys/x25519/pem.ts';
import { x25519Recipient } from '../../../src/keys/x25519/index.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function pems(kind: 'x25519' | 'x448' | 'ed25519'): { privatePem: string; publicPem: string; encrypted: string } {
  // @ts-expect-error the overloads are one for each kind
  const { privateKey, publicKey } = generateKeyPairSync(kind);
  return {
    privatePem: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
    publicPem: publicKey.export({ format: 'pem', type: 'spki' }) as string,
    encrypted: privateKey.export({
      format: 'pem',
      type: 'pkcs8',
      cipher: 'aes-256-cbc',
      passphrase: 'secret',
    }) as string,
  };
}

describe('a PEM file', () => {
  it('of an X25519 private key gives its 32 bytes, and of a public one its URI', () => {
    const { privatePem, publicPem } = pems('x25519');
    const privateKey = privateKeyFromPem(bytes(privatePem));
    const uri = x25519Recipient(x25519PublicKey(privateKey)).uri;
    expect(privateKey).toHaveLength(32);
    expect(publicUriFromPem(bytes(publicPem))).toBe(uri);
    expect(publicUriFromPem(bytes(privatePem))).toBeUndefined();
  });

  it('with a private key of RFC 9180 in it gives the public key that the RFC says', () => {
    const file = new URL('../../vectors/hpke/rfc9180.json', import.meta.url);
    const [vector] = JSON.parse(readFileSync(file, 'utf8')) as { skRm: string; pkRm: string }[];
    const der = Buffer.from(`302e020100300506032b656e04220420${vector?.skRm ?? ''}`, 'hex');
    const pem = `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`;
    expect(Buffer.from(x25519PublicKey(privateKeyFromPem(bytes(pem)))).toString('hex')).toBe(vector?.pkRm);
  });

  it('of anything else is refused, and says what it is', () => {
    const { publicPem, encrypted } = pems('x25519');
    const uri = publicUriFromPem(bytes(publicPem)) ?? '';
    const refused: [string, RegExp][] = [
      [publicPem, new RegExp(`this is a public key, ${uri}`)],
      [encrypted, /is encrypted/],
      [pems('x448').privatePem, /kind x448/],
      [pems('ed25519').privatePem, /kind ed25519/],
      [pems('ed25519').publicPem, /kind ed25519/],
      ['', /no PEM file/],
      ['-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', /no PEM file/],
      ['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n', /no PEM file/],
    ];
    for (const [pem, why] of refused) {
      expect(() => privateKeyFromPem(bytes(pem))).toThrow(why);
      expect(() => privateKeyFromPem(bytes(pem))).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
    }
    expect(() => privateKeyFromPem(bytes(publicPem))).toThrow(
      expect.objectContaining({ next: `seal to it with -k ${uri}` }),
    );
  });
});
