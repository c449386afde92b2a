import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Contestant } from './small-objects.contestant.ts';
import { hasAwsEncryptionSdk } from './peers/peers.ts';

/** What the figures are about: a database value, a token, a small record. */
export const SMALL_BYTES = 1024;

const WARM_UP_MS = 3500;
/** Long enough that what a process loses while the others work is little beside it. */
const ROUND_MS = 1000;

export interface SmallObjectRates {
  /** Bytes of our sealed object. */
  readonly sealedBytes: number;
  /** Seal plus open, one after the other, a second; medians of the rounds. */
  readonly ours: number;
  /** The AWS Encryption SDK with the suite that it uses by default, and with its suite without a signature. */
  readonly signed: number | undefined;
  readonly unsigned: number | undefined;
}

/** A contestant in a process of its own. */
interface Lane {
  readonly name: Contestant;
  readonly child: ChildProcess;
  readonly bytes: number;
  readonly rates: number[];
}

/**
 * Seals and opens 1 KiB with a local key in the compact layout, against the AWS Encryption SDK with a raw AES keyring:
 * keys at hand, no network, one operation at a time. Each has a process of its own, as it has in a program: in a common
 * one each would pay for the garbage and the compiled code of the other. Only one works at a time, and their rounds take
 * turns, so that a noisy neighbour hits them alike.
 */
export async function measureSmallObjects(rounds: number): Promise<SmallObjectRates> {
  const names: readonly Contestant[] = hasAwsEncryptionSdk() ? ['ours', 'signed', 'unsigned'] : ['ours'];
  const lanes: Lane[] = [];
  try {
    for (const name of names) {
      const child = fork(join(import.meta.dirname, 'small-objects.contestant.ts'), [name], {
        execArgv: ['--disable-warning=ExperimentalWarning'],
      });
      const [bytes] = (await once(child, 'message')) as [number];
      lanes.push({ name, child, bytes, rates: [] });
    }
    // Also until the folder of the key, which has just been made, has come to rest: that is how a key in use lies.
    const warm = performance.now();
    while (performance.now() - warm < WARM_UP_MS) for (const lane of lanes) await round(lane, ROUND_MS);
    for (let i = 0; i < rounds; i += 1) for (const lane of lanes) lane.rates.push(await round(lane, ROUND_MS));
    const medianOf = (name: Contestant): number | undefined => median(lanes.find((lane) => lane.name === name)?.rates);
    return {
      sealedBytes: lanes[0]?.bytes ?? Number.NaN,
      ours: medianOf('ours') ?? Number.NaN,
      signed: medianOf('signed'),
      unsigned: medianOf('unsigned'),
    };
  } finally {
    for (const { child } of lanes) child.disconnect();
  }
}

/** Pairs a second over about `ms` milliseconds. */
async function round({ name, child }: Lane, ms: number): Promise<number> {
  child.send(ms);
  const [rate] = (await once(child, 'message')) as [unknown];
  if (typeof rate !== 'number') throw new RangeError(`${name} gave no rate`);
  return rate;
}

/** Lines for people; without the peer they say what brings it. */
export function describeSmallObjects({ sealedBytes, ours, signed, unsigned }: SmallObjectRates): string[] {
  const line = (name: string, rate: number): string =>
    `  ${name.padEnd(38)} ${rate.toFixed(0).padStart(6)} /s   ${(ours / rate).toFixed(1)} x`;
  return [
    `seal plus open of ${String(SMALL_BYTES)} bytes, compact (${String(sealedBytes)} bytes), local key; x: ours to theirs`,
    line('waxseal', ours),
    ...(signed === undefined ? [] : [line('AWS Encryption SDK, default (signed)', signed)]),
    ...(unsigned === undefined ? [] : [line('AWS Encryption SDK, unsigned', unsigned)]),
  ];
}

function median(values: readonly number[] = []): number | undefined {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
