import { beforeAll, describe, expect, it } from 'vitest';
import { type CborValue, concat, encodeCbor, writeU32 } from '../../../src/bytes/index.ts';
import { decodeCore } from '../../../src/envelope/format/core.ts';
import { decodeHead } from '../../../src/envelope/format/head.ts';
import { decodeRecipients } from '../../../src/envelope/format/recipients.ts';
import { readSlot } from '../../../src/envelope/format/slot.ts';
import { hashLabel } from '../../../src/crypto/hash.ts';
import { convert, inspect, isWaxsealError, open } from '../../../src/index.ts';
import { scaled } from '../../tier.ts';
import type { FixedKey } from '../../vectors/waxseal/make/fixed-key.ts';
import { generator, smallObject, testSeed } from './objects.ts';

const COUNT = scaled(2000, 20_000, 1_000_000);
const seed = testSeed();
const next = generator(seed);
const below = (n: number): number => Math.floor(next() * n);
const pick = <T>(...items: readonly T[]): T => items[below(items.length)] as T;
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => below(256));

const PLAINTEXT = Uint8Array.of(1, 2, 3);
let base: Uint8Array;
let compact: Uint8Array;
let detached: { readonly header: Uint8Array; readonly payload: Uint8Array };
let keys: readonly FixedKey[];
let list: Uint8Array;
let core: Uint8Array;
let bind: Uint8Array;

beforeAll(async () => {
  ({ object: base, keys } = await smallObject(PLAINTEXT));
  compact = await convert(base, 'compact');
  detached = await convert(base, 'detached');
  const view = new DataView(base.buffer, base.byteOffset);
  core = base.slice(64, 64 + view.getUint32(12));
  bind = hashLabel('waxseal/1 bind', core);
  list = base.slice(4096 + 64, 4096 + 64 + view.getUint32(4096 + 16));
});

/** What storage, careless programs and forgers do to bytes, several times over. */
function mutated(original: Uint8Array): Uint8Array {
  let out: Uint8Array = original.slice();
  for (let n = pick(1, 1, 1, 2, 4, 16); n > 0; n -= 1) {
    const at = below(out.length + 1);
    switch (below(8)) {
      case 0:
        out[at] = (out[at] ?? 0) ^ (1 << below(8));
        break;
      case 1:
        if (at < out.length)
          out[at] = pick(0, 1, 0x17, 0x18, 0x1b, 0x5f, 0x7f, 0x80, 0x9b, 0xa0, 0xbb, 0xbf, 0xf6, 0xfb, 0xff);
        break;
      case 2:
        out = out.slice(0, at);
        break;
      case 3:
        out = concat(out.subarray(0, at), bytes(below(9)), out.subarray(at));
        break;
      case 4:
        out = concat(out.subarray(0, at), out.subarray(Math.min(out.length, at + below(9))));
        break;
      case 5:
        out = concat(out.subarray(0, at), out.subarray(below(out.length + 1), out.length), out.subarray(at));
        break;
      case 6:
        out.set(bytes(Math.min(8, out.length - at)), at);
        break;
      default:
        if (at + 4 <= out.length) writeU32(out, at, pick(0, 1, 2 ** 31, 2 ** 32 - 1, below(2 ** 32), out.length));
    }
    if (out.length > 70_000) out = out.slice(0, 70_000);
  }
  return out;
}

function value(depth = 0): CborValue {
  switch (below(depth > 9 ? 5 : 8)) {
    case 0:
      return pick(0, 1, 23, 24, 4096, 2 ** 32, Number.MAX_SAFE_INTEGER, below(2 ** 32));
    case 1:
      return pick(2n ** 53n, 2n ** 64n - 1n);
    case 2:
      return pick('', 'local:test', '\ufeff', 'x'.repeat(below(600)));
    case 3:
      return bytes(pick(0, 12, 15, 16, 17, 72, 2049));
    case 4:
      return next() < 0.5;
    case 5:
      return Array.from({ length: below(5) }, () => value(depth + 1));
    default:
      return new Map(
        Array.from({ length: below(6) }, () => [
          pick<number | string>(below(30), below(10), 'a', 2 ** 40),
          value(depth + 1),
        ]),
      );
  }
}

/** Well-formed CBOR of the right outline and arbitrary contents. */
function outline(kind: 'core' | 'list'): Uint8Array {
  const fields = (): Map<number | string, CborValue> => {
    const usual: readonly [number, CborValue][] =
      kind === 'core'
        ? [
            [1, 1],
            [2, bytes(16)],
            [3, pick(1, 2, 3)],
            [4, 1],
            [5, 4096],
            [6, new Map()],
            [7, 1],
            [8, below(1000)],
          ]
        : [
            [1, pick('local:test', 'local:recovery', 'x')],
            [2, String(below(9))],
            [3, pick(1, 2)],
            [4, bytes(72)],
            [9, bytes(16)],
          ];
    const out = new Map<number | string, CborValue>(usual);
    for (let n = below(3); n > 0; n -= 1) out.set(below(12), value());
    if (next() < 0.2) out.delete(below(10));
    return out;
  };
  return kind === 'core'
    ? encodeCbor(fields())
    : encodeCbor(Array.from({ length: pick(0, 1, 2, 3, 31, 32, 33) }, fields));
}

const shaped = (kind: 'core' | 'list', original: Uint8Array): Uint8Array => {
  const made = pick(
    () => mutated(original),
    () => outline(kind),
    () => mutated(outline(kind)),
    () => bytes(below(300)),
  )();
  return made.slice(0, kind === 'core' ? 17_000 : 65_472);
};

/** A slot around any list, with a hash that fits, or nearly. */
function forgedSlot(index: number, slotSize: number, forBind: Uint8Array): Uint8Array {
  const inside = shaped('list', list).slice(0, slotSize - 64);
  const slot = new Uint8Array(slotSize);
  slot.set([0x57, 0x58, 0x53, 0x4c, index]);
  slot.set(pick(bytes(1), Uint8Array.of(0, 1), Uint8Array.of(0, 0, 0, 0, 0, 0, 0, below(4))), 8);
  writeU32(slot, 16, inside.length);
  writeU32(slot, 20, slotSize);
  slot.set(inside, 64);
  slot.set(hashLabel('waxseal/1 slot', forBind, slot.subarray(0, 32), inside), 32);
  return next() < 0.2 ? mutated(slot) : slot;
}

/** A head around any core, with lengths and hash that fit, or nearly. */
function forgedHead(): { head: Uint8Array; core: Uint8Array; slotSize: number } {
  const inside = next() < 0.3 ? core : shaped('core', core);
  const meta = bytes(pick(0, 0, 92, 4096));
  const slotSize = pick(4096, 8192, 65_536);
  const floe = concat(Uint8Array.of(0, 0, 0, 0, 16, 0, 0, 0, 0, 32), bytes(64));
  const head = new Uint8Array(Math.ceil((138 + inside.length + meta.length) / 4096) * 4096);
  head.set(base.subarray(0, 10));
  writeU32(head, 12, inside.length);
  writeU32(head, 16, meta.length);
  writeU32(head, 20, slotSize);
  head.set(concat(inside, meta), 64);
  head.set(floe, head.length - 74);
  head.set(hashLabel('waxseal/1 head', head.subarray(0, 32), inside, meta, floe), 32);
  return { head: next() < 0.2 ? mutated(head) : head, core: inside, slotSize };
}

function forgedObject(): Uint8Array {
  if (next() < 0.3) return mutated(base);
  const { head, core: inside, slotSize } = forgedHead();
  const forBind = hashLabel('waxseal/1 bind', inside);
  return concat(head, forgedSlot(0, slotSize, forBind), forgedSlot(1, slotSize, forBind), head, bytes(below(200)));
}

/** All of a compact or detached object but its segments, around any core and list, with lengths and hashes that fit, or nearly. */
function forgedBlockHead(layout: 'compact' | 'detached'): Uint8Array {
  const original = layout === 'compact' ? compact : detached.header;
  if (next() < 0.3) return next() < 0.1 ? original : mutated(original);
  const inside = next() < 0.3 ? core : shaped('core', core);
  const entries = shaped('list', list);
  const meta = bytes(pick(0, 0, 92, 4096));
  const prelude = original.slice(0, 32);
  writeU32(prelude, 12, inside.length);
  writeU32(prelude, 16, meta.length);
  writeU32(prelude, 20, entries.length);
  const floe = concat(Uint8Array.of(0, 0, 0, 0, 16, 0, 0, 0, 0, 32), bytes(64));
  const forBind = hashLabel('waxseal/1 bind', inside);
  const block = concat(hashLabel('waxseal/1 recipients', forBind, entries), entries);
  const hash = hashLabel('waxseal/1 head', prelude, inside, meta, floe);
  const head =
    layout === 'compact'
      ? concat(prelude, inside, meta, block, floe)
      : concat(prelude, hash, inside, meta, floe, block);
  return next() < 0.2 ? mutated(head) : head;
}

/** Opens it as bytes and as a stream, which must agree. */
async function opens(input: Uint8Array, header?: Uint8Array): Promise<'value' | 'refused'> {
  const source = <T>(body: T): T => (header === undefined ? body : ({ header, payload: body } as T));
  const opened = await survives(async () => {
    const plaintext = await open(source(input), keys);
    // Whatever was done to it: what opens is what was sealed.
    if (Buffer.compare(plaintext, PLAINTEXT) !== 0) throw new TypeError('wrong plaintext');
  });
  const streamed = await survives(async () => {
    for await (const chunk of await open(source([input]), keys))
      if (Buffer.compare(chunk, PLAINTEXT) !== 0) throw new TypeError('wrong plaintext');
  });
  expect(streamed).toBe(opened);
  return opened;
}

/** Runs a parser; anything but a value or a WaxsealError fails the test. */
async function survives(work: () => unknown): Promise<'value' | 'refused'> {
  try {
    await work();
    return 'value';
  } catch (error) {
    if (isWaxsealError(error)) return 'refused';
    throw error;
  }
}

const PARSERS: Readonly<Record<string, () => Promise<'value' | 'refused'>>> = {
  'recipient lists': () => {
    const input = shaped('list', list);
    return survives(() => decodeRecipients(input, 'x'));
  },
  cores: () => {
    const input = shaped('core', core);
    return survives(() => decodeCore(input, 'x'));
  },
  slots: () => {
    const input = forgedSlot(0, 4096, bind);
    return survives(() => {
      const reading = readSlot(input, 0, 4096, bind, 'x');
      if ((reading.slot === undefined) === (reading.problem === undefined))
        throw new TypeError('neither valid nor not');
      if (reading.slot === undefined) reading.bytes.slice();
    });
  },
  heads: () => {
    const input = pick(
      () => forgedHead().head,
      () => mutated(base.slice(0, 4096)),
      () => bytes(below(5000)),
    )();
    return survives(() => decodeHead(input, 'x'));
  },
  objects: async () => {
    const input = forgedObject();
    await survives(() => inspect(input));
    return opens(input);
  },
  'compact objects': async () => {
    const head = forgedBlockHead('compact');
    const input = next() < 0.7 ? head : concat(head, bytes(below(200)));
    await survives(() => inspect(input));
    await survives(() => decodeHead(input, 'x'));
    return opens(input);
  },
  'detached headers': async () => {
    const header = forgedBlockHead('detached');
    await survives(() => inspect(header));
    await survives(() => decodeHead(header, 'x'));
    return opens(next() < 0.8 ? detached.payload : mutated(detached.payload), header);
  },
};

describe(`parsers refuse what is not theirs, and nothing else happens (WAXSEAL_TEST_SEED=${String(seed)})`, () => {
  it.each(Object.keys(PARSERS))('%s', { timeout: 3_600_000 }, async (name) => {
    const run = PARSERS[name];
    if (run === undefined) throw new Error('no such parser');
    const outcomes = { value: 0, refused: 0 };
    let slowestMs = 0;
    const before = memory();
    let most = before;
    for (let n = 0; n < Math.ceil(COUNT / Object.keys(PARSERS).length); n += 1) {
      const started = performance.now();
      outcomes[await run()] += 1;
      slowestMs = Math.max(slowestMs, performance.now() - started);
      if (n % 100 === 0) most = Math.max(most, memory());
    }
    // Both kinds of input were met, or the test tests nothing.
    if (name !== 'slots')
      expect(Math.min(outcomes.value, outcomes.refused), JSON.stringify(outcomes)).toBeGreaterThan(0);
    expect(slowestMs).toBeLessThan(5000);
    expect((most - before) / 2 ** 20).toBeLessThan(400);
  });

  it('lengths and depths that would take memory or stack are refused at once', async () => {
    const bombs = [
      concat(Uint8Array.of(0x9b, 0, 0, 0, 1, 0, 0, 0, 0), new Uint8Array(60_000)),
      concat(Uint8Array.of(0xbb, 0, 0, 0, 1, 0, 0, 0, 0), new Uint8Array(60_000)),
      Uint8Array.of(0x5b, 0, 0, 0, 1, 0, 0, 0, 0),
      Uint8Array.of(0x7b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
      new Uint8Array(65_000).fill(0x81),
      new Uint8Array(65_000).fill(0xa1),
      new Uint8Array(65_000).fill(0x9f),
    ];
    const before = memory();
    for (const bomb of bombs) {
      const started = performance.now();
      expect(await survives(() => decodeRecipients(bomb, 'x'))).toBe('refused');
      expect(await survives(() => decodeCore(bomb, 'x'))).toBe('refused');
      expect(performance.now() - started).toBeLessThan(5000);
    }
    expect((memory() - before) / 2 ** 20).toBeLessThan(200);
  });
});

function memory(): number {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}
