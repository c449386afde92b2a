import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concat, encodeCbor } from '../../../../src/bytes/index.ts';
import { decodeHead } from '../../../../src/envelope/format/head.ts';
import { rewrap, seal, type SealOptions } from '../../../../src/envelope/index.ts';
import { type BlockLayout, type BlockRecipe, craftBlock } from './craft-block.ts';
import { craft, entry, type Ground, key1, key2, type Made, padded, pattern, random, RECOVERY_URI, recoveryKey, sealedMeta, URI } from './craft.ts';
import { type FixedKey, fixedKey } from './fixed-key.ts';
import { NON_ASCII } from './positive.ts';
import type { Vector } from './vector.ts';

/* What opens in the layouts with a recipient block; most of it in both. */
const FULL = 4096 - 32;
const one = (): FixedKey => fixedKey(URI, [key1]);
const recovery = (): FixedKey => fixedKey(RECOVERY_URI, [recoveryKey]);
const all = async (stream: ReadableStream<Uint8Array>): Promise<Uint8Array> =>
  new Uint8Array(await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer());

/** Sealed by the library, so that a change of what it writes shows here. */
async function sealed(layout: BlockLayout, length: number, options: SealOptions = {}, keys = [one()], stream = false): Promise<Made> {
  const plaintext = pattern(length);
  const shape = { segmentLength: 4096, ...options };
  if (layout === 'compact') {
    const compact = { ...shape, layout };
    return described(stream ? await all(await seal([plaintext], keys, compact)) : await seal(plaintext, keys, compact), keys[0]);
  }
  const detached = { ...shape, layout };
  if (!stream) {
    const { header, payload } = await seal(plaintext, keys, detached);
    return { ...described(header, keys[0]), payload };
  }
  const { header, payload } = await seal([plaintext], keys, detached);
  return { ...described(header, keys[0]), payload: await all(payload) };
}

function described(object: Uint8Array, key: FixedKey | undefined): Made {
  const { bind, coreBytes } = decodeHead(object, 'the vector');
  return { object, core: coreBytes.slice(), bind, dataKey: key?.wrapped[0] ?? new Uint8Array() };
}

async function rewrapped(layout: BlockLayout): Promise<Made> {
  const made = await sealed(layout, 5000);
  const folder = await mkdtemp(join(tmpdir(), 'waxseal-vectors-'));
  try {
    const path = join(folder, 'object.wax');
    await writeFile(path, made.object);
    await rewrap(path, fixedKey(URI, [key1, key2]));
    return { ...made, object: new Uint8Array(await readFile(path)) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A list of so many bytes, by an unknown field from 24 on. */
export const listOfLength =
  (length: number) =>
  (ground: Ground): ReturnType<typeof entry>[] => {
    const filled = (bytes: number): ReturnType<typeof entry> => entry(ground, { change: (f) => f.set(24, new Uint8Array(bytes)) });
    return [filled(1000 + length - encodeCbor([filled(1000)]).length)];
  };

const ODD_TEXT = { '\ufeffbom': '\ufeff', nul: '\0', ['__proto__']: 'own', '': '', 'long\ufeff': `\ufeff${'x'.repeat(40)}` };

function ofLayout(layout: BlockLayout): Vector[] {
  const vector = (name: string, about: string, length: number, make: Vector['make'], more: Partial<Vector> = {}): Vector => ({
    name: `${layout}-${name}`,
    about: `${layout}: ${about}`,
    length,
    make,
    ...more,
  });
  const crafted = (name: string, about: string, recipe: Omit<BlockRecipe, 'layout'>, more: Partial<Vector> = {}): Vector =>
    vector(name, about, recipe.plaintext?.length ?? 100, () => craftBlock({ ...recipe, layout }), more);

  return [
    vector('empty', 'no plaintext: one empty final segment', 0, () => sealed(layout, 0)),
    vector('one-byte', 'one byte', 1, () => sealed(layout, 1)),
    vector('one-segment', 'exactly one full final segment', FULL, () => sealed(layout, FULL)),
    vector('one-segment-and-a-byte', 'one internal segment and one byte', FULL + 1, () => sealed(layout, FULL + 1)),
    vector('aligned-end', 'the last of two segments is full', 2 * FULL, () => sealed(layout, 2 * FULL)),
    vector('several-segments', 'two internal segments and a final one', 10_000, () => sealed(layout, 10_000)),
    vector('unknown-size', 'sealed from a stream: no size in the core', 5000, () => sealed(layout, 5000, {}, [one()], true)),
    vector('unknown-size-empty', 'an empty stream: no size in the core', 0, () => sealed(layout, 0, {}, [one()], true)),
    crafted('unknown-size-empty-final', 'no size in the core, and an empty final segment behind a full one', {
      plaintext: pattern(FULL),
      size: null,
      emptyFinal: true,
    }),
    vector('context', 'context keys outside ASCII', 100, () => sealed(layout, 100, { context: NON_ASCII }), { context: NON_ASCII }),
    vector('context-odd-text', 'context texts that careless readers change: a leading U+FEFF, NUL, __proto__, empty', 100, () => sealed(layout, 100, { context: ODD_TEXT }), {
      context: ODD_TEXT,
    }),
    vector(
      'context-and-metadata',
      'an encryption context and private metadata',
      100,
      () => sealed(layout, 100, { context: { team: 'ml' }, metadata: { name: '\ufeffgröße.bin', mediaType: 'application/octet-stream' } }),
      { context: { team: 'ml' }, metadata: { name: '\ufeffgröße.bin', mediaType: 'application/octet-stream' } },
    ),
    crafted(
      'metadata-unknown-key-24',
      'private metadata with a field from 24 on, which a reader ignores',
      { meta: (ground) => sealedMeta(ground, padded(encodeCbor(new Map<number, string | number>([[1, 'a'], [24, 7]])))) },
      { metadata: { name: 'a' } },
    ),
    crafted('largest-context', 'a context of 4 KiB', { context: { text: 'x'.repeat(4087) } }, { context: { text: 'x'.repeat(4087) } }),
    vector('two-recipients', 'a second key', 100, () => sealed(layout, 100, {}, [one(), recovery()])),
    vector('two-recipients-second-key', 'opened with the second of two keys', 100, () => sealed(layout, 100, {}, [one(), recovery()]), {
      keys: [{ uri: RECOVERY_URI, versions: [recoveryKey] }],
    }),
    crafted('thirty-two-recipients', 'as many entries as are allowed; 31 are for other keys', {
      entries: (g) => [...Array.from({ length: 31 }, (_, i) => entry(g, { uri: `local:other-${String(i)}` })), entry(g)],
    }),
    crafted('largest-list', 'a recipient list of 65,472 bytes', { entries: listOfLength(65_472) }),
    crafted('recipients-carried', 'entries with an unknown algorithm, an unknown field 10, branch and quorum are carried and never tried', {
      entries: (g) => [
        entry(g, { wrap: random(40), change: (f) => f.set(3, 99) }),
        entry(g, { version: key2, wrap: random(72), change: (f) => f.set(10, 'new') }),
        entry(g, { uri: 'awskms:arn', change: (f) => f.set(3, 16).set(6, new Map([[1, random(16)]])) }),
        entry(g, { uri: 'quorum:team', change: (f) => f.set(3, 17).set(7, new Map([[1, 2], [2, 3]])) }),
        entry(g),
      ],
    }),
    crafted('core-unknown-key-24', 'unknown fields of the core from 24 on are carried and bound', {
      core: (f) => f.set(24, 'later').set(1000, [1, true]),
    }),
    vector('rewrapped', 'after a rewrap to version 2 of the key', 5000, () => rewrapped(layout), { keys: [{ uri: URI, versions: [key2] }] }),
  ];
}

export const blockPositive: readonly Vector[] = [
  ...ofLayout('compact'),
  ...ofLayout('detached'),
  {
    name: 'detached-bytes-behind-header',
    about: 'detached: bytes behind the header change nothing when opening',
    length: 100,
    make: () => craftBlock({ layout: 'detached', object: (o) => concat(o, new Uint8Array(3)) }),
  },
  ...(['compact', 'detached'] as const).map((layout) => ({
    name: `recovery-head0-${layout}`,
    about: `an attached object whose first head is the valid head of a ${layout} object without recipients: the second is read`,
    length: 100,
    make: () =>
      craft({
        object: (o) => {
          o.set(craftBlock({ layout, block: (b) => b.fill(0xff) }).object);
          return o;
        },
      }),
  })),
];
