import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createLocalKeyring, isWaxsealError, type KeyProvider, type ObjectInfo, open, seal } from '../../src/index.ts';
import { providerOf, type RecordedKey, versionOf } from '../vectors/waxseal/make/fixed-key.ts';
import { scaled } from '../tier.ts';
import { damage, type Files, randomObject } from './random-objects.ts';
import { loadVectors, sha256Hex } from './vectors.ts';

const SCRIPT = fileURLToPath(new URL('../second-reader/read_waxseal.py', import.meta.url));
const COMPAT = fileURLToPath(new URL('../vectors/compat/', import.meta.url));
const PYTHON = fileURLToPath(new URL('../.cache/venv/bin/python', import.meta.url));

function whyNot(): string | undefined {
  if (!existsSync(PYTHON)) return 'there is no test/.cache/venv';
  try {
    execFileSync(PYTHON, ['-c', 'import cryptography, nacl'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'test/.cache/venv lacks the packages of test/second-reader/requirements.txt';
  }
}

const reason = whyNot();
const title =
  reason === undefined
    ? 'the reader in Python, written from SPEC.md alone'
    : `the reader in Python: skipped, ${reason} (python3 -m venv test/.cache/venv && test/.cache/venv/bin/pip install -r test/second-reader/requirements.txt)`;

type Answer =
  | {
      readonly ok: true;
      readonly sha256: string;
      readonly size: number;
      readonly id: string;
      readonly bind: string;
      readonly dataKey: string;
      readonly context: unknown;
      readonly metadata: unknown;
    }
  | { readonly ok: false; readonly code: string };

function python(...args: string[]): Answer[] {
  const output = execFileSync(PYTHON, [SCRIPT, ...args], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-second-reader-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.skipIf(reason !== undefined)(title, () => {
  it('opens every positive vector to the recorded plaintext, key and facts', { timeout: 60_000 }, () => {
    const vectors = loadVectors('positive');
    const answers = python(...vectors.map(({ path }) => path));
    vectors.forEach(({ name, plaintext, id, bind, dataKey, context, metadata }, i) => {
      const expected = {
        ok: true,
        sha256: plaintext?.sha256,
        size: plaintext?.size,
        id,
        bind,
        dataKey,
        context,
        metadata,
      };
      expect(answers[i], name).toEqual(expected);
    });
  });

  it('refuses every negative vector with the recorded error', { timeout: 60_000 }, () => {
    const vectors = loadVectors('negative');
    const answers = python(...vectors.map(({ path }) => path));
    vectors.forEach(({ name, codes }, i) => {
      const answer = answers[i];
      expect(answer?.ok, name).toBe(false);
      if (answer?.ok === false) expect(codes, name).toContain(answer.code);
    });
  });

  it('agrees on random objects and on random damage to them', { timeout: 600_000 }, async () => {
    await inFolder(async (folder) => {
      const records: string[] = [];
      const ours: unknown[] = [];
      const wrong = scaled(2, 8, 8);
      let other: Files = await randomObject();
      for (let i = 0; i < scaled(60, 500, 2500); i += 1) {
        const { keys, ...files } = await randomObject();
        for (let n = 0; n <= wrong; n += 1) {
          const changed = n === 0 ? files : damage(files, other);
          records.push(writeObject(folder, `${String(i)}-${String(n)}`, changed, keys));
          ours.push(await answerOf(changed, keys.map(providerOf)));
        }
        other = files;
      }
      const theirs = python(...records).map((answer) =>
        answer.ok ? { ok: true, sha256: answer.sha256, context: answer.context, metadata: answer.metadata } : answer,
      );
      expect(theirs).toEqual(ours);
      expect(ours.filter((answer) => (answer as Answer).ok).length).toBeGreaterThan(scaled(60, 500, 2500) - 1);
    });
  });

  it.each(['key-file', 'passphrase'] as const)('opens what releases sealed, with their keyrings: home %s', (home) => {
    for (const release of readdirSync(COMPAT).filter((name) => /^\d/.test(name))) {
      const at = (...names: string[]): string => join(COMPAT, release, ...names);
      const { objects } = JSON.parse(readFileSync(at('fixtures.json'), 'utf8')) as {
        readonly objects: readonly { name: string; home: string; sha256?: string; code?: string }[];
      };
      const mine = objects.filter((object) => object.home === home);
      const unlock =
        home === 'key-file'
          ? ['--key-file', at(home, 'keyring'), at(home, 'keyring.key')]
          : ['--keyring', at(home, 'keyring'), readFileSync(at(home, 'passphrase'), 'utf8').trimEnd()];
      const answers = python(...unlock, ...mine.map(({ name }) => at('objects', `${name}.wax`)));
      expect(answers.map((answer) => (answer.ok ? answer.sha256 : answer.code))).toEqual(
        mine.map(({ sha256, code }) => sha256 ?? code),
      );
    }
  });

  it('recovers an object with a local keyring and its passphrase', { timeout: 60_000 }, async () => {
    await inFolder(async (folder) => {
      const ring = join(folder, 'ring');
      const keyring = await createLocalKeyring(
        ring,
        { passphrase: 'correct horse ö' },
        { scrypt: { N: 2 ** 14, p: 1 } },
      );
      await keyring.create('default');
      const first = await seal(Uint8Array.of(1, 2, 3), keyring.key('default'));
      await keyring.key('default').rotate?.();
      const second = await seal(Uint8Array.of(4, 5, 6), keyring.key('default'));
      const paths = [first, second].map((bytes, i) => {
        const path = join(folder, `${String(i)}.wax`);
        writeFileSync(path, bytes);
        return path;
      });
      // The other form of the same passphrase: the keyring takes both.
      const answers = python('--keyring', ring, 'correct horse o\u0308', ...paths);
      expect(answers).toMatchObject([
        { ok: true, sha256: sha256Hex(Uint8Array.of(1, 2, 3)) },
        { ok: true, sha256: sha256Hex(Uint8Array.of(4, 5, 6)) },
      ]);
      expect(python('--keyring', ring, 'wrong', ...paths.slice(1))).toEqual([
        { ok: false, code: 'ERR_WRONG_PASSPHRASE' },
      ]);
    });
  });
});

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Writes an object with a record that the reader takes; gives the record's path. */
function writeObject(folder: string, name: string, { object, payload }: Files, keys: readonly RecordedKey[]): string {
  writeFileSync(join(folder, `${name}.wax`), object);
  if (payload !== undefined) writeFileSync(join(folder, `${name}.floe`), payload);
  const record = {
    file: `${name}.wax`,
    ...(payload === undefined ? {} : { payload: { file: `${name}.floe` } }),
    keys: keys.map((key) => ({
      uri: key.uri,
      versions:
        'privateKey' in key
          ? [{ version: '1', privateKey: hex(key.privateKey) }]
          : key.versions.map((v) => ({ version: versionOf(v), keyId: hex(v.keyId), kek: hex(v.kek) })),
    })),
  };
  const path = join(folder, `${name}.json`);
  writeFileSync(path, JSON.stringify(record));
  return path;
}

async function answerOf({ object, payload }: Files, keys: KeyProvider[]): Promise<unknown> {
  try {
    let facts: { context: unknown; metadata: unknown } | undefined;
    const source = payload === undefined ? object : { header: object, payload };
    const onInfo = ({ context, metadata }: ObjectInfo): void => {
      facts = {
        context,
        metadata: metadata === undefined ? null : (JSON.parse(JSON.stringify(metadata)) as unknown),
      };
    };
    const plaintext = await (source instanceof Uint8Array
      ? open(source, keys, { onInfo })
      : open(source, keys, { onInfo }));
    return { ok: true, sha256: sha256Hex(plaintext), ...facts };
  } catch (error) {
    if (!isWaxsealError(error)) throw error;
    return { ok: false, code: error.code };
  }
}
