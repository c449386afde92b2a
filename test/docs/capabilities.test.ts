import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
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
};

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
