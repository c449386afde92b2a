/** What releases wrote opens for ever: objects, keyrings and backups of `test/vectors/compat`. */
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  inspect,
  isWaxsealError,
  type KeyProvider,
  type LocalKeyring,
  open,
  openLocalKeyring,
  openObject,
  restoreLocalKeyring,
  verify,
} from '../../src/index.ts';
import { CommandLine } from '../support/cli.ts';
import { sha256Hex } from './vectors.ts';

interface Fixture {
  readonly name: string;
  readonly about: string;
  readonly home: 'key-file' | 'passphrase';
  /** Of the plaintext. */
  readonly sha256?: string;
  readonly size?: number;
  readonly context?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, string>> | null;
  /** Of an object that no longer opens. */
  readonly code?: string;
}

const COMPAT = join(import.meta.dirname, '../vectors/compat');
/** For the new passphrase of a restored keyring. */
const QUICK = { scrypt: { N: 2 ** 14, p: 1 } };
const releases = readdirSync(COMPAT).filter((name) => /^\d+\.\d+\.\d+$/.test(name));

/** A copy that is private, which git does not keep. */
function copyPrivately(from: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'waxseal-compat-'));
  cpSync(from, copy, { recursive: true });
  chmodSync(copy, 0o700);
  for (const entry of readdirSync(copy, { recursive: true, withFileTypes: true })) {
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o700 : 0o600);
  }
  return copy;
}

async function keysOf(keyring: LocalKeyring): Promise<KeyProvider[]> {
  return [...(await keyring.keys()), ...(await keyring.x25519Keys())];
}

describe.each(releases)('what Waxseal %s wrote', (release) => {
  const { objects } = JSON.parse(readFileSync(join(COMPAT, release, 'fixtures.json'), 'utf8')) as {
    readonly objects: readonly Fixture[];
  };
  const folder = copyPrivately(join(COMPAT, release));
  const at = (...names: string[]): string => join(folder, ...names);
  const line = (text: string): string => readFileSync(text, 'utf8').replace(/\n$/, '');
  const homes: Record<string, { readonly keyring: LocalKeyring; readonly keys: readonly KeyProvider[] }> = {};

  beforeAll(async () => {
    const unlocks = {
      'key-file': { keyFile: at('key-file', 'keyring.key') },
      passphrase: { passphrase: line(at('passphrase', 'passphrase')) },
    };
    for (const [home, unlock] of Object.entries(unlocks)) {
      const keyring = await openLocalKeyring(at(home, 'keyring'), unlock);
      homes[home] = { keyring, keys: await keysOf(keyring) };
    }
  });
  afterAll(() => {
    for (const { keyring } of Object.values(homes)) keyring.close();
    rmSync(folder, { recursive: true });
  });

  /** Home, path and pieces of an object. */
  function partsOf({ name, home }: Fixture): {
    keys: readonly KeyProvider[];
    path: string;
    header: Uint8Array;
    payload: Uint8Array | undefined;
  } {
    const path = at('objects', `${name}.wax`);
    const beside = at('objects', `${name}.floe`);
    const payload = existsSync(beside) ? new Uint8Array(readFileSync(beside)) : undefined;
    return { keys: homes[home]?.keys ?? [], path, header: new Uint8Array(readFileSync(path)), payload };
  }

  const opening = objects.filter(({ code }) => code === undefined);
  it.each(opening)('$name opens: $about', async (fixture) => {
    const { keys, path, header, payload } = partsOf(fixture);
    const plaintext = await (payload === undefined ? open(header, keys) : open({ header, payload }, keys));
    expect([plaintext.length, sha256Hex(plaintext)]).toEqual([fixture.size, fixture.sha256]);
    await using object = await openObject(path, keys);
    const { context, metadata } = object.info;
    expect({ context, metadata: metadata === undefined ? null : { ...metadata } }).toEqual({
      context: fixture.context,
      metadata: fixture.metadata,
    });
    expect((await inspect(path)).context).toEqual(fixture.context);
    const { ok, findings } = await verify(path, keys);
    expect(ok, JSON.stringify(findings)).toBe(true);
  });

  const refused = objects.filter(({ code }) => code !== undefined);
  it.each(refused)('$name is refused with $code', async (fixture) => {
    const { keys, path } = partsOf(fixture);
    const error: unknown = await openObject(path, keys).catch((thrown: unknown) => thrown);
    expect(isWaxsealError(error) && error.code).toBe(fixture.code);
  });

  it.each(['key-file', 'passphrase'] as const)('the command line opens what is for the home %s', (home) => {
    const cli = new CommandLine(at('objects'), { WAXSEAL_HOME: at(home) });
    const unlock = home === 'passphrase' ? ['--passphrase-file', at('passphrase', 'passphrase')] : [];
    const mine = opening.filter((one) => one.home === home);
    cli.ok(...unlock, 'open', ...mine.map(({ name }) => `${name}.wax`));
    for (const { name, sha256 } of mine) expect(sha256Hex(readFileSync(at('objects', name))), name).toBe(sha256);
  });

  it('the command line says that the others cannot be opened', () => {
    const cli = new CommandLine(at('objects'), { WAXSEAL_HOME: at('key-file') });
    const { status, stderr } = cli.run(['open', ...refused.map(({ name }) => `${name}.wax`)]);
    expect(status).not.toBe(0);
    expect(stderr.match(/ERR_[A-Z_]+/g)).toEqual(refused.map(({ code }) => code));
  });

  it.each(['key-file', 'passphrase'])(
    'the backup of the home %s is restored, and opens all of its objects',
    async (home) => {
      const backup = line(at('passphrase', 'backup-passphrase'));
      const restored = at(`restored-${home}`);
      await restoreLocalKeyring(at(home, 'keyring.backup'), restored, backup, { passphrase: 'x' }, QUICK);
      const keyring = await openLocalKeyring(restored, { passphrase: 'x' });
      try {
        const keys = await keysOf(keyring);
        for (const fixture of opening.filter((one) => one.home === home)) {
          const { header, payload } = partsOf(fixture);
          const plaintext = await (payload === undefined ? open(header, keys) : open({ header, payload }, keys));
          expect(sha256Hex(plaintext), fixture.name).toBe(fixture.sha256);
        }
      } finally {
        keyring.close();
      }
    },
  );
});
