import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes, randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createLocalKeyring, isWaxsealError, open, seal, type WholeSealOptions } from '../../src/index.ts';
import { fixedKey, type FixedKey, versionOf } from '../vectors/waxseal/make/fixed-key.ts';
import { scaled } from '../tier.ts';
import { loadVectors, sha256Hex } from './vectors.ts';

const SCRIPT = fileURLToPath(new URL('../second-reader/read_waxseal.py', import.meta.url));
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
      const wrong = scaled(1, 5, 5);
      for (let i = 0; i < scaled(40, 400, 2000); i += 1) {
        const { object, keys } = await randomObject();
        for (let n = 0; n <= wrong; n += 1) {
          const changed = n === 0 ? object : damage(object);
          const name = `${String(i)}-${String(n)}`;
          const versions = (key: FixedKey) =>
            key.versions.map((v) => ({ version: versionOf(v), keyId: hex(v.keyId), kek: hex(v.kek) }));
          writeFileSync(join(folder, `${name}.wax`), changed);
          writeFileSync(
            join(folder, `${name}.json`),
            JSON.stringify({
              file: `${name}.wax`,
              keys: keys.map((key) => ({ uri: key.uri, versions: versions(key) })),
            }),
          );
          records.push(join(folder, `${name}.json`));
          ours.push(await answerOf(changed, keys));
        }
      }
      const theirs = python(...records).map((answer) =>
        answer.ok ? { ok: true, sha256: answer.sha256, context: answer.context, metadata: answer.metadata } : answer,
      );
      expect(theirs).toEqual(ours);
      expect(ours.filter((answer) => (answer as Answer).ok).length).toBeGreaterThan(scaled(40, 400, 2000) - 1);
    });
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
const bytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const pick = <T>(...items: readonly T[]): T => items[randomInt(items.length)] as T;
const LETTERS = ['a', 'Z', '\u0000', 'é', 'e\u0301', '\ufeff', '漢', '😀', '\uffff'];
const text = (most: number): string => Array.from({ length: randomInt(most + 1) }, () => pick(...LETTERS)).join('');

async function randomObject(): Promise<{ object: Uint8Array; keys: FixedKey[] }> {
  const keys = Array.from({ length: randomInt(1, 5) }, (_, i) =>
    fixedKey(`local:key-${String(i)}`, [{ n: randomInt(1, 1000), keyId: bytes(16), kek: bytes(32) }]),
  );
  const segmentLength = pick(4096, 4097, 5000, 8192, 65536);
  const full = segmentLength - 32;
  const size = pick(0, 1, full - 1, full, full + 1, 2 * full, randomInt(0, 4 * full));
  const name = text(40);
  const options: WholeSealOptions = {
    segmentLength,
    context: Object.fromEntries(Array.from({ length: randomInt(5) }, () => [text(20), text(60)])),
    metadata: pick(undefined, {}, { name }, { name, mediaType: text(30) }),
    slotSize: pick(undefined, 4096, 8192, 65536),
  };
  const plaintext = bytes(size);
  if (pick(true, false)) return { object: await seal(plaintext, keys, options), keys: [pick(...keys)] };
  const stream = await seal([plaintext], keys, options);
  return {
    object: new Uint8Array(await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer()),
    keys: keys.reverse(),
  };
}

/** One thing that happens to files: flipped bits, a cut end, something appended, a lost or doubled page. */
function damage(object: Uint8Array): Uint8Array {
  const copy = object.slice();
  const page = 4096 * randomInt(Math.ceil(copy.length / 4096));
  switch (randomInt(6)) {
    case 0:
      return copy.slice(0, randomInt(copy.length));
    case 1:
      return new Uint8Array(Buffer.concat([copy, bytes(randomInt(1, 40))]));
    case 2:
      return copy.fill(0, page, page + 4096);
    case 3:
      return new Uint8Array(Buffer.concat([copy.subarray(0, page), copy.subarray(page + 4096)]));
    case 4:
      return new Uint8Array(
        Buffer.concat([copy.subarray(0, page), copy.subarray(page, page + 4096), copy.subarray(page)]),
      );
    default: {
      const at = randomInt(copy.length);
      copy[at] = (copy[at] ?? 0) ^ (1 << randomInt(8));
      return copy;
    }
  }
}

async function answerOf(object: Uint8Array, keys: FixedKey[]): Promise<unknown> {
  try {
    let facts: { context: unknown; metadata: unknown } | undefined;
    const plaintext = await open(object, keys, {
      onInfo: ({ context, metadata }) => {
        facts = {
          context,
          metadata: metadata === undefined ? null : (JSON.parse(JSON.stringify(metadata)) as unknown),
        };
      },
    });
    return { ok: true, sha256: sha256Hex(plaintext), ...facts };
  } catch (error) {
    if (!isWaxsealError(error)) throw error;
    return { ok: false, code: error.code };
  }
}
