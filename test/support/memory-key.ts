import nacl from 'tweetnacl';
import { randomFillSync } from 'node:crypto';
import { sha256 } from '../../src/crypto/hash.ts';
import { WaxsealError } from '../../src/errors/index.ts';
import type { KeyProvider } from '../../src/keys/provider.ts';

/** A key of ours for tests: real wraps in memory, with versions that the test moves on. No SDK, no disk. */
export interface MemoryKey extends KeyProvider {
  /** Makes the next version current. */
  bump(): void;
  readonly calls: { wrap: number; unwrap: number };
}

export function memoryKey(uri = 'local:memory'): MemoryKey {
  const root = randomFillSync(new Uint8Array(32));
  const encoder = new TextEncoder();
  const keyFor = (version: string, binding: Uint8Array): Uint8Array =>
    sha256(root, encoder.encode(`${version}\0`), binding);
  let current = 1;
  const calls = { wrap: 0, unwrap: 0 };
  return {
    uri,
    algorithms: [1],
    bindsContext: true,
    symmetric: true,
    calls,
    bump() {
      current += 1;
    },
    wrap(secret, binding) {
      calls.wrap += 1;
      const nonce = randomFillSync(new Uint8Array(24));
      const box = nacl.secretbox(secret, nonce, keyFor(String(current), binding));
      return Promise.resolve({
        uri,
        version: String(current),
        algorithm: 1,
        wrap: new Uint8Array(Buffer.concat([nonce, box])),
      });
    },
    unwrap({ version, wrap }, binding) {
      calls.unwrap += 1;
      const opened = nacl.secretbox.open(wrap.subarray(24), wrap.subarray(0, 24), keyFor(version, binding));
      if (opened === null) {
        return Promise.reject(
          new WaxsealError('ERR_AUTHENTICATION', 'the wrap does not authenticate', { object: uri }),
        );
      }
      const secret = new Uint8Array(new ArrayBuffer(opened.length));
      secret.set(opened);
      return Promise.resolve({ secret, version });
    },
    describe: () =>
      Promise.resolve({ uri, currentVersion: String(current), versions: [], protectionLevel: 'software' as const }),
  };
}
