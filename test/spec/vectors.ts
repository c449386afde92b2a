import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createHash } from 'node:crypto';
import { type FixedKey, fixedKey } from '../vectors/waxseal/make/fixed-key.ts';

/** A vector as SPEC section 23 describes its record, with its object. */
export interface Vector {
  readonly name: string;
  readonly about: string;
  /** Path of the record. */
  readonly path: string;
  readonly object: Uint8Array;
  readonly sha256: string;
  readonly keys: readonly {
    readonly uri: string;
    readonly versions: readonly { readonly version: string; readonly keyId: string; readonly kek: string }[];
  }[];
  readonly id: string | null;
  readonly bind: string;
  readonly dataKey: string;
  readonly ok: boolean;
  readonly plaintext?: { readonly size: number; readonly sha256: string };
  readonly context?: Readonly<Record<string, string>>;
  readonly metadata?: { readonly name?: string; readonly mediaType?: string } | null;
  readonly codes?: readonly string[];
}

export const VECTORS = fileURLToPath(new URL('../vectors/waxseal/', import.meta.url));

export const hexBytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
export const sha256Hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export function loadVectors(kind: 'positive' | 'negative'): Vector[] {
  const folder = `${VECTORS}${kind}/`;
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => {
      const path = folder + name;
      const record = JSON.parse(readFileSync(path, 'utf8')) as Omit<Vector, 'path' | 'object'> & {
        readonly file: string;
      };
      return { ...record, path, object: new Uint8Array(readFileSync(folder + record.file)) };
    });
}

export function keysOf(vector: Vector): FixedKey[] {
  return vector.keys.map(({ uri, versions }) =>
    fixedKey(
      uri,
      versions.map(({ version, keyId, kek }) => ({
        n: Number(version.split('.')[0]),
        keyId: hexBytes(keyId),
        kek: hexBytes(kek),
      })),
    ),
  );
}
