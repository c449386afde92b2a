import { encodeCbor } from '../../../src/bytes/index.ts';
import { load } from '../../../src/envelope/load.ts';
import type { Recipient } from '../../../src/envelope/format/recipients.ts';
import { bytesSource } from '../../../src/envelope/source.ts';
import type { KeyProvider, UnwrappedSecret } from '../../../src/keys/provider.ts';

/** Every choice of `size` out of `list`. */
export function choices<T>(list: readonly T[], size: number): T[][] {
  if (size === 0) return [[]];
  return list.flatMap((one, at) => choices(list.slice(at + 1), size - 1).map((rest) => [one, ...rest]));
}

/** The entries of an object. */
export async function listOf(sealed: Uint8Array): Promise<readonly Recipient[]> {
  const { lists } = await load(bytesSource(sealed), undefined);
  return lists[0]?.slot?.recipients ?? [];
}

/** Each entry, in hexadecimal. */
export async function bytesOfEntries(sealed: Uint8Array): Promise<string[]> {
  return (await listOf(sealed)).map(({ fields }) => Buffer.from(encodeCbor(fields)).toString('hex'));
}

/** A mechanism that ties a wrap to nothing, as AES-KWP and RSA-OAEP do; ours, for tests. */
export function unboundKey(uri: string): KeyProvider {
  const mask = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(bytes, (byte) => byte ^ 0x5a);
  return {
    uri,
    algorithms: [6],
    bindsContext: false,
    symmetric: true,
    wrap: (secret) => Promise.resolve({ uri, version: '1', algorithm: 6, wrap: mask(secret) }),
    unwrap: ({ wrap }): Promise<UnwrappedSecret> => Promise.resolve({ secret: mask(wrap), version: '1' }),
  };
}

/** A key that fails in some way whenever it unwraps. */
export function failing(key: KeyProvider, fail: () => Promise<never>): KeyProvider {
  return Object.assign(Object.create(key) as KeyProvider, { unwrap: fail });
}
