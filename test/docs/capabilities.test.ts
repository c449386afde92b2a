import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { awsKms } from '../../providers/aws-kms/index.ts';
import { gcpKms } from '../../providers/gcp-kms/index.ts';
import { type Mechanism, Pkcs11Key } from '../../providers/pkcs11/index.ts';
import type { TokenCalls } from '../../providers/pkcs11/token-calls.ts';
import { wrapsOf } from '../../providers/pkcs11/wraps.ts';
import { vaultTransit } from '../../providers/vault-transit/index.ts';
import { createLocalKeyring } from '../../src/keys/local/index.ts';
import type { KeyProvider } from '../../src/keys/provider.ts';
import { x25519KeyPair, x25519Recipient } from '../../src/keys/x25519/index.ts';
import { temporaryFolder } from '../support/folder.ts';

/** One line for each provider: its name in the table of providers/README.md, and a key of it. */
const PROVIDERS: Record<string, (folder: string) => Promise<KeyProvider>> = {
  'local keyring': async (folder) => {
    const ring = await createLocalKeyring(join(folder, 'ring'), { keyFile: join(folder, 'key') });
    await ring.create('default');
    return ring.key('default');
  },
  'key pair of the keyring': async (folder) => {
    const ring = await createLocalKeyring(join(folder, 'ring'), { keyFile: join(folder, 'key') });
    return ring.createX25519('inbox');
  },
  'public key': () => {
    using pair = x25519KeyPair(new Uint8Array(32).fill(9));
    return Promise.resolve(x25519Recipient(pair.uri));
  },
  'AWS KMS': () =>
    awsKms({ key: `arn:aws:kms:eu-central-1:111122223333:key/${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}` }),
  'Google Cloud KMS': () => gcpKms({ key: 'projects/p/locations/global/keyRings/r/cryptoKeys/k' }),
  'Transit of Vault, OpenBao': async () => {
    // A stand-in of ours for a server: it describes a key, and does nothing else.
    const data = { type: 'aes256-gcm96', derived: true, latest_version: 1, min_decryption_version: 1, keys: {} };
    const server = createServer((_request, response) => response.end(JSON.stringify({ data })));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const key = await vaultTransit({ key: 'models', address, token: 'any' });
    key.close();
    server.closeAllConnections();
    server.close();
    return key;
  },
  'PKCS#11, AES-GCM': () => tokenKey('aes-gcm'),
  'PKCS#11, AES-KWP': () => tokenKey('aes-kwp'),
  'PKCS#11, RSA-OAEP': () => tokenKey('rsa-oaep'),
};

/** A key of a token that is never called: the conformance tests show that what it declares is there. */
function tokenKey(mechanism: Mechanism): Promise<KeyProvider> {
  const calls = { uri: 'pkcs11:token=t;object=o', token: { handle: 1 } } as unknown as TokenCalls;
  const wraps = wrapsOf(mechanism, 'sha256', calls);
  return Promise.resolve(new Pkcs11Key(calls, mechanism, wraps, undefined, wraps.rewrap !== undefined));
}

const CALLS = ['wrap', 'unwrap', 'generateDataKey', 'rewrap', 'describe', 'rotate', 'disableVersion'] as const;

it('the capability table of providers/README.md is what the providers declare', async () => {
  const text = readFileSync(join(import.meta.dirname, '../../providers/README.md'), 'utf8');
  const lines = /<!-- capabilities:begin -->\n([\s\S]*?)\n<!-- capabilities:end -->/.exec(text)?.[1]?.split('\n') ?? [];
  const rows = lines.map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
  expect(rows[0]?.slice(2)).toEqual([...CALLS, 'binds the context', 'symmetric']);
  expect(rows.slice(2).map(([name]) => name)).toEqual(Object.keys(PROVIDERS));
  const yes = (holds: boolean): string => (holds ? 'yes' : 'no');
  for (const [name = '', uri, ...cells] of rows.slice(2)) {
    const key = await PROVIDERS[name]?.(await temporaryFolder());
    expect(key?.uri.split(':')[0]).toBe(uri?.replaceAll('`', '').split(':')[0]);
    expect(cells).toEqual([
      ...CALLS.map((call) => yes(typeof key?.[call] === 'function' && (call !== 'unwrap' || key.canUnwrap !== false))),
      yes(key?.bindsContext === true),
      yes(key?.symmetric === true),
    ]);
  }
});
