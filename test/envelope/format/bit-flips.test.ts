import { beforeAll, describe, expect, it } from 'vitest';
import { inspect, type Inspection, isWaxsealError, openObject, verify } from '../../../src/index.ts';
import { scaled, tier } from '../../tier.ts';
import type { FixedKey } from '../../vectors/waxseal/make/fixed-key.ts';
import { generator, smallObject, testSeed } from './objects.ts';

/*
 * Every single-bit flip of a small sealed object is refused with the right code or, in padding, in a copy of the head
 * and in a slot, harmless: never wrong plaintext, never a changed fact shown as true, never verified as whole.
 * Full tier: every bit. Short tier: all bits of all that means something, one random bit of every byte of padding.
 */
const PLAINTEXT = Uint8Array.from({ length: 100 }, (_, i) => i);

interface Area {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly padding?: boolean;
  /** Outcome of opening after a flip of bit `bit` at `offset` within the area. */
  readonly opens: true | ((offset: number, bit: number) => string);
}

let object: Uint8Array;
let keys: readonly FixedKey[];
let shown: Inspection;
let areas: readonly Area[];
const seed = testSeed();
const next = generator(seed);

beforeAll(async () => {
  ({ object, keys } = await smallObject(PLAINTEXT));
  shown = await inspect(object);
  areas = areasOf(object);
});

function areasOf(bytes: Uint8Array): Area[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const used = 64 + view.getUint32(12) + view.getUint32(16);
  const [P, S] = [4096, view.getUint32(20)];
  const listEnd = (slot: number): number => slot + 64 + view.getUint32(slot + 16);
  const head = (at: number, name: string): Area[] => [
    { name, from: at, to: at + used, opens: true },
    { name: `padding of the ${name}`, from: at + used, to: at + P - 74, padding: true, opens: true },
    { name: `FLOE header of the ${name}`, from: at + P - 74, to: at + P, opens: true },
  ];
  const slot = (at: number, name: string): Area[] => [
    { name, from: at, to: listEnd(at), opens: true },
    { name: `padding of ${name}`, from: listEnd(at), to: at + S, padding: true, opens: true },
  ];
  const segments = 2 * P + 2 * S;
  const marker = PLAINTEXT.length + 32;
  return [
    ...head(0, 'first head'),
    ...slot(P, 'slot A'),
    ...slot(P + S, 'slot B'),
    ...head(P + 2 * S, 'second head'),
    {
      name: 'marker',
      from: segments,
      to: segments + 4,
      opens: (offset, bit) => {
        const value = (marker ^ (1 << ((3 - offset) * 8 + bit))) >>> 0;
        return value < 32 || value > 4096 ? 'ERR_MALFORMED' : value > marker ? 'ERR_TRUNCATED' : 'ERR_TRAILING_DATA';
      },
    },
    { name: 'IV, ciphertext and tag', from: segments + 4, to: bytes.length, opens: () => 'ERR_AUTHENTICATION' },
  ];
}

/** What opening gives: the code of the refusal, or `opens` with everything as it was sealed. */
async function opening(changed: Uint8Array): Promise<string> {
  try {
    await using opened = await openObject(changed, keys);
    const plaintext = await opened.read(0);
    const { context, metadata, id } = opened.info;
    const same =
      Buffer.compare(plaintext, PLAINTEXT) === 0 &&
      id === shown.id &&
      context.owner === 'Zoë' &&
      context.purpose === 'test' &&
      metadata?.name === 'secret.bin';
    return same ? 'opens' : 'wrong';
  } catch (error) {
    if (!isWaxsealError(error)) throw error;
    return error.code;
  }
}

/** What inspect presents as facts: all but what it says about damage. */
function factsOf(inspection: Inspection): string {
  return JSON.stringify({ ...inspection, lists: undefined, warnings: undefined });
}

async function verified(changed: Uint8Array): Promise<boolean> {
  try {
    return (await verify(changed, keys)).ok;
  } catch (error) {
    if (!isWaxsealError(error)) throw error;
    return false;
  }
}

async function flip(area: Area, at: number, bit: number): Promise<string | undefined> {
  const changed = object;
  changed[at] = (changed[at] ?? 0) ^ (1 << bit);
  try {
    const expected = area.opens === true ? 'opens' : area.opens(at - area.from, bit);
    const outcome = await opening(changed);
    if (outcome !== expected) return `open: ${outcome}, not ${expected}`;
    const told = factsOf(await inspect(changed));
    if (told !== factsOf(shown)) return `inspect shows ${told}`;
    if (await verified(changed)) return 'verify says that it is whole';
    return undefined;
  } finally {
    changed[at] = (changed[at] ?? 0) ^ (1 << bit);
  }
}

const extent = tier === 'short' ? 'some of them, others each time' : 'every one';

describe(`flipped bits, ${extent} (WAXSEAL_TEST_SEED=${String(seed)})`, () => {
  it('the object itself opens, is inspected and verified', async () => {
    expect(await opening(object)).toBe('opens');
    expect(await verified(object)).toBe(true);
    expect(shown.warnings).toEqual([]);
    expect(areas.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(object.length);
  });

  /** All of them; in the short tier some, and others each time. */
  function bitsAt(isPadding: boolean): readonly number[] {
    if (scaled(false, true, true)) return [0, 1, 2, 3, 4, 5, 6, 7];
    const bit = Math.floor(next() * 8);
    if (isPadding) return next() < 0.4 ? [bit] : [];
    return [bit];
  }

  it.each([...Array(12).keys()])('area %i', { timeout: 3_600_000 }, async (index) => {
    const area = areas[index];
    if (area === undefined) throw new Error('no such area');
    const wrong: string[] = [];
    for (let at = area.from; at < area.to; at += 1) {
      for (const bit of bitsAt(area.padding === true)) {
        const problem = await flip(area, at, bit);
        if (problem !== undefined) wrong.push(`${area.name}, byte ${String(at)}, bit ${String(bit)}: ${problem}`);
      }
    }
    expect(wrong.slice(0, 5)).toEqual([]);
  });

  it('covers every area', () => expect(areas).toHaveLength(12));

  it(
    'where no copy is left, every bit of the first head and of slot A is refused with the right code',
    { timeout: 600_000 },
    async () => {
      const alone = object.slice();
      const view = new DataView(alone.buffer, alone.byteOffset);
      const [slotB, head1, segments] = [8192, 12_288, 16_384];
      alone.fill(0, slotB, segments);
      expect(await opening(alone)).toBe('opens');
      const wrong: string[] = [];
      for (const { name, from, to, padding } of areas.filter((area) => area.to <= slotB && area.to < head1)) {
        for (let at = from; at < to; at += 1) {
          for (const bit of padding === true ? [Math.floor(next() * 8)] : [0, 1, 2, 3, 4, 5, 6, 7]) {
            alone[at] = (alone[at] ?? 0) ^ (1 << bit);
            const expected = padding === true ? 'opens' : codeAlone(at, bit, view);
            const outcome = await opening(alone);
            if (outcome !== expected)
              wrong.push(`${name}, byte ${String(at)}, bit ${String(bit)}: ${outcome}, not ${expected}`);
            alone[at] = (alone[at] ?? 0) ^ (1 << bit);
          }
        }
      }
      expect(wrong.slice(0, 5)).toEqual([]);
    },
  );
});

/** By SPEC section 12, step 1, for a flip in the head; a flip in the slot leaves none that is valid. */
function codeAlone(at: number, bit: number, view: DataView): string {
  if (at < 8) return 'ERR_NOT_SEALED';
  if (at === 8) return 'ERR_UNSUPPORTED_VERSION';
  // One bit away from attached stands the detached layout, whose hash lies over other bytes.
  if (at === 9) return bit === 1 ? 'ERR_HEADER_DAMAGED' : 'ERR_UNSUPPORTED_VERSION';
  if (at < 12 || (at >= 24 && at < 32)) return 'ERR_MALFORMED';
  if (at >= 24) return 'ERR_HEADER_DAMAGED';
  const [C, M, S] = [view.getUint32(12), view.getUint32(16), view.getUint32(20)];
  if (C < 1 || C > 16_384 || M > 4096 || S < 4096 || S > 65_536 || S % 4096 !== 0) return 'ERR_LIMIT_EXCEEDED';
  return Math.ceil((138 + C + M) / 4096) * 4096 > view.byteLength ? 'ERR_TRUNCATED' : 'ERR_HEADER_DAMAGED';
}
