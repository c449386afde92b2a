/**
 * Writes the vectors of SPEC.md: `node test/vectors/waxseal/generate.ts [FOLDER]`. Everything is derived from the names
 * of the vectors, so that a second run gives the same bytes. A vector that is not read as it says stops the run.
 */
import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installDeterminism, seed } from './make/random.ts';

installDeterminism();
const { open } = await import('../../../src/envelope/index.ts');
const { isWaxsealError } = await import('../../../src/errors/index.ts');
const { bindOf, decodeCore } = await import('../../../src/envelope/format/core.ts');
const { providerOf, versionOf } = await import('./make/fixed-key.ts');
const { key1, pattern, URI } = await import('./make/craft.ts');
const { positive } = await import('./make/positive.ts');
const { negative } = await import('./make/negative.ts');
const { blockPositive } = await import('./make/block-positive.ts');
const { blockNegative } = await import('./make/block-negative.ts');
const { hpkePositive, hpkeNegative } = await import('./make/hpke.ts');
const { quorumNegative, quorumPositive } = await import('./make/quorum.ts');
const { workedExample } = await import('./make/worked-example.ts');
type Vector = (typeof positive)[number];
type Made = Awaited<ReturnType<Vector['make']>>;
type Key = NonNullable<Vector['keys']>[number];

const folder = process.argv[2] ?? fileURLToPath(new URL('.', import.meta.url));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const names = new Set<string>();

async function write(kind: 'positive' | 'negative', vector: Vector): Promise<void> {
  const { name, about, code, length, context, metadata, keys = [{ uri: URI, versions: [key1] }] } = vector;
  if (names.has(name)) throw new Error(`two vectors are named ${name}`);
  names.add(name);
  seed(name);
  const made = await vector.make();
  const codes = code === undefined ? [] : [code].flat();
  await check(vector, made, codes, keys);
  const facts = idAndBind(made.core);
  const record = {
    name,
    about,
    file: `${name}.wax`,
    sha256: sha256(made.object),
    ...(made.payload === undefined ? {} : { payload: { file: `${name}.floe`, sha256: sha256(made.payload) } }),
    keys: keys.map(recordOf),
    ...facts,
    dataKey: hex(made.dataKey),
    ...(code === undefined
      ? { ok: true, plaintext: { size: length, sha256: sha256(pattern(length ?? 0)) }, context: context ?? {}, metadata: metadata ?? null }
      : { ok: false, codes }),
  };
  await writeFile(join(folder, kind, `${name}.wax`), made.object);
  if (made.payload !== undefined) await writeFile(join(folder, kind, `${name}.floe`), made.payload);
  await writeFile(join(folder, kind, `${name}.json`), `${JSON.stringify(record, undefined, 2)}\n`);
  if (name === 'one-byte') await writeFile(join(folder, 'worked-example.txt'), workedExample(made));
}

function recordOf(key: Key): unknown {
  if ('privateKey' in key) return { uri: key.uri, versions: [{ version: '1', privateKey: hex(key.privateKey) }] };
  const versions = key.versions.map((v) => ({ version: versionOf(v), keyId: hex(v.keyId), kek: hex(v.kek) }));
  return { uri: key.uri, versions };
}

function idAndBind(core: Uint8Array): { id: string | null; bind: string } {
  try {
    return { id: hex(decodeCore(core, 'the vector').id), bind: hex(bindOf(core)) };
  } catch {
    return { id: null, bind: hex(bindOf(core)) };
  }
}

async function check(vector: Vector, { object, payload }: Made, codes: readonly string[], keys: readonly Key[]): Promise<void> {
  let outcome: string;
  try {
    const plaintext = await open(payload === undefined ? object : { header: object, payload }, keys.map(providerOf));
    outcome = Buffer.compare(plaintext, pattern(vector.length ?? -1)) === 0 ? 'ok' : 'wrong plaintext';
  } catch (error) {
    outcome = isWaxsealError(error) ? error.code : String(error);
    if (process.env.DEBUG) console.error(error);
  }
  const expected = codes.length === 0 ? ['ok'] : codes;
  if (!expected.includes(outcome)) throw new Error(`${vector.name}: ${outcome}, not ${expected.join(' or ')}`);
}

for (const kind of ['positive', 'negative'] as const) {
  await rm(join(folder, kind), { recursive: true, force: true });
  await mkdir(join(folder, kind), { recursive: true });
}
for (const vector of [...positive, ...blockPositive, ...hpkePositive, ...quorumPositive]) await write('positive', vector);
for (const vector of [...negative, ...blockNegative, ...hpkeNegative, ...quorumNegative]) await write('negative', vector);
